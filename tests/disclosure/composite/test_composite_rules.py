"""What cannot be proven is refused when the request is made, with its reason and its place."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from bbs import SHA_256, SHAKE_256
from disclosure import DisclosureError, IssuerKey, KeyState, MalformedError, issuer_key_name
from disclosure.composite import (
    Branch,
    CompositeDirectory,
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
    RegulatorKey,
    Sum,
    Term,
    ValidOn,
    VerifierScope,
    Waiver,
    at_least,
    at_most,
    between,
    check_composite_request,
)
from tests.disclosure.composite.test_composite_request import joint
from tests.disclosure.composite.world import (
    BANK,
    CITY_DIGITS,
    DIRECTORY,
    DISTRICT_LIST,
    HOUSEHOLD,
    HRSS,
    INSURANCE,
    PERMIT,
    PERMIT_2,
    POLICE,
    REGULATOR_KEY,
    SCHEMAS,
    SCHOOL,
    SCHOOL_2,
    TODAY,
    accepted,
    department,
    digits_of,
    directory,
    query,
    request,
)
from tests.disclosure.world import PERMIT as PLAIN


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


def other_versions(**changes: Any) -> tuple[CompositeDirectory, CompositeRequest]:
    """A second version of the permit with one attribute changed, both accepted."""
    at = next(i for i, each in enumerate(PERMIT.attributes) if each.id == "months")
    attributes = list(PERMIT.attributes)
    attributes[at] = replace(attributes[at], **changes)
    second = replace(PERMIT_2, attributes=tuple(attributes))
    known = directory(schemas={each.name: each for each in (*SCHEMAS, second)})
    return known, asked(
        at_least(op("permit.months"), 700), queries=first(schemas=(PERMIT.name, PERMIT_2.name))
    )


def test_accepted_versions_mean_the_same_by_an_attribute_and_the_widest_bounds_count() -> None:
    check_composite_request(other_versions(maximum=800)[1], other_versions(maximum=800)[0])
    for changes, reason in (
        ({"unit": "day"}, "PREDICATE_INVALID"),
        ({"scale": 1}, "PREDICATE_INVALID"),
        ({"id": "month"}, "ATTRIBUTE_UNKNOWN"),
        ({"maximum": 650}, "BOUND_INVALID"),
    ):
        known, wrong = other_versions(**changes)
        with pytest.raises(MalformedError, match=reason):
            check_composite_request(wrong, known)


def test_sums_that_could_wrap_around_do_not_compile() -> None:
    wide = replace(PERMIT.attribute("months"), minimum=-(1 << 63), maximum=(1 << 63) - 1)
    schema = replace(PERMIT, attributes=(wide, *(each for each in PERMIT.attributes if each.id != "months")))
    known = directory(schemas={each.name: each for each in (*SCHEMAS[1:], schema)})
    queries = tuple(query(f"q{i}", schema, expiry=ExpiryShown()) for i in range(4))
    for factor, holds in ((1 << 12, True), (1 << 15, False)):
        terms = tuple(Term(op(f"{each.id}.months"), factor) for each in queries)
        wanted = asked(Sum(terms, minimum=0), queries=queries)
        if holds:
            check_composite_request(wanted, known)
            continue
        with pytest.raises(MalformedError, match="BOUND_INVALID"):
            check_composite_request(wanted, known)


def test_a_presentation_is_of_one_suite() -> None:
    other = department("hrss", 9, str(SHAKE_256))
    keys = {each.name: each for each in (*DIRECTORY.issuer_keys.values(), other.key)}
    waived = accepted(other, revocation=Waiver.REVOCATION)
    wrong = asked(
        queries=(QUERIES[0], query("insurance", INSURANCE, expiry=ExpiryShown(), issuers=(waived,)))
    )
    with pytest.raises(MalformedError, match="PREDICATE_INVALID"):
        check_composite_request(wrong, directory(issuer_keys=keys))
    regulator = RegulatorKey(str(SHAKE_256), REGULATOR_KEY.public_key)
    wrong = asked(escrows=(EscrowQuery("who", op("permit.number"), regulator.digest),))
    with pytest.raises(MalformedError, match="PREDICATE_INVALID"):
        check_composite_request(wrong, directory(regulators={regulator.digest: regulator}))


def test_keys_and_schemas_are_registered_active_and_composite() -> None:
    def refusal(known: CompositeDirectory) -> tuple[str, str]:
        with pytest.raises(DisclosureError) as raised:
            check_composite_request(asked(), known)
        return raised.value.reason, raised.value.field

    def keys(state: KeyState) -> CompositeDirectory:
        retired = replace(POLICE.key, state=state)
        return directory(issuer_keys={**DIRECTORY.issuer_keys, retired.name: retired})

    assert refusal(keys(KeyState.RETIRED)) == ("ISSUER_KEY_RETIRED", f"{Q}.issuers[0].key")
    check_composite_request(asked(), keys(KeyState.VERIFY_ONLY))
    schemas = dict(DIRECTORY.schemas)
    assert refusal(directory(schemas=schemas | {PERMIT.name: replace(PLAIN, name=PERMIT.name)})) == (
        "FORM_NOT_SUPPORTED", f"{Q}.schemas[0]",
    )  # fmt: skip
    del schemas[PERMIT.name]
    assert refusal(directory(schemas=schemas)) == ("SCHEMA_UNKNOWN", f"{Q}.schemas[0]")
    others = {name: key for name, key in DIRECTORY.issuer_keys.items() if name != POLICE.key.name}
    assert refusal(directory(issuer_keys=others))[0] == "ISSUER_KEY_UNKNOWN"


def test_keys_that_are_no_points_are_refused_and_no_fault() -> None:
    regulator = RegulatorKey(REGULATOR_KEY.suite, b"\xff" * 48)
    escrow = EscrowQuery("who", op("permit.number"), regulator.digest)
    octets = b"\xff" * 96
    broken = IssuerKey(issuer_key_name("public-security", str(SHA_256), octets), str(SHA_256), octets)
    keys = {**DIRECTORY.issuer_keys, broken.name: broken}
    for wrong, known in (
        (asked(escrows=(escrow,)), directory(regulators={regulator.digest: regulator})),
        (asked(queries=first(issuers=(accepted(POLICE, key=broken.name),))), directory(issuer_keys=keys)),
    ):
        with pytest.raises(MalformedError, match="PREDICATE_INVALID"):
            check_composite_request(wrong, known)


def test_the_second_branch_is_checked_too() -> None:
    wrong = request(Branch("a", QUERIES), Branch("b", QUERIES, (at_least(op("permit.months"), 601),)))
    with pytest.raises(MalformedError) as raised:
        check_composite_request(wrong, DIRECTORY)
    assert raised.value.field == "branches[1].predicates[0].minimum"


def test_a_proof_that_would_be_too_large_is_refused_when_it_is_asked_for() -> None:
    many = [definition_of(f"a{i}") for i in range(100)]
    schema = replace(PERMIT, attributes=tuple(many))
    known = directory(schemas={each.name: each for each in (*SCHEMAS[1:], schema)})
    for count, holds in ((9, True), (12, False)):
        queries = tuple(query(f"q{i}", schema) for i in range(count))
        if holds:
            check_composite_request(asked(queries=queries), known)
            continue
        with pytest.raises(MalformedError, match="PREDICATE_INVALID"):
            check_composite_request(asked(queries=queries), known)


def definition_of(identifier: str) -> Any:
    return replace(PERMIT.attribute("number"), id=identifier)
