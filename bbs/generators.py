"""Generators (draft-irtf-cfrg-bbs-signatures-09, section 4.1.1).

State: each (ciphersuite, group, api_id) keeps the longest run of generators computed so far, and extends it;
the runs and the prepared prefixes of them are bounded in number, the least recently used goes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from threading import Lock

from bbs.ciphersuite import Ciphersuite
from bbs.errors import InputError, Reason
from bbs.groups.protocol import G1Point, PreparedBases
from bbs.hashing import hash_to_curve_g1s


@dataclass(frozen=True, eq=False)
class Generators:
    """Q_1 and H_1..H_L, with P1 before them prepared for multiplication, in the order P1, Q_1, H_1..H_L.

    Extensions of the scheme put their own lists of points together with `Generators(points, suite)`.
    """

    points: tuple[G1Point, ...]
    suite: Ciphersuite
    prepared: PreparedBases = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.points:
            raise InputError(Reason.COUNT_MISMATCH, "there is at least the generator Q_1")
        object.__setattr__(self, "prepared", self.suite.group.prepare((self.suite.P1, *self.points)))

    @property
    def L(self) -> int:
        """The number of message generators."""
        return len(self.points) - 1

    @property
    def P1(self) -> G1Point:
        """The fixed point of the ciphersuite."""
        return self.suite.P1

    @property
    def Q_1(self) -> G1Point:
        """The generator of the domain."""
        return self.points[0]

    @property
    def H(self) -> tuple[G1Point, ...]:
        """The generators of the messages."""
        return self.points[1:]

    @cached_property
    def octets(self) -> bytes:
        """Q_1 and H_1..H_L, encoded one after the other."""
        return self.suite.group.g1s_to_octets(self.points)

    def combine(
        self,
        scalars: Sequence[int],
        points: Sequence[G1Point] = (),
        factors: Sequence[int] = (),
        *,
        secret: bool = False,
    ) -> G1Point:
        """Multiply P1, Q_1, H_1..H_L by `scalars` and other points by `factors`, and add all up.

        `secret` asks for the group's constant-time way.
        """
        return self.suite.group.msm(points, factors, self.prepared, scalars, secret=secret)


class _Run:
    """Generators with the hash state that each came from: one append extends both, or neither."""

    def __init__(self, api_id: bytes, generator_seed: bytes, suite: Ciphersuite) -> None:
        self._suite = suite
        self._seed_dst = api_id + b"SIG_GENERATOR_SEED_"
        self._generator_dst = api_id + b"SIG_GENERATOR_DST_"
        self._start = suite.expand_message(generator_seed, self._seed_dst, suite.expand_len)
        self._steps: list[tuple[bytes, G1Point]] = []
        self._lock = Lock()

    def take(self, count: int) -> tuple[G1Point, ...]:
        with self._lock:
            states, v = [], self._steps[-1][0] if self._steps else self._start
            for i in range(len(self._steps) + 1, count + 1):
                v = self._suite.expand_message(v + i.to_bytes(8), self._seed_dst, self._suite.expand_len)
                states.append(v)
            points = hash_to_curve_g1s(states, self._generator_dst, suite=self._suite)
            self._steps.extend(zip(states, points, strict=True))
            return tuple(point for _, point in self._steps[:count])


@lru_cache(maxsize=32)
def _run(api_id: bytes, generator_seed: bytes, suite: Ciphersuite) -> _Run:
    return _Run(api_id, generator_seed, suite)


def hash_to_generators(
    count: int, api_id: bytes, *, suite: Ciphersuite, seed: bytes = b"MESSAGE_GENERATOR_SEED"
) -> tuple[G1Point, ...]:
    """Return the first `count` generators of an interface (section 4.1.1); `seed` is appended to `api_id`.

    Raises InputError TOO_MANY_MESSAGES, COUNT_MISMATCH (count below 1), INVALID_DST (api_id too long).
    """
    if count < 1:
        raise InputError(Reason.COUNT_MISMATCH, "at least one generator is asked for")
    if count > suite.max_messages + 1:
        raise InputError(Reason.TOO_MANY_MESSAGES, f"more than {suite.max_messages} messages")
    return _run(api_id, api_id + seed, suite).take(count)


@lru_cache(maxsize=64)
def create_generators(count: int, api_id: bytes, *, suite: Ciphersuite) -> Generators:
    """Return Q_1 and `count` - 1 message generators of an interface, prepared (section 4.1.1).

    Raises InputError TOO_MANY_MESSAGES, COUNT_MISMATCH (count below 1), INVALID_DST (api_id too long).
    """
    return Generators(hash_to_generators(count, api_id, suite=suite), suite)
