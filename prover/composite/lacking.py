"""What is missing for an answer and where to apply for it, as lines of text, in Chinese and in English."""

from collections.abc import Iterator, Mapping
from typing import Final

from disclosure import LocalizedText
from prover.composite.asking import predicate_sentence
from prover.composite.branches import BranchPlan, Lacking
from prover.composite.clauses import Reading
from prover.composite.facts import Facts
from prover.composite.planning import CompositePlan
from prover.consent import ConsentLine, Language, Style, local, safe
from prover.present import Lack

_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    Lack.NONE_HELD: {"zh": "您还没有{names}", "en": "You do not have {names} yet"},
    Lack.EXPIRED: {"zh": "您的{names}已过期", "en": "Your {names} has expired"},
    Lack.KEY_RETIRED: {
        "zh": "您的{names}由已停用的密钥签发",
        "en": "Your {names} is signed by a key that is out of use",
    },
    Lack.KEY_NOT_ACCEPTED: {
        "zh": "您的{names}由对方不接受的密钥签发",
        "en": "Your {names} is signed by a key that is not accepted here",
    },
    Lack.REVOKED: {
        "zh": "您的{names}已被签发部门吊销",
        "en": "Your {names} has been revoked by its department",
    },
    Lack.OVERDUE: {
        "zh": "服务给出的{names}的吊销记录太旧，您的凭证库不按旧记录作证明；请稍后再试",
        "en": (
            "The list of revocations that the service has for your {names} is too old for your vault to "
            "prove anything by; try again later"
        ),
    },
    Lack.NO_WITNESS: {
        "zh": "您的{names}没有未被吊销的凭据，需要重新领取",
        "en": "Your {names} has no witness that it is not revoked: get it anew",
    },
    Lack.USED_TWICE: {
        "zh": "这里要两份不同的{names}，您只有一份",
        "en": "Two different ones of {names} are asked for, and you have one",
    },
    Lack.ABSENT: {
        "zh": "您的{names}没有填写这里要用的内容",
        "en": "Your {names} leaves out what is needed here",
    },
    Lack.REGULATOR_NOT_TRUSTED: {
        "zh": "对方要求把您的身份加密给一个您的凭证库不信任的密钥（{digest}）",
        "en": "It is asked to encrypt your identity to a key that your vault does not trust ({digest})",
    },
    Lack.OTHER_HOLDER: {
        "zh": "要计入另一个人的一项数额，对方的凭证库还没有把它交给您的凭证库",
        "en": "A number of another holder's is counted, which has not been handed over to your vault",
    },
    "unmet": {"zh": "不满足：{sentence}", "en": "Does not hold: {sentence}"},
    "apply": {"zh": "可向{departments}申请", "en": "Apply at {departments}"},
    "schema": {"zh": "《{name}》", "en": "“{name}”"},
    "or": {"zh": "或", "en": " or "},
    "way": {"zh": "若按“{branch}”答复，还缺：", "en": "To answer by “{branch}” there is missing:"},
    "whole": {"zh": "可以按“{branch}”答复", "en": "You can answer by “{branch}”"},
}  # fmt: skip


def _text(key: str, language: Language, **values: object) -> str:
    return _TEXTS[key][language].format(**{name: safe(str(value)) for name, value in values.items()})


def lacking_lines(
    plan: CompositePlan, language: Language, departments: Mapping[str, LocalizedText] | None = None
) -> list[ConsentLine]:
    """Return what each branch lacks, in the request's order, and which departments to apply to."""
    return [line for each in plan.branches for line in _branch(plan, each, language, departments or {})]


def _branch(
    plan: CompositePlan, branch: BranchPlan, language: Language, departments: Mapping[str, LocalizedText]
) -> Iterator[ConsentLine]:
    heading = "way" if branch.missing else "whole"
    yield ConsentLine(Style.SECTION, _text(heading, language, branch=branch.branch.id))
    for each in branch.missing:
        yield ConsentLine(Style.FACT, _sentence(plan, branch, each, language))
        if each.departments:
            names = [
                local(departments[str(name)], language) if str(name) in departments else str(name)
                for name in each.departments
            ]
            joined = _text("or", language).join(names)
            yield ConsentLine(Style.FACT, _text("apply", language, departments=joined))


def _sentence(plan: CompositePlan, branch: BranchPlan, lacking: Lacking, language: Language) -> str:
    if lacking.predicate is None:
        names = [
            _text("schema", language, name=local(plan.directory.schema(name).display_name, language))
            for name in lacking.apply_for
        ]
        digest = "" if lacking.regulator is None else lacking.regulator.hex()
        return _text(lacking.lack, language, names=_text("or", language).join(names), digest=digest)
    predicate = lacking.predicate
    schemas = {query: held.schema for query, held in branch.chosen.items()}
    facts = Facts.of(branch.branch, (), plan.directory, plan.contents.regulators)
    reading = Reading(schemas, facts, {each.id: each.number for each in branch.branch.foreign})
    return _text("unmet", language, sentence=predicate_sentence(predicate, reading, language))
