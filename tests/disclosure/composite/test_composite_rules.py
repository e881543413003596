"""What cannot be proven is refused when the request is made, with its reason and its place."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from bbs import SHAKE_256
from disclosure import DisclosureError, MalformedError
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
    Operand,
    PseudonymQuery,
    Sum,
    Term,
    ValidOn,
    VerifierScope,
    at_least,
    at_most,
    between,
    check_composite_request,
    verify_composite,
)
from disclosure.credential import civil_date
from tests.disclosure.composite.test_composite_request import joint
from tests.disclosure.composite.world import (
    BANK,
    CITY_DIGITS,
    DIRECTORY,
    DISTRICT_LIST,
    HOUSEHOLD,
    HRSS,
    INSURANCE,
    NOW,
    PERMIT,
    POLICE,
    REGULATOR_KEY,
    SCHOOL,
    SCHOOL_2,
    TODAY,
    accepted,
    digits_of,
    held,
    presented,
    query,
    request,
)


def op(name: str) -> Operand:
    return Operand(*name.split("."))


QUERIES = (
    query("permit", PERMIT, shown=("name",)),
    query("insurance", INSURANCE),
    query("household", HOUSEHOLD),
)
CITY = CITY_DIGITS.table.digest
LIST = DISTRICT_LIST.table.digest
TEXTS = Equal((op("permit.number"), op("insurance.number")))


def asked(
    *predicates: Any, queries: Any = QUERIES, digits: bytes | None = CITY, **more: Any
) -> CompositeRequest:
    outer = {name: more.pop(name) for name in ("issuance", "verifier") if name in more}
    return request(Branch("main", queries, predicates, digits=digits, **more), **outer)


GOOD = asked(
    at_least(op("permit.months"), 0),
    at_most(op("permit.since"), 47481),
    InList(op("permit.district"), LIST),
    OneOf(op("insurance.district"), ("370102", "370105")),
    NotEqual(op("permit.remark"), "x"),
    TEXTS,
    Equal((op("permit.months"), op("permit.gap"))),
    Sum((Term(op("permit.months")), Term(op("insurance.months"), -2)), minimum=-1200, maximum=600),
    pseudonyms=(
        PseudonymQuery("me", VerifierScope("x")),
        PseudonymQuery("child", joint(SCHOOL, SCHOOL_2), op("household.child_secret")),
    ),
    escrows=(EscrowQuery("who", op("permit.number"), REGULATOR_KEY.digest),),
    issuance=IssuanceTerms(INSURANCE.name, HRSS.key.name, base=False),
)


def test_what_can_be_proven_is_accepted() -> None:
    check_composite_request(GOOD, DIRECTORY)


def first(**changes: Any) -> tuple[Any, ...]:
    return (query("permit", PERMIT, **changes), *QUERIES[1:])


EQUAL_MONTHS = Equal((op("permit.months"), op("insurance.months")))
EQUAL_TERMS = (Term(op("permit.months")), Term(op("insurance.months"), -2))
P, S, Q = "branches[0].predicates[0]", "branches[0]", "branches[0].queries[0]"
REFUSED: dict[str, tuple[CompositeRequest, str, str]] = {
    # bounds
    "a bound below the schema's": (asked(at_least(op("permit.months"), -1)), "BOUND_INVALID", f"{P}.minimum"),
    "a bound above the schema's": (asked(at_most(op("permit.months"), 601)), "BOUND_INVALID", f"{P}.maximum"),
    "one of two bounds": (asked(between(op("permit.months"), 1, 601)), "BOUND_INVALID", f"{P}.maximum"),
    "a day outside": (asked(at_least(op("permit.since"), 47482)), "BOUND_INVALID", f"{P}.minimum"),
    "a value outside": (asked(NotEqual(op("permit.months"), 601)), "BOUND_INVALID", f"{P}.value"),
    "a value of another type": (asked(NotEqual(op("permit.months"), "1")), "BOUND_INVALID", f"{P}.value"),
    "a code outside": (
        asked(OneOf(op("permit.district"), ("370102", "1"))),
        "BOUND_INVALID",
        f"{P}.values[1]",
    ),
    "a sum that nobody has": (
        asked(Sum((Term(op("permit.months")), Term(op("insurance.months"))), minimum=1201)),
        "BOUND_INVALID",
        f"{P}.minimum",
    ),
    "a sum that nobody misses": (
        asked(Sum((Term(op("permit.months")), Term(op("insurance.months"))), minimum=-1)),
        "BOUND_INVALID",
        f"{P}.minimum",
    ),
    "a sum beyond its caps": (
        asked(Sum((Term(op("permit.months"), 1, 10), Term(op("insurance.months"), 1, 10)), minimum=21)),
        "BOUND_INVALID",
        f"{P}.minimum",
    ),
    "a cap outside": (
        asked(Sum((Term(op("permit.months"), 1, 601),), minimum=1)),
        "BOUND_INVALID",
        f"{P}.terms[0].cap",
    ),
    # types
    "a range of texts": (asked(at_least(op("permit.number"), 1)), "PREDICATE_INVALID", P),
    "a range of codes": (asked(at_least(op("permit.district"), 1)), "PREDICATE_INVALID", P),
    "a range of truth": (asked(at_least(op("insurance.employed"), 1)), "PREDICATE_INVALID", P),
    "a sum of dates": (
        asked(Sum((Term(op("permit.since")), Term(op("household.born"))), minimum=1)),
        "PREDICATE_INVALID",
        P,
    ),
    "a sum of months and money": (
        asked(Sum((Term(op("permit.months")), Term(op("insurance.base"))), minimum=1)),
        "PREDICATE_INVALID",
        P,
    ),
    "equality of types": (asked(Equal((op("permit.months"), op("permit.since")))), "PREDICATE_INVALID", P),
    "equality of units": (asked(Equal((op("permit.months"), op("insurance.base")))), "PREDICATE_INVALID", P),
    "equality of code and text": (
        asked(Equal((op("permit.number"), op("permit.district")))),
        "PREDICATE_INVALID",
        P,
    ),
    "a list for texts": (asked(InList(op("permit.number"), LIST)), "PREDICATE_INVALID", P),
    "a sum of equal attributes": (
        asked(EQUAL_MONTHS, Sum(EQUAL_TERMS, minimum=1)),
        "PREDICATE_INVALID",
        "branches[0].predicates[1]",
    ),
    # what is not there
    "no such query": (asked(at_least(op("permits.months"), 1)), "PREDICATE_INVALID", P),
    "no such attribute": (asked(at_least(op("permit.month"), 1)), "ATTRIBUTE_UNKNOWN", P),
    "no such attribute to show": (asked(queries=first(shown=("nam",))), "ATTRIBUTE_UNKNOWN", f"{Q}.shown[0]"),
    "no such list": (asked(InList(op("permit.district"), bytes(32))), "TABLE_UNKNOWN", f"{P}.code_list"),
    "no such regulator": (
        asked(escrows=(EscrowQuery("who", op("permit.number"), bytes(32)),)),
        "REGULATOR_UNKNOWN",
        f"{S}.escrows[0].regulator",
    ),
    # shown and secret
    "what is shown": (asked(NotEqual(op("permit.name"), "x")), "PREDICATE_INVALID", P),
    "a secret shown": (
        asked(queries=(*QUERIES[:2], query("household", HOUSEHOLD, shown=("child", "child_secret")))),
        "PREDICATE_INVALID",
        "branches[0].queries[2].shown[1]",
    ),
    "a secret compared": (asked(NotEqual(op("household.child_secret"), bytes(32))), "PREDICATE_INVALID", P),
    "a secret escrowed": (
        asked(escrows=(EscrowQuery("who", op("household.child_secret"), REGULATOR_KEY.digest),)),
        "PREDICATE_INVALID",
        f"{S}.escrows[0]",
    ),
    "a number escrowed": (
        asked(escrows=(EscrowQuery("who", op("permit.months"), REGULATOR_KEY.digest),)),
        "PREDICATE_INVALID",
        f"{S}.escrows[0]",
    ),
    "a pseudonym that can be guessed": (
        asked(pseudonyms=(PseudonymQuery("child", VerifierScope("x"), op("permit.number")),)),
        "PREDICATE_INVALID",
        f"{S}.pseudonyms[0].subject",
    ),
    "another's scope": (
        asked(pseudonyms=(PseudonymQuery("us", joint(SCHOOL, SCHOOL_2)),), verifier=BANK),
        "REQUEST_SIGNATURE_INVALID",
        f"{S}.pseudonyms[0].scope",
    ),
    "a joint scope of another suite": (
        asked(pseudonyms=(PseudonymQuery("us", joint(SCHOOL, SCHOOL_2, suite=str(SHAKE_256))),)),
        "PREDICATE_INVALID",
        f"{S}.pseudonyms[0].scope",
    ),
    # tables
    "a sum without a table": (
        asked(Sum((Term(op("permit.months")),), minimum=1), digits=None),
        "PREDICATE_INVALID",
        f"{S}.digits",
    ),
    "a sum with an issuer's table": (
        asked(
            Sum((Term(op("permit.months")), Term(op("insurance.months"))), minimum=1), digits=digits_of(HRSS)
        ),
        "PREDICATE_INVALID",
        f"{S}.digits",
    ),
    "a sum with a table that nobody published": (
        asked(Sum((Term(op("permit.months")),), minimum=1), digits=bytes(32)),
        "TABLE_UNKNOWN",
        f"{S}.digits",
    ),
    "a range without the issuer's table": (
        asked(
            at_least(op("permit.months"), 1),
            queries=first(expiry=ExpiryShown(), issuers=(accepted(POLICE, digits=None),)),
        ),
        "PREDICATE_INVALID",
        f"{Q}.issuers[0].digits",
    ),
    "a hidden expiry without the issuer's table": (
        asked(queries=first(issuers=(accepted(POLICE, digits=None),))),
        "PREDICATE_INVALID",
        f"{Q}.issuers[0].digits",
    ),
    "the table of another": (
        asked(queries=first(issuers=(accepted(POLICE, digits=digits_of(HRSS)),))),
        "PREDICATE_INVALID",
        f"{Q}.issuers[0].digits",
    ),
    # life
    "an accumulator of another": (
        asked(
            queries=first(issuers=(accepted(POLICE, revocation=OldestEpoch(HRSS.accumulator.key.octets, 1)),))
        ),
        "PREDICATE_INVALID",
        f"{Q}.issuers[0].revocation",
    ),
    "an accumulator that nobody published": (
        asked(queries=first(issuers=(accepted(POLICE, revocation=OldestEpoch(bytes(96), 1)),))),
        "EPOCH_UNKNOWN",
        f"{Q}.issuers[0].revocation",
    ),
    "an epoch that is still to come": (
        asked(queries=first(issuers=(accepted(POLICE, 3),))),
        "EPOCH_UNKNOWN",
        f"{Q}.issuers[0].revocation",
    ),
    "valid on a day before": (
        asked(queries=first(expiry=ValidOn(TODAY - dt.timedelta(days=1)))),
        "BOUND_INVALID",
        f"{Q}.expiry",
    ),
    "valid for longer than anybody": (
        asked(queries=first(expiry=ValidOn(TODAY + dt.timedelta(days=99)))),
        "BOUND_INVALID",
        f"{Q}.expiry",
    ),
}


@pytest.mark.parametrize(("wrong", "reason", "place"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_proven_is_refused_with_its_place(
    wrong: CompositeRequest, reason: str, place: str
) -> None:
    with pytest.raises(DisclosureError) as raised:
        check_composite_request(wrong, DIRECTORY)
    assert (raised.value.reason, raised.value.field) == (reason, place)


@pytest.mark.parametrize("life", [dt.timedelta(days=each) for each in range(1, 8)])
def test_a_hidden_expiry_is_not_before_the_last_day_on_which_the_request_is_answered(
    life: dt.timedelta,
) -> None:
    last = civil_date(NOW + life)
    for day, holds in ((last, True), (last - dt.timedelta(days=1), False), (TODAY, False)):
        queries = tuple(replace(each, expiry=ValidOn(day)) for each in QUERIES)
        wanted = replace(asked(queries=queries), expires=NOW + life)
        if holds:
            check_composite_request(wanted, DIRECTORY)
            continue
        with pytest.raises(MalformedError) as raised:
            check_composite_request(wanted, DIRECTORY)
        assert (raised.value.reason, raised.value.field) == ("BOUND_INVALID", f"{Q}.expiry")


def test_a_code_that_is_shown_is_looked_up_in_its_list() -> None:
    """Nothing is proven of it, and still nobody gets by whose code is not there."""
    shows = (query("permit", PERMIT, shown=("name", "district")),)
    question = asked(InList(op("permit.district"), LIST), queries=shows)
    presentation = presented(question, {"permit": held(PERMIT)})
    assert verify_composite(question, presentation, DIRECTORY, NOW).answer.branch == "main"
    elsewhere = {"permit": held(PERMIT, district="370105")}
    with pytest.raises(DisclosureError) as refused:
        presented(question, elsewhere)
    assert refused.value.reason == "UNSATISFIED"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("disclosure.composite.present.missing_in", lambda *_: ())
        patch.setattr("disclosure.composite.choices._check_shown_codes", lambda *_: None)
        lie = presented(question, elsewhere)
    with pytest.raises(DisclosureError) as caught:
        verify_composite(question, lie, DIRECTORY, NOW)
    assert (caught.value.reason, caught.value.field) == ("UNSATISFIED", "branches[0].predicates[0]")
