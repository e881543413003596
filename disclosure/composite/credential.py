"""Credentials of the composite form: what a holder keeps of one, checked, stored and prepared for proofs.

The holder's secret is one scalar for all of a holder's credentials, so it stands beside them and not in them.
"""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bbs import BbsError, PreparedCredential
from bbs.ciphersuite import Ciphersuite, resolve
from bbs.credential import core_prepare_credential
from bbs.groups.bls12_381 import r
from bbs.serialization import octets_to_signature
from bbs.signature import calculate_domain, core_verify
from disclosure import canonical
from disclosure.attributes import Value, date_of, days, from_item, to_item
from disclosure.canonical import Item
from disclosure.composite import scalars
from disclosure.credential import SIGNATURE_OCTETS, IssuerKey
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import IssuerKeyName, SchemaName
from disclosure.schema import CredentialForm, Schema

SCALAR_OCTETS: Final = 32
_LABEL: Final = "zk-disclosure/composite-credential/v1"


@dataclass(frozen=True, eq=False, repr=False)
class HolderSecret:
    """A holder's secret k, one and the same in all of the holder's credentials. Does not show itself.

    It never leaves the vault: whoever has it recognises every pseudonym of the holder. Raises MalformedError
    MALFORMED unless it is in [1, r).
    """

    scalar: int

    def __post_init__(self) -> None:
        check_scalar(self.scalar, "the holder's secret")

    @classmethod
    def generate(cls) -> "HolderSecret":
        """Draw one from the system's generator."""
        return cls(random_scalar())

    def to_octets_secret(self) -> bytes:
        """Return its 32 secret octets, for the vault's own store."""
        return self.scalar.to_bytes(SCALAR_OCTETS)

    @classmethod
    def from_octets(cls, octets: bytes) -> "HolderSecret":
        """Decode what `to_octets_secret` gives; MalformedError MALFORMED."""
        if len(octets) != SCALAR_OCTETS:
            raise MalformedError(Reason.MALFORMED, f"a holder's secret has {SCALAR_OCTETS} octets")
        return cls(int.from_bytes(octets))


def random_scalar() -> int:
    """Draw a uniform scalar in [1, r) from the system's generator."""
    return secrets.randbelow(r - 1) + 1


def check_scalar(value: int, what: str, *, field: str = "") -> None:
    """Raise MalformedError MALFORMED, which does not show the value, unless it is a scalar in [1, r)."""
    if type(value) is not int or not 0 < value < r:
        raise MalformedError(Reason.MALFORMED, f"{what} is no scalar", field=field)


@dataclass(frozen=True, repr=False)
class CompositeCredential:
    """What a department says about somebody, signed without seeing the holder's secret.

    `handle` is what the department would revoke, `blind` what hid the holder's secret from it. All of it is
    the holder's secret, and shows nothing of itself. Raises MalformedError MALFORMED.
    """

    schema: SchemaName
    issuer_key: IssuerKeyName
    expiry: dt.date
    values: Mapping[str, Value] = field(repr=False)
    handle: int = field(repr=False)
    blind: int = field(repr=False)
    signature: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.schema.department != self.issuer_key.department:
            detail = "a department signs under its own schemas only"
            raise MalformedError(Reason.MALFORMED, detail, field="issuer_key")
        check_scalar(self.handle, "the handle", field="handle")
        check_scalar(self.blind, "the blind", field="blind")
        if len(self.signature) != SIGNATURE_OCTETS:
            detail = f"a signature has {SIGNATURE_OCTETS} octets"
            raise MalformedError(Reason.MALFORMED, detail, field="signature")

    def to_bytes(self, schema: Schema) -> bytes:
        """Return its canonical bytes, for storage under encryption; MalformedError (values)."""
        octets = canonical.encode(
            _LABEL, str(self.schema), str(self.issuer_key), days(self.expiry),
            value_items(self.values, schema), self.handle.to_bytes(SCALAR_OCTETS),
            self.blind.to_bytes(SCALAR_OCTETS), self.signature,
        )  # fmt: skip
        return check_size(octets)

    @classmethod
    def from_bytes(cls, octets: bytes, schema: Schema) -> "CompositeCredential":
        """Decode what `to_bytes` gives, under the same schema; MalformedError."""
        match canonical.decode(_LABEL, octets):
            case [
                str(name), str(key), int(expiry), list(pairs), bytes(handle), bytes(blind), bytes(signature),
            ]:  # fmt: skip
                parsed = cls(
                    SchemaName.parse(name), IssuerKeyName.parse(key), date_of(expiry),
                    values_of(pairs, schema), int.from_bytes(handle), int.from_bytes(blind), signature,
                )  # fmt: skip
                if parsed.schema == schema.name and parsed.to_bytes(schema) == octets:
                    return parsed
        raise MalformedError(Reason.MALFORMED, "the octets are no credential of this schema and form")


