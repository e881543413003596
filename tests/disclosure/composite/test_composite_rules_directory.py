"""What cannot be proven because of what is published: lists, versions, suites, keys; how large proofs are."""

from dataclasses import replace
from typing import Any

import pytest

from bbs import SHA_256, SHAKE_256
from bbs.engine import PairingSuite
from bbs.gadgets.escrow_shares import EscrowShare
from disclosure import DisclosureError, IssuerKey, KeyState, MalformedError, issuer_key_name
from disclosure.composite import (
    Branch,
    CompositeDirectory,
    CompositeRequest,
    EscrowQuery,
    ExpiryShown,
    InList,
    RegulatorKey,
    Sum,
    Term,
    Waiver,
    at_least,
    check_composite_request,
    publish_codes,
)
from tests.disclosure.composite.test_composite_rules import QUERIES, P, Q, asked, first, op
from tests.disclosure.composite.world import (
    DIRECTORY,
    INSURANCE,
    PERMIT,
    PERMIT_2,
    POLICE,
    SCHEMAS,
    accepted,
    department,
    directory,
    query,
    request,
)
from tests.disclosure.world import PERMIT as PLAIN


def listed(*codes: str) -> tuple[InList, CompositeDirectory]:
    made = publish_codes("authorities/city", "GB/T 2260", codes, SHA_256)
    return InList(op("permit.district"), made.table.digest), directory(code_lists={made.table.digest: made})


NOBODYS = tuple(f"99999{each}" for each in range(8))


@pytest.mark.parametrize("codes", [("370102", *NOBODYS), NOBODYS, ("370102",)])
def test_a_list_of_which_the_schema_has_fewer_than_two_codes_hides_nothing(codes: tuple[str, ...]) -> None:
    predicate, known = listed(*codes)
    with pytest.raises(MalformedError) as raised:
        check_composite_request(asked(predicate), known)
    assert (raised.value.reason, raised.value.field) == ("PREDICATE_INVALID", f"{P}.code_list")
    predicate, known = listed("370102", "370103", *NOBODYS)
    check_composite_request(asked(predicate), known)


def test_a_list_hides_a_code_in_each_version_that_has_one_of_it() -> None:
    """Which version a credential is of is told, so one code of it would be told too."""
    predicate, known = listed("370102", "370103")
    at = next(index for index, each in enumerate(PERMIT.attributes) if each.id == "district")
    district = PERMIT.attributes[at]
    for kept, holds in (({"370102"}, False), ({"370104"}, True), ({"370102", "370103"}, True)):
        codes = tuple(each for each in district.codes if each.code in kept)
        attributes = (*PERMIT.attributes[:at], replace(district, codes=codes), *PERMIT.attributes[at + 1 :])
        schemas = {**known.schemas, PERMIT_2.name: replace(PERMIT_2, attributes=attributes)}
        wanted = asked(predicate, queries=first(schemas=(PERMIT.name, PERMIT_2.name)))
        if holds:
            check_composite_request(wanted, replace(known, schemas=schemas))
            continue
        with pytest.raises(MalformedError, match="PREDICATE_INVALID"):
            check_composite_request(wanted, replace(known, schemas=schemas))


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
    suite = PairingSuite(SHAKE_256)
    officers = (EscrowShare.generate(suite) for _ in range(2))
    regulator = RegulatorKey(str(SHAKE_256), tuple(each.publish() for each in officers))
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
    octets = b"\xff" * 96
    broken = IssuerKey(issuer_key_name("public-security", str(SHA_256), octets), str(SHA_256), octets)
    keys = {**DIRECTORY.issuer_keys, broken.name: broken}
    wrong = asked(queries=first(issuers=(accepted(POLICE, key=broken.name),)))
    with pytest.raises(MalformedError, match="PREDICATE_INVALID"):
        check_composite_request(wrong, directory(issuer_keys=keys))


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
