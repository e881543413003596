"""Signing credentials, by the workers that hold the departments' secret keys.

A secret key lives in its group's own object and is wiped when that goes: of each department the one that
signed last, and no other. What the worker reads was decoded and checked by the server before; nothing that
comes from outside is decoded where the keys are, but the point of a commitment whose proof has held, and the
144 octets of a commitment for bbs-2023, whose length the server has checked.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import bbs
from disclosure import (
    DisclosureError,
    IssuerKey,
    IssuerKeyName,
    Issuing,
    Schema,
    Value,
    canonical,
    issue_bytes,
)
from disclosure.attributes import read_item
from disclosure.canonical import Item
from disclosure.composite import (
    IdentifiedCommitment,
    IssuanceTerms,
    PresentedCommitment,
    VerifiedCommitment,
    issue_composite,
)
from disclosure.w3c import write
from disclosure.w3c.mapping import issue
from zkservice.kept import Kept
from zkservice.tasks import Done, Missing, Names, Outcome, Supplies

_KEPT_SCHEMAS: Final = 4 << 20
_PREPARED: Final = 4
"""Of each key. One takes 200 KB and costs as much as five signatures: too much for a single credential."""
_PLAIN: Final = "plain"
_COMPOSITE: Final = "composite"
_BULK: Final = "bulk"
_W3C: Final = "w3c"
_SIGNED_LABEL: Final = "zk-disclosure/signed-in-bulk/v1"
_SIGNED_OCTETS: Final = 16 << 20
MAX_ROWS: Final = 64
"""Credentials that are signed as one job: enough that carrying it costs little and no signer waits for the
next, and so few that a caller who comes meanwhile waits some tens of milliseconds."""


@dataclass(frozen=True)
class Draft:
    """A credential to be signed: names of schema and key, values as of `to_item`, the day of issue."""

    schema: str
    issuer_key: str
    values: Mapping[str, Item] = field(repr=False)
    today: dt.date

    def items(self) -> list[Any]:
        """Return what travels to a process."""
        return [_PLAIN, self.schema, self.issuer_key, dict(self.values), self.today.toordinal()]

    def signed(self, schema: Schema, opened: "_Opened") -> bytes:
        """Return the credential's canonical bytes; raises as `issue`."""
        return issue_bytes(schema, opened.key, opened.secret, _read(schema, self.values), self.today)


@dataclass(frozen=True)
class BulkDraft:
    """Some credentials of one schema to be signed with one key, the values of each as of `to_item`.

    They were checked before: if one cannot be signed, none of them is.
    """

    schema: str
    issuer_key: str
    rows: Sequence[Mapping[str, Item]] = field(repr=False)
    today: dt.date

    def items(self) -> list[Any]:
        """Return what travels to a process."""
        return [_BULK, self.schema, self.issuer_key, list(map(dict, self.rows)), self.today.toordinal()]

    def signed(self, schema: Schema, opened: "_Opened") -> bytes:
        """Return the credentials' canonical bytes in one array, for `signed_in_bulk`; raises as `issue`."""
        issuing = opened.issuing(schema, self.today)
        return canonical.encode(_SIGNED_LABEL, *map(issuing.issue, self.rows))


def signed_in_bulk(octets: bytes) -> list[bytes]:
    """Return the canonical bytes of each credential of a bulk; MalformedError."""
    signed = canonical.decode(_SIGNED_LABEL, octets, most=_SIGNED_OCTETS)
    return [each for each in signed if isinstance(each, bytes)]


@dataclass(frozen=True)
class CompositeDraft:
    """A credential to be signed together with a commitment whose proof has held.

    `terms` are the canonical bytes that the commitment is for, `commitment` is the point C, `origin` how its
    holder is known: the issuance pseudonym of a base credential, else the digest of the presentation.
    """

    terms: bytes
    commitment: bytes = field(repr=False)
    origin: bytes = field(repr=False)
    values: Mapping[str, Item] = field(repr=False)
    today: dt.date

    @cached_property
    def verified(self) -> VerifiedCommitment:
        """The commitment, as `issue_composite` takes it."""
        terms = IssuanceTerms.from_bytes(self.terms)
        kind = IdentifiedCommitment if terms.base else PresentedCommitment
        return kind(terms, self.commitment, self.origin)

    @property
    def schema(self) -> str:
        """The schema's name."""
        return str(self.verified.terms.schema)

    @property
    def issuer_key(self) -> str:
        """The key's name."""
        return str(self.verified.terms.issuer_key)

    def items(self) -> list[Any]:
        """Return what travels to a process."""
        values, today = dict(self.values), self.today.toordinal()
        return [_COMPOSITE, self.terms, self.commitment, self.origin, values, today]

    def signed(self, schema: Schema, opened: "_Opened") -> bytes:
        """Return the issued credential's canonical bytes, its handle drawn now; as `issue_composite`."""
        values = _read(schema, self.values)
        issued = issue_composite(self.verified, schema, opened.key, opened.secret, values, self.today)
        return issued.to_bytes(schema)


