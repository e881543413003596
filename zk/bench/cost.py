"""In a second: what a proof and its verification cost with the group in use.

The same operations and the same unit as in `zk bench`, in fewer rounds.
"""

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Final

from bbs import SHA_256
from bbs.groups.protocol import Group
from zk.bench.cases import Case
from zk.bench.measure import in_turns, pairing_check, ratio

_SECONDS: Final = 0.5


@dataclass(frozen=True)
class Cost:
    """One pairing check, a proof of 10 messages that shows 3, and its verification.

    Times are in milliseconds, ratios in multiples of the pairing check.
    """

    pairing_check_ms: float
    proof_ms: float
    verify_ms: float
    proof_ratio: float
    verify_ratio: float


def cost_of(group: Group, seconds: float = _SECONDS) -> Cost:
    """Measure a group for some seconds, or in one round if that takes longer."""
    case = Case(SHA_256.with_group(group), 10, 3)
    operations = [pairing_check(group), case.proof_gen, case.proof_verify]
    in_turns(operations, 1)
    end, rounds = perf_counter() + seconds, list[list[float]]()
    while not rounds or perf_counter() < end:
        rounds.append([taken for (taken,) in in_turns(operations, 1)])
    checks, proofs, verifications = zip(*rounds, strict=True)
    return Cost(
        pairing_check_ms=median(checks) * 1e3,
        proof_ms=median(proofs) * 1e3,
        verify_ms=median(verifications) * 1e3,
        proof_ratio=ratio(proofs, checks),
        verify_ratio=ratio(verifications, checks),
    )
