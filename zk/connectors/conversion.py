"""Columns to values: by the attribute's type, exactly or not at all."""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from disclosure import AttributeDefinition, AttributeType, MalformedError, Reason, Schema, Value, canonical
from zk.connectors.plan import Source, Sources

_HASH_LABEL: Final = "zk-disclosure/salted-hash/v1"
_SALT_OCTETS: Final = 16
Row = Mapping[str, Any]


def values_of(schema: Schema, sources: Sources, row: Row, *, partly: bool = False) -> dict[str, Value]:
    """Return a row's values, checked; MalformedError, whose field is the attribute or the column.

    `partly` some attributes are enough.
    """
    values: dict[str, Value] = {}
    for attribute, source in sources.items():
        definition = schema.attribute(attribute)
        value = _value(definition, source, row)
        if value is not None:
            values[attribute] = value
        definition.check(value, field=attribute)
    if not partly:
        schema.check_values(values)
    return values


def text_of(row: Row, column: str) -> str:
    """Return what a column holds as a text that names something; MalformedError if it is empty."""
    found = cell(row, column)
    text = "" if found is None else str(found)
    if not text:
        raise MalformedError(Reason.ATTRIBUTE_MISSING, "the column is empty", field=column)
    return text


def cell(row: Row, column: str) -> Any:
    """Return what a column holds; MalformedError ATTRIBUTE_UNKNOWN if the query has no such column."""
    if column not in row:
        raise MalformedError(Reason.ATTRIBUTE_UNKNOWN, "the query has no such column", field=column)
    return row[column]


def _value(definition: AttributeDefinition, source: Source, row: Row) -> Value | None:
    found = cell(row, source.column)
    if found is None:
        return None
    if source.hash is not None:
        return _salted(definition, found, cell(row, source.hash.salt))
    if source.codes is not None:
        return _mapped(definition, found, source.codes)
    return _BY_TYPE[definition.type](definition, found, source)


def _mapped(definition: AttributeDefinition, found: Any, codes: Mapping[str, str | bool]) -> str | bool:
    code = codes.get(str(found))
    if code is None:
        raise _unfit(definition, "the column holds what the file maps to no code")
    return code


def _text(definition: AttributeDefinition, found: Any, _: Source) -> str:
    if isinstance(found, str | int | Decimal) and not isinstance(found, bool):
        return str(found)
    raise _unfit(definition, "the column holds no text")


def _integer(definition: AttributeDefinition, found: Any, source: Source) -> int:
    """Return a number in the attribute's own scale; what would be rounded does not fit, floats never do."""
    if isinstance(found, bool) or not isinstance(found, int | Decimal | str):
        raise _unfit(definition, "the column holds no exact number")
    try:
        number = Decimal(found).scaleb(definition.scale - (source.scale or 0))
        whole = int(number)
    except (InvalidOperation, ValueError, OverflowError):
        raise _unfit(definition, "the column holds no exact number") from None
    if number != whole:
        raise _unfit(definition, f"the attribute has {definition.scale} decimals, and the column more")
    return whole


def _date(definition: AttributeDefinition, found: Any, source: Source) -> dt.date:
    if isinstance(found, dt.datetime):
        raise _unfit(definition, "the column holds a moment, whose day depends on where one is")
    if isinstance(found, dt.date):
        return found
    try:
        if source.date:
            return dt.datetime.strptime(str(found), source.date).date()
        return dt.date.fromisoformat(str(found))
    except ValueError:
        raise _unfit(definition, "the column holds no date of this form") from None


def _boolean(definition: AttributeDefinition, found: Any, _: Source) -> bool:
    if found in (True, False):  # a database without booleans keeps 0 and 1
        return bool(found)
    raise _unfit(definition, "the column holds neither true nor false")


def _octets(definition: AttributeDefinition, found: Any, _: Source) -> bytes:
    if isinstance(found, bytes | memoryview):
        return bytes(found)
    try:
        return bytes.fromhex(found)
    except (ValueError, TypeError):
        raise _unfit(definition, "the column holds neither octets nor hexadecimal digits") from None


def _salted(definition: AttributeDefinition, found: Any, salt: Any) -> bytes:
    octets = salt.encode() if isinstance(salt, str) else bytes(salt or b"")
    if len(octets) < _SALT_OCTETS:
        raise _unfit(definition, f"a salt has {_SALT_OCTETS} octets at least")
    return canonical.digest(_HASH_LABEL, canonical.encode(_HASH_LABEL, octets, str(found)))


def _unfit(definition: AttributeDefinition, detail: str) -> MalformedError:
    return MalformedError(Reason.VALUE_INVALID, detail, field=definition.id)


_BY_TYPE: Final[Mapping[AttributeType, Callable[[AttributeDefinition, Any, Source], Value]]] = {
    AttributeType.INTEGER: _integer,
    AttributeType.DATE: _date,
    AttributeType.BOOLEAN: _boolean,
    AttributeType.HASH: _octets,
    AttributeType.SECRET: _octets,
    AttributeType.TEXT: _text,
    AttributeType.CODE: _text,
}
