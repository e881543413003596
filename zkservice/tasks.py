"""What workers are given and what comes back: jobs, what these need of the catalogue, outcomes.

A worker does no I/O. A job that names something that the worker does not know comes back as Missing, and is
given again together with what the catalogue has under those names. So a worker can be a thread of the server
or a process of its own (`workers`), and does the same.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from disclosure import DisclosureError, IssuerKey
from disclosure.composite import RegulatorKey
from zkservice.errors import ServiceError

MAX_NAMES: Final = 512
"""More than any sensible request names; a job that needs more is refused."""

Refusal = DisclosureError | ServiceError


class Job(Protocol):
    """What a worker is given; its class has an `of` that takes what `items` gives."""

    def items(self) -> list[Any]:
        """Return what travels to a process, as CBOR has it."""
        ...


@dataclass(frozen=True)
class Names:
    """Names of what stands in the catalogue.

    Tables and regulators stand under their digests in hexadecimal, an epoch under its accumulator's public
    key in hexadecimal, a slash and its number, a session under its verifier, a slash and its request's digest
    in hexadecimal. In `lengths` are tables of which only the number of octets is asked.
    """

    verifiers: frozenset[str] = frozenset()
    schemas: frozenset[str] = frozenset()
    issuer_keys: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
    regulators: frozenset[str] = frozenset()
    epochs: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()
    lengths: frozenset[str] = frozenset()
    policies: frozenset[str] = frozenset()

    def kinds(self) -> tuple[frozenset[str], ...]:
        """Return the names of each kind, in the order of the fields."""
        return (
            self.verifiers, self.schemas, self.issuer_keys, self.tables, self.regulators, self.epochs,
            self.sessions, self.lengths, self.policies,
        )  # fmt: skip

    def __or__(self, other: "Names") -> "Names":
        return Names.union((self, other))

    def __len__(self) -> int:
        return sum(map(len, self.kinds()))

    @classmethod
    def union(cls, many: Iterable["Names"]) -> "Names":
        """Return all names of many."""
        listed = [each.kinds() for each in many]
        return cls(*(frozenset[str]().union(*kind) for kind in zip(*listed, strict=True)))


@dataclass(frozen=True)
class TableSupply:
    """A published table: whose it is, its codes and their system if it has any, its canonical octets."""

    owner: str
    code_system: str
    codes: tuple[str, ...]
    octets: bytes = field(repr=False)


@dataclass(frozen=True)
class EpochSupply:
    """An epoch's canonical octets, with the department and the suite of its accumulator."""

    owner: str
    suite: str
    octets: bytes = field(repr=False)


@dataclass(frozen=True)
class SessionSupply:
    """An answered request of the composite form: its payload, which was opened when it was stored, the
    message of the presentation that this service has accepted, and the moment as of which it was judged.
    """

    payload: bytes = field(repr=False)
    presentation: bytes = field(repr=False)
    accepted: dt.datetime


@dataclass(frozen=True)
class Supplies:
    """What the catalogue has under some names, None for what is not registered.

    Verifiers' public keys (32 octets), schemas' canonical bytes, issuer keys, and the secret halves of issuer
    keys (32 octets) for a worker that signs; tables, regulators' keys, epochs, sessions whose numbers a
    request of another session counts, how many octets tables have, and policies' canonical bytes.
    """

    verifiers: Mapping[str, bytes | None] = field(default_factory=dict)
    schemas: Mapping[str, bytes | None] = field(default_factory=dict)
    issuer_keys: Mapping[str, IssuerKey | None] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    tables: Mapping[str, TableSupply | None] = field(default_factory=dict)
    regulators: Mapping[str, RegulatorKey | None] = field(default_factory=dict)
    epochs: Mapping[str, EpochSupply | None] = field(default_factory=dict)
    sessions: Mapping[str, SessionSupply | None] = field(default_factory=dict)
    lengths: Mapping[str, int | None] = field(default_factory=dict)
    policies: Mapping[str, bytes | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """The job is done, and this is what it gives."""

    octets: bytes = field(repr=False)


@dataclass(frozen=True)
class Missing:
    """The job cannot be done before these names are looked up."""

    names: Names


@dataclass(frozen=True)
class Fault:
    """A fault of ours: its kind and where it arose, but not its text, which may hold what a person sent."""

    kind: str
    places: tuple[str, ...]

    @classmethod
    def of(cls, error: BaseException) -> "Fault":
        """Return what may be told of an error."""
        places, trace = [], error.__traceback__
        while trace is not None:
            places.append(f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}")
            trace = trace.tb_next
        return cls(type(error).__name__, tuple(places[-6:]))


Outcome = Done | Refusal | Missing | Fault


class MissingError(Exception):
    """Something is not known under these names yet; becomes Missing."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self.names = names