def value_items(values: Mapping[str, Value], schema: Schema) -> list[Item]:
    """Return values for canonical encoding, in the schema's order; raises as `schema.check_values` does."""
    schema.check_values(values)
    return [[each.id, to_item(values[each.id])] for each in schema.attributes if each.id in values]


def values_of(pairs: list[Item], schema: Schema) -> dict[str, Value]:
    """Decode what `value_items` gives; MalformedError."""
    values: dict[str, Value] = {}
    for pair in pairs:
        match pair:
            case [str(attribute), item] if attribute not in values:
                values[attribute] = from_item(schema.attribute(attribute), item)
            case _:
                raise MalformedError(Reason.MALFORMED, "a value has a name, once")
    return values


def check_size(octets: bytes) -> bytes:
    """Return octets that can be decoded again; MalformedError VALUE_INVALID if they are too many."""
    if len(octets) > canonical.MAX_OCTETS:
        raise MalformedError(Reason.VALUE_INVALID, "all values together are too large", field="values")
    return octets


def require_composite(schema: Schema, *, field: str = "schema") -> None:
    """Raise RefusedError FORM_NOT_SUPPORTED unless the schema's credentials have the composite form."""
    if schema.form is not CredentialForm.COMPOSITE:
        detail = f"{schema.name} has the plain form, whose credentials prove nothing but what they show"
        raise RefusedError(Reason.FORM_NOT_SUPPORTED, detail, field=field)


def message_scalars(
    credential: CompositeCredential, secret: HolderSecret, schema: Schema, suite: Ciphersuite
) -> tuple[int, ...]:
    """Return the scalars that were signed, slot by slot, and the blind; MalformedError (values)."""
    return (
        secret.scalar,
        credential.handle,
        scalars.number(credential.expiry),
        *scalars.attribute_scalars(schema, credential.values, suite),
        credential.blind,
    )


def check_composite_credential(
    credential: CompositeCredential, secret: HolderSecret, schema: Schema, key: IssuerKey
) -> CompositeCredential:
    """Return a credential whose values fit and whose signature holds for this holder.

    Raises MalformedError (values), RefusedError SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN, FORM_NOT_SUPPORTED,
    SIGNATURE_INVALID.
    """
    require_composite(schema)
    if credential.schema != schema.name:
        raise RefusedError(Reason.SCHEMA_UNKNOWN, "the credential is of another schema")
    if credential.issuer_key != key.name:
        raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, "the credential is signed by another key")
    suite = resolve(key.suite)
    signed = message_scalars(credential, secret, schema, suite)
    generators = scalars.generators(schema, suite)
    try:
        core_verify(
            key.public_key, credential.signature, generators, schema.header(), signed, scalars.api_id(suite)
        )
    except BbsError:
        raise RefusedError(Reason.SIGNATURE_INVALID, "the issuer's signature does not hold") from None
    return credential


def prepare(
    credential: CompositeCredential, secret: HolderSecret, schema: Schema, key: IssuerKey
) -> PreparedCredential:
    """Return what all proofs of a checked credential have in common, for a vault to keep in memory.

    Its tables come and go with it. Raises MalformedError (values, a signature that is none).
    """
    suite = resolve(key.suite)
    signed = message_scalars(credential, secret, schema, suite)
    try:
        signature = octets_to_signature(credential.signature, suite=suite)
    except BbsError:
        raise MalformedError(Reason.MALFORMED, "the signature is none", field="signature") from None
    return core_prepare_credential(
        key.public_key,
        signature,
        scalars.generators(schema, suite),
        schema.header(),
        signed,
        scalars.api_id(suite),
    )


def domain_of(schema: Schema, key: IssuerKey) -> int:
    """Return the domain that every credential of a schema and key is signed under."""
    suite = resolve(key.suite)
    return calculate_domain(
        key.public_key, scalars.generators(schema, suite), schema.header(), scalars.api_id(suite)
    )
