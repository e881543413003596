"""Typed attributes: definitions, values, and the message that a value is signed as.

In the plain form a value is signed as octets that the interface of draft-irtf-cfrg-bbs-signatures hashes to a
scalar. The octets name the type and, for codes and numbers, the code system or the unit and scale, so that no
value of one type can stand for one of another. An absent optional attribute is signed as a constant of its
own. The composite form has scalars of its own (`disclosure.composite.scalars`).
"""

import datetime as dt
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from disclosure import canonical
from disclosure.canonical import Item
from disclosure.errors import MalformedError, Reason
from disclosure.names import check_attribute_id

Value = str | int | bool | bytes | dt.date
"""A value of an attribute: text and codes are str, integers int, hashes and secrets bytes."""

MAX_TEXT_OCTETS: Final = 4096
MAX_CODES: Final = 1000
HASH_OCTETS: Final = 32
INTEGER_MINIMUM: Final = -(1 << 63)
INTEGER_MAXIMUM: Final = (1 << 63) - 1
EPOCH: Final = dt.date(1970, 1, 1)
_VALUE_LABEL: Final = "zk-disclosure/value/v1"
_PRESENT: Final = canonical.following(True)
_ABSENT: Final = canonical.following(False) + canonical.following(None)
_EXPIRY_LABEL: Final = "zk-disclosure/expiry/v1"


class AttributeType(StrEnum):
    """The types of attributes.

    A `secret` is 32 uniform random octets that a department keeps for what it registers: a child, a home. It
    is signed into every credential that names that subject and is never shown; pseudonyms of the subject
    derive from it, and two of them can be proven equal. Only the composite form has such attributes.
    """

    TEXT = "text"
    INTEGER = "integer"
    DATE = "date"
    BOOLEAN = "boolean"
    CODE = "code"
    HASH = "hash"
    SECRET = "secret"  # noqa: S105  (the name of a type)


def days(date: dt.date) -> int:
    """Return a date as days since 1970-01-01."""
    return (date - EPOCH).days


def date_of(day: int) -> dt.date:
    """Return the date of a day since 1970-01-01; MalformedError VALUE_INVALID outside years 1 to 9999."""
    try:
        return EPOCH + dt.timedelta(days=day)
    except OverflowError:
        raise MalformedError(Reason.VALUE_INVALID, "the day is outside the years 1 to 9999") from None


def is_clean(text: str, max_octets: int = MAX_TEXT_OCTETS) -> bool:
    """Tell whether a text may be signed and shown: short enough, in normal form C, no control characters.

    Also refused are line and paragraph separators, private characters, surrogates, noncharacters, and the
    format characters that turn or hide text on a screen. Unassigned characters are not judged: what is
    assigned grows with every Unicode version, rare Chinese names with it, and a text that one interpreter
    signed must be one for all.
    """
    try:
        short = len(text.encode()) <= max_octets
    except UnicodeEncodeError:
        return False
    if not short or not unicodedata.is_normalized("NFC", text):
        return False
    # Nothing that is hidden is printable to Python, so that a usual text is judged in one step.
    return text.isprintable() or not any(map(_is_hidden, text))


def _is_hidden(character: str) -> bool:
    point = ord(character)
    noncharacter = point & 0xFFFE == 0xFFFE or 0xFDD0 <= point <= 0xFDEF
    return noncharacter or unicodedata.category(character) in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def is_whole(*numbers: object) -> bool:
    """Tell whether all are integers and none is a boolean, which Python takes for one."""
    return all(type(each) is int for each in numbers)


