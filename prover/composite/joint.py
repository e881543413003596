"""What a person has to know of sums across two holders, in Chinese and in English.

The first holder is told that the verifier gets a commitment, and, when its vault is to hand a number over,
that the other holder learns that number for good. The second one is told whose number is counted.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from disclosure import LocalizedText, VerifierName
from disclosure.composite import (
    Branch,
    CommitmentQuery,
    Compared,
    CompositeDirectory,
    CompositeRequest,
    ForeignNumber,
    KeptOpening,
    Sum,
)
from prover.composite.clauses import Reading, named_operand, sum_sentence
from prover.composite.facts import Facts
from prover.composite.telling import CompositeConsent
from prover.consent import ConsentLine, Language, Style, local, safe, show_moment, show_value
from prover.usages import Usage

_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "joint": {"zh": "和另一个人合计", "en": "Adding up with another holder"},
    "commitment": {
        "zh": "{verifier} 得到对{operand}的一个承诺（“{id}”）：看不到数值，但可以请另一个人把它计入合计",
        "en": (
            "{verifier} gets a commitment (“{id}”) to {operand}: it does not see the number, and may ask "
            "another holder to prove a sum that counts it"
        ),
    },
    "handing": {
        "zh": (
            "只有您的凭证库把这个数额交给那个人，才能合计；"
            "交出之前会再问您，交出后那个人就永久知道准确数额"
        ),
        "en": (
            "That takes your vault to hand the number over to the other holder, which you are asked for "
            "then: that holder learns the exact number, for good"
        ),
    },
    "counted": {
        "zh": (
            "计入另一个人的一项数额（“{id}”）：此人已向 {verifier} 承诺，由{departments}签发，"
            "在 {low} 到 {high} 之间"
        ),
        "en": (
            "A number of another holder's is counted (“{id}”), who has committed to it for {verifier}: "
            "signed by {departments}, from {low} to {high}"
        ),
    },
    "belongs": {
        "zh": "{verifier} 会得知您的答复和那个人的答复有关联",
        "en": "{verifier} learns that your answer and that holder's belong together",
    },
    "two_holders": {
        "zh": "{verifier} 会核对您和那个人不是同一个人",
        "en": "{verifier} checks that you are not that holder",
    },
    "holders_waived": {
        "zh": "不核对您和那个人是不是同一个人",
        "en": "It is not checked that you are not that holder",
    },
    "same_subject": {
        "zh": "{verifier} 会核对您的{operand}和那个人的是同一个",
        "en": "{verifier} checks that {operand} is the same as that holder's",
    },
    "hand_over": {
        "zh": "把一项数额交给另一个人",
        "en": "Hand a number over to another holder",
    },
    "number": {
        "zh": "{operand}：{value}。另一个人将得知这个准确数额，收不回来，并且能向别人证明它是真的",
        "en": (
            "{operand}: {value}. The other holder learns this exact number, which cannot be taken back, and "
            "can prove to others that it is true"
        ),
    },
    "nobody_else": {
        "zh": "{verifier} 和传递它的人都看不到这个数额；请确认那串密钥直接来自那个人的设备",
        "en": (
            "Neither {verifier} nor whoever carries it sees the number; make sure that the key came from the "
            "other one's own device"
        ),
    },
    "who": {"zh": "谁要合计：{verifier}（{name}）", "en": "Who asks for the sum: {verifier} ({name})"},
    "purpose": {"zh": "用途：{purpose}", "en": "What for: {purpose}"},
    "ends": {"zh": "此后不能再用：{time}", "en": "Good for nothing after: {time}"},
    "other_proves": {"zh": "另一个人将用它：", "en": "With it the other holder:"},
    "and": {"zh": "、", "en": ", "},
}  # fmt: skip


@dataclass(frozen=True)
class HandoverConsent:
    """What a person has to know before a number goes to another holder; `handover_lines` renders it.

    `branches` are those of the second request that count the numbers. Does not show them.
    """

    usage: Usage
    numbers: tuple[KeptOpening, ...]
    request: CompositeRequest
    verifier_display_name: LocalizedText
    branches: tuple[Branch, ...]
    readings: Mapping[str, Reading]

    @property
    def verifier(self) -> VerifierName:
        """Who asks for the sum, as it has asked for the commitment."""
        return self.request.verifier

    @property
    def ends(self) -> dt.datetime:
        """When the second request does."""
        return self.request.expires


def handover_consent_of(
    usage: Usage,
    numbers: list[KeptOpening],
    request: CompositeRequest,
    verifier_display_name: LocalizedText,
    directory: CompositeDirectory,
) -> HandoverConsent:
    """Say what handing over would tell. The other holder's credentials are read as the first of the schemas
    that a query accepts: an attribute means the same in all of them.
    """
    own = {each.number for each in numbers}
    branches = tuple(
        branch for branch in request.branches if any(each.number in own for each in branch.foreign)
    )
    readings = {
        branch.id: Reading(
            {query.id: directory.schema(query.schemas[0]) for query in branch.queries},
            Facts(),
            {each.id: each.number for each in branch.foreign},
            frozenset(each.id for each in branch.foreign if each.number in own),
        )
        for branch in branches
    }
    return HandoverConsent(usage, tuple(numbers), request, verifier_display_name, branches, readings)


def handover_lines(consent: HandoverConsent, language: Language) -> list[ConsentLine]:
    """Return the screen of handing over: the numbers themselves, who asks for the sum, and what it says."""
    verifier = local(consent.verifier_display_name, language)
    purpose = local(consent.request.purpose, language)
    lines = [
        _line(Style.HEADING, "hand_over", language),
        _line(Style.FACT, "who", language, verifier=verifier, name=consent.verifier),
        _line(Style.FACT, "purpose", language, purpose=purpose),
        _line(Style.FACT, "ends", language, time=show_moment(consent.ends, language)),
    ]
    for kept in consent.numbers:
        definition = kept.number.kind.definitions[0]
        value = show_value(definition, kept.opening.number, language)
        operand = _committed_operand(consent.usage, kept, language)
        lines.append(_line(Style.REVEALED, "number", language, operand=operand, value=value))
    lines.append(_line(Style.FACT, "nobody_else", language, verifier=verifier))
    lines.append(_line(Style.SECTION, "other_proves", language))
    lines += [
        ConsentLine(Style.PROVEN, sum_sentence(predicate, consent.readings[branch.id], language))
        for branch in consent.branches
        for predicate in branch.predicates
        if isinstance(predicate, Sum)
        and {each.id for each in predicate.foreign} & consent.readings[branch.id].own
    ]
    return lines


def joint_lines(consent: CompositeConsent, verifier: str, language: Language) -> Iterator[ConsentLine]:
    """Give what an answer commits to, and which numbers of other holders it counts."""
    branch = consent.branch
    if branch.commitments or branch.foreign:
        yield _line(Style.SECTION, "joint", language)
    for commitment in branch.commitments:
        operand = named_operand(commitment.operand, consent.reading, language)
        yield _line(
            Style.PSEUDONYM, "commitment", language, verifier=verifier, operand=operand, id=commitment.id
        )
    if branch.commitments:
        yield _line(Style.FACT, "handing", language)
    for foreign in branch.foreign:
        yield from _foreign(foreign, consent, verifier, language)


def _foreign(
    foreign: ForeignNumber, consent: CompositeConsent, verifier: str, language: Language
) -> Iterator[ConsentLine]:
    number, definition = foreign.number, foreign.number.kind.definitions[0]
    low, high = (show_value(definition, each, language) for each in (number.minimum, number.maximum))
    departments = _text("and", language).join(map(str, number.departments))
    yield _line(
        Style.PSEUDONYM, "counted", language, id=foreign.id, verifier=verifier, departments=departments,
        low=low, high=high,
    )  # fmt: skip
    yield _line(Style.PSEUDONYM, "belongs", language, verifier=verifier)
    told = "two_holders" if isinstance(foreign.holder, Compared) else "holders_waived"
    yield _line(Style.FACT, told, language, verifier=verifier)
    subjects = {each.id: each.subject for each in consent.branch.pseudonyms}
    for compared in foreign.subjects:
        subject = subjects[compared.here]
        if subject is not None:
            operand = named_operand(subject, consent.reading, language)
            yield _line(Style.FACT, "same_subject", language, verifier=verifier, operand=operand)


def _committed_operand(usage: Usage, kept: KeptOpening, language: Language) -> str:
    """Return the name of the attribute that a number of a use is, with its schema's."""
    branch = usage.branch
    asked: tuple[CommitmentQuery, ...] = () if branch is None else branch.commitments
    operand = next(each.operand for each in asked if each.id == kept.number.id)
    schemas = {each.shown.query: usage.schemas[each.shown.schema] for each in usage.answer.credentials}
    return named_operand(operand, Reading(schemas, Facts()), language)


def _text(key: str, language: Language, **values: object) -> str:
    return _TEXTS[key][language].format(**{name: safe(str(value)) for name, value in values.items()})


def _line(style: Style, key: str, language: Language, **values: object) -> ConsentLine:
    return ConsentLine(style, _text(key, language, **values))
