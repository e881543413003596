"""The consent screen as lines of text, in Chinese and in English: who, what for, what is shown, what is not.

Every line has a style, for whoever prints it; the text alone says everything. Nothing in it steers a
terminal: what controls one, or hides or turns text, is written out as its code point.
"""

import datetime as dt
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, Protocol

from disclosure import AttributeDefinition, AttributeType, LocalizedText, Value, VerifierName
from disclosure.credential import CIVIL_TIME
from disclosure.policy import RegisteredPolicy
from prover.asker import Asker, TrackRecord
from prover.present import Consent, ConsentCredential, Revealed

Language = Literal["zh", "en"]


class Style(StrEnum):
    """What a line is."""

    HEADING = "heading"
    FACT = "fact"
    SECTION = "section"
    REVEALED = "revealed"
    PROVEN = "proven"
    ESCROWED = "escrowed"
    PSEUDONYM = "pseudonym"
    HIDDEN = "hidden"


@dataclass(frozen=True)
class ConsentLine:
    """One line; the text may hold values and is as secret as they are."""

    style: Style
    text: str


_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "heading": {"zh": "{verifier} 请您出示信息", "en": "{verifier} asks you to show something"},
    "who": {"zh": "谁在询问：{verifier}（{name}）", "en": "Who asks: {verifier} ({name})"},
    "named": {
        "zh": "已签名的是 {name} 和它所问的全部内容；显示的名称由本服务所写，未经签名",
        "en": "Signed are {name} and all that it asks; what it is called here is this service's own word",
    },
    "purpose": {"zh": "用途：{purpose}", "en": "What for: {purpose}"},
    "ends": {"zh": "请在此之前答复：{time}", "en": "To be answered before: {time}"},
    "policy": {"zh": "按已登记的规则询问：{policy}", "en": "By the registered policy {policy}"},
    "basis": {"zh": "法律依据：{basis}", "en": "Legal basis: {basis}"},
    "keeps": {"zh": "保存期限：{days} 天", "en": "Kept for {days} days"},
    "keeps_nothing": {"zh": "保存期限：看后不保存", "en": "Kept: not at all after it was looked at"},
    "receipt_pending": {
        "zh": "您的答复一有回执即予接受",
        "en": "Your answer is accepted as soon as there is a receipt",
    },
    "receipt_anchored": {
        "zh": "您的答复须经账本的见证方联署后才予接受",
        "en": "Your answer is accepted only once witnesses of the ledger have cosigned it",
    },
    "receipt_ordered": {
        "zh": "您的答复须进入各城市共有的次序后才予接受",
        "en": "Your answer is accepted only once it is in the order that all cities share",
    },
    "counts": {
        "zh": "合计：出示 {shown} 项，另有 {proven} 项只作证明、不出示",
        "en": "In all: {shown} shown, {proven} more proven about without being shown",
    },
    "first_time": {
        "zh": "{verifier} 第一次在这台设备上询问您",
        "en": "{verifier} has never asked you on this device before",
    },
    "record": {
        "zh": "{verifier} 在这台设备上的记录：您答复过 {answers} 次，拒绝过 {declined} 次",
        "en": "{verifier} on this device: you answered {answers} times and said no {declined} times",
    },
    "last_time": {"zh": "最近一次答复：{time}", "en": "Last answered: {time}"},
    "over_asked": {
        "zh": "注意：{verifier} 曾 {times} 次索要超出其登记规则的内容，均已被拒绝",
        "en": "Note: {verifier} has asked {times} times for more than it may, and was refused",
    },
    "credential": {"zh": "出示《{schema}》", "en": "From your {schema}"},
    "reveals": {"zh": "{verifier} 将看到：", "en": "{verifier} will see:"},
    "hides": {"zh": "不会看到（继续保密）：", "en": "It will not see (stays hidden):"},
    "hides_nothing": {
        "zh": "这份凭证的内容将全部出示。",
        "en": "Nothing in it stays hidden.",
    },
    "value": {"zh": "{attribute}：{value}", "en": "{attribute}: {value}"},
    "item": {"zh": "{attribute}", "en": "{attribute}"},
    "issuer": {
        "zh": "签发部门：{department}（将得知是该部门签发了这种凭证）",
        "en": "Issued by: {department} (it learns that this department signed such a credential)",
    },
    "expiry": {"zh": "有效期至：{date}", "en": "Valid until: {date}"},
    "expiry_hidden": {"zh": "有效期", "en": "how long it is valid"},
    "absent": {"zh": "（未填写）", "en": "(left out)"},
    "true": {"zh": "是", "en": "yes"},
    "false": {"zh": "否", "en": "no"},
    "code": {"zh": "{name}（{code}）", "en": "{name} ({code})"},
    "secret": {"zh": "（从不显示）", "en": "(never shown)"},
}
_UNITS: Final[Mapping[str, Mapping[Language, str]]] = {
    "CNY": {"zh": "元", "en": "CNY"},
    "months": {"zh": "个月", "en": "months"},
    "years": {"zh": "年", "en": "years"},
    "days": {"zh": "天", "en": "days"},
    "m2": {"zh": "平方米", "en": "m²"},
    "bp": {"zh": "‱", "en": "‱"},
}


