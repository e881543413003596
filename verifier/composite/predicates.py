"""Predicates as policies write them, until a schema tells what their numbers, days and values are.

    {of: insurance.base, at_least: 6000}            at_most; between: [low, high]; both ends count
    {of: insurance.continuous_since, at_most: 6 months ago}
    {of: home.district, in_list: {owner: departments/public-security, code_system: GB/T 2260}}   # (`lists`)
    {of: work.status, one_of: [paying, paused]}
    {of: home.mortgaged, not_equal: true}
    {equal: [permit.id_commit, insurance.id_commit]}
    {sum: [{of: permit.months}, {of: insurance.months, factor: 2, cap: 60}], at_least: 100}
    {sum: [{of: insurance.base}, {foreign: spouse}], at_least: 20000}   # a number of another holder's

Numbers are in the attribute's unit, with at most the decimals of its scale.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from disclosure import AttributeDefinition, AttributeType, MalformedError, Value
from disclosure.attributes import days
from disclosure.composite import (
    Equal,
    Foreign,
    InList,
    NotEqual,
    OneOf,
    Operand,
    Predicate,
    Range,
    Sum,
    Term,
)
from disclosure.composite.predicates import invalid, out_of_bounds
from disclosure.written import read_form, read_integer, write_number
from verifier.composite.days import Day
from verifier.composite.lists import NamedList
from verifier.composite.nodes import Node, at

_BOUNDS: Final = ("at_least", "at_most", "between")


class Context(Protocol):
    """What predicates are made with when a request is made."""

    @property
    def today(self) -> dt.date:
        """The day of asking."""
        ...

    def definitions(self, operand: Operand, node: Node) -> tuple[AttributeDefinition, ...]:
        """Return what an operand is in each schema that its query accepts; PolicyError."""
        ...

    def number(self, foreign: Foreign) -> AttributeDefinition:
        """Return what a number of another holder's is, which the branch counts."""
        ...

    def code_list(self, named: NamedList, node: Node) -> bytes:
        """Return the digest of the list that a policy names; PolicyError."""
        ...


@dataclass(frozen=True)
class Rule:
    """A predicate of a policy: where it stands, what it is about and where that is written.

    `foreign` are the numbers of other holders that it counts, `lists` the published lists that it names.
    `places` has, for the fields of the request's predicate, the places in the file that they come from, so
    that what is refused later is told where its author wrote it.
    """

    node: Node
    operands: tuple[tuple[Operand, Node], ...]
    places: Mapping[str, str]
    build: Callable[[Context], Predicate]
    foreign: tuple[tuple[Foreign, Node], ...] = ()
    lists: tuple[tuple[NamedList, Node], ...] = ()

    def make(self, context: Context) -> Predicate:
        """Return the request's predicate; PolicyError."""
        try:
            return self.build(context)
        except MalformedError as error:
            raise Node(None, self.place(error.field)).refuse(error.detail, because=error.reason) from None

    def place(self, field: str) -> str:
        """Return the place in the file of a field of the request's predicate; else where it stands."""
        return self.places.get(field, self.node.place)


def read_predicate(node: Node) -> Rule:
    """Read a predicate of any kind, told apart by the fields that it has; PolicyError."""
    if isinstance(node.value, Mapping):
        for name, read in _KINDS.items():
            if name in node.value:
                return read(node)
    raise node.refuse(f"a predicate has one of {', '.join(_KINDS)}")


def read_operand(node: Node) -> Operand:
    """Read `query.attribute`; PolicyError."""
    query, dot, attribute = node.text().partition(".")
    if not dot:
        raise node.refuse("an attribute is written query.attribute")
    with at(node.place):
        return Operand(query, attribute)


def _read_range(node: Node) -> Rule:
    kind = next(each for each in _BOUNDS if isinstance(node.value, Mapping) and each in node.value)
    fields = node.fields(("of", kind))
    operand, ends = read_operand(fields["of"]), _ends(fields)

    def build(context: Context) -> Predicate:
        definitions = context.definitions(operand, fields["of"])
        numbers = _numbers(ends, definitions[0], context.today)
        for name, number in numbers.items():
            _check_bound(definitions, number, ends[name])
        return Range(operand, **numbers)

    return Rule(node, ((operand, fields["of"]),), _places(ends), build)


def _read_in_list(node: Node) -> Rule:
    fields = node.fields(("of", "in_list"))
    operand, named = read_operand(fields["of"]), NamedList.read(fields["in_list"])

    def build(context: Context) -> Predicate:
        context.definitions(operand, fields["of"])
        return InList(operand, context.code_list(named, fields["in_list"]))

    places = _places({"code_list": fields["in_list"]})
    return Rule(node, ((operand, fields["of"]),), places, build, lists=((named, fields["in_list"]),))


def _read_one_of(node: Node) -> Rule:
    fields = node.fields(("of", "one_of"))
    operand, values = read_operand(fields["of"]), fields["one_of"].items()

    def build(context: Context) -> Predicate:
        definitions = context.definitions(operand, fields["of"])
        return OneOf(operand, tuple(_value(definitions, each, context.today) for each in values))

    places = {f"values[{index}]": each for index, each in enumerate(values)} | {"values": fields["one_of"]}
    return Rule(node, ((operand, fields["of"]),), _places(places), build)


def _read_not_equal(node: Node) -> Rule:
    fields = node.fields(("of", "not_equal"))
    operand, value = read_operand(fields["of"]), fields["not_equal"]
    value.text()

    def build(context: Context) -> Predicate:
        return NotEqual(operand, _value(context.definitions(operand, fields["of"]), value, context.today))

    return Rule(node, ((operand, fields["of"]),), _places({"value": value}), build)


