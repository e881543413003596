"""Presentations: what is shown of each credential, with its proof, bound to one request.

`statements_of` compiles the request and what is shown into what each proof must prove. Holder and verifier
compile the same; nothing that decides what is proven comes from the proof. The presentation header, which
each challenge covers, holds the request's digest, everything that the presentation shows and the issuers'
keys, so no part of one presentation fits into another. Two credentials of the plain form are not proven to
belong to one holder: the draft's proof has no holder secret.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from disclosure import canonical
from disclosure.attributes import Value, date_of, days, expiry_message, from_item, to_item
from disclosure.canonical import Item
from disclosure.credential import IssuerKey, KeyState, civil_date, require_plain
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import IssuerKeyName, SchemaName
from disclosure.request import MAX_QUERIES, ExpiryRule, Query, Request
from disclosure.schema import EXPIRY_INDEX, MAX_ATTRIBUTES, Schema

USAGE_TAG_OCTETS: Final = 48
DIGEST_OCTETS: Final = 32
PROOF_FLOOR: Final = 272
MAX_PROOF_OCTETS: Final = PROOF_FLOOR + 32 * (MAX_ATTRIBUTES + 1)
_LABEL: Final = "zk-disclosure/presentation/v1"
_HEADER_LABEL: Final = "zk-disclosure/presentation-header/v1"


@dataclass(frozen=True)
class Shown:
    """What is shown of one credential: the answer to one query, without its proof."""

    query: str
    schema: SchemaName
    issuer_key: IssuerKeyName
    values: Mapping[str, Value | None] = field(repr=False)
    expiry: dt.date | None = None

    def __post_init__(self) -> None:
        if self.expiry is not None and type(self.expiry) is not dt.date:
            raise MalformedError(Reason.VALUE_INVALID, "an expiry is a date", field="expiry")

    def items(self) -> list[Item]:
        """Return it for canonical encoding, the values in the order of their identifiers."""
        return [
            self.query, str(self.schema), str(self.issuer_key),
            days(self.expiry) if self.expiry else None,
            [
                [name, value is not None, None if value is None else to_item(value)]
                for name, value in sorted(self.values.items())
            ],
        ]  # fmt: skip


@dataclass(frozen=True)
class CredentialPresentation:
    """What is shown of one credential, with the proof."""

    shown: Shown
    proof: bytes = field(repr=False)

    def __post_init__(self) -> None:
        size = len(self.proof)
        if not PROOF_FLOOR <= size <= MAX_PROOF_OCTETS or (size - PROOF_FLOOR) % 32:
            detail = "a proof has 272 octets and 32 for each hidden message"
            raise MalformedError(Reason.PRESENTATION_INVALID, detail, field="proof")


@dataclass(frozen=True)
class Presentation:
    """The answer to one request: one part for each query, in its order.

    `usage_tag` lets the vault, and nobody else, recognise its own use; `note_hash` commits to the note that
    stands beside the ledger's entry; `request_digest` says what is answered.
    """

    credentials: tuple[CredentialPresentation, ...]
    usage_tag: bytes = field(repr=False)
    note_hash: bytes = field(repr=False)
    request_digest: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.credentials) <= MAX_QUERIES:
            detail = f"a presentation has 1 to {MAX_QUERIES} credentials"
            raise MalformedError(Reason.PRESENTATION_INVALID, detail, field="credentials")
        for name, octets, size in (
            ("usage_tag", self.usage_tag, USAGE_TAG_OCTETS),
            ("note_hash", self.note_hash, DIGEST_OCTETS),
            ("request_digest", self.request_digest, DIGEST_OCTETS),
        ):
            if len(octets) != size:
                detail = f"it has {size} octets"
                raise MalformedError(Reason.PRESENTATION_INVALID, detail, field=name)

    @cached_property
    def canonical(self) -> bytes:
        """The presentation's canonical bytes."""
        return canonical.encode(
            _LABEL, self.request_digest, self.usage_tag, self.note_hash,
            [[each.shown.items(), each.proof] for each in self.credentials],
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes, schemas: Mapping[SchemaName, Schema]) -> "Presentation":
        """Decode canonical bytes with the schemas of what is shown; MalformedError."""
        match canonical.decode(_LABEL, octets):
            case [bytes(request_digest), bytes(usage_tag), bytes(note_hash), list(credentials)]:
                parts = tuple(_credential_presentation(each, schemas) for each in credentials)
                parsed = cls(parts, usage_tag, note_hash, request_digest)
                if parsed.canonical == octets:
                    return parsed
        raise _malformed()

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated: what its receipt commits to."""
        return canonical.digest(_LABEL, self.canonical)


def _malformed() -> MalformedError:
    return MalformedError(Reason.PRESENTATION_INVALID, "the octets are no presentation of these schemas")


def _credential_presentation(item: Item, schemas: Mapping[SchemaName, Schema]) -> CredentialPresentation:
    match item:
        case [
            [str(query), str(name), str(key), (int() | None) as expiry, list(pairs)], bytes(proof),
        ]:  # fmt: skip
            schema = schemas.get(SchemaName.parse(name))
            if schema is None:
                raise _malformed()
            values = dict(shown_value(pair, schema) for pair in pairs)
            last_day = None if expiry is None else date_of(expiry)
            shown = Shown(query, schema.name, IssuerKeyName.parse(key), values, last_day)
            return CredentialPresentation(shown, proof)
    raise _malformed()


def shown_value(pair: Item, schema: Schema) -> tuple[str, Value | None]:
    """Decode one value of `Shown.items`, None for an absent one; MalformedError."""
    match pair:
        case [str(name), bool(there), item]:
            return name, from_item(schema.attribute(name), item) if there else None
    raise _malformed()


@dataclass(frozen=True)
class Directory:
    """The schemas and issuer keys that a request and its presentation are read with, each under its own name.

    Raises MalformedError NAME_INVALID.
    """

    schemas: Mapping[SchemaName, Schema]
    issuer_keys: Mapping[IssuerKeyName, IssuerKey]

    def __post_init__(self) -> None:
        for mapping in (self.schemas, self.issuer_keys):
            if any(name != each.name for name, each in mapping.items()):
                raise MalformedError(Reason.NAME_INVALID, "it stands under another name than its own")

    def schema(self, name: SchemaName, *, field: str = "schema") -> Schema:
        """Return a schema; RefusedError SCHEMA_UNKNOWN."""
        if name not in self.schemas:
            raise RefusedError(Reason.SCHEMA_UNKNOWN, f"no schema {name} is registered", field=field)
        return self.schemas[name]

    def issuer_key(self, name: IssuerKeyName, *, field: str = "issuer_key") -> IssuerKey:
        """Return an issuer key; RefusedError ISSUER_KEY_UNKNOWN."""
        if name not in self.issuer_keys:
            detail = f"no issuer key {name} is registered"
            raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, detail, field=field)
        return self.issuer_keys[name]


@dataclass(frozen=True)
class Statement:
    """What one proof must prove, in the terms of the draft's ProofVerify."""

    suite: str
    public_key: bytes
    header: bytes
    presentation_header: bytes
    disclosed_messages: tuple[bytes, ...]
    disclosed_indexes: tuple[int, ...]
    message_count: int

    @property
    def proof_octets(self) -> int:
        """The only length that a proof of this statement has."""
        return PROOF_FLOOR + 32 * (self.message_count - len(self.disclosed_indexes))


