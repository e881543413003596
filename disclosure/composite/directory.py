"""What a request of the composite form and its answers are read with, besides schemas and issuer keys.

Everything here is published, the same for everybody: a table, a list or an epoch of one holder's own would
tag that holder. Who puts a directory together has checked what stands in it: signatures, tables entry by
entry, epochs as logged and witnessed. Requests name it by digest, key and number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import InitVar, dataclass, field
from functools import cached_property, lru_cache
from typing import Final, TypeVar

from bbs import BbsError
from bbs.accumulator import AccumulatorKey, Epoch
from bbs.ciphersuite import Ciphersuite, resolve
from bbs.engine import PairingSuite
from bbs.gadgets.escrow_shares import OFFICERS, PublicShare, shared_key
from bbs.gadgets.tables import Table, load_table, new_table
from disclosure import canonical
from disclosure.canonical import Item
from disclosure.composite.scalars import code_scalar
from disclosure.credential import SUITES
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import VerifierName
from disclosure.presentation import Directory

_K = TypeVar("_K")
_T = TypeVar("_T")
CODES_PURPOSE: Final = "codes"
_REGULATOR_LABEL: Final = "zk-disclosure/regulator-key/v2"
_CONTENTS_LABEL: Final = "zk-disclosure/code-list-contents/v1"


@dataclass(frozen=True)
class PublishedDigits:
    """A table of digits and whose it is: `departments/...`, `verifiers/...` or an authority's name.

    `true` is for a service that reads back what it has verified itself: the digest of a table whose
    signatures are known to be true, which are then not verified again. Nobody else gives it. Raises
    MalformedError MALFORMED if the table is of something else, RefusedError SIGNATURE_INVALID if it is false.
    """

    owner: str
    table: Table
    true: InitVar[bytes | None] = None

    def __post_init__(self, true: bytes | None) -> None:
        if not self.table.is_digits:
            raise MalformedError(Reason.MALFORMED, "the table is none of digits", field="table")
        _check_table(self.table, true)


@dataclass(frozen=True)
class PublishedCodeList:
    """A signed list of codes of one code system, and whose it is.

    `true` is as that of `PublishedDigits`. Raises MalformedError MALFORMED unless the table signs the scalars
    of exactly these codes, in their order: what a person reads in the list is what is proven; RefusedError
    SIGNATURE_INVALID if the table is false.
    """

    owner: str
    code_system: str
    codes: tuple[str, ...]
    table: Table
    true: InitVar[bytes | None] = None

    def __post_init__(self, true: bytes | None) -> None:
        suite = self.table.suite
        wanted = isinstance(suite, PairingSuite) and self.table.scalars == tuple(
            code_scalar(self.code_system, code, suite.ciphersuite) for code in self.codes
        )
        if not wanted or self.table.purpose != CODES_PURPOSE:
            raise MalformedError(Reason.MALFORMED, "the table signs other codes", field="table")
        _check_table(self.table, true)

    @property
    def contents(self) -> bytes:
        """The digest of what it says, by which policies name it: see `contents_of`."""
        return contents_of(self.owner, self.code_system, self.codes)


def _check_table(table: Table, true: bytes | None) -> None:
    """Raise unless every entry is true. A false one would tell, by who cannot prove, whose value it is.

    By its octets, of which those that were found true are remembered here, or are `true` by their digest.
    """
    if true is not None and true == table.digest:
        return
    try:
        load_table(table.suite, table.octets)
    except BbsError:
        detail = "a signature of the table does not hold"
        raise RefusedError(Reason.SIGNATURE_INVALID, detail, field="table") from None


def contents_of(owner: str, code_system: str, codes: Iterable[str]) -> bytes:
    """Return the digest of what a list says, whenever and with whatever key it is published.

    Whose it is, of which code system, and which codes, in whatever order. A table's own digest covers a key
    that is made anew for each table and is known to nobody before it is published.
    """
    octets = canonical.encode(_CONTENTS_LABEL, owner, code_system, sorted(set(codes)))
    return canonical.digest(_CONTENTS_LABEL, octets)


def publish_codes(
    owner: str, code_system: str, codes: tuple[str, ...], suite: Ciphersuite
) -> PublishedCodeList:
    """Sign a list of codes with a new key that is forgotten; raises bbs.InputError as `new_table` does."""
    listed = (code_scalar(code_system, code, suite) for code in codes)
    return PublishedCodeList(owner, code_system, codes, new_table(suite, CODES_PURPOSE, listed))


@dataclass(frozen=True)
class PublishedAccumulator:
    """A department's accumulator with the epochs that are accepted as logged, by number.

    Raises MalformedError MALFORMED unless there is one and all are of this key.
    """

    owner: str
    key: AccumulatorKey
    epochs: Mapping[int, Epoch]

    def __post_init__(self) -> None:
        wrong = [
            number for number, each in self.epochs.items() if each.number != number or each.key != self.key
        ]
        if wrong or not self.epochs:
            raise MalformedError(
                Reason.MALFORMED, "the epochs are not those of the accumulator", field="epochs"
            )

    @cached_property
    def latest(self) -> Epoch:
        """The latest epoch."""
        return self.epochs[max(self.epochs)]


@dataclass(frozen=True)
class RegulatorKey:
    """A key that identities are escrowed to, by the shares of the two officers who open together.

    Whoever has one of these has checked that no officer alone knows the key: each share with its proof of
    possession. Raises MalformedError MALFORMED.
    """

    suite: str
    shares: tuple[PublicShare, ...]

    def __post_init__(self) -> None:
        if self.suite not in SUITES:
            detail = f"the suite is one of {', '.join(SUITES)}"
            raise MalformedError(Reason.MALFORMED, detail, field="suite")
        try:
            _shared_key(self.suite, self.shares)
        except BbsError:
            detail = f"a key has the shares of {OFFICERS} officers, each with the proof of its possession"
            raise MalformedError(Reason.MALFORMED, detail, field="shares") from None

    @property
    def public_key(self) -> bytes:
        """The sum of the shares: what is encrypted to."""
        return _shared_key(self.suite, self.shares)

    @property
    def officers(self) -> tuple[bytes, ...]:
        """The shares' public keys, in their order."""
        return tuple(each.public_key for each in self.shares)

    @cached_property
    def digest(self) -> bytes:
        """What requests and trust lists name it by: SHA-256 over suite and shares, domain-separated.

        It is over the shares and not their sum: who trusts it trusts that these two open together.
        """
        octets = canonical.encode(_REGULATOR_LABEL, self.suite, list(self.officers))
        return canonical.digest(_REGULATOR_LABEL, octets)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.suite, [[each.public_key, each.possession] for each in self.shares]]

    @classmethod
    def from_items(cls, item: Item) -> "RegulatorKey":
        """Decode what `items` gives; MalformedError MALFORMED."""
        match item:
            case [str(suite), list(shares)]:
                return cls(suite, tuple(map(_share, shares)))
        raise MalformedError(Reason.MALFORMED, "the octets hold no regulator's key", field="shares")


