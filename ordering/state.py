"""What the machines agree on, as rows under keys, and what each kind of row holds.

Rows are written and never removed. Each has its own kind of key, and no key is the beginning of another's.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from typing import Final, Protocol, TypeAlias

from ordering.errors import StateError
from ordering.octets import Reader, Writer
from ordering.operators import Change, Operator, take_change, take_name, write_change
from ordering.transactions import HASH_OCTETS, MAX_CHAIN_OCTETS

WINDOW: Final = 256
"""So far below the highest sequence number one that was not seen yet still counts: what was sent at once may
arrive in another order."""
MOST_AHEAD: Final = 1 << 20
"""A number may not be further above the highest: one transaction does not use up an operator's numbers."""
MAX_OPERATORS: Final = 100
"""As many validators as one answer of the engine tells (CometBFT v0.38, spec/rpc, Validators)."""


class Kept(Protocol):
    """Where rows are kept."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row's value."""


class Rows(Kept, Protocol):
    """Where rows are written."""

    def put(self, key: bytes, value: bytes) -> None:
        """Write a row."""


class View:
    """Rows over those that are below, which stay as they are."""

    def __init__(self, below: Kept | None = None) -> None:
        self._below = below
        self._own = dict[bytes, bytes]()

    @property
    def changed(self) -> Mapping[bytes, bytes]:
        """What was written here."""
        return self._own

    def get(self, key: bytes) -> bytes | None:
        """Return a row's value."""
        found = self._own.get(key)
        return found if found is not None or self._below is None else self._below.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Write a row."""
        self._own[key] = value

    def write_to(self, other: "View") -> None:
        """Write everything to another view."""
        other._own |= self._own


def _key(kind: str, *parts: str | bytes) -> bytes:
    writer = Writer().text(kind)
    for each in parts:
        writer.octets(each.encode() if isinstance(each, str) else each)
    return writer.to_bytes()


CHAIN: Final = _key("chain")
OPERATORS: Final = _key("operators")


def operator_key(name: str) -> bytes:
    """Where an operator stands."""
    return _key("operator", name)


def generation_key(name: str) -> bytes:
    """Where it stands how often an operator was given keys, which outlives it."""
    return _key("generation", name)


def sequence_key(name: str) -> bytes:
    """Where an operator's sequence numbers stand, which outlive it."""
    return _key("sequence", name)


def checkpoint_key(origin: str) -> bytes:
    """Where a log's newest ordered checkpoint stands."""
    return _key("checkpoint", origin)


def epoch_key(operator: str, issuer: str) -> bytes:
    """Where the newest epoch of an issuer of an operator's city stands."""
    return _key("epoch", operator, issuer)


def claim_key(scope: str, tag: bytes) -> bytes:
    """Where a pseudonym of a scope stands."""
    return _key("claim", scope, tag)


def proposal_key(identifier: bytes) -> bytes:
    """Where a proposal stands."""
    return _key("proposal", identifier)


def open_key(operator: str) -> bytes:
    """Where an operator's proposals that may be open stand."""
    return _key("open", operator)


def validator_key(address: bytes) -> bytes:
    """Where it stands whose a validator is, or was."""
    return _key("validator", address)


def misbehaviour_key(operator: str) -> bytes:
    """Where it stands what an operator's validator was caught at."""
    return _key("misbehaviour", operator)


def validator_address(key: bytes) -> bytes:
    """Return what the engine calls a validator (CometBFT v0.38, spec/core/data_structures, Address)."""
    return hashlib.sha256(key).digest()[:20]