def check_request(request: Request, directory: Directory) -> None:
    """Raise unless a request can be answered: schemas of the plain form, attributes that exist.

    Reasons: SCHEMA_UNKNOWN, FORM_NOT_SUPPORTED, ATTRIBUTE_UNKNOWN; the field is the place in the request.
    """
    for index, query in enumerate(request.queries):
        schema = directory.schema(query.schema, field=f"queries[{index}].schema")
        require_plain(schema)
        for position, attribute in enumerate(query.shown):
            if attribute not in schema:
                detail = f"{schema.name} has no attribute {attribute}"
                place = f"queries[{index}].shown[{position}]"
                raise MalformedError(Reason.ATTRIBUTE_UNKNOWN, detail, field=place)


def statements_of(
    request: Request,
    shown: tuple[Shown, ...],
    usage_tag: bytes,
    note_hash: bytes,
    directory: Directory,
    now: dt.datetime,
) -> tuple[Statement, ...]:
    """Compile what each proof must prove, one statement for each query.

    Raises RefusedError QUERY_MISMATCH (what is shown is not what was asked), SCHEMA_UNKNOWN,
    FORM_NOT_SUPPORTED, ISSUER_KEY_UNKNOWN, ISSUER_KEY_RETIRED, CREDENTIAL_EXPIRED; MalformedError
    VALUE_INVALID, ATTRIBUTE_MISSING, ATTRIBUTE_UNKNOWN.
    """
    check_request(request, directory)
    if len(shown) != len(request.queries):
        raise _mismatch("one answer for each query", "credentials")
    keys = [
        _answer(query, each, directory, now, f"credentials[{index}]")
        for index, (query, each) in enumerate(zip(request.queries, shown, strict=True))
    ]
    common: list[Item] = [
        request.digest, usage_tag, note_hash,
        [[*each.items(), directory.schema(each.schema).digest, key.public_key]
         for each, key in zip(shown, keys, strict=True)],
    ]  # fmt: skip
    return tuple(
        _statement(each, key, directory.schema(each.schema), canonical.encode(_HEADER_LABEL, index, *common))
        for index, (each, key) in enumerate(zip(shown, keys, strict=True))
    )


