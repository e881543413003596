"""What the ways before the chosen one ask, in Chinese and in English.

A verifier that puts one question in many ways, each asking a little less, learns from the way that is
answered which of the earlier ones its holder could not answer. So each of them is told.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from disclosure.composite import Branch, Equal, Predicate, Sum
from prover.composite.clauses import Reading, clause, named_operand, sum_sentence
from prover.composite.telling import Earlier
from prover.consent import ConsentLine, Language, Style, local, safe

_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "earlier": {
        "zh": "排在前面的“{branch}”问的是：{asked}",
        "en": "An earlier way, “{branch}”, asks: {asked}",
    },
    "earlier_unread": {"zh": "排在前面的还有“{branch}”", "en": "An earlier way was “{branch}”"},
    "suggests": {
        "zh": "您选了后面的方式，对方会猜测前面的您答复不了",
        "en": "That you choose a later way suggests that you could not answer by an earlier one",
    },
    "credential": {"zh": "持有《{schema}》", "en": "to hold a {schema}"},
    "shown": {"zh": "出示《{schema}》中的{names}", "en": "to show {names} from your {schema}"},
    "clause": {"zh": "{attribute}：{clause}", "en": "{attribute}: {clause}"},
    "escrow": {"zh": "把{attribute}加密给监管机构", "en": "to encrypt {attribute} to a regulator"},
    "pseudonyms": {"zh": "能再次认出您", "en": "to recognise you again"},
    "semicolon": {"zh": "；", "en": "; "},
    "comma": {"zh": "、", "en": ", "},
}  # fmt: skip


def _text(key: str, language: Language, **values: object) -> str:
    return _TEXTS[key][language].format(**{name: safe(str(value)) for name, value in values.items()})


def earlier_lines(earlier: tuple[Earlier, ...], language: Language) -> Iterator[ConsentLine]:
    """Give what each earlier way asks, and what choosing a later one suggests; nothing for the first way."""
    for each in earlier:
        if each.reading is None:
            yield ConsentLine(Style.FACT, _text("earlier_unread", language, branch=each.branch.id))
            continue
        asked = _text("semicolon", language).join(_asked(each.branch, each.reading, language))
        yield ConsentLine(Style.FACT, _text("earlier", language, branch=each.branch.id, asked=asked))
    if earlier:
        yield ConsentLine(Style.FACT, _text("suggests", language))


def _asked(branch: Branch, reading: Reading, language: Language) -> Iterator[str]:
    for query in branch.queries:
        schema = reading.schemas[query.id]
        name = local(schema.display_name, language)
        if query.shown:
            shown = [local(schema.attribute(each).display_name, language) for each in query.shown]
            names = _text("comma", language).join(shown)
            yield _text("shown", language, schema=name, names=names)
        else:
            yield _text("credential", language, schema=name)
    for predicate in branch.predicates:
        yield predicate_sentence(predicate, reading, language)
    for escrow in branch.escrows:
        yield _text("escrow", language, attribute=named_operand(escrow.operand, reading, language))
    if branch.pseudonyms:
        yield _text("pseudonyms", language)


def predicate_sentence(predicate: Predicate, reading: Reading, language: Language) -> str:
    """Return what a predicate says by itself: of its first attribute, or of all that a sum adds up."""
    if isinstance(predicate, Sum) and len(predicate.terms) > 1:
        return sum_sentence(predicate, reading, language)
    first = min(predicate.operands) if isinstance(predicate, Equal) else predicate.operands[0]
    attribute = named_operand(first, reading, language)
    said = clause(predicate, first, reading, language)
    return _text("clause", language, attribute=attribute, clause=said)
