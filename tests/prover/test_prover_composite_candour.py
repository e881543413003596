"""The consent screen where less is hidden than it seems: values given away, names linked, ways passed by."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from disclosure import Schema, VerifierName
from disclosure.composite import (
    Branch,
    CompositeRequest,
    Equal,
    EscrowQuery,
    ExpiryShown,
    InList,
    IssuanceTerms,
    NotEqual,
    OldestEpoch,
    OneOf,
    PseudonymQuery,
    Range,
    Sum,
    Term,
    VerifierScope,
    at_least,
    at_most,
    publish_codes,
)
from disclosure.composite.compiler import check_composite_request
from prover import ClaimConsent, CompositeConsent, Treatment, composite_consent_of, plan_composite
from prover.composite.facts import Facts
from prover.composite.offers import is_base, offer_request_of
from prover.composite.sentences import claim_lines, composite_lines
from prover.consent import Language, Style, local
from tests.disclosure.composite.policy import MAIN, OTHER, op
from tests.disclosure.composite.world import (
    CITY_DIGITS,
    DIRECTORY,
    HOUSEHOLD,
    HRSS,
    INSURANCE,
    NOW,
    PERMIT,
    PERMIT_2,
    POLICE,
    POLICE_2,
    REGULATOR_KEY,
    SUITE,
    accepted,
    directory,
    query,
    request,
)
from tests.disclosure.world import text
from tests.prover.composite_making import contents, kept

LANGUAGES: tuple[Language, Language] = ("zh", "en")
NAME = text("school")
GIVEN_AWAY: dict[Language, str] = {"zh": "等于出示了：", "en": "as good as shown: it is "}
HELD = (kept(PERMIT, 1), kept(INSURANCE, 2), kept(HOUSEHOLD, 3))


def told(asked: CompositeRequest, *held: Any, known: Any = DIRECTORY, branch: str | None = None) -> Any:
    return composite_consent_of(plan_composite(asked, contents(*(held or HELD)), known, NOW, branch), NAME)


def said(consent: CompositeConsent, language: Language, *styles: Style) -> list[str]:
    return [each.text for each in composite_lines(consent, language) if not styles or each.style in styles]


def of_permit(*predicates: Any, **more: Any) -> CompositeRequest:
    fields = {"digits": CITY_DIGITS.table.digest, **more}
    return request(Branch("b", (query("permit", PERMIT),), predicates, **fields))


def both(*predicates: Any) -> CompositeRequest:
    queries = (query("permit", PERMIT), query("insurance", INSURANCE))
    return request(Branch("b", queries, predicates, digits=CITY_DIGITS.table.digest))


def listed(*codes: str, owner: str = "verifiers/school-3") -> tuple[Any, Any]:
    made = publish_codes(owner, "GB/T 2260", codes, SUITE)
    return made.table.digest, directory(code_lists={made.table.digest: made})


# values that are given away


MONTHS, GAP = op("permit.months"), op("permit.gap")
GIVEN: list[tuple[tuple[Any, ...], str]] = [
    ((Range(MONTHS, 82, 82),), "82 month"),
    ((at_least(MONTHS, 82), at_most(MONTHS, 82)), "82 month"),
    ((at_least(op("permit.months"), 82), at_most(MONTHS, 83), NotEqual(MONTHS, 83)), "82 month"),
    ((OneOf(MONTHS, (82, 83)), NotEqual(MONTHS, 83)), "82 month"),
    ((OneOf(MONTHS, (82, 300)), at_most(MONTHS, 200)), "82 month"),
    ((Sum((Term(MONTHS),), 82, 82),), "82 month"),
    ((Sum((Term(MONTHS, 3),), 244, 248),), "82 month"),
    ((Sum((Term(MONTHS, -2),), -165, -163),), "82 month"),
]  # fmt: skip


@pytest.mark.parametrize(("predicates", "value"), GIVEN)
def test_a_number_of_which_one_value_is_left_stands_among_what_is_seen(
    predicates: tuple[Any, ...], value: str
) -> None:
    asked = of_permit(*predicates)
    check_composite_request(asked, DIRECTORY)
    for language in LANGUAGES:
        shown = said(told(asked), language, Style.REVEALED)
        wanted = GIVEN_AWAY[language] + value
        assert sum(wanted in each for each in shown) == 1, shown
        assert not any("without showing the number" in each for each in said(told(asked), language))
        assert not any("不出示数值" in each for each in said(told(asked), language))


def test_days_codes_and_answers_of_yes_or_no_are_given_away_too() -> None:
    since = (dt.date(2019, 5, 1) - dt.date(1970, 1, 1)).days
    cases: list[tuple[CompositeRequest, str]] = [
        (of_permit(Range(op("permit.since"), since, since)), "2019-05-01"),
        (of_permit(OneOf(op("permit.district"), ("370102", "370103")),
                   NotEqual(op("permit.district"), "370103")), "370102"),
        (of_permit(OneOf(op("permit.name"), ("王小明", "王大明")),
                   NotEqual(op("permit.name"), "王大明")), "王小明"),
        (both(NotEqual(op("insurance.employed"), False)), "yes"),
    ]  # fmt: skip
    for asked, value in cases:
        (line,) = [each for each in said(told(asked), "en", Style.REVEALED) if "as good as" in each]
        assert value in line


def test_a_sum_that_only_its_greatest_terms_reach_gives_all_of_them_away() -> None:
    asked = both(Sum((Term(MONTHS), Term(op("insurance.months"))), minimum=1200))
    held = (kept(PERMIT, 1, months=600), kept(INSURANCE, 2, months=600))
    shown = said(told(asked, *held), "en", Style.REVEALED)
    assert sum("as good as shown: it is 600 month" in each for each in shown) == 2
    (total,) = [each for each in said(told(asked, *held), "en", Style.PROVEN) if "the sum of" in each]
    assert "without showing any of it" not in total
    less = both(Sum((Term(MONTHS), Term(op("insurance.months"))), minimum=1199))
    assert not any("as good as" in each for each in said(told(less, *held), "en"))


def test_what_bounds_leave_of_the_other_terms_counts() -> None:
    """The other one is at most 40, so of 122 the first one has 82 at least, and it has no more."""
    total = Sum((Term(MONTHS), Term(op("insurance.months"))), minimum=122)
    asked = both(total, at_most(op("insurance.months"), 40), at_most(MONTHS, 82))
    shown = said(told(asked), "en", Style.REVEALED)
    assert sum("as good as shown: it is 82 month" in each for each in shown) == 1
    assert sum("as good as shown: it is 40 month" in each for each in shown) == 1


def test_an_equal_attribute_is_given_away_with_the_other() -> None:
    asked = both(Equal((MONTHS, op("insurance.months"))), Range(op("insurance.months"), 40, 40))
    held = (kept(PERMIT, 1, months=40), HELD[1])
    shown = said(told(asked, *held), "en", Style.REVEALED)
    assert sum("as good as shown: it is 40 month" in each for each in shown) == 2
    (equal,) = [each for each in said(told(asked, *held), "en", Style.PROVEN) if "all of these" in each]
    assert "without showing" not in equal


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_exact_sum_is_said_to_be_shown(language: Language) -> None:
    asked = both(Sum((Term(MONTHS), Term(op("insurance.months"))), 122, 122))
    words = {"zh": ("出示", "的合计：122 month"), "en": ("Shows the sum of", ": it is 122 month")}[language]
    (line,) = [
        each for each in said(told(asked), language, Style.PROVEN) if all(word in each for word in words)
    ]
    assert {"zh": "不出示任何一项", "en": "without showing any of it"}[language] in line


def test_what_leaves_two_values_is_proven_and_not_shown() -> None:
    for predicate in (Range(MONTHS, 82, 83), OneOf(MONTHS, (82, 83)), Sum((Term(MONTHS),), 82, 83)):
        consent = told(of_permit(predicate))
        assert not any("as good as" in each for each in said(consent, "en"))
        (line,) = [each for each in said(consent, "en", Style.PROVEN) if "82 month" in each]
        assert "without showing" in line
    (attribute,) = [each for each in consent.credentials[0].attributes if each.attribute.id == "months"]
    assert attribute.treatment is Treatment.PROVEN


def test_an_escrowed_value_that_is_given_away_is_said_to_be() -> None:
    asked = of_permit(
        OneOf(op("permit.number"), ("370102199001011234", "x")), NotEqual(op("permit.number"), "x"),
        escrows=(EscrowQuery("who", op("permit.number"), REGULATOR_KEY.digest),),
    )  # fmt: skip
    lines = said(told(asked), "en", Style.ESCROWED)
    assert sum("as good as shown: it is 370102199001011234" in each for each in lines) == 1


# lists


def test_codes_that_no_credential_has_hide_nobody() -> None:
    """The attack: one code of the district, and eight that no schema knows, to be one of nine."""
    digest, known = listed("370102", *(f"99999{at}" for at in range(8)))
    consent = told(of_permit(InList(op("permit.district"), digest)), known=known)
    for language in LANGUAGES:
        shown = said(consent, language, Style.REVEALED)
        assert sum(GIVEN_AWAY[language] in each and "370102" in each for each in shown) == 1
        assert not any("99999" in each for each in said(consent, language))


def test_a_list_is_named_with_its_owner_and_the_codes_that_count() -> None:
    digest, known = listed("370102", "370103", *(f"99{at:04d}" for at in range(100)))
    consent = told(of_permit(InList(op("permit.district"), digest)), known=known)
    for language in LANGUAGES:
        (line,) = [each for each in said(consent, language, Style.PROVEN) if "370102" in each]
        assert "370103" in line
        assert "verifiers/school-3" in line
        assert "99" not in line.replace("1990", "")
    facts = consent.facts.lists[digest]
    assert (facts.owner, facts.codes) == ("verifiers/school-3", ("370102", "370103"))
    assert Facts.from_bytes(consent.facts.to_bytes()) == consent.facts


def test_of_two_versions_the_one_that_is_held_says_what_is_possible() -> None:
    """The verifier is told which version answers, so codes that only the other one knows hide nothing."""
    one = replace(PERMIT.attribute("district"), codes=PERMIT.attribute("district").codes[:1])
    first = changed(PERMIT, one)
    digest, known = listed("370102", "370103", "370104")
    known = replace(known, schemas={**known.schemas, first.name: first})
    either = query("permit", PERMIT, schemas=(PERMIT.name, PERMIT_2.name))
    asked = request(Branch("b", (either,), (InList(op("permit.district"), digest),)))
    consent = told(asked, kept(first, 1), known=known)
    assert consent.facts.lists[digest].codes == ("370102", "370103", "370104")
    assert any("as good as shown: it is" in each for each in said(consent, "en", Style.REVEALED))


def changed(schema: Schema, attribute: Any) -> Schema:
    attributes = tuple(attribute if each.id == attribute.id else each for each in schema.attributes)
    return replace(schema, attributes=attributes)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_of_many_that_count_is_said_by_their_number(language: Language) -> None:
    many = tuple(replace(PERMIT.attribute("district").codes[0], code=f"37{at:04d}") for at in range(100, 112))
    wide = changed(PERMIT, replace(PERMIT.attribute("district"), codes=many))
    digest, known = listed(*(each.code for each in many[:9]), "999999")
    known = replace(known, schemas={**known.schemas, wide.name: wide})
    held = kept(wide, 1, district="370102")
    consent = told(of_permit(InList(op("permit.district"), digest)), held, known=known)
    (line,) = [each for each in said(consent, language, Style.PROVEN) if "verifiers/school-3" in each]
    assert {"zh": "9 项", "en": "it can be 9 of it"}[language] in line
    assert "370102" not in line


# who recognises whom, and who can open


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_pseudonyms_in_one_answer_are_said_to_be_linked(language: Language) -> None:
    two = (PseudonymQuery("a", VerifierScope("clinic")), PseudonymQuery("b", VerifierScope("school")))
    lines = said(told(of_permit(pseudonyms=two)), language, Style.PSEUDONYM)
    assert len(lines) == 3
    assert "“clinic”" in lines[2]
    assert "“school”" in lines[2]
    assert {"zh": "从此知道它们彼此对应", "en": "belong together"}[language] in lines[2]
    assert len(said(told(of_permit(pseudonyms=two[:1])), language, Style.PSEUDONYM)) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_label_of_two_pseudonyms_is_listed_once(language: Language) -> None:
    asked = request(
        Branch(
            "b", (query("home", HOUSEHOLD),),
            pseudonyms=(
                PseudonymQuery("me", VerifierScope("clinic")),
                PseudonymQuery("child", VerifierScope("clinic"), op("home.child_secret")),
            ),
        )
    )  # fmt: skip
    lines = said(told(asked), language, Style.PSEUDONYM)
    assert lines[-1].count("“clinic”") == 1
    assert sum("“clinic”" in each for each in lines) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_regulator_is_not_said_to_be_seen_whenever_it_looks(language: Language) -> None:
    asked = of_permit(escrows=(EscrowQuery("who", op("permit.number"), REGULATOR_KEY.digest),))
    whole = "\n".join(said(told(asked), language, Style.ESCROWED))
    assert {"zh": "每一次打开都记在账本上", "en": "Every opening stands on the ledger"}[language] not in whole
    assert {"zh": "私下打开，谁也看不出", "en": "in silence, and nobody sees it"}[language] in whole
    assert {"zh": "一人打不开", "en": "one of them cannot"}[language] in whole
    assert {"zh": "另一人就可能已经知道", "en": "from then on that one may know"}[language] in whole


# what the choice tells


@pytest.mark.parametrize("language", LANGUAGES)
def test_that_one_of_two_lists_of_revocations_is_chosen_is_said(language: Language) -> None:
    issuer = accepted(POLICE)
    other = replace(issuer, revocation=OldestEpoch(POLICE_2.accumulator.key.octets, 1))
    words = {"zh": "2 种吊销核对方式", "en": "which of 2 accepted lists of revocations"}[language]
    for issuers, times in (((issuer, other), 1), ((issuer,), 0)):
        asked = request(Branch("b", (query("permit", PERMIT, issuers=issuers),)))
        assert sum(words in each for each in said(told(asked), language)) == times


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_earlier_ways_ask_is_told_and_what_passing_them_over_suggests(language: Language) -> None:
    ways = [
        Branch(f"way{at}", (query("permit", PERMIT, shown=("name",)),), (at_least(MONTHS, least),))
        for at, least in enumerate((500, 400, 80, 12))
    ]
    suggests = {"zh": "对方会猜测", "en": "suggests that you could not"}[language]
    consent = told(request(*ways))
    assert (consent.branch.id, [each.branch.id for each in consent.earlier]) == ("way2", ["way0", "way1"])
    lines = said(consent, language)
    for way, least in (("way0", "500 month"), ("way1", "400 month")):
        (line,) = [each for each in lines if f"“{way}”" in each]
        assert least in line
        assert local(PERMIT.attribute("name").display_name, language) in line
    assert sum(suggests in each for each in lines) == 1
    assert not any("way3" in each for each in lines)
    assert not any(suggests in each for each in said(told(request(*ways[2:])), language))


def test_all_that_an_earlier_way_asks_is_told() -> None:
    (line,) = [each for each in said(told(request(MAIN, OTHER), branch="other"), "en") if "“main”" in each]
    for each in ("370103", "the same as", "sum of", "encrypt", "recognise you again"):
        assert each in line


# before a claim


def issuance(**changes: Any) -> tuple[ClaimConsent, CompositeConsent]:
    """What a department asks before it issues an insurance: at the least that there is a household."""
    terms = IssuanceTerms(INSURANCE.name, HRSS.key.name, False)
    base = replace(query("base", HOUSEHOLD, expiry=ExpiryShown()), **changes)
    made = request(Branch("base", (base,)), verifier=VerifierName("hrss"), issuance=terms)
    shows = told(offer_request_of(made.canonical, terms))
    return ClaimConsent(shows.credentials[0].department, NAME, INSURANCE, shows), shows


def test_a_claim_that_shows_no_attribute_still_shows_something() -> None:
    consent, shows = issuance()
    assert not any(each.treatment is Treatment.SHOWN for each in shows.credentials[0].attributes)
    assert not is_base(consent)
    assert any("Valid until" in each.text for each in claim_lines(consent, "en"))
    assert is_base(replace(consent, shows=None))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_base_claim_says_that_the_department_keeps_a_number_of_the_vault(language: Language) -> None:
    consent = replace(issuance()[0], shows=None)
    words = {"zh": "代表这个凭证库的固定编号", "en": "a fixed number that stands for this vault"}[language]
    (_, line) = [each.text for each in claim_lines(consent, language)]
    assert words in line
