"""Values as people and scripts write them: `8564.00`, `2021-09-01`, in the attribute's own unit and scale."""

import datetime as dt
import re
from typing import Final

from disclosure.attributes import AttributeDefinition, AttributeType, Value, date_of
from disclosure.errors import MalformedError, Reason

_NUMBER: Final = re.compile(r"(-?)([0-9]{1,19})(?:\.([0-9]{1,18}))?", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BOOLEANS: Final = {"true": True, "false": False}


class ValueFormError(MalformedError):
    """A value that is not written as those of its attribute are; `form` is an example of how they are."""

    def __init__(self, definition: AttributeDefinition, form: str) -> None:
        detail = f"{definition.id} is written like {form}"
        super().__init__(Reason.VALUE_INVALID, detail, field=definition.id)
        self.definition, self.form = definition, form


def parse_value(definition: AttributeDefinition, written: str) -> Value | None:
    """Return the value that a text stands for; the empty text is an absent optional attribute.

    Integers are written in units, with at most `scale` decimals, and never rounded; dates as 2021-09-01;
    hashes and secrets as 64 hexadecimal digits. Raises MalformedError VALUE_INVALID, ATTRIBUTE_MISSING.
    """
    value = read_form(definition, written) if written else None
    definition.check(value, field=definition.id)
    return value


def read_form(definition: AttributeDefinition, written: str) -> Value:
    """Return what a text of the attribute's form stands for, within its bounds or not; ValueFormError."""
    match definition.type:
        case AttributeType.INTEGER:
            return read_integer(definition, written)
        case AttributeType.DATE if _DATE.fullmatch(written):
            try:
                return dt.date.fromisoformat(written)
            except ValueError:
                pass
        case AttributeType.BOOLEAN if written in _BOOLEANS:
            return _BOOLEANS[written]
        case AttributeType.HASH | AttributeType.SECRET if _HASH.fullmatch(written):
            return bytes.fromhex(written)
        case AttributeType.CODE if any(written == each.code for each in definition.codes):
            return written
        case AttributeType.TEXT:
            return written
    raise _invalid(definition)


def read_integer(definition: AttributeDefinition, written: str) -> int:
    """Return the integer that a text stands for, scaled and within its bounds or not; ValueFormError."""
    parts = _NUMBER.fullmatch(written)
    if parts is None:
        raise _invalid(definition)
    sign, whole, decimals = parts[1], parts[2], parts[3] or ""
    if len(decimals) > definition.scale:
        raise _invalid(definition)
    return int(f"{sign}{whole}{decimals.ljust(definition.scale, '0')}")


def write_number(definition: AttributeDefinition, number: int) -> str:
    """Return how a number of an attribute, or a day since 1970-01-01, is written."""
    if definition.type is AttributeType.DATE:
        return date_of(number).isoformat()
    digits = str(abs(number)).rjust(definition.scale + 1, "0")
    whole, decimals = digits[: len(digits) - definition.scale], digits[len(digits) - definition.scale :]
    return f"{'-' if number < 0 else ''}{whole}{'.' if decimals else ''}{decimals}"


def _invalid(definition: AttributeDefinition) -> ValueFormError:
    examples = {
        AttributeType.INTEGER: "8564" if not definition.scale else f"8564.{'0' * definition.scale}",
        AttributeType.DATE: "2021-09-01",
        AttributeType.BOOLEAN: "true",
        AttributeType.HASH: "64 x 0-9a-f",
        AttributeType.SECRET: "64 x 0-9a-f",
        AttributeType.CODE: definition.codes[0].code if definition.codes else "-",
    }
    return ValueFormError(definition, examples[definition.type])
