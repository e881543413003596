"""What a request may ask to be proven of attributes that stay hidden.

Each class is one kind of predicate, complete in itself: bounds are absolute, values are the attribute's own,
published lists and tables are named by digest. What a predicate means is fixed here; whether it can be proven
of the schemas that a request allows is checked by `disclosure.composite.rules`. Constructors check what can
be checked without a schema: MalformedError PREDICATE_INVALID, BOUND_INVALID, NAME_INVALID.
"""

import calendar
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from disclosure.attributes import INTEGER_MAXIMUM, INTEGER_MINIMUM, Value, date_of, days, is_whole
from disclosure.canonical import Item
from disclosure.errors import MalformedError, Reason
from disclosure.names import check_attribute_id

DIGEST_OCTETS: Final = 32
MAX_OPERANDS: Final = 16
MAX_VALUES: Final = 8
MAX_FACTOR: Final = 1 << 15


def invalid(detail: str, field: str = "") -> MalformedError:
    """Return the error of a predicate that cannot be proven as it is written."""
    return MalformedError(Reason.PREDICATE_INVALID, detail, field=field)


def out_of_bounds(detail: str, field: str = "") -> MalformedError:
    """Return the error of a bound or a value that no credential could reach, or none could miss."""
    return MalformedError(Reason.BOUND_INVALID, detail, field=field)


@dataclass(frozen=True, order=True)
class Operand:
    """An attribute of the credential that answers a query."""

    query: str
    attribute: str

    def __post_init__(self) -> None:
        check_attribute_id(self.query, field="query")
        check_attribute_id(self.attribute, field="attribute")

    def __str__(self) -> str:
        return f"{self.query}.{self.attribute}"

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.query, self.attribute]

    @classmethod
    def from_items(cls, item: Item) -> "Operand":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [str(query), str(attribute)]:
                return cls(query, attribute)
        raise _no_predicate()


@dataclass(frozen=True, order=True)
class Foreign:
    """A number of another holder's, by its identifier in the branch; only sums count it."""

    id: str

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.id]


@dataclass(frozen=True)
class Range:
    """An integer or a date lies between bounds, both included, one of which may be left out.

    Bounds are integers as the attribute has them, of dates days since 1970-01-01.
    """

    operand: Operand
    minimum: int | None = None
    maximum: int | None = None

    def __post_init__(self) -> None:
        _check_interval(self.minimum, self.maximum)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The attributes it is about."""
        return (self.operand,)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["range", self.operand.items(), self.minimum, self.maximum]


def at_least(operand: Operand, bound: int | dt.date) -> Range:
    """Return operand >= bound."""
    return Range(operand, minimum=_whole(bound))


def at_most(operand: Operand, bound: int | dt.date) -> Range:
    """Return operand <= bound."""
    return Range(operand, maximum=_whole(bound))


def between(operand: Operand, low: int | dt.date, high: int | dt.date) -> Range:
    """Return low <= operand <= high."""
    return Range(operand, _whole(low), _whole(high))


def shifted_day(reference: dt.date, *, years: int = 0, months: int = 0, days: int = 0) -> dt.date:
    """Return a day relative to a reference day: first years and months, then days.

    Where the month has no such day its last one counts: a year before 29 February is 28 February. So a
    verifier makes absolute bounds of "18 years before today" when it makes the request. Raises MalformedError
    BOUND_INVALID outside the years 1 to 9999.
    """
    year, month = divmod(reference.year * 12 + reference.month - 1 + years * 12 + months, 12)
    try:
        last = calendar.monthrange(year, month + 1)[1]
        return dt.date(year, month + 1, min(reference.day, last)) + dt.timedelta(days=days)
    except (ValueError, OverflowError):
        raise out_of_bounds("the day is outside the years 1 to 9999") from None


@dataclass(frozen=True)
class InList:
    """A code is one of a published, signed list, which is named by its digest.

    The only predicate that may be about an attribute that is shown too: then the code is looked up.
    """

    operand: Operand
    code_list: bytes

    def __post_init__(self) -> None:
        check_digest(self.code_list, "code_list")

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The attributes it is about."""
        return (self.operand,)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["in-list", self.operand.items(), self.code_list]


@dataclass(frozen=True)
class OneOf:
    """An attribute has one of two to eight values, without saying which."""

    operand: Operand
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.values) <= MAX_VALUES:
            raise invalid(f"one of 2 to {MAX_VALUES} values; one alone is shown", "values")
        keys = {(type(each), each) for each in self.values}
        if len(keys) != len(self.values):
            raise invalid("a value is there twice", "values")

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The attributes it is about."""
        return (self.operand,)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["one-of", self.operand.items(), [_value_item(each) for each in self.values]]


@dataclass(frozen=True)
class NotEqual:
    """An attribute is there and is not a value."""

    operand: Operand
    value: Value

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The attributes it is about."""
        return (self.operand,)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["not-equal", self.operand.items(), _value_item(self.value)]


@dataclass(frozen=True)
class Equal:
    """Two or more attributes are there and equal: one person, one home, one subject secret."""

    operands: tuple[Operand, ...]

    def __post_init__(self) -> None:
        _check_operands(self.operands, 2)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["equal", [each.items() for each in self.operands]]


@dataclass(frozen=True)
class Term:
    """A summand: an integer attribute, or another holder's number, times a public factor.

    With a `cap` only so much of it counts, in its own units.
    """

    operand: Operand | Foreign
    factor: int = 1
    cap: int | None = None

    def __post_init__(self) -> None:
        if not is_whole(self.factor) or not 0 < abs(self.factor) <= MAX_FACTOR:
            raise invalid(f"a factor is not 0 and at most {MAX_FACTOR}", "factor")
        if self.cap is not None and not _has_64_bits(self.cap):
            raise out_of_bounds("a cap is an integer of 64 bits", "cap")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.operand.items(), self.factor, self.cap]


