"""What a call costs the server: processor time of its processes, over gRPC with TLS, with L=10 and 3 shown.

Records in bulk: how many times bare signing takes, which is the limit's other way round: at least 0.6 of what
signing alone reaches, the client on the same cores.

The limit for many presentations holds for a server that keeps busy what the load generator leaves of the
cores.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bbs.groups.protocol import Group
from zk.bench.load import figures
from zk.bench.load.bulk import bulk
from zk.bench.measure import pairing_check
from zk.bench.rows import PROMISED, Measure, Message, Row, Scale, Watch
from zk.local_server import UNLIMITED, running_server

_LIMITS: Final = {
    (figures.VERIFY, 1): 2.3,
    (figures.VERIFY, figures.CALLERS): 1.5,
    (figures.ISSUE, figures.CALLERS): 1.6,
}
_BULK_LIMIT: Final = 1 / 0.6
_RECORDS_A_CALL: Final = 20
"""With the usual scale 20,000 records: some seconds."""


def service(group: Group, scale: Scale, watch: Watch) -> Iterator[Row]:
    """Measure the server's processor time for a call."""
    with figures.benching(pairing_check(group)) as bench:
        for method, callers, calls in figures.costs(scale.calls):
            label = _label(method, callers)
            with watch(label, None):
                measured = bench.row(method, callers, calls)
            limit = _LIMITS[method, callers] if group.name == PROMISED else None
            yield _row(label, measured, limit)
    yield _bulk_row(group, scale, watch)


def _bulk_row(group: Group, scale: Scale, watch: Watch) -> Row:
    """Measure a push of records on a server of its own, whose memory nothing else has filled."""
    label = Message("bench.row.bulk")
    records = scale.calls * _RECORDS_A_CALL
    with tempfile.TemporaryDirectory() as name, watch(label, records) as advance:
        folder = Path(name)
        with running_server(
            folder / "server", folder / "server.log", log_level="error", settings=UNLIMITED
        ) as server:
            made = bulk(server, records, advance)
    remark = Message(
        "bench.remark.bulk",
        {
            "per_second": round(made.per_second),
            "signing": round(made.signing_per_second),
            "server": round(made.server_seconds * 1e6),
            "client": round(made.client_seconds * 1e6),
            "early": made.early_octets >> 20,
            "most": made.most_octets >> 20,
        },
    )
    limit = _BULK_LIMIT if group.name == PROMISED else None
    return Row(label, 1 / made.part, 1e3 / made.per_second, Measure.TIMES, limit=limit, remark=remark)


def _label(method: str, callers: int) -> Message:
    if callers == 1:
        return Message("bench.row.call_alone", {"method": method})
    return Message("bench.row.call", {"method": method, "callers": callers})


def _row(label: Message, measured: figures.Row, limit: float | None) -> Row:
    outcome = measured.outcome
    busy = measured.method != figures.VERIFY or outcome.callers == 1 or measured.cores_busy
    remark = Message(
        "bench.remark.busy" if busy else "bench.remark.idle",
        {
            "per_second": round(outcome.per_second),
            "server_cores": round(outcome.server_cores, 2),
            "generator_cores": round(outcome.generator_cores, 2),
        },
    )
    return Row(label, measured.ratio, outcome.server_seconds * 1e3, limit=limit, remark=remark, holds=busy)