@dataclass(frozen=True)
class W3cDraft:
    """What a credential of the plain form says, to be signed as a document with a proof of bbs-2023.

    `commitment` is the holder's, or empty for a document that is bound to nobody. The day is the last one of
    validity, as the credential has it.
    """

    schema: str
    issuer_key: str
    values: Mapping[str, Item] = field(repr=False)
    commitment: bytes = field(repr=False)
    expiry: dt.date

    def items(self) -> list[Any]:
        """Return what travels to a process."""
        values, expiry = dict(self.values), self.expiry.toordinal()
        return [_W3C, self.schema, self.issuer_key, values, self.commitment, expiry]

    def signed(self, schema: Schema, opened: "_Opened") -> bytes:
        """Return the signed document in JSON; raises as `disclosure.w3c.mapping.issue`."""
        values = _read(schema, self.values)
        return write(issue(schema, opened.key, opened.secret, values, self.expiry, self.commitment))


AnyDraft = Draft | BulkDraft | CompositeDraft | W3cDraft


def draft_of(kind: str, *items: Any) -> AnyDraft:
    """Return the draft that `items` gave."""
    *fields, day = items
    kinds = {_PLAIN: Draft, _BULK: BulkDraft, _COMPOSITE: CompositeDraft, _W3C: W3cDraft}
    made: Callable[..., AnyDraft] = kinds[kind]
    return made(*fields, dt.date.fromordinal(day))


@dataclass(frozen=True)
class _Opened:
    """A key, and what was prepared for bulks: the last few schemas and days, gone when the key is."""

    key: IssuerKey
    secret: bbs.SecretKey = field(repr=False)
    prepared: dict[tuple[bytes, dt.date], Issuing] = field(default_factory=dict, repr=False)

    def issuing(self, schema: Schema, today: dt.date) -> Issuing:
        """Return what issues credentials of a schema on a day; raises as `Issuing`."""
        found = self.prepared.get((schema.digest, today))
        if found is None:
            found = Issuing(schema, self.key, self.secret, today)
            if len(self.prepared) == _PREPARED:
                del self.prepared[next(iter(self.prepared))]
            self.prepared[schema.digest, today] = found
        return found


class Signer:
    """Belongs to one thread; keeps schemas and the opened keys."""

    def __init__(self) -> None:
        self._schemas: Kept[Schema] = Kept(_KEPT_SCHEMAS)
        self._opened: dict[str, _Opened] = {}

    def work(self, jobs: Sequence[AnyDraft], supplies: Supplies) -> list[Outcome]:
        """Return the canonical bytes of what was signed for each job, or why there is none."""
        schemas = {name: Schema.from_bytes(octets) for name, octets in supplies.schemas.items() if octets}
        for name, schema in schemas.items():
            self._schemas.keep(name, schema, len(schema.canonical))
        keys = {name: self._open(key, supplies.secrets[name]) for name, key in _given(supplies).items()}
        return [self._outcome(job, schemas, keys) for job in jobs]

    def _open(self, key: IssuerKey, octets: bytes) -> _Opened:
        opened = _Opened(key, bbs.SecretKey.from_octets(octets, suite=key.suite))
        self._opened[key.name.department] = opened
        return opened

    def _outcome(self, job: AnyDraft, schemas: Mapping[str, Schema], keys: Mapping[str, _Opened]) -> Outcome:
        try:
            schema = schemas.get(job.schema) or self._schemas.get(job.schema)
            opened = keys.get(job.issuer_key) or self._kept(job.issuer_key)
            if schema is None:
                return Missing(Names(schemas=frozenset({job.schema})))
            if opened is None:
                return Missing(Names(issuer_keys=frozenset({job.issuer_key})))
            return Done(job.signed(schema, opened))
        except DisclosureError as error:
            return error

    def _kept(self, name: str) -> _Opened | None:
        opened = self._opened.get(IssuerKeyName.parse(name).department)
        return opened if opened is not None and str(opened.key.name) == name else None


def _read(schema: Schema, items: Mapping[str, Item]) -> dict[str, Value]:
    """Return values that signing checks once more."""
    return {name: read_item(schema.attribute(name), item) for name, item in items.items()}


def _given(supplies: Supplies) -> dict[str, IssuerKey]:
    return {name: key for name, key in supplies.issuer_keys.items() if key and name in supplies.secrets}
