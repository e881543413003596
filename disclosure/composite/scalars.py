"""The interface of the composite form, in the draft's sense: generators, slots, what a value is signed as.

Slot 0 is the holder's secret, slot 1 the revocation handle, slot 2 the last day of validity, slot 3 + i the
schema's attribute i; the blind of the issuance has a generator of its own after them, Q_2. Integers and dates
are themselves plus 2^63, so predicates compute with them; every other value is hashed under its type and code
system. Generators, domains and hashes have an api_id of our own: no signature of the draft's interface is one
of this, and none of this is one of the draft's (draft-irtf-cfrg-bbs-signatures-09, section 3.5, on
interfaces).
"""

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from bbs.blind import joint_generators
from bbs.ciphersuite import Ciphersuite
from bbs.engine import Base, PairingSuite, Suite
from bbs.gadgets.bases import generator_bases
from bbs.generators import Generators
from disclosure import canonical
from disclosure.attributes import AttributeDefinition, AttributeType, Value, days, to_item
from disclosure.schema import Schema

INTERFACE_ID: Final = b"ZK_COMPOSITE_V1_"
HOLDER_SECRET: Final = 0
HANDLE: Final = 1
EXPIRY: Final = 2
FIRST_ATTRIBUTE: Final = 3
OFFSET: Final = 1 << 63
"""What is added to an integer or a day: every one of 64 bits lies in [0, 2^64) then."""
NUMBERS: Final = frozenset({AttributeType.INTEGER, AttributeType.DATE})
_MAP_DST: Final = b"MAP_VALUE_TO_SCALAR_AS_HASH_"
_VALUE_LABEL: Final = "zk-disclosure/composite-value/v1"
_ABSENT_LABEL: Final = "zk-disclosure/composite-absent/v1"


Hashing = Ciphersuite | Suite
"""What values are hashed by: a ciphersuite of the draft, or a suite of the engine, a keyed one."""


def api_id(suite: Hashing) -> bytes:
    """Return the identifier of this interface over a suite."""
    return _engine_suite(suite).identifier + INTERFACE_ID


def generators(schema: Schema, suite: Ciphersuite) -> Generators:
    """Return Q_1, one generator for each slot of a schema, and Q_2.

    Generators of a slot are the same in all schemas; what tells schemas apart is the domain, which covers the
    number of generators and the schema's header.
    """
    return joint_generators(FIRST_ATTRIBUTE + len(schema.attributes), 0, api_id(suite), suite=suite)


def commitment_generators(suite: Suite, ciphersuite: Ciphersuite) -> tuple[Base, Base]:
    """Return H_secret and Q_2, the bases of a holder's commitment."""
    one_slot = joint_generators(1, 0, api_id(ciphersuite), suite=ciphersuite)
    _, _, secret, blind = generator_bases(suite, one_slot)
    return secret, blind


def slot(schema: Schema, attribute: str) -> int:
    """Return an attribute's slot; MalformedError ATTRIBUTE_UNKNOWN."""
    return schema.message_index(attribute) - 1 + FIRST_ATTRIBUTE


@lru_cache(maxsize=8)
def absent(suite: Hashing) -> int:
    """Return the scalar of an absent optional attribute, which is none of any value.

    It is hashed under a label of its own and, for each suite, above 2^64: a fixed number, which a test
    checks.
    """
    return _hashed(canonical.encode(_ABSENT_LABEL), suite)


def number(value: int | dt.date) -> int:
    """Return the scalar of an integer or a date."""
    return (days(value) if isinstance(value, dt.date) else value) + OFFSET


def scalar(definition: AttributeDefinition, value: Value | None, suite: Hashing) -> int:
    """Return the scalar of an attribute's value, or of its absence; raises what `definition.check` does."""
    definition.check(value, field=definition.id)
    if value is None:
        return absent(suite)
    item = to_item(value)
    if definition.type in NUMBERS and isinstance(item, int):
        return item + OFFSET
    octets = canonical.encode(_VALUE_LABEL, definition.type.value, definition.code_system, item)
    return _hashed(octets, suite)


def code_scalar(code_system: str, code: str, suite: Ciphersuite) -> int:
    """Return the scalar of a code of a code system, whatever attribute has it."""
    return _hashed(canonical.encode(_VALUE_LABEL, AttributeType.CODE.value, code_system, code), suite)


def attribute_scalars(schema: Schema, values: Mapping[str, Value], suite: Hashing) -> tuple[int, ...]:
    """Return the scalars of all attributes; raises as `schema.check_values` does."""
    schema.check_values(values)
    return tuple(scalar(each, values.get(each.id), suite) for each in schema.attributes)


def _hashed(octets: bytes, suite: Hashing) -> int:
    return _engine_suite(suite).hash_to_scalar(octets, api_id(suite) + _MAP_DST)


def _engine_suite(suite: Hashing) -> Suite:
    return PairingSuite(suite) if isinstance(suite, Ciphersuite) else suite