@dataclass(frozen=True)
class Seen:
    """Which sequence numbers were used: the highest, and of those below it one bit each from the next on."""

    highest: int = 0
    below: int = 0

    def has(self, number: int) -> bool:
        """Tell whether a number was used, or is so old that nobody knows."""
        back = self.highest - number
        if back < 0:
            return False
        return back == 0 or back > WINDOW or bool(self.below >> (back - 1) & 1)

    def with_(self, number: int) -> "Seen":
        """Return it with a number used."""
        if number <= self.highest:
            return replace(self, below=self.below | 1 << (self.highest - number - 1))
        ahead = number - self.highest
        mask = (1 << WINDOW) - 1
        return Seen(
            number, ((self.below << 1 | bool(self.highest)) << (ahead - 1)) & mask if ahead <= WINDOW else 0
        )

    def to_bytes(self) -> bytes:
        """Encode the row."""
        return Writer().number(self.highest, 8).number(self.below, WINDOW // 8).to_bytes()

    @classmethod
    def parse(cls, data: bytes | None) -> "Seen":
        """Decode the row."""
        if data is None:
            return cls()
        reader = Reader(data)
        return cls(reader.number(8), reader.number(WINDOW // 8))


@dataclass(frozen=True)
class Ordered:
    """A log's newest checkpoint in the consortium's order, and the height of the block that brought it."""

    size: int
    root: bytes
    height: int

    def to_bytes(self) -> bytes:
        """Encode the row."""
        return Writer().number(self.size, 8).fixed(self.root).number(self.height, 8).to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> "Ordered":
        """Decode the row; RefusedError MALFORMED."""
        reader = Reader(data)
        found = cls(reader.number(8), reader.fixed(HASH_OCTETS), reader.number(8))
        reader.end()
        return found


@dataclass(frozen=True)
class Epoch:
    """An issuer's newest revocation epoch here."""

    number: int
    digest: bytes
    height: int

    def to_bytes(self) -> bytes:
        """Encode the row."""
        return Writer().number(self.number, 8).fixed(self.digest).number(self.height, 8).to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> "Epoch":
        """Decode the row; RefusedError MALFORMED."""
        reader = Reader(data)
        found = cls(reader.number(8), reader.fixed(HASH_OCTETS), reader.number(8))
        reader.end()
        return found


@dataclass(frozen=True)
class Claimed:
    """Who came first with a pseudonym: the operator, its verifier's reference, the height."""

    operator: str
    reference: bytes
    height: int

    def to_bytes(self) -> bytes:
        """Encode the row."""
        return Writer().text(self.operator).fixed(self.reference).number(self.height, 8).to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> "Claimed":
        """Decode the row; RefusedError MALFORMED."""
        reader = Reader(data)
        found = cls(take_name(reader), reader.fixed(HASH_OCTETS), reader.number(8))
        reader.end()
        return found


class Standing(IntEnum):
    """How it stands with a proposal."""

    OPEN = 0
    ACCEPTED = 1
    REJECTED = 2
    IMPOSSIBLE = 3
    """It was accepted when it could not be done any more."""


Voter: TypeAlias = tuple[str, int]
"""An operator, and how often it had been given keys: with other keys its vote is another one."""


@dataclass(frozen=True)
class Proposal:
    """A change that is voted on: until a time in seconds, and who has agreed and who has not."""

    change: Change
    ends: int
    standing: Standing
    agreed: tuple[Voter, ...]
    declined: tuple[Voter, ...]

    def to_bytes(self) -> bytes:
        """Encode the row."""
        writer = write_change(self.change, Writer()).number(self.ends, 8).number(self.standing, 1)
        for voters in (self.agreed, self.declined):
            writer.number(len(voters), 2)
            for name, generation in voters:
                writer.text(name).number(generation, 4)
        return writer.to_bytes()

    @classmethod
    def parse(cls, data: bytes) -> "Proposal":
        """Decode the row; RefusedError MALFORMED."""
        reader = Reader(data)
        change, ends, standing = take_change(reader), reader.number(8), Standing(reader.number(1))
        return cls(change, ends, standing, *(_take_voters(reader) for _ in range(2)))


def _take_voters(reader: Reader) -> tuple[Voter, ...]:
    return tuple((take_name(reader), reader.number(4)) for _ in range(reader.number(2)))


def _write_names(names: tuple[str, ...], writer: Writer) -> None:
    writer.number(len(names), 1)
    for each in names:
        writer.text(each)


def read_names(data: bytes) -> tuple[str, ...]:
    """Decode the names of all operators; RefusedError MALFORMED."""
    return tuple(Reader(data).several(take_name, MAX_OPERATORS))


def read_identifiers(data: bytes | None) -> tuple[bytes, ...]:
    """Decode which proposals of an operator may be open."""
    found = data or b""
    return tuple(found[at : at + HASH_OCTETS] for at in range(0, len(found), HASH_OCTETS))


def chain(rows: Kept) -> str:
    """Return which chain it is; StateError before it has begun."""
    found = rows.get(CHAIN)
    if found is None:
        raise StateError("the chain has not begun")
    return Reader(found).text(MAX_CHAIN_OCTETS)


def operators(rows: Kept) -> tuple[str, ...]:
    """Return the names of all operators, in order."""
    found = rows.get(OPERATORS)
    return read_names(found) if found is not None else ()


def put_operators(rows: Rows, names: tuple[str, ...]) -> None:
    """Write who is an operator."""
    writer = Writer()
    _write_names(tuple(sorted(names)), writer)
    rows.put(OPERATORS, writer.to_bytes())


def operator(rows: Kept, name: str) -> Operator | None:
    """Return an operator; None for nobody and for one that was removed."""
    found = rows.get(operator_key(name)) if name in operators(rows) else None
    return read_operator(found) if found is not None else None


@lru_cache(maxsize=4 * MAX_OPERATORS)
def read_operator(data: bytes) -> Operator:
    """Decode what each transaction of an operator needs; to check the keys in it takes longest of all."""
    return Operator.take(Reader(data))


def voter(rows: Kept, name: str) -> Voter:
    """Return an operator with the keys that it has now."""
    found = rows.get(generation_key(name))
    return name, Reader(found).number(4) if found is not None else 0


def put_operator(rows: Rows, one: Operator) -> None:
    """Write an operator's keys and power; votes of the keys before count no more."""
    _, generation = voter(rows, one.name)
    rows.put(operator_key(one.name), one.write(Writer()).to_bytes())
    rows.put(generation_key(one.name), Writer().number(generation + 1, 4).to_bytes())