def _read_equal(node: Node) -> Rule:
    written = node.fields(("equal",))["equal"].items()
    operands = tuple((read_operand(each), each) for each in written)

    def build(context: Context) -> Predicate:
        for operand, each in operands:
            context.definitions(operand, each)
        return Equal(tuple(operand for operand, _ in operands))

    return Rule(node, operands, {}, build)


def _read_sum(node: Node) -> Rule:
    kinds = [each for each in _BOUNDS if isinstance(node.value, Mapping) and each in node.value]
    if not kinds:
        raise node.refuse(f"a sum has one of {', '.join(_BOUNDS)}")
    fields = node.fields(("sum", kinds[0]))
    terms, ends = [_Summand.read(each) for each in fields["sum"].items()], _ends(fields)
    if not terms:
        raise fields["sum"].refuse("a sum has terms")

    def build(context: Context) -> Predicate:
        made = tuple(each.make(context) for each in terms)
        definition = terms[0].definitions(context)[0]
        return Sum(made, **_numbers(ends, definition, context.today))

    caps = {f"terms[{index}].cap": each.cap for index, each in enumerate(terms) if each.cap}
    counted = [(each.operand, each.of) for each in terms]
    own = tuple((each, of) for each, of in counted if isinstance(each, Operand))
    foreign = tuple((each, of) for each, of in counted if isinstance(each, Foreign))
    return Rule(node, own, _places(ends | caps), build, foreign)


@dataclass(frozen=True)
class _Summand:
    """A term of a sum: how often its attribute, or another holder's number, counts, and up to what."""

    operand: Operand | Foreign
    of: Node
    factor: int
    factor_place: str
    cap: Node | None

    @classmethod
    def read(cls, node: Node) -> "_Summand":
        kind = "foreign" if isinstance(node.value, Mapping) and "foreign" in node.value else "of"
        fields = node.fields((kind,), ("factor", "cap"))
        of, factor = fields[kind], fields.get("factor")
        place = node.place if factor is None else factor.place
        operand = of.read(Foreign) if kind == "foreign" else read_operand(of)
        return cls(operand, of, 1 if factor is None else factor.whole(), place, fields.get("cap"))

    def definitions(self, context: Context) -> tuple[AttributeDefinition, ...]:
        """Return what it is; PolicyError."""
        if isinstance(self.operand, Foreign):
            return (context.number(self.operand),)
        return context.definitions(self.operand, self.of)

    def make(self, context: Context) -> Term:
        definitions, cap = self.definitions(context), None
        if self.cap is not None:
            cap = _number(definitions[0], self.cap, context.today)
            _check_bound(definitions, cap, self.cap)
        with at(self.factor_place):
            return Term(self.operand, self.factor, cap)


_KINDS: Final[Mapping[str, Callable[[Node], Rule]]] = {
    "sum": _read_sum,
    "equal": _read_equal,
    "in_list": _read_in_list,
    "one_of": _read_one_of,
    "not_equal": _read_not_equal,
    "at_least": _read_range,
    "at_most": _read_range,
    "between": _read_range,
}


def _ends(fields: Mapping[str, Node]) -> dict[str, Node]:
    """Return the written ends of an interval, by the names that ranges and sums have for them."""
    if "between" not in fields:
        names = {"at_least": "minimum", "at_most": "maximum"}
        return {name: fields[written] for written, name in names.items() if written in fields}
    ends = fields["between"].items()
    if len(ends) != 2:
        raise fields["between"].refuse("two bounds stand here, the lower one first")
    return {"minimum": ends[0], "maximum": ends[1]}


def _places(nodes: Mapping[str, Node]) -> dict[str, str]:
    return {name: node.place for name, node in nodes.items()}


def _numbers(ends: Mapping[str, Node], definition: AttributeDefinition, today: dt.date) -> dict[str, int]:
    return {name: _number(definition, node, today) for name, node in ends.items()}


def _number(definition: AttributeDefinition, node: Node, today: dt.date) -> int:
    """Return a bound as requests have it, within the schema's bounds or not."""
    with at(node.place):
        if definition.type is AttributeType.DATE:
            return days(Day.parse(node.text()).on(today))
        if definition.type is not AttributeType.INTEGER:
            raise invalid("integers and dates only have bounds")
        return read_integer(definition, node.text())


def _check_bound(definitions: tuple[AttributeDefinition, ...], number: int, node: Node) -> None:
    """Raise PolicyError, in the attribute's own units, if a bound is outside those of all schemas."""
    low = min(each.minimum or 0 for each in definitions)
    high = max(each.maximum or 0 for each in definitions)
    if not low <= number <= high:
        ends = [write_number(definitions[0], each) for each in (low, high)]
        with at(node.place):
            raise out_of_bounds(f"the schema's bounds are {ends[0]} and {ends[1]}")


def _value(definitions: tuple[AttributeDefinition, ...], node: Node, today: dt.date) -> Value:
    """Return the value that a text is in the first of the schemas in which it is one."""
    for each in definitions[:-1]:
        try:
            return _read(each, node.text(), today)
        except MalformedError:
            continue
    with at(node.place):
        return _read(definitions[-1], node.text(), today)


def _read(definition: AttributeDefinition, written: str, today: dt.date) -> Value:
    if definition.type is AttributeType.DATE:
        return Day.parse(written).on(today)
    return read_form(definition, written)
