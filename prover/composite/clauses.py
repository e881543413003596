"""What a predicate says, as the clause that follows an attribute's name, in Chinese and in English."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from disclosure import AttributeDefinition, AttributeType, MalformedError, Schema, Value
from disclosure.attributes import date_of
from disclosure.composite import (
    CommittedNumber,
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
from prover.composite.facts import MAX_NAMED, Facts
from prover.consent import Language, local, safe, show_value

_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "at_least": {
        "zh": "证明不少于 {low}，不出示数值",
        "en": "proves that it is at least {low}, without showing the number",
    },
    "at_most": {
        "zh": "证明不多于 {high}，不出示数值",
        "en": "proves that it is at most {high}, without showing the number",
    },
    "between": {
        "zh": "证明在 {low} 到 {high} 之间（含两端），不出示数值",
        "en": "proves that it is from {low} to {high}, without showing the number",
    },
    "day_from": {
        "zh": "证明是{low}或之后，不出示日期",
        "en": "proves that it is {low} or later, without showing the date",
    },
    "day_until": {
        "zh": "证明是{high}或之前，不出示日期",
        "en": "proves that it is {high} or earlier, without showing the date",
    },
    "day_between": {
        "zh": "证明在{low}到{high}之间（含两端），不出示日期",
        "en": "proves that it is from {low} to {high}, without showing the date",
    },
    "exactly": {"zh": "等于出示了：{value}", "en": "as good as shown: it is {value}"},
    "one_of": {
        "zh": "证明是下列之一，不出示是哪一个：{names}",
        "en": "proves that it is one of these, without showing which: {names}",
    },
    "in_list": {
        "zh": "证明在 {owner} 公布的名单之中，不出示是哪一个；其中可能的有：{names}",
        "en": "proves that it is in a list of {owner}, without showing which; of it there can be: {names}",
    },
    "in_long_list": {
        "zh": "证明在 {owner} 公布的名单之中，不出示是哪一个；其中可能的有 {count} 项",
        "en": "proves that it is in a list of {owner}, without showing which; it can be {count} of it",
    },
    "not_equal": {
        "zh": "证明不是 {value}，此外什么也不出示",
        "en": "proves that it is not {value}, and shows nothing else of it",
    },
    "equal": {
        "zh": "证明与 {others} 相同，不出示内容",
        "en": "proves that it is the same as {others}, without showing it",
    },
    "all_equal": {
        "zh": "证明下列各项说的都是同一个：{names}",
        "en": "Proves that all of these are about one and the same: {names}",
    },
    "not_shown": {"zh": "，不出示内容", "en": ", without showing it"},
    "in_sum": {"zh": "计入下面的合计", "en": "counts in the sum below"},
    "operand": {"zh": "《{schema}》中的“{attribute}”", "en": "“{attribute}” in your {schema}"},
    "sum_least": {
        "zh": "证明 {terms} 合计不少于 {low}",
        "en": "Proves that the sum of {terms} is at least {low}",
    },
    "sum_most": {
        "zh": "证明 {terms} 合计不多于 {high}",
        "en": "Proves that the sum of {terms} is at most {high}",
    },
    "sum_between": {
        "zh": "证明 {terms} 合计在 {low} 到 {high} 之间",
        "en": "Proves that the sum of {terms} is from {low} to {high}",
    },
    "sum_exactly": {"zh": "出示 {terms} 的合计：{low}", "en": "Shows the sum of {terms}: it is {low}"},
    "no_term": {"zh": "，不出示任何一项", "en": ", without showing any of it"},
    "foreign": {"zh": "另一个人的一项数额（{id}）", "en": "a number of another holder's ({id})"},
    "own_number": {"zh": "您交出的数额（{id}）", "en": "the number that you hand over ({id})"},
    "other_operand": {
        "zh": "对方《{schema}》中的“{attribute}”",
        "en": "“{attribute}” in the other one's {schema}",
    },
    "times": {"zh": "{factor} 倍的{operand}", "en": "{factor} times {operand}"},
    "capped": {"zh": "{operand}（最多计 {cap}）", "en": "{operand} (counted up to {cap})"},
    "plus": {"zh": "，加上", "en": ", plus "},
    "comma": {"zh": "、", "en": ", "},
}  # fmt: skip


def _text(key: str, language: Language, **values: object) -> str:
    return _TEXTS[key][language].format(**{name: safe(str(value)) for name, value in values.items()})


@dataclass(frozen=True)
class Reading:
    """What predicates are read with: for each query the schema of its credential, and what is published.

    `foreign` are numbers of other holders. With `own`, the identifiers of those that are the reader's own,
    another holder answers: what is not in it is that one's.
    """

    schemas: Mapping[str, Schema]
    facts: Facts
    foreign: Mapping[str, CommittedNumber] = field(default_factory=dict)
    own: frozenset[str] = frozenset()

    def definition(self, operand: Operand) -> AttributeDefinition:
        """Return the attribute that an operand names."""
        return self.schemas[operand.query].attribute(operand.attribute)

    def counted(self, operand: Operand | Foreign) -> AttributeDefinition:
        """Return what a term of a sum counts."""
        if isinstance(operand, Foreign):
            return self.foreign[operand.id].kind.definitions[0]
        return self.definition(operand)


def clause(predicate: Predicate, operand: Operand, reading: Reading, language: Language) -> str:
    """Return what a predicate proves of one of its attributes."""
    attribute = reading.definition(operand)
    match predicate:
        case Range():
            said = range_clause(attribute, predicate.minimum, predicate.maximum, language)
        case InList():
            said = _in_list(predicate, attribute, reading, language)
        case OneOf():
            said = _one_of("one_of", attribute, _possible(attribute, predicate.values), language)
        case NotEqual():
            said = _text("not_equal", language, value=show_value(attribute, predicate.value, language))
        case Equal():
            others = [each for each in predicate.operands if each != operand]
            names = _text("comma", language).join(named_operand(each, reading, language) for each in others)
            said = _text("equal", language, others=names)
        case Sum():
            said = _summand(predicate, attribute, language)
    return said


def _summand(predicate: Sum, attribute: AttributeDefinition, language: Language) -> str:
    """Tell that a sum is said of below, unless it has one term: then it is no more than bounds of that."""
    if len(predicate.terms) > 1:
        return _text("in_sum", language)
    bounds = bounds_of_term(predicate.terms[0].factor, predicate.minimum, predicate.maximum)
    return range_clause(attribute, *bounds, language)


def bounds_of_term(factor: int, low: int | None, high: int | None) -> tuple[int | None, int | None]:
    """Return the bounds of a number whose product with a factor lies between these.

    A cap changes nothing: it goes with a positive factor and a lower bound, which lies below it.
    """
    if factor < 0:
        factor, low, high = -factor, None if high is None else -high, None if low is None else -low
    return None if low is None else -(-low // factor), None if high is None else high // factor


def exactly(attribute: AttributeDefinition, value: Value, language: Language) -> str:
    """Return what is said of a hidden value that is given away all the same."""
    return _text("exactly", language, value=show_value(attribute, value, language))


def range_clause(
    attribute: AttributeDefinition, minimum: int | None, maximum: int | None, language: Language
) -> str:
    """Return what bounds say: dates as days, numbers with their unit."""
    dated = attribute.type is AttributeType.DATE
    low, high = (
        "" if bound is None else show_value(attribute, date_of(bound) if dated else bound, language)
        for bound in (minimum, maximum)
    )
    if minimum is not None and minimum == maximum:
        return _text("exactly", language, value=low)
    if minimum is not None and maximum is not None:
        return _text("day_between" if dated else "between", language, low=low, high=high)
    if minimum is not None:
        return _text("day_from" if dated else "at_least", language, low=low)
    return _text("day_until" if dated else "at_most", language, high=high)


def sum_sentence(predicate: Sum, reading: Reading, language: Language, *, settled: bool = False) -> str:
    """Return what a sum proves, in a sentence of its own, since it is about several attributes.

    `settled` says that one of its terms at least is given away.
    """
    terms = _text("plus", language).join(_term(each, reading, language) for each in predicate.terms)
    attribute = reading.definition(predicate.operands[0])
    low, high = (
        "" if bound is None else show_value(attribute, bound, language)
        for bound in (predicate.minimum, predicate.maximum)
    )
    key = "sum_least" if predicate.maximum is None else "sum_most"
    if predicate.minimum is not None and predicate.maximum is not None:
        key = "sum_exactly" if predicate.minimum == predicate.maximum else "sum_between"
    sentence = _text(key, language, terms=terms, low=low, high=high)
    return sentence if settled else sentence + _text("no_term", language)


def equal_sentence(predicate: Equal, reading: Reading, language: Language, *, settled: bool = False) -> str:
    """Return what an equality proves, in a sentence of its own, since it is about several attributes.

    `settled` says that what they are equal to is given away.
    """
    names = _text("comma", language).join(
        named_operand(each, reading, language) for each in predicate.operands
    )
    sentence = _text("all_equal", language, names=names)
    return sentence if settled else sentence + _text("not_shown", language)


def _term(term: Term, reading: Reading, language: Language) -> str:
    operand = _named_term(term.operand, reading, language)
    if term.factor != 1:
        operand = _text("times", language, factor=term.factor, operand=operand)
    if term.cap is None:
        return operand
    cap = show_value(reading.counted(term.operand), term.cap, language)
    return _text("capped", language, operand=operand, cap=cap)


def _named_term(operand: Operand | Foreign, reading: Reading, language: Language) -> str:
    if isinstance(operand, Foreign):
        key = "own_number" if operand.id in reading.own else "foreign"
        return _text(key, language, id=operand.id)
    return named_operand(operand, reading, language)


def _in_list(predicate: InList, attribute: AttributeDefinition, reading: Reading, language: Language) -> str:
    """Tell of a list only what the credential's schema knows: other codes in it hide nobody."""
    known = reading.facts.lists[predicate.code_list]
    codes = [each.code for each in attribute.codes if each.code in known.codes]
    if len(codes) > MAX_NAMED:
        return _text("in_long_list", language, owner=known.owner, count=len(codes))
    return _one_of("in_list", attribute, codes, language, owner=known.owner)


def _one_of(
    key: str, attribute: AttributeDefinition, values: Sequence[Value], language: Language, **more: str
) -> str:
    if len(values) == 1:
        return exactly(attribute, values[0], language)
    names = _text("comma", language).join(show_value(attribute, each, language) for each in values)
    return _text(key, language, names=names, **more)


def _possible(attribute: AttributeDefinition, values: Iterable[Value]) -> list[Value]:
    """Return those values that the attribute can have in the schema of the credential that answers."""
    found = list[Value]()
    for each in values:
        with suppress(MalformedError):
            attribute.check(each)
            found.append(each)
    return found


def named_operand(operand: Operand, reading: Reading, language: Language) -> str:
    """Return an attribute's name with its schema's."""
    schema = reading.schemas[operand.query]
    return _text(
        "other_operand" if reading.own else "operand",
        language,
        schema=local(schema.display_name, language),
        attribute=local(schema.attribute(operand.attribute).display_name, language),
    )
