"""The consent screen of the composite form: every attribute once, and every proof as a sentence."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from disclosure import DepartmentName, LocalizedText, Schema, Value
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CompositeRequest,
    Equal,
    ExpiryShown,
    InList,
    NotEqual,
    OneOf,
    PseudonymQuery,
    Range,
    Sum,
    Term,
    VerifierScope,
    Waiver,
    at_least,
    at_most,
    between,
)
from prover import (
    ClaimConsent,
    CompositeConsent,
    Language,
    Style,
    Treatment,
    claim_lines,
    composite_consent_of,
    composite_lines,
    plan_composite,
    show_value,
)
from prover.composite.clauses import range_clause
from tests.disclosure.composite.policy import MAIN, OTHER, REQUEST, op
from tests.disclosure.composite.test_composite_request import joint
from tests.disclosure.composite.world import (
    CHILD,
    DIRECTORY,
    DISTRICT_LIST,
    HOUSEHOLD,
    INSURANCE,
    NOW,
    PERMIT,
    POLICE,
    SCHOOL,
    SCHOOL_2,
    VALUES,
    accepted,
    query,
    request,
)
from tests.prover.composite_making import REGULATOR, contents, kept

LANGUAGES: tuple[Language, Language] = ("zh", "en")
NAME = LocalizedText("某小学", "A primary school")
HELD = (kept(PERMIT, 1), kept(INSURANCE, 2), kept(HOUSEHOLD, 3))


def consent(
    asked: CompositeRequest = REQUEST, known: Any = DIRECTORY, branch: str | None = None
) -> CompositeConsent:
    plan = plan_composite(asked, contents(*HELD), known, NOW, branch)
    return composite_consent_of(plan, NAME)


def texts(of: CompositeConsent, language: Language, *styles: Style) -> list[str]:
    return [each.text for each in composite_lines(of, language) if not styles or each.style in styles]


def treatments(of: CompositeConsent, query: str) -> Mapping[str, Treatment]:
    return {each.attribute.id: each.treatment for each in of.credential(query).attributes}


def test_every_attribute_of_every_schema_is_told_exactly_once() -> None:
    told = consent()
    for credential, schema in zip(told.credentials, (PERMIT, INSURANCE, HOUSEHOLD), strict=True):
        assert [each.attribute for each in credential.attributes] == list(schema.attributes)
    shown, proven, escrowed, hidden = (
        Treatment.SHOWN, Treatment.PROVEN, Treatment.ESCROWED, Treatment.HIDDEN,
    )  # fmt: skip
    assert treatments(told, "permit") == {
        "name": shown, "number": escrowed, "district": proven, "since": proven, "months": proven,
        "gap": hidden, "remark": shown,
    }  # fmt: skip
    assert treatments(told, "insurance") == {
        "number": proven, "district": proven, "months": proven, "base": proven, "employed": shown,
        "remark": hidden,
    }  # fmt: skip
    assert treatments(told, "household") == {"child": hidden, "child_secret": proven, "born": hidden}


def name_of(schema: Schema, attribute: str, language: Language) -> str:
    """Return a name that nothing else has."""
    return {"zh": f"甲{schema.name}/{attribute}乙", "en": f"<{schema.name}/{attribute}>"}[language]


def renamed(schema: Schema) -> Schema:
    attributes = tuple(
        replace(
            each,
            display_name=LocalizedText(name_of(schema, each.id, "zh"), name_of(schema, each.id, "en")),
        )
        for each in schema.attributes
    )
    return replace(schema, attributes=attributes)


def distinct(told: CompositeConsent) -> CompositeConsent:
    """Return a consent whose attributes have distinct names, so that lines can be told apart."""
    return replace(
        told,
        credentials=tuple(
            replace(
                each,
                schema=renamed(each.schema),
                attributes=tuple(
                    replace(one, attribute=renamed(each.schema).attribute(one.attribute.id))
                    for one in each.attributes
                ),
            )
            for each in told.credentials
        ),
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("branch", ["main", "other"])
def test_every_attribute_begins_exactly_one_line(language: Language, branch: str) -> None:
    told = distinct(consent(branch=branch))
    lines = texts(told, language)
    for credential in told.credentials:
        for each in credential.attributes:
            name = name_of(credential.schema, each.attribute.id, language)
            assert sum(line.startswith(name) for line in lines) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_stays_hidden_has_no_value_on_the_screen(language: Language) -> None:
    told = consent()
    whole = "\n".join(texts(told, language))
    for credential, held in zip(told.credentials, HELD, strict=True):
        for each in credential.attributes:
            value: Value | None = held.credential.values.get(each.attribute.id)
            if value is None or each.treatment is Treatment.SHOWN:
                continue
            assert each.value is None
            if each.attribute.id not in {"district"}:  # its codes stand in the request
                assert show_value(each.attribute, value, language) not in whole
    assert CHILD.hex() not in whole
    assert "王小明" in whole


def only(*predicates: Any, schema: Schema = PERMIT, **more: Any) -> CompositeRequest:
    return request(Branch("b", (query("permit", schema, **more),), tuple(predicates), digits=MAIN.digits))


def line_of(asked: CompositeRequest, attribute: str, language: Language, known: Any = DIRECTORY) -> str:
    told = distinct(consent(asked, known))
    wanted = name_of(PERMIT, attribute, language)
    (line,) = [each for each in texts(told, language) if each.startswith(wanted)]
    return line


SAID: list[tuple[Any, str, tuple[str, ...], tuple[str, ...]]] = [
    (at_least(op("permit.months"), 12), "months", ("不少于", "12"), ("at least 12 month", "without showing")),
    (at_most(op("permit.months"), 90), "months", ("不多于", "90"), ("at most 90 month",)),
    (between(op("permit.months"), 12, 90), "months", ("12", "90"), ("from 12 month to 90 month",)),
    (at_most(op("permit.since"), dt.date(2026, 3, 1)), "since", ("2026年3月1日", "之前", "不出示日期"),
     ("2026-03-01 or earlier", "without showing the date")),
    (at_least(op("permit.since"), dt.date(2010, 1, 2)), "since", ("2010年1月2日", "之后"),
     ("2010-01-02 or later",)),
    (InList(op("permit.district"), DISTRICT_LIST.table.digest), "district", ("370102", "370104"),
     ("370102", "370103", "370104", "without showing which")),
    (OneOf(op("permit.months"), (82, 83)), "months", ("82", "83"), ("82 month", "83 month", "one of these")),
    (NotEqual(op("permit.months"), 1), "months", ("不是", "1"), ("is not 1 month",)),
]  # fmt: skip


@pytest.mark.parametrize(("predicate", "attribute", "zh", "en"), SAID)
def test_each_predicate_is_said_with_its_bounds_units_and_names(
    predicate: Any, attribute: str, zh: tuple[str, ...], en: tuple[str, ...]
) -> None:
    chinese, english = (line_of(only(predicate), attribute, language) for language in LANGUAGES)
    for each in zh:
        assert each in chinese
    for each in en:
        assert each in english


def test_several_proofs_of_one_attribute_stand_in_its_one_line() -> None:
    line = line_of(only(at_least(op("permit.months"), 12), NotEqual(op("permit.months"), 13)), "months", "en")
    assert "at least 12 month" in line
    assert "is not 13 month" in line


def test_numbers_have_scale_and_unit() -> None:
    base = INSURANCE.attribute("base")
    assert "8,123" not in range_clause(base, 812_300, None, "en")
    assert "8123.00 CNY" in range_clause(base, 812_300, None, "en")
    assert "8123.00 元" in range_clause(base, None, 812_300, "zh")


@pytest.mark.parametrize("language", LANGUAGES)
def test_equalities_and_sums_name_both_sides(language: Language) -> None:
    lines = texts(distinct(consent()), language)
    permit, insurance = (name_of(schema, "number", language) for schema in (PERMIT, INSURANCE))
    (equal,) = [each for each in lines if permit in each and insurance in each]
    assert {"zh": "都是同一个", "en": "about one and the same"}[language] in equal
    assert {"zh": "不出示内容", "en": "without showing it"}[language] in equal
    below = {"zh": "与其他凭证所说的一致", "en": "one and the same with others"}[language]
    assert sum(each.startswith((permit, insurance)) and below in each for each in lines) == 2
    months = [name_of(schema, "months", language) for schema in (PERMIT, INSURANCE)]
    (total,) = [each for each in lines if all(name in each for name in months)]
    for bound in ("60", "100"):
        assert bound in total


def test_a_sums_factors_and_both_bounds_are_said() -> None:
    terms = (Term(op("permit.months"), 2), Term(op("insurance.months"), -1))
    asked = request(
        Branch(
            "b", (query("permit", PERMIT), query("insurance", INSURANCE)),
            (Sum(terms, 100, 300),), digits=MAIN.digits,
        )
    )  # fmt: skip
    (total,) = [each for each in texts(consent(asked), "en", Style.PROVEN) if "sum of" in each]
    assert "2 times" in total
    assert "-1 times" in total
    assert "from 100 month to 300 month" in total


@pytest.mark.parametrize("language", LANGUAGES)
def test_expiry_and_revocation_are_said(language: Language) -> None:
    lines = texts(consent(), language)
    day = {"zh": "2026年3月1日", "en": "2026-03-01"}[language]
    without = {"zh": "不出示有效期", "en": "without showing until when"}[language]
    assert sum(day in each and without in each for each in lines) == 2
    shown = {"zh": "有效期至：2026年3月31日", "en": "Valid until: 2026-03-31"}[language]
    assert lines.count(shown) == 1
    moment = {"zh": "1970年1月1日 08:00", "en": "1970-01-01 08:00"}[language]
    unrevoked = {"zh": "没有被吊销", "en": "was not revoked as of"}[language]
    assert sum(moment in each and unrevoked in each for each in lines) == 3


def test_a_waiver_of_revocation_is_said_to_be_one() -> None:
    issuer = AcceptedIssuer(POLICE.key.name, Waiver.REVOCATION, accepted(POLICE).digits)
    told = consent(only(issuers=(issuer,)))
    assert told.credentials[0].epoch is None
    assert any("nothing is proven of that" in each for each in texts(told, "en"))
    assert not any("was not revoked as of" in each for each in texts(told, "en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_escrow_is_said_plainly(language: Language) -> None:
    lines = texts(consent(), language, Style.ESCROWED)
    whole = "\n".join(lines)
    number = PERMIT.attribute("number").display_name
    for each in (
        number.zh if language == "zh" else number.en,
        REGULATOR.display_name.zh if language == "zh" else REGULATOR.display_name.en,
        str(REGULATOR.name),
        {"zh": "账本", "en": "ledger"}[language],
        {"zh": "依法", "en": "lawful"}[language],
    ):
        assert each in whole
    assert {"zh": "打不开", "en": "cannot"}[language] in whole


def test_who_will_recognise_whom_is_said() -> None:
    lines = texts(consent(), "en", Style.PSEUDONYM)
    assert len(lines) == 4
    me, child, chooser, linked = lines
    assert "“enrol-2026”, “enrolment-2026”" in linked
    assert "recognise you" in me
    assert "enrol-2026" in me
    assert NAME.en in me
    for each in (str(SCHOOL), str(SCHOOL_2), HOUSEHOLD.attribute("child_secret").display_name.en):
        assert each in child
    assert "departments/public-security" in chooser
    asked = request(
        Branch(
            "b", (query("permit", PERMIT),),
            pseudonyms=(
                PseudonymQuery("one", joint(SCHOOL, SCHOOL_2)),
                PseudonymQuery("two", VerifierScope("label-1")),
            ),
        )
    )  # fmt: skip
    together, alone, linked = texts(consent(asked), "en", Style.PSEUDONYM)
    assert "from now on A primary school knows that these belong together" in linked
    assert "tell each other" in together
    assert "tell each other" not in alone
    assert {"zh": "再次认出您"}["zh"] in texts(consent(asked), "zh", Style.PSEUDONYM)[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_asks_what_for_and_until_when(language: Language) -> None:
    lines = texts(consent(), language, Style.HEADING, Style.FACT)
    assert any(str(SCHOOL) in each for each in lines)
    assert any((REQUEST.purpose.zh if language == "zh" else REQUEST.purpose.en) in each for each in lines)
    assert any("17:40" in each for each in lines)  # ten minutes after 09:30 UTC, by the cities' clock


def test_what_the_choice_tells_is_said() -> None:
    lines = texts(consent(), "en", Style.FACT)
    assert any("“main”, one of 2 ways" in each for each in lines)
    assert any("one of 2 kinds" in each for each in lines)
    assert any("2 accepted keys" in each for each in lines)
    single = texts(consent(request(replace(OTHER, queries=(query("permit", PERMIT),)))), "en", Style.FACT)
    for word in ("ways", "kinds", "accepted keys"):
        assert not any(word in each for each in single)


@pytest.mark.parametrize("language", LANGUAGES)
def test_that_all_belong_to_one_holder_is_always_said(language: Language) -> None:
    sentence = {"zh": "属于同一个人", "en": "belongs to one holder"}[language]
    for asked in (REQUEST, only()):
        assert sum(sentence in each for each in texts(consent(asked), language)) == 1


def test_nothing_on_the_screen_steers_a_terminal() -> None:
    evil = LocalizedText("甲", "A")
    object.__setattr__(evil, "en", "A\x1b[2J\u202eB")
    plan = plan_composite(REQUEST, contents(*HELD), DIRECTORY, NOW)
    for language in LANGUAGES:
        for line in composite_lines(composite_consent_of(plan, evil), language):
            assert not {"\x1b", "\u202e"} & set(line.text)


def test_an_absent_attribute_that_is_shown_is_told_as_absent() -> None:
    (line,) = [each for each in texts(consent(), "en", Style.REVEALED) if "left out" in each]
    assert line.startswith(PERMIT.attribute("remark").display_name.en)


def test_a_secret_has_no_value_anywhere() -> None:
    secret = HOUSEHOLD.attribute("child_secret")
    for language in LANGUAGES:
        shown = show_value(secret, VALUES[HOUSEHOLD.name]["child_secret"], language)
        assert CHILD.hex() not in shown
        assert shown


def test_a_claim_says_what_it_is_for_and_what_is_shown_first() -> None:
    department, name = DepartmentName("hrss"), LocalizedText("人社局", "Human Resources")
    base = ClaimConsent(department, name, INSURANCE, None)
    for language in LANGUAGES:
        lines = [each.text for each in claim_lines(base, language)]
        assert len(lines) == 2
        assert (name.zh if language == "zh" else name.en) in lines[1]
    shows = ClaimConsent(department, name, INSURANCE, consent(branch="other"))
    lines = [each.text for each in claim_lines(shows, "en")]
    assert lines[1:] == texts(consent(branch="other"), "en")


def test_dates_between_two_days() -> None:
    since = PERMIT.attribute("since")
    both = Range(op("permit.since"), 14610, 19723)
    assert "2010-01-01 to 2024-01-01" in range_clause(since, both.minimum, both.maximum, "en")


def test_an_equality_of_three_is_told_once_and_names_all() -> None:
    asked = request(
        Branch(
            "b", (query("a", PERMIT), query("b", INSURANCE), query("c", PERMIT, expiry=ExpiryShown())),
            (Equal((op("a.months"), op("b.months"), op("c.months"))),),
        )
    )  # fmt: skip
    held = (kept(PERMIT, 1, months=40), kept(PERMIT, 4, months=40, gap=1), HELD[1])
    told = composite_consent_of(plan_composite(asked, contents(*held), DIRECTORY, NOW), NAME)
    (line,) = [each for each in texts(told, "en", Style.PROVEN) if "all of these" in each]
    assert line.count("“") == 3
