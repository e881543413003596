"""What a judge knows of the catalogue: what came with its jobs, and what it keeps of what came before.

What never changes (verifiers, schemas, tables, regulators, epochs, policies) is kept within bounds. An issuer
key may be retired: it is asked for again after a second. What is not registered is never remembered.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, Generic, TypeVar

from bbs.accumulator import AccumulatorKey, Epoch
from bbs.ciphersuite import resolve
from disclosure import (
    Directory,
    IssuerKey,
    IssuerKeyName,
    MalformedError,
    PolicyName,
    Reason,
    RefusedError,
    Schema,
    SchemaName,
    VerifierName,
)
from disclosure.composite import (
    CompositeDirectory,
    CompositeRequest,
    Needed,
    Published,
    PublishedAccumulator,
    PublishedCodeList,
    PublishedDigits,
    RegulatorKey,
    VerifiedComposite,
)
from disclosure.policy import RegisteredPolicy
from wire.composite import published_of
from zkproto.v1 import publication_pb2
from zkservice.errors import ServiceError, ServiceReason
from zkservice.kept import Kept
from zkservice.tasks import (
    MAX_NAMES,
    EpochSupply,
    MissingError,
    Names,
    SessionSupply,
    Supplies,
    TableSupply,
)

KEY_SECONDS: Final = 1.0
"""How long an issuer key counts as it was read."""
_KEPT_SCHEMAS: Final = 4 << 20
_KEPT_TABLES: Final = 8 << 20
_KEPT_LENGTHS: Final = 1 << 20
_KEPT_KEYS: Final = 1 << 20
_KEPT_REQUESTS: Final = 1 << 18
"""Octets of decoded requests, which take some thirty times as much memory."""
_KEPT_VERIFIED: Final = 1 << 18
_KEPT_POLICIES: Final = 1 << 18
_KEY_OCTETS: Final = 512
MAX_TABLES: Final = 32
MAX_TABLE_OCTETS: Final = 2 << 20
"""Tables of one request, and octets of them: some 16,384 entries, each of which takes 0.05 ms to decode."""
_MAX_NAMED: Final = MAX_NAMES - 64 - MAX_TABLES
"""What one request may name, with those whose numbers it counts: with its verifier, the lengths of tables and
the epochs of an answer no more than a job may miss."""
_Thing = TypeVar("_Thing")
_Supply = TypeVar("_Supply")


class Knowledge:
    """Belongs to one thread."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._verifiers: Kept[bytes] = Kept(_KEPT_KEYS)
        self._schemas: Kept[Schema] = Kept(_KEPT_SCHEMAS)
        self._issuer_keys: Kept[tuple[float, IssuerKey]] = Kept(_KEPT_KEYS)
        self._tables: Kept[Published] = Kept(_KEPT_TABLES)
        self._regulators: Kept[RegulatorKey] = Kept(_KEPT_KEYS)
        self._epochs: Kept[tuple[str, Epoch]] = Kept(_KEPT_KEYS)
        self._lengths: Kept[int] = Kept(_KEPT_LENGTHS)
        self._policies: Kept[RegisteredPolicy] = Kept(_KEPT_POLICIES)
        self._requests: Kept[CompositeRequest] = Kept(_KEPT_REQUESTS)
        self._verified: Kept[VerifiedComposite] = Kept(_KEPT_VERIFIED)

    def told(self, supplies: Supplies) -> "Known":
        """Keep what was supplied, and return how to look up names for these jobs."""
        until = self._monotonic() + KEY_SECONDS
        verifiers, schemas = (
            _there(supplies.verifiers, _same),
            _there(supplies.schemas, _schema, self._schemas),
        )
        keys, tables = _there(supplies.issuer_keys, _same), _there(supplies.tables, _table, self._tables)
        regulators, epochs = _there(supplies.regulators, _same), _there(supplies.epochs, _epoch)
        lengths = _there(supplies.lengths, _same)
        policies = _there(supplies.policies, _policy, self._policies)
        timed = {name: (until, key) for name, key in keys.items()}
        self._verifiers.keep_all(verifiers, lambda _: _KEY_OCTETS)
        self._schemas.keep_all(schemas, lambda each: len(each.canonical))
        self._issuer_keys.keep_all(timed, lambda _: _KEY_OCTETS)
        self._tables.keep_all(tables, lambda each: len(each.table.octets))
        self._regulators.keep_all(regulators, lambda _: _KEY_OCTETS)
        self._epochs.keep_all(epochs, lambda _: _KEY_OCTETS)
        self._lengths.keep_all(lengths, lambda _: _KEY_OCTETS)
        self._policies.keep_all(policies, lambda each: len(each.canonical))
        return Known(
            _Shelf(verifiers, supplies.verifiers, self._verifiers.get),
            _Shelf(schemas, supplies.schemas, self._schemas.get),
            _Shelf(keys, supplies.issuer_keys, self._fresh_key),
            _Shelf(tables, supplies.tables, self._tables.get),
            _Shelf(regulators, supplies.regulators, self._regulators.get),
            _Shelf(epochs, supplies.epochs, self._epochs.get),
            _Shelf(_there(supplies.sessions, _same), supplies.sessions, lambda _: None),
            _Shelf(lengths, supplies.lengths, self._lengths.get),
            _Shelf(policies, supplies.policies, self._policies.get),
            self._requests,
            self._verified,
        )

    def _fresh_key(self, name: str) -> IssuerKey | None:
        kept = self._issuer_keys.get(name)
        return kept[1] if kept is not None and self._monotonic() < kept[0] else None


