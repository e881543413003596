"""What an offer of the composite form is made of: what it will say, and what its holder is asked for first.

The department asks the latter itself, over the service's own channel: nobody signs that request. It lives for
an hour, so that what it accepts (keys, an epoch, a day) is never older than that.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import (
    DepartmentName,
    IssuerKey,
    LocalizedText,
    MalformedError,
    Reason,
    Schema,
    SchemaName,
    Value,
    VerifierName,
    canonical,
    civil_date,
)
from disclosure.attributes import AttributeType, to_item
from disclosure.canonical import Item
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CompositeQuery,
    CompositeRequest,
    ExpiryShown,
    IssuanceTerms,
    OldestEpoch,
    ValidOn,
    Waiver,
)
from disclosure.composite.query import MAX_ISSUERS
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import Keys
from zkservice.storage import catalog, publication, revocation

BRANCH: Final = "base"
NOT_MADE: Final = b""
"""The request of an offer that is one of very many: it is made when its holder asks for the offer."""
_PERSON_LABEL: Final = "zk-disclosure/person/v1"
_MAX_PERSON: Final = 200
_LABEL: Final = "zk-disclosure/offered-credential/v1"
_MOST_OCTETS: Final = 2 * canonical.MAX_OCTETS
_SPARE_OCTETS: Final = 1024
"""What a credential's canonical bytes have beside its values: names, handle, blind, signature."""
_REQUEST_LIFE: Final = dt.timedelta(hours=1)
_SECOND: Final = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class Required:
    """A credential that the holder shows first, and what it must say: values as of `to_item`."""

    schema: SchemaName
    values: Mapping[str, Item] = field(repr=False)

    @classmethod
    def of(cls, schema: Schema, values: Mapping[str, Value]) -> "Required":
        """Check the values of some attributes; MalformedError ATTRIBUTE_UNKNOWN, VALUE_INVALID."""
        for name, value in values.items():
            definition = schema.attribute(name)
            if definition.type is AttributeType.SECRET:
                raise MalformedError(Reason.VALUE_INVALID, "a secret is never shown", field=name)
            definition.check(value, field=name)
        return cls(schema.name, items_of(values))


@dataclass(frozen=True)
class Offered:
    """What a credential will say, values as of `to_item`, and what its holder shows first."""

    values: Mapping[str, Item] = field(repr=False)
    required: Required | None = None

    def __post_init__(self) -> None:
        if len(canonical.encode(_LABEL, _pairs(self.values))) > canonical.MAX_OCTETS - _SPARE_OCTETS:
            detail = "all values together are too large"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="values")

    def to_bytes(self) -> bytes:
        """Return its canonical bytes, for storage under encryption."""
        required = self.required
        shown: Item = None if required is None else [str(required.schema), _pairs(required.values)]
        return canonical.encode(_LABEL, _pairs(self.values), shown)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "Offered":
        """Decode what `to_bytes` gave; MalformedError MALFORMED, NAME_INVALID, VALUE_INVALID."""
        match canonical.decode(_LABEL, octets, most=_MOST_OCTETS):
            case [list(values), None]:
                return cls(_values(values))
            case [list(values), [str(schema), list(shown)]]:
                return cls(_values(values), Required(SchemaName.parse(schema), _values(shown)))
        raise MalformedError(Reason.MALFORMED, "the octets are no offered credential")


def _values(pairs: Sequence[Any]) -> dict[str, Item]:
    """Return pairs as they were written: each a name and a value; MalformedError MALFORMED."""
    found = dict[str, Item]()
    for pair in pairs:
        match pair:
            case [str(name), value]:
                found[name] = value
    if len(found) != len(pairs):
        raise MalformedError(Reason.MALFORMED, "values are pairs of a name and a value, no name twice")
    return found


@dataclass(frozen=True)
class Ground:
    """What a department's credentials are accepted by: keys, newest epochs of accumulators, digits."""

    keys: Sequence[IssuerKey]
    accumulators: Sequence[OldestEpoch]
    digits: bytes | None

    @classmethod
    def read(cls, connection: Connection, department: str, suite: str, field: str = "") -> "Ground":
        """Read all of one suite, newest first; ServiceError ISSUER_KEY_MISSING, with the field given."""
        keys = [each.key for each in catalog.accepted_keys(connection, department, suite)]
        if not keys:
            detail = f"{department} has no key of the suite that the offer is signed in"
            raise ServiceError(ServiceReason.ISSUER_KEY_MISSING, detail, field=field)
        lists = revocation.of_department(connection, department, MAX_ISSUERS, suite=suite)
        mine = [each.accumulator for each in lists]
        epochs = [revocation.newest_epoch(connection, str(each.name)) for each in mine]
        digits = publication.newest_digits(connection, department, suite)
        return cls(
            keys,
            [OldestEpoch(each.key.octets, at.number) for each, at in zip(mine, epochs, strict=True)],
            digits.digest if digits is not None else None,
        )

    def issuers(self) -> tuple[AcceptedIssuer, ...]:
        """Return each key with each accumulator, as many as a query may have, newest first."""
        rules: Sequence[OldestEpoch | Waiver] = self.accumulators or [Waiver.REVOCATION]
        pairs = [AcceptedIssuer(key.name, rule, self.digits) for rule in rules for key in self.keys]
        return tuple(pairs[:MAX_ISSUERS])


def required_request(
    terms: IssuanceTerms,
    schema: Schema,
    required: Required,
    ground: Ground,
    now: dt.datetime,
    end: dt.datetime,
) -> CompositeRequest:
    """Return what a department asks a holder for before it signs; `end` is the offer's own."""
    created = now.replace(microsecond=0)
    expires = max(created + _SECOND, min(created + _REQUEST_LIFE, end.replace(microsecond=0)))
    expiry = ExpiryShown() if ground.digits is None else ValidOn(civil_date(expires))
    query = CompositeQuery(BRANCH, (required.schema,), ground.issuers(), expiry, tuple(required.values))
    return CompositeRequest(
        VerifierName(schema.name.department),
        _purpose(schema),
        (Branch(BRANCH, (query,)),),
        created,
        expires,
        issuance=terms,
    )


def _purpose(schema: Schema) -> LocalizedText:
    try:
        return LocalizedText(f"领取{schema.display_name.zh}", f"To receive: {schema.display_name.en}")
    except MalformedError:  # with the words before it, a name may be longer than a text
        return LocalizedText(f"领取 {schema.name}", f"To receive: {schema.name}")


def items_of(values: Mapping[str, Value]) -> dict[str, Item]:
    """Return values as they are sealed and sent to the signer."""
    return {name: to_item(value) for name, value in values.items()}


def checked_person(person: bytes) -> bytes:
    """Return a department's own number of a person; ServiceError FIELD_INVALID."""
    if not 0 < len(person) <= _MAX_PERSON:
        detail = f"a department's number of a person has 1 to {_MAX_PERSON} octets"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="person")
    return bytes(person)


def person_mark(keys: Keys, department: str, person: bytes) -> bytes:
    """Return the fingerprint of a department's person."""
    return keys.fingerprint(canonical.encode(_PERSON_LABEL, department.encode(), person))


def offer_label(offer_id: str) -> str:
    """Return the label that what an offer of the composite form will say is sealed under."""
    return f"composite-offer/{offer_id}"


def _pairs(values: Mapping[str, Item]) -> list[Item]:
    return [[name, item] for name, item in sorted(values.items())]


def department_of(schema: SchemaName) -> str:
    """Return the name of the department whose schema it is."""
    return str(DepartmentName(schema.department))