def _share(item: Item) -> PublicShare:
    match item:
        case [bytes(public_key), bytes(possession)]:
            return PublicShare(public_key, possession)
    raise MalformedError(Reason.MALFORMED, "the octets hold no officer's share", field="shares")


@lru_cache(maxsize=64)
def _shared_key(suite: str, shares: tuple[PublicShare, ...]) -> bytes:
    """Return the key of some shares; those that were found true are remembered."""
    return shared_key(PairingSuite(resolve(suite)), shares)


@dataclass(frozen=True)
class CompositeDirectory(Directory):
    """A directory with tables, lists and regulators by digest, accumulators by key, verifiers by name.

    `verifiers` has the registered Ed25519 keys of 32 octets that joint scopes are signed with. Raises
    MalformedError NAME_INVALID if something stands under another name than its own; MALFORMED if one key
    serves twice: under one key a signature of a table, a witness and a credential could stand for each
    other. Of two that publish one key, who puts a directory together leaves the later one out.
    """

    digits: Mapping[bytes, PublishedDigits] = field(default_factory=dict)
    code_lists: Mapping[bytes, PublishedCodeList] = field(default_factory=dict)
    accumulators: Mapping[bytes, PublishedAccumulator] = field(default_factory=dict)
    regulators: Mapping[bytes, RegulatorKey] = field(default_factory=dict)
    verifiers: Mapping[VerifierName, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [
            *((name, each.table.digest) for name, each in self.digits.items()),
            *((name, each.table.digest) for name, each in self.code_lists.items()),
            *((name, each.key.octets) for name, each in self.accumulators.items()),
            *((name, each.digest) for name, each in self.regulators.items()),
        ]
        if any(name != own for name, own in names):
            raise MalformedError(Reason.NAME_INVALID, "it stands under another name than its own")
        keys = [
            *(each.public_key for each in self.issuer_keys.values()),
            *(each.key.octets for each in self.accumulators.values()),
            *(each.table.key for each in self.digits.values()),
            *(each.table.key for each in self.code_lists.values()),
        ]
        if len(set(keys)) != len(keys):
            raise MalformedError(Reason.MALFORMED, "one key serves two purposes, or two owners")

    def digit_table(self, digest: bytes, *, field: str) -> PublishedDigits:
        """Return a table of digits; RefusedError TABLE_UNKNOWN."""
        return _found(
            self.digits, digest, Reason.TABLE_UNKNOWN, "no such table of digits is published", field
        )

    def code_list(self, digest: bytes, *, field: str) -> PublishedCodeList:
        """Return a list of codes; RefusedError TABLE_UNKNOWN."""
        return _found(self.code_lists, digest, Reason.TABLE_UNKNOWN, "no such list is published", field)

    def accumulator(self, key: bytes, *, field: str) -> PublishedAccumulator:
        """Return an accumulator; RefusedError EPOCH_UNKNOWN."""
        return _found(self.accumulators, key, Reason.EPOCH_UNKNOWN, "no such accumulator is published", field)

    def epoch(self, key: bytes, number: int, *, field: str) -> Epoch:
        """Return an epoch; RefusedError EPOCH_UNKNOWN."""
        epochs = self.accumulator(key, field=field).epochs
        return _found(epochs, number, Reason.EPOCH_UNKNOWN, "no such epoch is published", field)

    def regulator(self, digest: bytes, *, field: str) -> RegulatorKey:
        """Return a regulator's key; RefusedError REGULATOR_UNKNOWN."""
        return _found(self.regulators, digest, Reason.REGULATOR_UNKNOWN, "no such regulator is known", field)

    def verifier_key(self, name: VerifierName) -> bytes:
        """Return a verifier's registered key; RefusedError REQUEST_SIGNATURE_INVALID."""
        detail = f"no key of {name} is registered"
        return _found(self.verifiers, name, Reason.REQUEST_SIGNATURE_INVALID, detail, "scope")


def _found(mapping: Mapping[_K, _T], name: _K, reason: Reason, detail: str, field: str) -> _T:
    if name not in mapping:
        raise RefusedError(reason, detail, field=field)
    return mapping[name]