@dataclass(frozen=True)
class _Shelf(Generic[_Thing]):
    """Things of one kind: first what came with these jobs, however little is kept, then what is kept."""

    told: Mapping[str, _Thing]
    looked_up: Collection[str]
    kept: Callable[[str], _Thing | None]

    def get(self, name: str) -> _Thing | None:
        """Return what is known under a name."""
        return self.told[name] if name in self.told else self.kept(name)

    def of(self, names: Iterable[str]) -> dict[str, _Thing]:
        """Return what is known under these names."""
        return {name: thing for name in names if (thing := self.get(name)) is not None}

    def missing(self, names: Iterable[str], found: Collection[str]) -> frozenset[str]:
        """Return nothing, or once a name is neither found nor looked up all that were not looked up.

        What is kept may have to go when the rest comes: a job that needs more of a kind than is kept would
        miss one part of it after the other.
        """
        rest = frozenset(name for name in names if name not in self.looked_up)
        return frozenset() if rest <= set(found) else rest


@dataclass(frozen=True)
class Known:
    """What these jobs may use; raises MissingError for what has to be looked up first."""

    verifiers: _Shelf[bytes]
    schemas: _Shelf[Schema]
    issuer_keys: _Shelf[IssuerKey]
    tables: _Shelf[Published]
    regulators: _Shelf[RegulatorKey]
    epochs: _Shelf[tuple[str, Epoch]]
    sessions: _Shelf[SessionSupply]
    lengths: _Shelf[int]
    policies: _Shelf[RegisteredPolicy]
    requests: Kept[CompositeRequest]
    verified: Kept[VerifiedComposite]
    """Sessions' answers by the sessions' names: each has one, which never changes."""

    def verifier(self, name: str) -> bytes:
        """Return a verifier's public key; ServiceError VERIFIER_UNKNOWN."""
        found = self.verifiers.get(name)
        if found is not None:
            return found
        if name not in self.verifiers.looked_up:
            raise MissingError(Names(verifiers=frozenset({name})))
        detail = f"{name} is not registered"
        raise ServiceError(ServiceReason.VERIFIER_UNKNOWN, detail, field="signed_request")

    def policy(self, name: PolicyName) -> RegisteredPolicy:
        """Return a policy, ended or not; RefusedError POLICY_UNKNOWN."""
        found = self.policies.get(str(name))
        if found is not None:
            return found
        if str(name) not in self.policies.looked_up:
            raise MissingError(Names(policies=frozenset({str(name)})))
        raise RefusedError(Reason.POLICY_UNKNOWN, f"{name} is not registered", field="policy")

    def directory(self, schemas: Iterable[SchemaName], keys: Iterable[IssuerKeyName] = ()) -> Directory:
        """Return the directory of these names; what is not registered is left out."""
        wanted_schemas, wanted_keys = list(map(str, schemas)), list(map(str, keys))
        found_schemas, found_keys = self.schemas.of(wanted_schemas), self.issuer_keys.of(wanted_keys)
        missing = Names(
            schemas=self.schemas.missing(wanted_schemas, found_schemas),
            issuer_keys=self.issuer_keys.missing(wanted_keys, found_keys),
        )
        if missing:
            raise MissingError(missing)
        return Directory(
            {each.name: each for each in found_schemas.values()},
            {each.name: each for each in found_keys.values()},
        )

    def composite_directory(
        self, needed: Needed, proven: Iterable[tuple[bytes, int]] = ()
    ) -> CompositeDirectory:
        """Return the directory of what a request needs; what is not published is left out.

        Of an accumulator it has the first epoch, those that the request names, and those that an answer is
        `proven` at. That there is a newer one matters to nobody who judges: the request bounds the age by a
        number, and none of these epochs ever changes. They count from when they are durable; holders are
        shown them once they stand on the ledger.

        Raises MalformedError REQUEST_INVALID (names too much), MALFORMED (one key serves twice).
        """
        names = names_of(needed)
        check_named(names)
        accepted = (each for each in proven if each[0] in needed.accumulators)
        return self.directory_of(names | Names(epochs=frozenset(epoch_name(*each) for each in accepted)))

    def sessions_of(self, names: Iterable[str]) -> dict[str, SessionSupply]:
        """Return the sessions of these names that were answered; the others are left out."""
        wanted = list(names)
        found = self.sessions.of(wanted)
        if missing := self.sessions.missing(wanted, found):
            raise MissingError(Names(sessions=missing))
        return found

    def request(self, payload: bytes, check: Callable[[CompositeRequest], None]) -> CompositeRequest:
        """Return a request of the composite form; decoded once, and kept once it was found good.

        MalformedError, and what `check` raises.
        """
        name = hashlib.sha256(payload).hexdigest()
        kept = self.requests.get(name)
        request = CompositeRequest.from_bytes(payload) if kept is None else kept
        check(request)
        if kept is None:
            self.requests.keep(name, request, len(payload))
        return request

    def directory_of(self, names: Names) -> CompositeDirectory:
        """Return the directory of these names, sessions aside; what is not published is left out.

        Raises MalformedError REQUEST_INVALID (tables that are too many, or too large), MALFORMED (one key
        serves twice).
        """
        self._check_tables(names.tables)
        verifiers, schemas = self.verifiers.of(names.verifiers), self.schemas.of(names.schemas)
        keys, tables = self.issuer_keys.of(names.issuer_keys), self.tables.of(names.tables)
        regulators, epochs = self.regulators.of(names.regulators), self.epochs.of(names.epochs)
        missing = Names(
            self.verifiers.missing(names.verifiers, verifiers),
            self.schemas.missing(names.schemas, schemas),
            self.issuer_keys.missing(names.issuer_keys, keys),
            self.tables.missing(names.tables, tables),
            self.regulators.missing(names.regulators, regulators),
            self.epochs.missing(names.epochs, epochs),
        )
        if missing:
            raise MissingError(missing)
        published = {each.table.digest: each for each in tables.values()}
        return CompositeDirectory(
            {each.name: each for each in schemas.values()},
            {each.name: each for each in keys.values()},
            {name: each for name, each in published.items() if isinstance(each, PublishedDigits)},
            {name: each for name, each in published.items() if isinstance(each, PublishedCodeList)},
            _accumulators(epochs.values()),
            {each.digest: each for each in regulators.values()},
            {VerifierName.parse(name): each for name, each in verifiers.items()},
        )

    def _check_tables(self, names: Collection[str]) -> None:
        """Before any of them is loaded: a table that is known need not be, but a request is good or not
        whatever this judge has in its memory.
        """
        found = self.lengths.of(names) if (few := len(names) <= MAX_TABLES) else {}
        if few and (missing := self.lengths.missing(names, found)):
            raise MissingError(Names(lengths=missing))
        if not few or sum(found.values()) > MAX_TABLE_OCTETS:
            detail = f"a request names at most {MAX_TABLES} tables of {MAX_TABLE_OCTETS} octets together"
            raise MalformedError(Reason.REQUEST_INVALID, detail)


