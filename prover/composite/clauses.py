"""What a predicate says, as the clause that follows an attribute's name, in Chinese and in English."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from disclosure import AttributeDefinition, AttributeType, Schema, Value
from disclosure.attributes import date_of
from disclosure.composite import Equal, Foreign, InList, NotEqual, OneOf, Operand, Predicate, Range, Sum, Term
from prover.composite.facts import Facts
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
    "in_list": {
        "zh": "证明是下列之一，不出示是哪一个：{names}",
        "en": "proves that it is one of these, without showing which: {names}",
    },
    "in_long_list": {
        "zh": "证明在一份公布的 {count} 项名单之中，不出示是哪一个",
        "en": "proves that it is one of {count} in a published list, without showing which",
    },
    "not_equal": {
        "zh": "证明不是 {value}，此外什么也不出示",
        "en": "proves that it is not {value}, and shows nothing else of it",
    },
    "equal": {
        "zh": "证明与 {others} 相同，不出示内容",
        "en": "proves that it is the same as {others}, without showing it",
    },
    "in_sum": {"zh": "计入下面的合计，不单独证明", "en": "counts in the sum below, and is not proven alone"},
    "operand": {"zh": "《{schema}》中的“{attribute}”", "en": "“{attribute}” in your {schema}"},
    "sum_least": {
        "zh": "证明 {terms} 合计不少于 {low}，不出示任何一项",
        "en": "Proves that the sum of {terms} is at least {low}, without showing any of it",
    },
    "sum_most": {
        "zh": "证明 {terms} 合计不多于 {high}，不出示任何一项",
        "en": "Proves that the sum of {terms} is at most {high}, without showing any of it",
    },
    "sum_between": {
        "zh": "证明 {terms} 合计在 {low} 到 {high} 之间，不出示任何一项",
        "en": "Proves that the sum of {terms} is from {low} to {high}, without showing any of it",
    },
    "foreign": {"zh": "另一个人的一项数额（{id}）", "en": "a number of another holder's ({id})"},
    "times": {"zh": "{factor} 倍的{operand}", "en": "{factor} times {operand}"},
    "capped": {"zh": "{operand}（最多计 {cap}）", "en": "{operand} (counted up to {cap})"},
    "plus": {"zh": "，加上", "en": ", plus "},
    "comma": {"zh": "、", "en": ", "},
}  # fmt: skip


def _text(key: str, language: Language, **values: object) -> str:
    return _TEXTS[key][language].format(**{name: safe(str(value)) for name, value in values.items()})


@dataclass(frozen=True)
class Reading:
    """What predicates are read with: for each query the schema of its credential, and what is published."""

    schemas: Mapping[str, Schema]
    facts: Facts

    def definition(self, operand: Operand) -> AttributeDefinition:
        """Return the attribute that an operand names."""
        return self.schemas[operand.query].attribute(operand.attribute)


def clause(predicate: Predicate, operand: Operand, reading: Reading, language: Language) -> str:
    """Return what a predicate proves of one of its attributes."""
    attribute = reading.definition(operand)
    match predicate:
        case Range():
            return range_clause(attribute, predicate.minimum, predicate.maximum, language)
        case InList():
            return _in_list(predicate, attribute, reading, language)
        case OneOf():
            return _one_of(attribute, predicate.values, language)
        case NotEqual():
            return _text("not_equal", language, value=show_value(attribute, predicate.value, language))
        case Equal():
            others = [
                named_operand(each, reading, language) for each in predicate.operands if each != operand
            ]
            return _text("equal", language, others=_text("comma", language).join(others))
    return _text("in_sum", language)


def range_clause(
    attribute: AttributeDefinition, minimum: int | None, maximum: int | None, language: Language
) -> str:
    """Return what bounds say: dates as days, numbers with their unit."""
    dated = attribute.type is AttributeType.DATE
    low, high = (
        "" if bound is None else show_value(attribute, date_of(bound) if dated else bound, language)
        for bound in (minimum, maximum)
    )
    if minimum is not None and maximum is not None:
        return _text("day_between" if dated else "between", language, low=low, high=high)
    if minimum is not None:
        return _text("day_from" if dated else "at_least", language, low=low)
    return _text("day_until" if dated else "at_most", language, high=high)


def sum_sentence(predicate: Sum, reading: Reading, language: Language) -> str:
    """Return what a sum proves, in a sentence of its own, since it is about several attributes."""
    terms = _text("plus", language).join(_term(each, reading, language) for each in predicate.terms)
    attribute = reading.definition(predicate.operands[0])
    low, high = (
        "" if bound is None else show_value(attribute, bound, language)
        for bound in (predicate.minimum, predicate.maximum)
    )
    if predicate.minimum is not None and predicate.maximum is not None:
        return _text("sum_between", language, terms=terms, low=low, high=high)
    if predicate.minimum is not None:
        return _text("sum_least", language, terms=terms, low=low)
    return _text("sum_most", language, terms=terms, high=high)


def _term(term: Term, reading: Reading, language: Language) -> str:
    if isinstance(term.operand, Foreign):
        return _text("foreign", language, id=term.operand.id)
    operand = named_operand(term.operand, reading, language)
    if term.factor != 1:
        operand = _text("times", language, factor=term.factor, operand=operand)
    if term.cap is None:
        return operand
    cap = show_value(reading.definition(term.operand), term.cap, language)
    return _text("capped", language, operand=operand, cap=cap)


def _in_list(predicate: InList, attribute: AttributeDefinition, reading: Reading, language: Language) -> str:
    known = reading.facts.lists.get(predicate.code_list)
    if known is not None and known.codes:
        return _one_of(attribute, known.codes, language)
    return _text("in_long_list", language, count=known.count if known else "?")


def _one_of(attribute: AttributeDefinition, values: tuple[Value, ...], language: Language) -> str:
    names = _text("comma", language).join(show_value(attribute, each, language) for each in values)
    return _text("in_list", language, names=names)


def named_operand(operand: Operand, reading: Reading, language: Language) -> str:
    """Return an attribute's name with its schema's."""
    schema = reading.schemas[operand.query]
    return _text(
        "operand",
        language,
        schema=local(schema.display_name, language),
        attribute=local(schema.attribute(operand.attribute).display_name, language),
    )