def safe(text: str) -> str:
    """Return a text without anything that controls a terminal or hides or turns text."""
    return "".join(f"<U+{ord(each):04X}>" if _steers(each) else each for each in text)


def _steers(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in {"Zl", "Zp"}


def _text(key: str, language: Language, **values: str) -> str:
    return _TEXTS[key][language].format(**{name: safe(value) for name, value in values.items()})


def local(text: LocalizedText, language: Language) -> str:
    """Return a text in one of its languages; `safe` it before it is shown."""
    return text.zh if language == "zh" else text.en


def show_value(attribute: AttributeDefinition, value: Value | None, language: Language) -> str:
    """Return a value as a person reads it: codes by their names, numbers with decimals and unit."""
    if value is None or attribute.type is AttributeType.SECRET:
        return _text("absent" if value is None else "secret", language)
    match attribute.type, value:
        case AttributeType.BOOLEAN, bool():
            return _text("true" if value else "false", language)
        case AttributeType.INTEGER, int():
            return _number(attribute, value, language)
        case AttributeType.DATE, dt.date():
            return show_date(value, language)
        case AttributeType.CODE, str():
            names = {each.code: local(each.display_name, language) for each in attribute.codes}
            return _text("code", language, name=names.get(value, "?"), code=value)
    return value.hex() if isinstance(value, bytes) else safe(str(value))


def _number(attribute: AttributeDefinition, number: int, language: Language) -> str:
    digits = str(abs(number)).zfill(attribute.scale + 1)
    whole = digits[: len(digits) - attribute.scale]
    decimals = f".{digits[-attribute.scale :]}" if attribute.scale else ""
    unit = _UNITS.get(attribute.unit, {}).get(language, attribute.unit)
    return safe(f"{'-' if number < 0 else ''}{whole}{decimals} {unit}".rstrip())


def show_date(date: dt.date, language: Language) -> str:
    """Return a date as a person reads it."""
    return f"{date.year}年{date.month}月{date.day}日" if language == "zh" else date.isoformat()


def show_moment(moment: dt.datetime, language: Language) -> str:
    """Return a moment by the cities' clock, to the minute."""
    local = moment.astimezone(CIVIL_TIME)
    zone = "北京时间" if language == "zh" else "UTC+08:00"
    return f"{show_date(local.date(), language)} {local:%H:%M} {zone}"


def consent_lines(
    consent: Consent, language: Language, departments: Mapping[str, LocalizedText] | None = None
) -> list[ConsentLine]:
    """Return the screen. `departments` gives display names by resource name; without one the name is shown.

    Under each credential every attribute of its schema stands exactly once: with its value among what will be
    seen, or by its name among what stays hidden; so does its last day of validity.
    """
    verifier = local(consent.verifier_display_name, language)
    lines = [
        ConsentLine(Style.HEADING, _text("heading", language, verifier=verifier)),
    ]
    shown = sum(len(each.revealed) + each.expiry_shown for each in consent.credentials)
    lines += asking_lines(consent, shown, 0, language)
    for each in consent.credentials:
        name = str(each.department)
        known = (departments or {}).get(name)
        department = f"{local(known, language)} ({name})" if known else name
        lines += _credential_lines(each, verifier, department, language)
    return lines


class Asking(Protocol):
    """What consents of both forms have of whoever asks."""

    @property
    def verifier(self) -> VerifierName:
        """Who asks."""
        ...

    @property
    def verifier_display_name(self) -> LocalizedText:
        """Its name for people."""
        ...

    @property
    def purpose(self) -> LocalizedText:
        """What for."""
        ...

    @property
    def ends(self) -> dt.datetime:
        """Until when it can be answered."""
        ...

    @property
    def asker(self) -> Asker | None:
        """By which policy, and with which record here; of a use of the past, and of an issuance, None."""
        ...


def asking_lines(consent: Asking, shown: int, proven: int, language: Language) -> list[ConsentLine]:
    """Return who asks and why: by which policy, on which ground, how long it keeps what it sees, its record.

    Where the policy says in which state the verifier demands receipts, that is told too.
    `shown` and `proven` are how many attributes are shown, and only proven about.
    """
    verifier = local(consent.verifier_display_name, language)
    name = str(consent.verifier)
    texts = [_text("who", language, verifier=verifier, name=name)]
    if consent.asker is not None:
        texts.append(_text("named", language, name=name))
    texts.append(_text("purpose", language, purpose=local(consent.purpose, language)))
    if consent.asker is not None:
        policy = consent.asker.policy
        keeps = "keeps" if policy.retention_days else "keeps_nothing"
        texts += [
            _text("basis", language, basis=local(policy.legal_basis, language)),
            _text("policy", language, policy=str(policy.name)),
            _text("counts", language, shown=str(shown), proven=str(proven)),
            _text(keeps, language, days=str(policy.retention_days)),
            *_receipt_texts(policy, language),
            *_record_texts(consent.asker.record, verifier, language),
        ]
    texts.append(_text("ends", language, time=show_moment(consent.ends, language)))
    return [ConsentLine(Style.FACT, each) for each in texts]


def _receipt_texts(policy: RegisteredPolicy, language: Language) -> Iterator[str]:
    if policy.receipt is not None:
        yield _text(f"receipt_{policy.receipt.value}", language)


def _record_texts(record: TrackRecord, verifier: str, language: Language) -> Iterator[str]:
    if record.is_first:
        yield _text("first_time", language, verifier=verifier)
        return
    answers, declined = str(record.answers), str(record.declined)
    yield _text("record", language, verifier=verifier, answers=answers, declined=declined)
    if record.last is not None:
        yield _text("last_time", language, time=show_moment(record.last, language))
    if record.over_asked:
        yield _text("over_asked", language, verifier=verifier, times=str(record.over_asked))


def _credential_lines(
    credential: ConsentCredential, verifier: str, department: str, language: Language
) -> Iterator[ConsentLine]:
    schema = local(credential.schema.display_name, language)
    yield ConsentLine(Style.SECTION, _text("credential", language, schema=schema))
    yield ConsentLine(Style.FACT, _text("reveals", language, verifier=verifier))
    for each in credential.revealed:
        yield ConsentLine(Style.REVEALED, _revealed(each, language))
    if credential.expiry_shown:
        date = show_date(credential.expiry, language)
        yield ConsentLine(Style.REVEALED, _text("expiry", language, date=date))
    yield ConsentLine(Style.REVEALED, _text("issuer", language, department=department))
    hidden = [local(each.display_name, language) for each in credential.hidden]
    if not credential.expiry_shown:
        hidden.append(_text("expiry_hidden", language))
    yield ConsentLine(Style.FACT, _text("hides" if hidden else "hides_nothing", language))
    for name in hidden:
        yield ConsentLine(Style.HIDDEN, _text("item", language, attribute=name))


def _revealed(revealed: Revealed, language: Language) -> str:
    return _text(
        "value",
        language,
        attribute=local(revealed.attribute.display_name, language),
        value=show_value(revealed.attribute, revealed.value, language),
    )