@dataclass(frozen=True)
class Sum:
    """The sum of integers, each times its factor, lies between bounds; one at least is the holder's own.

    Caps go with a minimum and positive factors only: whoever has more than the cap may prove less, which no
    maximum would stop.
    """

    terms: tuple[Term, ...]
    minimum: int | None = None
    maximum: int | None = None

    def __post_init__(self) -> None:
        _check_operands(operands_of(self), 1)
        if not self.operands:
            raise invalid("a sum has a term of the holder's own", "terms")
        _check_interval(self.minimum, self.maximum)
        for index, term in enumerate(self.terms):
            if term.cap is not None and (self.maximum is not None or term.factor < 0):
                raise invalid("a cap goes with a minimum and a positive factor", f"terms[{index}].cap")

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The holder's own attributes that it is about."""
        return tuple(each.operand for each in self.terms if isinstance(each.operand, Operand))

    @property
    def foreign(self) -> tuple[Foreign, ...]:
        """The other holders' numbers that it counts."""
        return tuple(each.operand for each in self.terms if isinstance(each.operand, Foreign))

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["sum", [each.items() for each in self.terms], self.minimum, self.maximum]


Predicate = Range | InList | OneOf | NotEqual | Equal | Sum


def operands_of(predicate: Predicate) -> tuple[Operand | Foreign, ...]:
    """Return all that a predicate is about, other holders' numbers among it, in its order."""
    if isinstance(predicate, Sum):
        return tuple(each.operand for each in predicate.terms)
    return predicate.operands


def predicate_from(item: Item) -> Predicate:
    """Decode what a predicate's `items` gives; MalformedError PREDICATE_INVALID and the constructors'."""
    match item:
        case [str(kind), *fields] if kind in _DECODERS:
            return _DECODERS[kind](fields)
    raise _no_predicate()


def check_digest(digest: bytes, field: str) -> None:
    """Raise MalformedError PREDICATE_INVALID unless it has the length of a digest."""
    if not isinstance(digest, bytes) or len(digest) != DIGEST_OCTETS:
        raise invalid(f"a digest has {DIGEST_OCTETS} octets", field)


def _range(fields: list[Item]) -> Predicate:
    match fields:
        case [operand, (int() | None) as minimum, (int() | None) as maximum]:
            return Range(Operand.from_items(operand), minimum, maximum)
    raise _no_predicate()


def _in_list(fields: list[Item]) -> Predicate:
    match fields:
        case [operand, bytes(digest)]:
            return InList(Operand.from_items(operand), digest)
    raise _no_predicate()


def _one_of(fields: list[Item]) -> Predicate:
    match fields:
        case [operand, list(values)]:
            return OneOf(Operand.from_items(operand), tuple(map(_value_from, values)))
    raise _no_predicate()


def _not_equal(fields: list[Item]) -> Predicate:
    match fields:
        case [operand, value]:
            return NotEqual(Operand.from_items(operand), _value_from(value))
    raise _no_predicate()


def _equal(fields: list[Item]) -> Predicate:
    match fields:
        case [list(operands)]:
            return Equal(tuple(map(Operand.from_items, operands)))
    raise _no_predicate()


def _sum(fields: list[Item]) -> Predicate:
    match fields:
        case [list(terms), (int() | None) as minimum, (int() | None) as maximum]:
            return Sum(tuple(map(_term, terms)), minimum, maximum)
    raise _no_predicate()


def _term(item: Item) -> Term:
    match item:
        case [operand, int(factor), (int() | None) as cap]:
            return Term(_summand(operand), factor, cap)
    raise _no_predicate()


def _summand(item: Item) -> Operand | Foreign:
    match item:
        case [str(identifier)]:
            return Foreign(identifier)
    return Operand.from_items(item)


_DECODERS: Final[Mapping[str, Callable[[list[Item]], Predicate]]] = {
    "range": _range,
    "in-list": _in_list,
    "one-of": _one_of,
    "not-equal": _not_equal,
    "equal": _equal,
    "sum": _sum,
}


def _value_item(value: Value) -> Item:
    """Encode a value so that it tells its own type: a date as a list of one day."""
    return [days(value)] if isinstance(value, dt.date) else value


def _value_from(item: Item) -> Value:
    match item:
        case [int(day)] if is_whole(day):
            return date_of(day)
        case str() | bool() | int() | bytes():
            return item
    raise _no_predicate()


def _whole(bound: int | dt.date) -> int:
    return days(bound) if isinstance(bound, dt.date) else bound


def _has_64_bits(bound: int) -> bool:
    return is_whole(bound) and INTEGER_MINIMUM <= bound <= INTEGER_MAXIMUM


def _check_interval(minimum: int | None, maximum: int | None) -> None:
    bounds = [bound for bound in (minimum, maximum) if bound is not None]
    if not bounds:
        raise invalid("there is a bound, or two", "minimum")
    if not all(map(_has_64_bits, bounds)):
        raise out_of_bounds("a bound is an integer of 64 bits", "minimum")
    if bounds[0] > bounds[-1]:
        raise out_of_bounds("the bounds are not in order", "maximum")


def _check_operands(operands: Iterable[Operand | Foreign], least: int) -> None:
    operands = list(operands)
    if not least <= len(operands) <= MAX_OPERANDS:
        raise invalid(f"there are {least} to {MAX_OPERANDS} attributes")
    if len(set(operands)) != len(operands):
        raise invalid("an attribute is there twice")


def _no_predicate() -> MalformedError:
    return invalid("the octets hold no predicate")