def epoch_name(accumulator: bytes, number: int) -> str:
    """Return the name of an epoch by its accumulator's public key and its number."""
    return f"{accumulator.hex()}/{number}"


def epoch_of_name(name: str) -> tuple[bytes, int]:
    """Return what `epoch_name` names; ValueError."""
    accumulator, _, number = name.partition("/")
    return bytes.fromhex(accumulator), int(number)


def check_named(names: Names) -> None:
    """Raise MalformedError REQUEST_INVALID if these are more names than one job may look up."""
    if len(names) > _MAX_NAMED:
        detail = f"a request names at most {_MAX_NAMED} keys, schemas, tables and epochs"
        raise MalformedError(Reason.REQUEST_INVALID, detail)


def names_of(needed: Needed) -> Names:
    """Return the names of what a request needs, an accumulator's first epoch among them."""
    first = ((each, 0) for each in needed.accumulators)
    return Names(
        frozenset(map(str, needed.verifiers)),
        frozenset(map(str, needed.schemas)),
        frozenset(map(str, needed.keys)),
        frozenset(each.hex() for each in needed.tables),
        frozenset(each.hex() for each in needed.regulators),
        frozenset(epoch_name(*each) for each in chain(first, needed.epochs)),
    )


def _accumulators(epochs: Iterable[tuple[str, Epoch]]) -> dict[bytes, PublishedAccumulator]:
    found: dict[bytes, tuple[str, dict[int, Epoch]]] = {}
    for owner, epoch in epochs:
        found.setdefault(epoch.key.octets, (owner, {}))[1][epoch.number] = epoch
    return {
        key: PublishedAccumulator(owner, next(iter(numbered.values())).key, numbered)
        for key, (owner, numbered) in found.items()
    }


