"""An issuer with its list, kept in memory, and ways to get its pages wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from py_ecc import optimized_bls12_381 as ecc

import bbs
from bbs import SHA_256, BbsError, groups
from bbs.accumulator import (
    AccumulatorKey,
    AccumulatorSecret,
    Epoch,
    MembershipWitness,
    Page,
    Position,
    catch_up,
)
from bbs.groups.bls12_381 import r
from bbs.groups.py_ecc import GROUP as REFERENCE
from bbs.hashing import hash_to_scalar
from tests.bbs.test_bbs_serialization import decompress_g1, small_g1

DEFAULT = groups.available()[0]
FAST = [name for name in groups.available() if name != "py_ecc"]


@cache
def secret(seed: bytes = b"R", group: str = DEFAULT) -> AccumulatorSecret:
    octets = bbs.keygen(seed * 32, suite=SHA_256)
    return AccumulatorSecret.from_octets(octets, suite=SHA_256.with_group(groups.by_name(group)))


def handle(number: int) -> int:
    return hash_to_scalar(number.to_bytes(4), b"handle", suite=SHA_256)


@dataclass
class Department:
    """What a department's service keeps: every pair, every position, every epoch."""

    secret: AccumulatorSecret
    revoked: set[int] = field(default_factory=set)
    pairs: list[bytes] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.positions.append(self.key.start)
        self.epochs.append(Epoch(0, self.key.start, 0))

    @property
    def key(self) -> AccumulatorKey:
        return self.secret.key

    @property
    def now(self) -> Position:
        return self.positions[-1]

    def witness(self, y: int) -> MembershipWitness:
        return self.secret.witness(y, self.now, self.revoked).verified()

    def revoke(self, handles: Sequence[int]) -> None:
        page = self.secret.revoke(handles, self.now, self.revoked)
        for i in range(len(handles)):
            self.positions.append(self.now.after(Page(self.key, page.first + i, page.pairs[i : i + 1])))
        assert self.now == self.positions[page.first].after(page)
        self.revoked |= set(handles)
        self.pairs += page.pairs

    def publish(self) -> Epoch:
        self.epochs.append(self.epochs[-1].followed_by(self.now, self.epochs[-1].time + 3600))
        return self.epochs[-1]

    def page(self, first: int, end: int) -> Page:
        return Page(self.key, first, tuple(self.pairs[first:end]))

    def pages(self, *cuts: int) -> list[Page]:
        ends = sorted({*cuts, len(self.pairs)})
        return [self.page(first, end) for first, end in pairwise(ends)]


def department(handles: Sequence[int] = (), seed: bytes = b"R", group: str = DEFAULT) -> Department:
    made = Department(secret(seed, group))
    if handles:
        made.revoke(handles)
    made.publish()
    return made


def same(one: MembershipWitness, other: MembershipWitness) -> bool:
    encode = one.at.key.group.g1_to_octets
    return (one.y, one.at, encode(one.C)) == (other.y, other.at, encode(other.C))


def value(pair: bytes) -> bytes:
    return pair[32:]


def moved(octets: bytes, order: int) -> bytes:
    """Add a point of a small order to an uncompressed one."""
    (point,) = REFERENCE.g1s_from_octets_uncompressed([octets])
    total: Any = ecc.add(decompress_g1(REFERENCE.g1_to_octets(point)), small_g1(order))
    return b"".join(int(each).to_bytes(48) for each in ecc.normalize(total))


def other_value(key: AccumulatorKey, octets: bytes) -> bytes:
    """Another point of the subgroup."""
    (point,) = key.group.g1s_from_octets_uncompressed([octets])
    return key.group.g1s_to_octets_uncompressed([key.group.msm([point], [2])])


def negated(key: AccumulatorKey, octets: bytes) -> bytes:
    (point,) = key.group.g1s_from_octets_uncompressed([octets])
    return key.group.g1s_to_octets_uncompressed([key.group.msm([point], [r - 1])])


def outcome(pages: Iterable[Page], epoch: Epoch, witness: MembershipWitness) -> str:
    """Catch up by pages; return the reason why they were refused, or OK."""
    try:
        catch_up(witness, epoch, pages)
    except BbsError as error:
        return error.reason
    return "OK"
