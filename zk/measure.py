"""What the group in use costs here: a proof and its verification, in multiples of one pairing check.

The unit is that of the project's published figures: one check that a product of two pairings is one, with
nothing prepared, which is two Miller loops and one final exponentiation. Figures in its multiples compare
between machines.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import bbs
from bbs.groups.protocol import Group

_MESSAGES: Final = tuple(f"message {index}".encode() for index in range(8))
_SHOWN: Final = (0, 3)
_SECONDS: Final = 0.15
_NATIVE: Final = "blst"


@dataclass(frozen=True)
class Cost:
    """Milliseconds: one pairing check, one proof of 8 messages with 2 shown, and its verification."""

    group: str
    pairing_check_ms: float
    proof_ms: float
    verify_ms: float

    def ratio(self, milliseconds: float) -> float:
        """Return a time in multiples of one pairing check."""
        return milliseconds / self.pairing_check_ms


def measure(clock: Callable[[], float] = time.perf_counter, seconds: float = _SECONDS) -> Cost:
    """Measure the default group; each figure takes `seconds` or one call, whichever is longer."""
    group, suite = bbs.groups.default(), bbs.SHA_256
    secret = bbs.SecretKey.generate(suite=suite)
    public = secret.public_key()
    signature = bbs.sign(secret, public, b"", _MESSAGES, suite=suite)

    def prove() -> bytes:
        return bbs.proof_gen(public, signature, b"", b"", _MESSAGES, _SHOWN, suite=suite)

    proof, shown = prove(), tuple(_MESSAGES[index] for index in _SHOWN)
    return Cost(
        group=group.name,
        pairing_check_ms=pairing_check_ms(group, clock, seconds),
        proof_ms=_best(prove, clock, seconds),
        verify_ms=_best(
            lambda: bbs.proof_verify(public, proof, b"", b"", shown, _SHOWN, suite=suite), clock, seconds
        ),
    )


def pairing_check_ms(
    group: Group, clock: Callable[[], float] = time.perf_counter, seconds: float = _SECONDS
) -> float:
    """Return how long one check of a product of two pairings takes, with nothing prepared."""
    return _best(_unit(group), clock, seconds)


def _unit(group: Group) -> Callable[[], object]:
    if group.name != _NATIVE:
        pairs = [(group.BP1, group.BP2), (group.BP1, group.BP2_negated)]
        return lambda: group.pairing_product_is_one(pairs)
    # The native group keeps its own points prepared, which makes its check cheaper than the unit.
    native = import_module("zk_native")
    scalar = (7).to_bytes(32, "big")
    key = native.SecretKey.from_octets(scalar).public_key()
    g1, minus_g2 = native.g1_generator(), native.g2_generator().negated()
    seven = native.msm([g1], scalar, None, b"", False)
    return lambda: native.pairing_check_unprepared(g1, key, seven, minus_g2)


def _best(action: Callable[[], Any], clock: Callable[[], float], seconds: float) -> float:
    """Return the milliseconds of the fastest of as many calls as fit: the one that was disturbed least."""
    end, best = clock() + seconds, float("inf")
    while True:
        start = clock()
        action()
        now = clock()
        best = min(best, now - start)
        if now >= end:
            return best * 1000