@dataclass(frozen=True)
class LocalizedText:
    """A name or sentence in Simplified Chinese and in English, one line each."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        for language, text in (("zh", self.zh), ("en", self.en)):
            if not text.strip() or not is_clean(text, 1000):
                detail = "a text has 1 to 1000 octets in normal form C, without control characters"
                raise MalformedError(Reason.VALUE_INVALID, detail, field=language)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.zh, self.en]


@dataclass(frozen=True)
class Code:
    """One code of a code list."""

    code: str
    display_name: LocalizedText

    def __post_init__(self) -> None:
        if not self.code or not is_clean(self.code, 64):
            raise MalformedError(Reason.SCHEMA_INVALID, "a code has 1 to 64 octets", field="code")


@dataclass(frozen=True)
class AttributeDefinition:
    """One attribute of a schema.

    `minimum` and `maximum` bound integers (as they are) and dates (in days since 1970-01-01) and are required
    for both; `unit` and `scale` describe integers: n means n * 10^-scale units. `max_length` bounds texts in
    octets of UTF-8. `codes` lists what a code may be, `code_system` names the list. Raises MalformedError
    SCHEMA_INVALID, NAME_INVALID.
    """

    id: str
    display_name: LocalizedText
    type: AttributeType
    optional: bool = False
    unit: str = ""
    scale: int = 0
    minimum: int | None = None
    maximum: int | None = None
    max_length: int = 0
    code_system: str = ""
    codes: tuple[Code, ...] = ()

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")
        if not is_whole(self.scale, self.max_length) or type(self.optional) is not bool:
            raise self._invalid("type", "a scale and a length are integers, optional is true or false")
        if self.type is AttributeType.SECRET and self.optional:
            # All who lacked it would share one pseudonym.
            raise self._invalid("optional", "a secret is never optional")
        self._check_bounds()
        self._check_number()
        self._check_text()
        self._check_codes()

    def _invalid(self, field: str, detail: str) -> MalformedError:
        return MalformedError(Reason.SCHEMA_INVALID, detail, field=field)

    def _check_bounds(self) -> None:
        bounded = self.type in {AttributeType.INTEGER, AttributeType.DATE}
        if not bounded and (self.minimum is not None or self.maximum is not None):
            raise self._invalid("minimum", "only integers and dates have bounds")
        if not bounded:
            return
        if self.minimum is None or self.maximum is None or not is_whole(self.minimum, self.maximum):
            raise self._invalid("minimum", "integers and dates have both bounds, and these are integers")
        if not INTEGER_MINIMUM <= self.minimum <= self.maximum <= INTEGER_MAXIMUM:
            raise self._invalid("maximum", "the bounds are ordered and have 64 bits")
        if self.type is AttributeType.DATE and not days(dt.date.min) <= self.minimum <= self.maximum <= days(
            dt.date.max
        ):
            raise self._invalid("maximum", "the days are outside the years 1 to 9999")

    def _check_number(self) -> None:
        if self.type is not AttributeType.INTEGER and (self.unit or self.scale):
            raise self._invalid("unit", "only integers have a unit and a scale")
        if not 0 <= self.scale <= 18 or not is_clean(self.unit, 32):
            raise self._invalid("scale", "a scale is 0 to 18, a unit has 32 octets at most")

    def _check_text(self) -> None:
        wanted = self.type is AttributeType.TEXT
        if wanted != bool(self.max_length) or not 0 <= self.max_length <= MAX_TEXT_OCTETS:
            raise self._invalid(
                "max_length", f"texts, and only texts, have a length of 1 to {MAX_TEXT_OCTETS}"
            )

    def _check_codes(self) -> None:
        wanted = self.type is AttributeType.CODE
        if wanted != bool(self.code_system) or not is_clean(self.code_system, 64):
            raise self._invalid("code_system", "codes, and only codes, have a code system of 1 to 64 octets")
        if wanted != bool(self.codes) or len(self.codes) > MAX_CODES:
            raise self._invalid("codes", f"codes, and only codes, have a list of 1 to {MAX_CODES}")
        if len({each.code for each in self.codes}) != len(self.codes):
            raise self._invalid("codes", "a code stands in the list twice")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [
            self.id, self.display_name.items(), self.type.value, self.optional, self.unit, self.scale,
            self.minimum, self.maximum, self.max_length, self.code_system,
            [[each.code, each.display_name.items()] for each in self.codes],
        ]  # fmt: skip

    @classmethod
    def from_items(cls, items: Item) -> "AttributeDefinition":
        """Decode what `items` gives; MalformedError SCHEMA_INVALID, NAME_INVALID, VALUE_INVALID."""
        match items:
            case [
                str(name), [str(zh), str(en)], str(kind), bool(optional), str(unit), int(scale),
                (int() | None) as minimum, (int() | None) as maximum, int(max_length), str(code_system),
                list(codes),
            ] if kind in set(AttributeType):  # fmt: skip
                return cls(
                    name, LocalizedText(zh, en), AttributeType(kind), optional, unit, scale,
                    minimum, maximum, max_length, code_system, tuple(map(_code, codes)),
                )  # fmt: skip
        raise MalformedError(Reason.SCHEMA_INVALID, "the octets hold no attribute", field="attributes")

    def check(self, value: Value | None, *, field: str = "") -> None:
        """Raise MalformedError unless `value` is one of this attribute; None stands for an absent one.

        Reasons: VALUE_INVALID, ATTRIBUTE_MISSING.
        """
        if value is None:
            if not self.optional:
                detail = f"{self.id} is not optional"
                raise MalformedError(Reason.ATTRIBUTE_MISSING, detail, field=field)
        elif not _CHECKS[self.type](self, value):
            detail = f"{self.id} takes {self._expected()}"
            raise MalformedError(Reason.VALUE_INVALID, detail, field=field)

    def _expected(self) -> str:
        match self.type:
            case AttributeType.TEXT:
                return f"a text of 1 to {self.max_length} octets, normal form C, no control characters"
            case AttributeType.INTEGER:
                return f"an integer from {self.minimum} to {self.maximum}"
            case AttributeType.DATE:
                return f"a date from {date_of(self.minimum or 0)} to {date_of(self.maximum or 0)}"
            case AttributeType.BOOLEAN:
                return "true or false"
            case AttributeType.CODE:
                return f"a code of {self.code_system}"
            case AttributeType.HASH | AttributeType.SECRET:
                return f"{HASH_OCTETS} octets"

    def message(self, value: Value | None) -> bytes:
        """Return the octets that are signed for a value, or for its absence; raises as `check` does."""
        self.check(value, field=self.id)
        return self.message_of(None if value is None else canonical.following(to_item(value)))

    def message_of(self, encoded: bytes | None) -> bytes:
        """Return the octets that are signed for a value that was checked, by its canonical encoding; None
        stands for an absent one.
        """
        return self._beginning + (_ABSENT if encoded is None else _PRESENT + encoded)

    @cached_property
    def _beginning(self) -> bytes:
        """How each of this attribute's messages begins."""
        system = self.code_system or (
            f"{self.unit}e-{self.scale}" if self.type is AttributeType.INTEGER else ""
        )
        return canonical.beginning(5, _VALUE_LABEL, self.type.value, system)


