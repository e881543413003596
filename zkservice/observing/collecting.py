"""Metrics of what the parts of a server count by themselves, made at the moment somebody asks for them."""

import shutil
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from zkservice.context import Context
from zkservice.observing.dependencies import Dependencies
from zkservice.timing import BOUNDS, Timings
from zkservice.workers import Workers

_KIND: Final = ("kind",)


class Parts(Collector):
    """Reads the parts of one server. It may be asked in any thread: what it reads are numbers."""

    def __init__(self, context: Context, dependencies: Dependencies) -> None:
        self._context, self._dependencies = context, dependencies

    def collect(self) -> Iterator[Metric]:
        """Give all metrics."""
        yield from self._ready()
        yield from self._workers()
        yield from self._database()
        yield from self._log()
        yield from self._witnesses()

    def _ready(self) -> Iterator[Metric]:
        looked = self._dependencies
        up = GaugeMetricFamily("zk_dependency_up", "Whether a dependency is there", labels=("dependency",))
        for name, well in looked.states.items():
            up.add_metric((name.value,), well)
        yield up
        yield _gauge("zk_ready", "Whether callers can be served", looked.ready)
        ends = looked.ends.timestamp()
        yield _gauge("zk_certificate_not_after_seconds", "When the certificate ends, in Unix time", ends)
        if (lists := self._context.callers.revoked.ends) is not None:
            text = "When the first list of revoked certificates ends, in Unix time"
            yield _gauge("zk_revocation_lists_not_after_seconds", text, lists.timestamp())
        free = shutil.disk_usage(self._context.settings.data).free
        yield _gauge("zk_data_free_bytes", "Room that is left where the data folder is", free)

    def _workers(self) -> Iterator[Metric]:
        kinds = self._context.judges, self._context.signers
        alive = GaugeMetricFamily("zk_workers_alive", "Workers that could begin at once", labels=_KIND)
        busy = GaugeMetricFamily("zk_workers_busy", "Workers that are at work", labels=_KIND)
        lost = CounterMetricFamily("zk_worker_restarts", "Workers that were lost and replaced", labels=_KIND)
        queue = GaugeMetricFamily("zk_desk_waiting", "Jobs that wait for a worker", labels=_KIND)
        for each in kinds:
            alive.add_metric((each.kind,), each.alive)
            busy.add_metric((each.kind,), each.busy)
            lost.add_metric((each.kind,), each.lost)
            queue.add_metric((each.kind,), sum(one.waiting for one in each.queues))
        yield from (alive, busy, lost, queue)
        yield _histogram("zk_desk_wait_seconds", "How long jobs waited for a worker", _KIND, _waits(kinds))
        jobs = [((each.kind,), (each.jobs,)) for each in kinds]
        yield _histogram("zk_desk_job_seconds", "How long jobs took, with their waiting", _KIND, jobs)
        batches = [((each.kind,), (each.batches,)) for each in kinds]
        yield _histogram("zk_worker_batch_seconds", "How long batches of jobs took", _KIND, batches)
        members = CounterMetricFamily("zk_worker_jobs", "Jobs that workers did", labels=_KIND)
        for each in kinds:
            members.add_metric((each.kind,), each.batches.members)
        yield members

    def _database(self) -> Iterator[Metric]:
        database = self._context.database
        yield _gauge("zk_database_writes_waiting", "Writes that wait for their group", database.waiting)
        yield _gauge("zk_database_reads", "Reads that wait or run", database.reading)
        yield _gauge("zk_database_connections", "Connections of the pool in use", database.connections)
        groups, waits = [((), (database.groups,))], [((), (database.waits,))]
        yield _histogram("zk_database_group_seconds", "How long write groups took", (), groups)
        yield _histogram("zk_database_write_wait_seconds", "How long writes waited", (), waits)
        writes = CounterMetricFamily("zk_database_writes", "Writes in all groups")
        writes.add_metric((), database.groups.members)
        failures = CounterMetricFamily("zk_database_failures", "What the database failed", labels=_KIND)
        for kind, count in database.failures.items():
            failures.add_metric((kind,), count)
        yield from (writes, failures)

    def _log(self) -> Iterator[Metric]:
        sequencer, looked = self._context.sequencer, self._dependencies
        entries = CounterMetricFamily("zk_sequencer_entries", "Entries in blocks that this server published")
        entries.add_metric((), sequencer.blocks.members)
        yield entries
        blocks = [((), (sequencer.blocks,))]
        yield _histogram("zk_sequencer_block_seconds", "How long blocks took", (), blocks)
        yield _gauge("zk_sequencer_leads", "Whether this server sequences", sequencer.leads)
        yield _gauge("zk_sequencer_lag_seconds", "How long entries wait for a block", looked.lag.seconds)
        yield _gauge("zk_log_size", "Entries that are published", sequencer.published.size)
        pending = looked.pending
        if pending is not None:  # who does not know says nothing
            yield _gauge("zk_outbox_pending", "Entries that wait for a block", pending)

    def _witnesses(self) -> Iterator[Metric]:
        anchoring = self._context.anchoring
        if anchoring is None:
            return
        newest, size = self._context.anchored.newest, self._context.sequencer.published.size
        behind = max(size - (newest.size if newest is not None else 0), 0)
        yield _gauge("zk_anchored_lag_entries", "Published entries that are not anchored", behind)
        yield _gauge("zk_anchoring_late", "Whether the quorum is missing too long", anchoring.lateness.late)
        if not anchoring.asks:
            return
        labels = ("witness", "fault")
        faults = GaugeMetricFamily("zk_witness_fault", "1 for who did not cosign, and how", labels=labels)
        up = GaugeMetricFamily("zk_witness_up", "Whether a witness cosigned last", labels=labels[:1])
        found = anchoring.faults
        for name in anchoring.witnesses:
            up.add_metric((name,), name not in found)
            if name in found:
                faults.add_metric((name, str(found[name].kind)), 1)
        yield from (up, faults)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _waits(kinds: Iterable[Workers]) -> list[tuple[tuple[str, ...], tuple[Timings, ...]]]:
    return [((each.kind,), tuple(one.waits for one in each.queues)) for each in kinds]


def _histogram(
    name: str,
    text: str,
    labels: tuple[str, ...],
    counted: Iterable[tuple[tuple[str, ...], tuple[Timings, ...]]],
) -> Metric:
    """Return a histogram of one or several `Timings` for each set of labels."""
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, timings in counted:
        buckets, total = list[tuple[str, float]](), 0
        ends = [*map(str, BOUNDS), "+Inf"]
        for end, *counts in zip(ends, *(each.counts for each in timings), strict=False):
            total += sum(counts)
            buckets.append((end, total))
        if not timings:
            buckets = [(end, 0) for end in ends]
        family.add_metric(values, buckets, sum(each.seconds for each in timings))
    return family
