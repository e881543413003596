import datetime as dt
import string
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure import AttributeDefinition, AttributeType, ExpiryRule, LocalizedText, Query, Request, Value
from prover import (
    Consent,
    ConsentLine,
    HeldCredential,
    Language,
    Style,
    consent_lines,
    consent_of,
    plan,
    show_value,
)
from prover.consent import _TEXTS, _UNITS, safe
from tests.prover.making import INSURANCE, NAME, NOW, NUMBER, RESIDENCE, SCHOOL, insurance, request, residence
from tests.prover.strategies import attributes, questions, values

LANGUAGES: tuple[Language, ...] = ("zh", "en")
DEPARTMENTS: Mapping[str, LocalizedText] = {
    "departments/public-security": LocalizedText("公安局", "Public security")
}


def consent(asked: Request | None = None, held: list[HeldCredential] | None = None) -> Consent:
    planned = plan(asked or request(), held or [residence(), insurance()], NOW)
    return consent_of(planned, SCHOOL)


def texts(lines: list[ConsentLine], *styles: Style) -> list[str]:
    return [each.text for each in lines if each.style in styles]


def test_the_chinese_screen() -> None:
    lines = consent_lines(consent(), "zh", DEPARTMENTS)
    assert [each.text for each in lines] == [
        "历下区某小学 请您出示信息",
        "谁在询问：历下区某小学（verifiers/school-3）",
        "用途：入学报名",
        "请在此之前答复：2026年3月2日 18:30 北京时间",
        "出示《居住证》",
        "历下区某小学 将看到：",
        "区县：历下区（370102）",
        "有效期至：2027年3月2日",
        "签发部门：公安局 (departments/public-security)（将得知是该部门签发了这种凭证）",
        "不会看到（继续保密）：",
        "姓名",
        "证件号码",
        "居住起始日",
        "出示《社会保险记录》",
        "历下区某小学 将看到：",
        "缴费基数：8564.00 元",
        "备注：（未填写）",
        "签发部门：departments/hrss（将得知是该部门签发了这种凭证）",
        "不会看到（继续保密）：",
        "在保",
        "单位编号",
        "有效期",
    ]


