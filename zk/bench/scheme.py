"""The operations of the scheme on one thread, keys and tables being there: what each further one costs.

Operations of one L take turns with each other; L=10 and L=100 do not, since the tables of the one would be
out of the caches whenever the other comes round. Keys are SecretKey objects and verifiers have met the
issuer's key before: what an issuer and a verifier pay for each credential, not for the first one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Final

from bbs import SHA_256
from bbs.groups.protocol import Group
from zk.bench.cases import Batch, Case
from zk.bench.measure import Operation, in_turns, pairing_check, ratio
from zk.bench.rows import PROMISED, Message, Row, Scale, Watch

BATCH: Final = 256
REFERENCE: Final = "py_ecc"
_WARM_UP: Final = 5
_SECONDS: Final = 30.0
"""The longest that operations take turns, unless so few rounds take longer already."""
_LEAST_ROUNDS: Final = 3


@dataclass(frozen=True)
class Planned:
    """An operation to measure; it does `share` of what its row says. Its limit is the native group's."""

    label: Message
    operation: Operation
    limit: float | None = None
    share: int = 1


def scheme(group: Group, scale: Scale, watch: Watch) -> Iterator[Row]:
    """Measure the operations; of the reference group, whose operations take long, those of L=10 alone."""
    suite = SHA_256.with_group(group)
    ten = Case(suite, 10, 3)
    yield from measured(group, _of_ten(ten), scale.rounds, watch, _stage(ten))
    if group.name == REFERENCE:
        return
    hundred = Case(suite, 100, 10)
    yield from measured(group, _of_hundred(hundred), scale.rounds, watch, _stage(hundred))
    batch = Planned(
        Message("bench.row.batch", {"size": BATCH}), Batch.of(ten, BATCH).verify, 0.85, share=BATCH
    )
    yield from measured(group, [batch], scale.batches, watch, batch.label)


def _stage(case: Case) -> Message:
    return Message("bench.stage", {"L": case.count})


def _of_ten(case: Case) -> list[Planned]:
    size, sizes = {"L": case.count}, {"L": case.count, "shown": case.shown}
    return [
        Planned(Message("bench.row.sign", size), case.sign, 0.45),
        Planned(Message("bench.row.verify", size), case.verify, 1.35),
        Planned(Message("bench.row.proof_gen_prepared", sizes), case.proof_gen_prepared, 0.85),
        Planned(Message("bench.row.proof_gen", sizes), case.proof_gen),
        Planned(Message("bench.row.prepare", size), case.prepare),
        Planned(Message("bench.row.proof_verify", sizes), case.proof_verify, 1.6),
    ]


def _of_hundred(case: Case) -> list[Planned]:
    size, sizes = {"L": case.count}, {"L": case.count, "shown": case.shown}
    return [
        Planned(Message("bench.row.sign", size), case.sign),
        Planned(Message("bench.row.verify", size), case.verify),
        Planned(Message("bench.row.proof_gen_prepared", sizes), case.proof_gen_prepared),
        Planned(Message("bench.row.proof_verify", sizes), case.proof_verify, 3.5),
    ]


def measured(group: Group, plan: list[Planned], most: int, watch: Watch, stage: Message) -> Iterator[Row]:
    """Measure operations that take turns, at most so many rounds of them."""
    operations = [pairing_check(group), *(each.operation for each in plan)]
    rounds = _rounds(operations, most)
    with watch(stage, rounds) as advance:
        units, *taken = in_turns(operations, rounds, advance)
    for each, times in zip(plan, taken, strict=True):
        limit = each.limit if group.name == PROMISED else None
        multiple, seconds = ratio(times, units) / each.share, median(times) / each.share
        yield Row(each.label, multiple, seconds * 1e3, limit=limit)


def _rounds(operations: list[Operation], most: int) -> int:
    """Return how many rounds fit, after some that build tables and warm the caches."""
    for operation in operations:
        operation()
    start = perf_counter()
    in_turns(operations, 1)
    fitting = int(_SECONDS / (perf_counter() - start))
    in_turns(operations, min(_WARM_UP, fitting))
    return max(_LEAST_ROUNDS, min(most, fitting))
