"""Which hidden values a branch gives away all the same: where all its predicates together leave only one.

Bounds that meet, a list of which the schema knows one code, "not no" of a yes or no, a sum that only its
greatest terms reach: each is a value shown in another way, and the screen has to call it so. What is possible
is read off the schema of the credential that answers, which the verifier is told too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from disclosure import AttributeDefinition, AttributeType, Value
from disclosure.attributes import date_of, days
from disclosure.composite import (
    Branch,
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
from disclosure.composite.equality import equality_classes
from prover.composite.clauses import Reading, bounds_of_term

_NUMBERS = (AttributeType.INTEGER, AttributeType.DATE)
_Bounds = tuple[int, int]


def settled_values(branch: Branch, reading: Reading) -> Mapping[Operand, Value]:
    """Return the values that are given away, by their attributes; equal attributes count as one."""
    return _Settling(branch.predicates, reading).values()


@dataclass(frozen=True)
class _Settling:
    predicates: tuple[Predicate, ...]
    reading: Reading
    _limits: dict[Operand, _Bounds] = field(default_factory=dict)

    @cached_property
    def _roots(self) -> Mapping[Operand, Operand]:
        equal = equality_classes(each for each in self.predicates if isinstance(each, Equal))
        every = dict.fromkeys(operand for each in self.predicates for operand in each.operands)
        return {each: equal.get(each, each) for each in every}

    def _members(self, root: Operand) -> list[Operand]:
        return [each for each, own in self._roots.items() if own == root]

    def _about(self, root: Operand) -> Iterator[Predicate]:
        """Give the predicates of one attribute each, for all attributes that are proven equal."""
        members = set(self._members(root))
        for each in self.predicates:
            if isinstance(each, Range | InList | OneOf | NotEqual) and each.operand in members:
                yield each

    def _definitions(self, root: Operand) -> list[AttributeDefinition]:
        return [self.reading.definition(each) for each in self._members(root)]

    def values(self) -> dict[Operand, Value]:
        self._narrow()
        left = {root: self._left(root) for root in dict.fromkeys(self._roots.values())}
        return {each: left[root][0] for each, root in self._roots.items() if len(left[root]) == 1}

    def _left(self, root: Operand) -> list[Value]:
        """Return the values that are possible, if they are few enough to be written down; else none."""
        kind = self._definitions(root)[0].type
        about = list(self._about(root))
        sets = [set(each.values) for each in about if isinstance(each, OneOf)]
        excluded = {each.value for each in about if isinstance(each, NotEqual)}
        if kind is AttributeType.BOOLEAN:
            sets.append({False, True})
        elif kind is AttributeType.CODE:
            sets += [{each.code for each in one.codes} for one in self._definitions(root)]
            lists = self.reading.facts.lists
            sets += [set(lists[each.code_list].codes) for each in about if isinstance(each, InList)]
        elif kind in _NUMBERS:
            low, high = self._limits[root]
            if high - low <= len(excluded):
                sets.append({_valued(kind, each) for each in range(low, high + 1)})
            sets = [{each for each in one if low <= _number(each) <= high} for one in sets]
        return list(set.intersection(*sets) - excluded) if sets else []

    def _narrow(self) -> None:
        """Bring the bounds of numbers together, until no sum says more of its terms."""
        for root in dict.fromkeys(self._roots.values()):
            definitions = self._definitions(root)
            if definitions[0].type in _NUMBERS:
                ranges = [each for each in self._about(root) if isinstance(each, Range)]
                lows = [*(each.minimum for each in definitions), *(each.minimum for each in ranges)]
                highs = [*(each.maximum for each in definitions), *(each.maximum for each in ranges)]
                self._limits[root] = _meet(lows, highs)
        sums = [each for each in self.predicates if isinstance(each, Sum)]
        # A sum of bounded terms narrows each of them at most once for each sum that another stands in.
        for _ in range(1 + len(sums)):
            for each in sums:
                self._narrow_by(each)

    def _narrow_by(self, total: Sum) -> None:
        for term in total.terms:
            if not isinstance(term.operand, Operand):
                continue
            others = [self._counted(each) for each in total.terms if each is not term]
            low = None if total.minimum is None else total.minimum - sum(high for _, high in others)
            high = None if total.maximum is None else total.maximum - sum(low for low, _ in others)
            root = self._roots[term.operand]
            before, (least, most) = self._limits[root], bounds_of_term(term.factor, low, high)
            self._limits[root] = _meet((before[0], least), (before[1], most))

    def _counted(self, term: Term) -> _Bounds:
        """Return between what a term lies as it is counted."""
        if isinstance(term.operand, Foreign):
            number = self.reading.foreign[term.operand.id]
            low, high = number.minimum, number.maximum
        else:
            low, high = self._limits[self._roots[term.operand]]
        if term.cap is not None:
            low, high = min(low, term.cap), min(high, term.cap)
        ends = (term.factor * low, term.factor * high)
        return min(ends), max(ends)


def _meet(lows: Iterable[int | None], highs: Iterable[int | None]) -> _Bounds:
    return max(each for each in lows if each is not None), min(each for each in highs if each is not None)


def _number(value: Value) -> int:
    return value if isinstance(value, int) else days(value)  # type: ignore[arg-type]


def _valued(kind: AttributeType, number: int) -> Value:
    return date_of(number) if kind is AttributeType.DATE else number
