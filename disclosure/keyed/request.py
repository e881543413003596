"""Requests of the keyed form: what a counter asks of the holders of one department's credentials.

All credentials are of one department, under its one published key, and of one holder. The bytes say what is
given up in so many words: nothing is proven about revocation, and the verifier is a designated one. There is
no other way to encode a request, so a holder who signs off on one has read so.
"""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from disclosure import canonical
from disclosure.attributes import LocalizedText
from disclosure.canonical import Item
from disclosure.composite.predicates import (
    Equal,
    NotEqual,
    OneOf,
    Predicate,
    Range,
    check_digest,
    predicate_from,
)
from disclosure.composite.query import Expiry, ExpiryShown, ValidOn, expiry_from, invalid
from disclosure.names import IssuerKeyName, SchemaName, VerifierName, check_attribute_id
from disclosure.request import NONCE_OCTETS, check_frame, check_life, moment_of
from disclosure.schema import Schema

MAX_QUERIES: Final = 8
MAX_PREDICATES: Final = 32
DESIGNATED_VERIFIER: Final = "designated-verifier"
_LABEL: Final = "zk-disclosure/keyed-request/v1"
_SAYS: Final = ["same-holder", "revocation-waived", DESIGNATED_VERIFIER]


@dataclass(frozen=True)
class KeyedQuery:
    """One credential that is asked for: the schema by name and digest, what is shown, and the expiry.

    Whoever reads the request brings the schema; only one of this digest counts. Raises MalformedError
    REQUEST_INVALID, NAME_INVALID, PREDICATE_INVALID (a digest that is none).
    """

    id: str
    schema: SchemaName
    schema_digest: bytes
    expiry: Expiry
    shown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")
        check_digest(self.schema_digest, "schema_digest")
        for attribute in self.shown:
            check_attribute_id(attribute, field="shown")
        if len(set(self.shown)) != len(self.shown):
            raise invalid("an attribute is asked for twice", "shown")
        if not isinstance(self.expiry, ValidOn | ExpiryShown):
            raise invalid("the expiry is shown, or proven", "expiry")

    @classmethod
    def of(cls, identifier: str, schema: Schema, expiry: Expiry, shown: tuple[str, ...] = ()) -> "KeyedQuery":
        """Ask for a credential of a schema."""
        return cls(identifier, schema.name, schema.digest, expiry, shown)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.id, str(self.schema), self.schema_digest, self.expiry.items(), list(self.shown)]

    @classmethod
    def from_items(cls, item: Item) -> "KeyedQuery":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [str(identifier), str(schema), bytes(digest), expiry, list(shown)]:
                texts = tuple(each for each in shown if isinstance(each, str))
                if len(texts) == len(shown):
                    return cls(identifier, SchemaName.parse(schema), digest, expiry_from(expiry), texts)
        raise invalid("the octets hold no query", "queries")


@dataclass(frozen=True)
class KeyedRequest:
    """A counter's question; times are whole seconds with a zone. `keys` is the digest of the published keys.

    Predicates are ranges, few values, inequalities and equalities. Raises MalformedError REQUEST_INVALID,
    PREDICATE_INVALID, NAME_INVALID.
    """

    verifier: VerifierName
    purpose: LocalizedText
    issuer_key: IssuerKeyName
    keys: bytes
    queries: tuple[KeyedQuery, ...]
    predicates: tuple[Predicate, ...]
    created: dt.datetime
    expires: dt.datetime
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(NONCE_OCTETS))

    def __post_init__(self) -> None:
        check_digest(self.keys, "keys")
        if not 0 < len(self.queries) <= MAX_QUERIES:
            raise invalid(f"a request has 1 to {MAX_QUERIES} queries", "queries")
        if len({each.id for each in self.queries}) != len(self.queries):
            raise invalid("two queries have one identifier", "queries")
        if any(each.schema.department != self.issuer_key.department for each in self.queries):
            raise invalid("a check service answers for its own department only", "queries")
        if len(self.predicates) > MAX_PREDICATES or len(set(self.predicates)) != len(self.predicates):
            raise invalid(f"a request has at most {MAX_PREDICATES} predicates, each once", "predicates")
        for index, each in enumerate(self.predicates):
            if not isinstance(each, Range | OneOf | NotEqual | Equal):
                raise invalid("the keyed form has no lists and no sums", f"predicates[{index}]")
        check_frame(self.created, self.expires, self.nonce)
        if len(self.canonical) > canonical.MAX_OCTETS:
            raise invalid("the request is too large", "queries")

    @cached_property
    def canonical(self) -> bytes:
        """The request's canonical bytes."""
        return canonical.encode(
            _LABEL, list(_SAYS), str(self.verifier), [self.purpose.zh, self.purpose.en],
            str(self.issuer_key), self.keys, int(self.created.timestamp()), int(self.expires.timestamp()),
            self.nonce, [each.items() for each in self.queries], [each.items() for each in self.predicates],
        )  # fmt: skip

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated."""
        return canonical.digest(_LABEL, self.canonical)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "KeyedRequest":
        """Decode canonical bytes; MalformedError MALFORMED and those of the constructors."""
        match canonical.decode(_LABEL, octets):
            case [
                list(says), str(verifier), [str(zh), str(en)], str(key), bytes(keys), int(created),
                int(expires), bytes(nonce), list(queries), list(predicates),
            ] if says == _SAYS:  # fmt: skip
                parsed = cls(
                    VerifierName.parse(verifier), LocalizedText(zh, en), IssuerKeyName.parse(key), keys,
                    tuple(map(KeyedQuery.from_items, queries)), tuple(map(predicate_from, predicates)),
                    moment_of(created), moment_of(expires), nonce,
                )  # fmt: skip
                if parsed.canonical == octets:
                    return parsed
        raise invalid("the octets are no keyed request", "")

    def check_time(self, now: dt.datetime) -> None:
        """Raise RefusedError REQUEST_EXPIRED or REQUEST_NOT_YET_VALID unless `now` is within its life."""
        check_life(self.created, self.expires, now)


Schemas = Mapping[SchemaName, Schema]
"""The schemas that a request is read with, each under its own name."""
