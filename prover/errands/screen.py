"""The consent screen of an errand: one screen, a section for each counter, in Chinese and in English."""

from collections.abc import Iterator, Mapping
from typing import Final

from disclosure import LocalizedText
from disclosure.errand import FormField, FormValue
from prover.composite.sentences import composite_lines
from prover.consent import ConsentLine, Language, Style, consent_lines, local, safe, show_date, show_moment
from prover.errands.planning import ErrandConsent, PartConsent, SharedAnswer
from prover.present import Consent

_TEXTS: Final[Mapping[str, Mapping[Language, str]]] = {
    "heading": {
        "zh": "办理“{bundle}”：一次提交，{count} 个窗口各得各的部分",
        "en": "{bundle}: submitted once, {count} counters each get their own part",
    },
    "about": {"zh": "{about}", "en": "{about}"},
    "ends": {"zh": "请在此之前提交：{time}", "en": "To be submitted before: {time}"},
    "part": {
        "zh": "第 {number} 部分（共 {count} 部分）：{counter}",
        "en": "Part {number} of {count}: {counter}",
    },
    "declares": {
        "zh": "您向 {counter} 申报（只有该窗口能读，服务读不到）：",
        "en": "You declare to {counter} (only that counter can read it, the service cannot):",
    },
    "value": {"zh": "{field}：{value}", "en": "{field}: {value}"},
    "left_out": {"zh": "（未填写）", "en": "(left out)"},
    "none_shared": {
        "zh": "没有一项内容会被两个窗口同时看到。",
        "en": "Nothing is seen by more than one counter.",
    },
    "shared": {
        "zh": "不止一个窗口会看到的内容（这些窗口可据此知道是同一个人）：",
        "en": "Seen by more than one counter (by it these could find out that it is the same person):",
    },
    "shared_item": {
        "zh": "《{schema}》{attribute}：{counters}",
        "en": "{attribute} of your {schema}: {counters}",
    },
    "shared_expiry": {
        "zh": "《{schema}》的有效期：{counters}",
        "en": "Until when your {schema} is valid: {counters}",
    },
    "shared_declared": {
        "zh": "您申报的{attribute}：{counters}",
        "en": "{attribute}, as you declare it: {counters}",
    },
}


def errand_lines(
    consent: ErrandConsent, language: Language, departments: Mapping[str, LocalizedText]
) -> list[ConsentLine]:
    """Return the screen. `departments` has display names by resource name."""
    count, bundle = str(len(consent.parts)), consent.bundle
    lines = [
        _line(Style.HEADING, "heading", language, bundle=local(bundle.display_name, language), count=count),
        _line(Style.FACT, "about", language, about=local(bundle.description, language)),
        _line(Style.FACT, "ends", language, time=show_moment(consent.ends, language)),
    ]
    for number, part in enumerate(consent.parts, 1):
        counter = local(part.counter.display_name, language)
        lines.append(_line(Style.HEADING, "part", language, number=str(number), count=count, counter=counter))
        lines += _asked(part, language, departments)
        lines += _declared(part, language)
    return [*lines, *_shared(consent, language)]


def _asked(
    part: PartConsent, language: Language, departments: Mapping[str, LocalizedText]
) -> list[ConsentLine]:
    if isinstance(part.consent, Consent):
        return consent_lines(part.consent, language, departments)
    return composite_lines(part.consent, language, departments)


def _declared(part: PartConsent, language: Language) -> Iterator[ConsentLine]:
    if part.counter.fields:
        counter = local(part.counter.display_name, language)
        yield _line(Style.SECTION, "declares", language, counter=counter)
    for each in part.counter.fields:
        value = show_declared(each, part.values.get(each.id), language)
        yield _line(Style.REVEALED, "value", language, field=local(each.display_name, language), value=value)


def show_declared(field: FormField, value: FormValue | None, language: Language) -> str:
    """Return a declared value as a person reads it."""
    if value is None:
        return _TEXTS["left_out"][language]
    return str(value) if isinstance(value, str | int) else show_date(value, language)


def _shared(consent: ErrandConsent, language: Language) -> Iterator[ConsentLine]:
    shared = consent.shared
    yield _line(Style.SECTION, "shared" if shared else "none_shared", language)
    for each in shared:
        name, schema = each.seen.name, each.seen.schema
        key = "shared_declared" if schema is None else "shared_expiry" if name is None else "shared_item"
        yield _line(
            Style.REVEALED,
            key,
            language,
            schema="" if schema is None else local(schema.display_name, language),
            attribute="" if name is None else local(name, language),
            counters=_counters(consent, each, language),
        )


def _counters(consent: ErrandConsent, shared: SharedAnswer, language: Language) -> str:
    names = (local(consent.bundle.counter(each).display_name, language) for each in shared.parts)
    return ("、" if language == "zh" else ", ").join(names)


def _line(style: Style, key: str, language: Language, **values: str) -> ConsentLine:
    filled = {name: safe(value) for name, value in values.items()}
    return ConsentLine(style, _TEXTS[key][language].format(**filled))
