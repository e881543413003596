"""Values as people and scripts write them: `base=8564.00`, `2021-09-01`, `370102`."""

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from disclosure import AttributeDefinition, AttributeType, Schema, Value
from disclosure.attributes import HASH_OCTETS
from disclosure.written import ValueFormError, parse_value
from zk.exits import CommandError, Exit
from zk.home import read_secret

SECRET_OCTETS: Final = HASH_OCTETS
_SECRET: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def parse_values(
    schema: Schema, written: Mapping[str, str], made: Mapping[str, bytes] = MappingProxyType({})
) -> dict[str, Value]:
    """Return the values of a credential; raises as `parse_value` does, and for unknown and missing names.

    A secret is never written: `@FILE` names the file that the department keeps it in, or it is among `made`.
    CommandError USAGE if a file cannot be read.
    """
    parsed = {name: _value(schema.attribute(name), each) for name, each in written.items()}
    values: dict[str, Value] = {name: value for name, value in parsed.items() if value is not None}
    values |= made
    schema.check_values(values)
    return values


def _value(definition: AttributeDefinition, written: str) -> Value | None:
    if definition.type is not AttributeType.SECRET:
        return parse_value(definition, written)
    if not written.startswith("@"):
        raise ValueFormError(definition, "@FILE")
    kept = read_secret(Path(written[1:]))
    if not _SECRET.fullmatch(kept):
        raise CommandError(Exit.USAGE, "SECRET_UNREADABLE", "error.secret_unreadable", path=written[1:])
    return bytes.fromhex(kept)


def json_value(value: Value | None) -> str | int | bool | None:
    """Return a value for a JSON document: dates as 2021-09-01, hashes as hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, dt.date) else value