def test_the_english_screen() -> None:
    lines = consent_lines(consent(), "en", DEPARTMENTS)
    assert [(each.style.value, each.text) for each in lines] == [
        ("heading", "A school in Lixia asks you to show something"),
        ("fact", "Who asks: A school in Lixia (verifiers/school-3)"),
        ("fact", "What for: Enrolment"),
        ("fact", "To be answered before: 2026-03-02 18:30 UTC+08:00"),
        ("section", "From your Residence permit"),
        ("fact", "A school in Lixia will see:"),
        ("revealed", "District: Lixia District (370102)"),
        ("revealed", "Valid until: 2027-03-02"),
        (
            "revealed",
            "Issued by: Public security (departments/public-security)"
            " (it learns that this department signed such a credential)",
        ),
        ("fact", "It will not see (stays hidden):"),
        ("hidden", "Name"),
        ("hidden", "Number"),
        ("hidden", "Living there since"),
        ("section", "From your Social insurance record"),
        ("fact", "A school in Lixia will see:"),
        ("revealed", "Contribution base: 8564.00 CNY"),
        ("revealed", "Remark: (left out)"),
        ("revealed", "Issued by: departments/hrss (it learns that this department signed such a credential)"),
        ("fact", "It will not see (stays hidden):"),
        ("hidden", "Insured"),
        ("hidden", "Employer"),
        ("hidden", "how long it is valid"),
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_hidden_values_are_not_on_the_screen(language: Language) -> None:
    screen = "\n".join(texts(consent_lines(consent(), language), *Style))
    assert NAME not in screen
    assert NUMBER not in screen


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_all_is_shown_nothing_is_said_to_stay_hidden(language: Language) -> None:
    every = tuple(each.id for each in RESIDENCE.attributes)
    lines = consent_lines(consent(request(Query("home", RESIDENCE.name, every))), language)
    assert not texts(lines, Style.HIDDEN)
    assert lines[-1].text in {"这份凭证的内容将全部出示。", "Nothing in it stays hidden."}
    assert any(NAME in each for each in texts(lines, Style.REVEALED))


@settings(max_examples=60, deadline=None)
@given(questions(), st.sampled_from(LANGUAGES))
def test_every_attribute_stands_once_with_its_value_or_as_hidden(
    question: tuple[Request, list[HeldCredential]], language: Language
) -> None:
    asked, held = question
    made = consent(asked, held)
    lines = consent_lines(made, language)
    sections = [at for at, line in enumerate(lines) if line.style is Style.SECTION] + [len(lines)]
    by_name = {each.schema.name: each for each in held}
    for query, part, start, end in zip(asked.queries, made.credentials, sections, sections[1:], strict=False):
        schema, credential = by_name[query.schema].schema, by_name[query.schema].credential
        separator = "：" if language == "zh" else ": "
        expected = [
            f"{local(definition.display_name, language)}{separator}"
            + show_value(definition, credential.values.get(definition.id), language)
            for definition in schema.attributes
            if definition.id in query.shown
        ]
        hidden = [
            local(each.display_name, language) for each in schema.attributes if each.id not in query.shown
        ]
        shown_expiry = query.expiry is ExpiryRule.SHOWN
        section = lines[start:end]
        revealed = texts(section, Style.REVEALED)
        assert revealed[: len(expected)] == expected
        assert len(revealed) == len(expected) + shown_expiry + 1
        assert texts(section, Style.HIDDEN)[: len(hidden)] == hidden
        assert len(texts(section, Style.HIDDEN)) == len(hidden) + (not shown_expiry)
        assert part.expiry == credential.expiry


def local(text: LocalizedText, language: Language) -> str:
    return text.zh if language == "zh" else text.en


def attribute(name: str) -> AttributeDefinition:
    return next(each for each in (*RESIDENCE.attributes, *INSURANCE.attributes) if each.id == name)


def number(scale: int, unit: str = "") -> AttributeDefinition:
    return replace(attribute("base"), scale=scale, unit=unit)


@pytest.mark.parametrize(
    ("definition", "value", "zh", "en"),
    [
        (attribute("district"), "370103", "市中区（370103）", "Shizhong District (370103)"),
        (attribute("since"), dt.date(2021, 9, 1), "2021年9月1日", "2021-09-01"),
        (attribute("insured"), True, "是", "yes"),
        (attribute("insured"), False, "否", "no"),
        (attribute("employer"), bytes(31) + b"\xab", "00" * 31 + "ab", "00" * 31 + "ab"),
        (attribute("employer"), None, "（未填写）", "(left out)"),
        (attribute("name"), "O'Hara", "O'Hara", "O'Hara"),
        (number(0), 12, "12", "12"),
        (number(0, "months"), 0, "0 个月", "0 months"),
        (number(2, "CNY"), 5, "0.05 元", "0.05 CNY"),
        (number(2, "CNY"), -5, "-0.05 元", "-0.05 CNY"),
        (number(2, "m2"), 12_345, "123.45 平方米", "123.45 m²"),
        (number(18, "kWh"), -1, "-0.000000000000000001 kWh", "-0.000000000000000001 kWh"),
    ],
)
def test_values_are_shown_as_people_read_them(
    definition: AttributeDefinition, value: Value | None, zh: str, en: str
) -> None:
    assert show_value(definition, value, "zh") == zh
    assert show_value(definition, value, "en") == en


@given(st.data(), st.sampled_from(LANGUAGES))
def test_two_values_of_an_attribute_never_look_alike(data: st.DataObject, language: Language) -> None:
    definition = data.draw(attributes("some"))
    one, two = data.draw(values(definition)), data.draw(values(definition))
    if one != two:
        assert show_value(definition, one, language) != show_value(definition, two, language)


@given(st.text())
def test_no_text_steers_a_terminal(text: str) -> None:
    assert all(each.isprintable() or each.isspace() for each in safe(text))
    assert not set(safe(text)) & set("\x1b\x00\x07\x9b\r\n\t\u202e\u200b\u2028\ufeff")


def test_what_steers_is_written_out() -> None:
    assert safe("a\x1b[2Jb\u202ec\nd") == "a<U+001B>[2Jb<U+202E>c<U+000A>d"
    assert safe("历下区 Ünïted 1²") == "历下区 Ünïted 1²"
    assert show_value(attribute("name"), "x\x1b[31m", "en") == "x<U+001B>[31m"
    assert show_value(attribute("district"), "3\r7", "en") == "? (3<U+000D>7)"


def test_braces_in_names_are_text() -> None:
    named = consent_of(plan(request(), [residence(), insurance()], NOW), LocalizedText("{purpose}", "{0}"))
    assert consent_lines(named, "zh")[0].text == "{purpose} 请您出示信息"
    assert consent_lines(named, "en")[0].text == "{0} asks you to show something"


def test_every_text_is_there_in_both_languages_with_the_same_fields() -> None:
    for name, entry in (*_TEXTS.items(), *_UNITS.items()):
        assert set(entry) == set(LANGUAGES), name
        fields = [{field for _, field, _, _ in string.Formatter().parse(text)} for text in entry.values()]
        assert fields[0] - {None} == fields[1] - {None}, name
        assert all(entry.values()), name


def test_values_are_not_in_the_repr_of_a_consent() -> None:
    every = tuple(each.id for each in RESIDENCE.attributes)
    made = consent(request(Query("home", RESIDENCE.name, every)))
    assert NAME not in repr(made)
    assert made.credentials[0].revealed[0].attribute.type is AttributeType.TEXT
