"""Issuer keys and credentials of the plain form."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, TypeVar

import bbs
from disclosure import canonical
from disclosure.attributes import Value, date_of, days, from_item, to_item
from disclosure.canonical import Item
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import DepartmentName, IssuerKeyName, SchemaName
from disclosure.schema import CredentialForm, Schema

SUITES: Final = (str(bbs.SHA_256), str(bbs.SHAKE_256))
PUBLIC_KEY_OCTETS: Final = 96
SIGNATURE_OCTETS: Final = 80
CIVIL_TIME: Final = dt.timezone(dt.timedelta(hours=8), "UTC+08:00")
"""Days begin and end by the clock of the cities, everywhere the same."""
_KEY_LABEL: Final = "zk-disclosure/issuer-key/v1"
LABEL: Final = "zk-disclosure/plain-credential/v1"


def civil_date(moment: dt.datetime) -> dt.date:
    """Return the date of a moment (with time zone) by the cities' clock."""
    return moment.astimezone(CIVIL_TIME).date()


class KeyState(StrEnum):
    """What an issuer key may still do."""

    ACTIVE = "active"
    VERIFY_ONLY = "verify-only"
    RETIRED = "retired"


@dataclass(frozen=True)
class IssuerKey:
    """The public half of an issuer's BBS key; its name follows from suite and public key.

    Raises MalformedError MALFORMED (suite or length), NAME_INVALID (name and key do not belong together).
    """

    name: IssuerKeyName
    suite: str
    public_key: bytes
    state: KeyState = KeyState.ACTIVE

    def __post_init__(self) -> None:
        if self.suite not in SUITES:
            raise MalformedError(Reason.MALFORMED, f"the suite is one of {', '.join(SUITES)}", field="suite")
        if len(self.public_key) != PUBLIC_KEY_OCTETS:
            detail = f"a public key has {PUBLIC_KEY_OCTETS} octets"
            raise MalformedError(Reason.MALFORMED, detail, field="public_key")
        if self.name != issuer_key_name(self.name.department, self.suite, self.public_key):
            detail = "the name does not follow from the public key"
            raise MalformedError(Reason.NAME_INVALID, detail, field="name")

    def record(self) -> bytes:
        """Return what the ledger holds of the key: name, suite, public key."""
        return canonical.encode(_KEY_LABEL, str(self.name), self.suite, self.public_key)

    @classmethod
    def from_record(cls, octets: bytes) -> "IssuerKey":
        """Decode what `record` gives, as an active key; MalformedError MALFORMED, NAME_INVALID."""
        match canonical.decode(_KEY_LABEL, octets):
            case [str(name), str(suite), bytes(public_key)]:
                return cls(IssuerKeyName.parse(name), suite, public_key)
        raise MalformedError(Reason.MALFORMED, "the octets are no issuer key")


def issuer_key_name(department: str, suite: str, public_key: bytes) -> IssuerKeyName:
    """Return the name of a department's key."""
    octets = canonical.encode(_KEY_LABEL, str(DepartmentName(department)), suite, public_key)
    return IssuerKeyName(department, canonical.digest(_KEY_LABEL, octets)[:16].hex())


@dataclass(frozen=True)
class Credential:
    """What a department says about somebody, signed. The values and the signature are the holder's secret."""

    schema: SchemaName
    issuer_key: IssuerKeyName
    expiry: dt.date
    values: Mapping[str, Value] = field(repr=False)
    signature: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.schema.department != self.issuer_key.department:
            detail = "a department signs under its own schemas only"
            raise MalformedError(Reason.MALFORMED, detail, field="issuer_key")
        if len(self.signature) != SIGNATURE_OCTETS:
            detail = f"a signature has {SIGNATURE_OCTETS} octets"
            raise MalformedError(Reason.MALFORMED, detail, field="signature")

    def to_bytes(self, schema: Schema) -> bytes:
        """Return its canonical bytes, for storage under encryption; MalformedError (values)."""
        schema.check_values(self.values)
        return self._encoded(schema)

    def _encoded(self, schema: Schema) -> bytes:
        """Return its canonical bytes, where the values were checked; MalformedError if they are too many."""
        ordered = [(each.id, self.values.get(each.id)) for each in schema.attributes]
        octets = canonical.encode(
            LABEL, str(self.schema), str(self.issuer_key), days(self.expiry),
            [[name, to_item(value)] for name, value in ordered if value is not None], self.signature,
        )  # fmt: skip
        if len(octets) > canonical.MAX_OCTETS:
            raise MalformedError(Reason.VALUE_INVALID, "all values together are too large", field="values")
        return octets

    @classmethod
    def from_bytes(cls, octets: bytes, schema: Schema) -> "Credential":
        """Decode what `to_bytes` gives, under the same schema; MalformedError."""
        match canonical.decode(LABEL, octets):
            case [str(name), str(key), int(expiry), list(pairs), bytes(signature)]:
                parsed = cls(
                    SchemaName.parse(name),
                    IssuerKeyName.parse(key),
                    date_of(expiry),
                    _values(pairs, schema),
                    signature,
                )
            case _:
                raise MalformedError(Reason.MALFORMED, "the octets are no credential")
        if parsed.schema != schema.name or parsed.to_bytes(schema) != octets:
            raise MalformedError(Reason.MALFORMED, "the credential is of another schema")
        return parsed