def _mismatch(detail: str, field: str) -> RefusedError:
    return RefusedError(Reason.QUERY_MISMATCH, f"not what was asked: {detail}", field=field)


def _answer(query: Query, shown: Shown, directory: Directory, now: dt.datetime, field: str) -> IssuerKey:
    """Check one answer against its query; return the key that must have signed.

    After this every value is one of its attribute, so that what follows encodes checked values only.
    """
    if shown.query != query.id or shown.schema != query.schema:
        raise _mismatch("the query and its schema", field)
    if set(shown.values) != set(query.shown):
        raise _mismatch("exactly the attributes of the query", f"{field}.values")
    if (shown.expiry is not None) != (query.expiry is ExpiryRule.SHOWN):
        raise _mismatch("the expiry, shown if and only if the query says so", f"{field}.expiry")
    schema = directory.schema(query.schema)
    for name, value in shown.values.items():
        schema.attribute(name).check(value, field=f"{field}.values.{name}")
    key = directory.issuer_key(shown.issuer_key, field=f"{field}.issuer_key")
    if key.name.department != query.schema.department:
        detail = "the key belongs to another department"
        raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, detail, field=f"{field}.issuer_key")
    if key.state is KeyState.RETIRED:
        raise RefusedError(Reason.ISSUER_KEY_RETIRED, "the key was retired", field=f"{field}.issuer_key")
    if shown.expiry is not None and shown.expiry < civil_date(now):
        raise RefusedError(Reason.CREDENTIAL_EXPIRED, "its last day has passed", field=f"{field}.expiry")
    return key


def _statement(shown: Shown, key: IssuerKey, schema: Schema, presentation_header: bytes) -> Statement:
    disclosed = {
        schema.message_index(name): schema.attribute(name).message(value)
        for name, value in shown.values.items()
    }
    if shown.expiry is not None:
        disclosed[EXPIRY_INDEX] = expiry_message(shown.expiry)
    indexes = tuple(sorted(disclosed))
    return Statement(
        suite=key.suite,
        public_key=key.public_key,
        header=schema.header(),
        presentation_header=presentation_header,
        disclosed_messages=tuple(disclosed[index] for index in indexes),
        disclosed_indexes=indexes,
        message_count=1 + len(schema.attributes),
    )