def _code(item: Item) -> Code:
    match item:
        case [str(code), [str(zh), str(en)]]:
            return Code(code, LocalizedText(zh, en))
    raise MalformedError(Reason.SCHEMA_INVALID, "the octets hold no code", field="codes")


def expiry_message(expiry: dt.date) -> bytes:
    """Return the octets that are signed for the last day of validity."""
    return canonical.encode(_EXPIRY_LABEL, days(expiry))


def _within(definition: AttributeDefinition, number: int) -> bool:
    low, high = definition.minimum, definition.maximum
    return low is not None and high is not None and low <= number <= high


def _is_text(definition: AttributeDefinition, value: Value) -> bool:
    return isinstance(value, str) and bool(value) and is_clean(value, definition.max_length)


def _is_integer(definition: AttributeDefinition, value: Value) -> bool:
    return type(value) is int and _within(definition, value)


def _is_date(definition: AttributeDefinition, value: Value) -> bool:
    return type(value) is dt.date and _within(definition, days(value))


def _is_code(definition: AttributeDefinition, value: Value) -> bool:
    return isinstance(value, str) and any(value == each.code for each in definition.codes)


def _is_octets(_: AttributeDefinition, value: Value) -> bool:
    return isinstance(value, bytes) and len(value) == HASH_OCTETS


_CHECKS: Final[Mapping[AttributeType, Callable[[AttributeDefinition, Value], bool]]] = {
    AttributeType.TEXT: _is_text,
    AttributeType.INTEGER: _is_integer,
    AttributeType.DATE: _is_date,
    AttributeType.BOOLEAN: lambda _, value: isinstance(value, bool),
    AttributeType.CODE: _is_code,
    AttributeType.HASH: _is_octets,
    AttributeType.SECRET: _is_octets,
}


def to_item(value: Value) -> Item:
    """Return a value for canonical encoding: dates as days."""
    return days(value) if isinstance(value, dt.date) else value


def from_item(definition: AttributeDefinition, item: Item) -> Value:
    """Return the value that `to_item` came from, checked; MalformedError VALUE_INVALID."""
    value = read_item(definition, item)
    definition.check(value, field=definition.id)
    return value


def read_item(definition: AttributeDefinition, item: Item) -> Value:
    """Return what `from_item` does for who checks it then; MalformedError VALUE_INVALID if it is no value."""
    if type(item) is int and definition.type is AttributeType.DATE:
        return date_of(item)
    if isinstance(item, (str, int, bytes)):
        return item
    raise MalformedError(Reason.VALUE_INVALID, f"{definition.id} has no such value", field=definition.id)
