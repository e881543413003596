"""Bases of which nobody knows a discrete logarithm with respect to any other."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from bbs.engine import Base, Suite
from bbs.errors import InputError, Reason
from bbs.groups.protocol import G1Point

BASE_DST = b"ZK_COMPOSITE_V1_BASE_"
_PURPOSE_OCTETS = 64


@lru_cache(maxsize=256)
def hashed_base(suite: Suite, purpose: str, octets: bytes = b"", *, fixed: bool = True) -> Base:
    """Return hash_to_curve of octets for a purpose.

    The purpose, 1 to 64 ASCII characters, is part of the domain separation tag after the suite's identifier,
    so bases of two purposes are independent whatever their octets. `fixed` is for bases of which there are
    few: tables cost more than many multiplications and some 200 KB. The latest 256 bases are kept. Raises
    InputError INVALID_DST.
    """
    if not 0 < len(purpose) <= _PURPOSE_OCTETS or not purpose.isascii():
        raise InputError(Reason.INVALID_DST, "a purpose has 1 to 64 ASCII characters")
    dst = suite.identifier + BASE_DST + purpose.encode()
    (point,) = suite.hash_to_points((octets,), dst)
    return Base(suite, point, fixed=fixed)


class MessageGenerators(Protocol):
    """P1, Q_1 and H_1..H_L of an interface: `bbs.generators.Generators`, or those of a keyed suite."""

    @property
    def L(self) -> int:
        """The number of message generators."""
        ...

    @property
    def P1(self) -> G1Point:
        """The fixed point."""
        ...

    @property
    def points(self) -> Sequence[G1Point]:
        """Q_1 and H_1..H_L."""
        ...

    def __hash__(self) -> int:
        """Hash: their bases are kept."""
        ...


@lru_cache(maxsize=64)
def generator_bases(suite: Suite, generators: MessageGenerators) -> tuple[Base, ...]:
    """Return P1, Q_1 and H_1..H_L of an interface as fixed bases."""
    points = (generators.P1, *generators.points)
    return tuple(Base(suite, point, fixed=True) for point in points)