def _values(pairs: list[Item], schema: Schema) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for pair in pairs:
        match pair:
            case [str(attribute), item] if attribute not in values:
                values[attribute] = from_item(schema.attribute(attribute), item)
            case _:
                raise MalformedError(Reason.MALFORMED, "a value has a name, once")
    return values


def issue(
    schema: Schema, key: IssuerKey, secret_key: bbs.SecretKey, values: Mapping[str, Value], today: dt.date
) -> Credential:
    """Sign values under a schema; valid from `today` for the schema's days.

    Raises MalformedError (values that do not fit, or are too large for a vault to keep), RefusedError
    ISSUER_KEY_RETIRED, FORM_NOT_SUPPORTED, ISSUER_KEY_UNKNOWN (a key of another department).
    """
    credential = _signed(schema, key, secret_key, values, today)
    credential._encoded(schema)  # none leaves that its vault could not store and read again
    return credential


def issue_bytes(
    schema: Schema, key: IssuerKey, secret_key: bbs.SecretKey, values: Mapping[str, Value], today: dt.date
) -> bytes:
    """Return the canonical bytes of what `issue` gives; raises as it does."""
    return _signed(schema, key, secret_key, values, today)._encoded(schema)


def _signed(
    schema: Schema, key: IssuerKey, secret_key: bbs.SecretKey, values: Mapping[str, Value], today: dt.date
) -> Credential:
    check_issuer(schema, key)
    expiry = today + dt.timedelta(days=schema.validity_days)
    messages = schema.messages(expiry, values)
    signature = bbs.sign(secret_key, key.public_key, schema.header(), messages, suite=key.suite)
    return Credential(schema.name, key.name, expiry, dict(values), signature)


def check_issuer(schema: Schema, key: IssuerKey) -> None:
    """Raise RefusedError unless a key signs credentials of the plain form under a schema.

    Reasons: ISSUER_KEY_UNKNOWN (a key of another department), ISSUER_KEY_RETIRED, FORM_NOT_SUPPORTED.
    """
    if key.name.department != schema.name.department:
        detail = "a department signs under its own schemas only"
        raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, detail)
    if key.state is not KeyState.ACTIVE:
        raise RefusedError(Reason.ISSUER_KEY_RETIRED, "the key signs no more")
    require_plain(schema)


def check_credential(credential: Credential, schema: Schema, key: IssuerKey) -> Credential:
    """Return a credential whose values fit and whose signature holds.

    Raises MalformedError (values), RefusedError SIGNATURE_INVALID, SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN.
    """
    if credential.schema != schema.name:
        raise RefusedError(Reason.SCHEMA_UNKNOWN, "the credential is of another schema")
    if credential.issuer_key != key.name:
        raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, "the credential is signed by another key")
    messages = schema.messages(credential.expiry, credential.values)
    try:
        bbs.verify(key.public_key, credential.signature, schema.header(), messages, suite=key.suite)
    except (bbs.VerificationError, bbs.DecodingError):
        raise RefusedError(Reason.SIGNATURE_INVALID, "the issuer's signature does not hold") from None
    return credential


class Expiring(Protocol):
    """A credential of either form."""

    @property
    def expiry(self) -> dt.date:
        """The last day of validity."""
        ...


_Expiring = TypeVar("_Expiring", bound=Expiring)


def check_lifetime(credential: _Expiring, schema: Schema, today: dt.date) -> _Expiring:
    """Return a credential, of either form, whose last day the schema allows for one issued lately.

    A department that gives every person an expiry of their own would know them again by it wherever it is
    shown. Raises RefusedError EXPIRY_INVALID.
    """
    latest = today + dt.timedelta(days=schema.validity_days + 1)
    if not today <= credential.expiry <= latest:
        detail = "the last day of validity is not what the schema says"
        raise RefusedError(Reason.EXPIRY_INVALID, detail, field="expiry")
    return credential


def require_plain(schema: Schema) -> None:
    """Raise RefusedError FORM_NOT_SUPPORTED unless the schema's credentials have the plain form."""
    if schema.form is not CredentialForm.PLAIN:
        raise RefusedError(Reason.FORM_NOT_SUPPORTED, "the schema's credentials have the composite form")
