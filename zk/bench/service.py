"""What a call costs the server: processor time of its processes, over gRPC with TLS, with L=10 and 3 shown.

The limit for many presentations holds for a server that keeps busy what the load generator leaves of the
cores.
"""

from collections.abc import Iterator
from typing import Final

from bbs.groups.protocol import Group
from zk.bench.load import figures
from zk.bench.measure import pairing_check
from zk.bench.rows import PROMISED, Message, Row, Scale, Watch

_LIMITS: Final = {
    (figures.VERIFY, 1): 2.3,
    (figures.VERIFY, figures.CALLERS): 1.5,
    (figures.ISSUE, figures.CALLERS): 1.6,
}


def service(group: Group, scale: Scale, watch: Watch) -> Iterator[Row]:
    """Measure the server's processor time for a call."""
    with figures.benching(pairing_check(group)) as bench:
        for method, callers, calls in figures.costs(scale.calls):
            label = _label(method, callers)
            with watch(label, None):
                measured = bench.row(method, callers, calls)
            limit = _LIMITS[method, callers] if group.name == PROMISED else None
            yield _row(label, measured, limit)


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