def _there(
    supplied: Mapping[str, _Supply | None],
    decode: Callable[[str, _Supply], _Thing],
    kept: Kept[_Thing] | None = None,
) -> dict[str, _Thing]:
    """Decode what there is under each name, unless it is kept from before."""
    known = {} if kept is None else kept.of(supplied)
    return {
        name: known[name] if name in known else decode(name, each)
        for name, each in supplied.items()
        if each is not None
    }


def _same(_: str, thing: _Thing) -> _Thing:
    return thing


def _schema(_: str, octets: bytes) -> Schema:
    return Schema.from_bytes(octets)


def _policy(_: str, octets: bytes) -> RegisteredPolicy:
    return RegisteredPolicy.from_bytes(octets)


def _table(name: str, supply: TableSupply) -> Published:
    """Return a table that was verified before it was published: the digest in its name says which one."""
    return published_of(
        publication_pb2.Table(
            owner=supply.owner, code_system=supply.code_system, codes=supply.codes, octets=supply.octets
        ),
        true=bytes.fromhex(name),
    )


def _epoch(name: str, supply: EpochSupply) -> tuple[str, Epoch]:
    """Return an epoch with the department whose accumulator's it is."""
    accumulator, _ = epoch_of_name(name)
    key = AccumulatorKey(resolve(supply.suite), accumulator)
    return supply.owner, Epoch.from_octets(supply.octets, key=key)
