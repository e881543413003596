"""Making a record out of what is known of its subject: the rest is drawn within the schema's bounds."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from disclosure import AttributeDefinition, AttributeType, Schema, Value
from disclosure.attributes import days
from zk.synthetic.city import City
from zk.synthetic.draws import Draw, octets

_ENDS: Final = frozenset({"valid_until", "until", "end", "expires", "ends", "next_check", "registered_until"})
"""Dates that lie ahead; all others lie behind."""
_DAY: Final = dt.date(1970, 1, 1)


@dataclass(frozen=True)
class Yuan:
    """An amount of money, in whatever smallest unit the schema counts."""

    amount: int


@dataclass(frozen=True)
class Likely:
    """A code that most subjects have, given as far as the code list has it; else any."""

    code: str
    share: float = 0.9


class Absent:
    """An optional attribute that this subject does not have."""


Fact = Value | Yuan | Likely | Absent


def filled(city: City, schema: Schema, key: str, facts: Mapping[str, Fact]) -> dict[str, Value]:
    """Return values that fit the schema: the facts that it has a place for, the rest drawn for this key.

    A fact outside the schema's bounds is brought to the nearest bound, so that an old building or a high
    income does not stop a city. Raises MalformedError VALUE_INVALID for a fact of another type.
    """
    draw = city.draw("record", str(schema.name), key)
    values: dict[str, Value] = {}
    for each in schema.attributes:
        value = _value(city, each, key, facts.get(each.id), draw)
        if value is not None:
            values[each.id] = value
    schema.check_values(values)
    return values


def _value(city: City, of: AttributeDefinition, key: str, fact: Fact | None, draw: Draw) -> Value | None:
    if isinstance(fact, Absent):
        return None
    known = _known(of, fact, draw)
    if known is not None:
        return _bounded(of, known)
    if of.optional and draw.chance(0.5):
        return None
    return _drawn(city, of, key, draw)


def _known(of: AttributeDefinition, fact: Value | Yuan | Likely | None, draw: Draw) -> Value | None:
    """Return what a fact says in the attribute's own terms, None for what is to be drawn."""
    if isinstance(fact, Likely):
        return _likely(of, fact, draw)
    if isinstance(fact, Yuan):
        return fact.amount * int(10**of.scale)
    return fact


def _likely(of: AttributeDefinition, wanted: Likely, draw: Draw) -> str | None:
    known = any(each.code == wanted.code for each in of.codes)
    return wanted.code if known and draw.chance(wanted.share) else None


def _bounded(of: AttributeDefinition, fact: Value) -> Value:
    if of.minimum is None or of.maximum is None:
        return fact
    if isinstance(fact, dt.date):
        return _date(min(max(days(fact), of.minimum), of.maximum))
    if isinstance(fact, int) and not isinstance(fact, bool):
        return min(max(fact, of.minimum), of.maximum)
    return fact


def _drawn(city: City, of: AttributeDefinition, key: str, draw: Draw) -> Value:
    match of.type:
        case AttributeType.CODE:
            return draw.one(of.codes).code
        case AttributeType.BOOLEAN:
            return draw.chance(0.1)
        case AttributeType.DATE:
            return _drawn_date(city, of, draw)
        case AttributeType.INTEGER:
            return _drawn_integer(city, of, draw)
        case AttributeType.TEXT:
            return f"{draw.number(0, 10 ** min(9, of.max_length) - 1)}"
        case AttributeType.HASH | AttributeType.SECRET:
            return octets(city.seed, "hash", of.id, key)


def _drawn_date(city: City, of: AttributeDefinition, draw: Draw) -> dt.date:
    today = city.today
    year = dt.timedelta(days=365)
    first, last = (today, today + 5 * year) if of.id in _ENDS else (today - 8 * year, today)
    return _date(min(max(days(draw.day(first, last)), of.minimum or 0), of.maximum or 0))


def _drawn_integer(city: City, of: AttributeDefinition, draw: Draw) -> int:
    low, high = of.minimum or 0, of.maximum or 0
    if of.unit == "years" and low <= city.today.year <= high:
        return draw.number(max(low, city.today.year - 3), city.today.year - 1)
    if of.unit == "months" and low <= 12 * 2010 <= high:  # a month's number, not a count of months
        return draw.number(12 * 2010, 12 * city.today.year)
    return draw.number(low, min(high, low + 10_000))


def _date(number: int) -> dt.date:
    return _DAY + dt.timedelta(days=number)
