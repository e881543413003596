"""What a holder keeps of a keyed credential, and the layout of what is MACed.

Slots are those of the composite form (`disclosure.composite.scalars`): the holder's secret, the handle, the
last day of validity, the schema's attributes, and in the last slot the blind of the issuance.
"""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from bbs.keyed import Curve, Generators, KeyedCredential, calculate_domain, create_generators
from disclosure.attributes import Value
from disclosure.composite import scalars
from disclosure.errors import MalformedError, Reason
from disclosure.keyed.keys import CheckKeys
from disclosure.names import SchemaName
from disclosure.schema import Schema

SCALAR_OCTETS = 32


@dataclass(frozen=True, eq=False, repr=False)
class KeyedSecret:
    """A holder's secret on one curve, the same in all keyed credentials there. Does not show itself.

    It is not the secret of the composite form: another group has another order. Raises MalformedError
    MALFORMED unless it is in [1, n).
    """

    curve: Curve
    scalar: int

    def __post_init__(self) -> None:
        check_scalar(self.scalar, self.curve, "the holder's secret")

    @classmethod
    def generate(cls, curve: Curve) -> "KeyedSecret":
        """Draw one from the system's generator."""
        return cls(curve, random_scalar(curve))


@dataclass(frozen=True, repr=False)
class KeyedHolding:
    """A credential whose MAC the holder has accepted. All of it is the holder's secret."""

    schema: SchemaName
    expiry: dt.date
    values: Mapping[str, Value] = field(repr=False)
    credential: KeyedCredential = field(repr=False)


def random_scalar(curve: Curve) -> int:
    """Draw a uniform scalar in [1, n)."""
    return 1 + secrets.randbelow(curve.n - 1)


def check_scalar(value: int, curve: Curve, what: str, *, field: str = "") -> None:
    """Raise MalformedError MALFORMED, which does not show the value, unless it is a scalar in [1, n)."""
    if type(value) is not int or not 0 < value < curve.n:
        raise MalformedError(Reason.MALFORMED, f"{what} is no scalar", field=field)


def generators_of(schema: Schema, curve: Curve) -> Generators:
    """Return the generators of a schema's slots, that of the blind among them."""
    return create_generators(curve, scalars.FIRST_ATTRIBUTE + len(schema.attributes) + 1)


def domain_of(schema: Schema, keys: CheckKeys) -> int:
    """Return what binds key, generators and the schema's digest in every MAC."""
    return calculate_domain(keys.public_key, generators_of(schema, keys.curve), schema.header())


def message_scalars(
    schema: Schema,
    keys: CheckKeys,
    secret: int,
    handle: int,
    expiry: dt.date,
    values: Mapping[str, Value],
    blind: int,
) -> tuple[int, ...]:
    """Return the scalars of all slots; MalformedError (values).

    The issuer, who knows neither, puts 0 for secret and blind and adds the commitment to the point instead.
    """
    attributes = scalars.attribute_scalars(schema, values, keys.suite)
    return (secret, handle, scalars.number(expiry), *attributes, blind)
