"""Requests: one encoding each, signed, the form in the label, and nothing waived but in so many words."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs import SHAKE_256
from disclosure import (
    DepartmentName,
    MalformedError,
    RefusedError,
    Request,
    SignedRequest,
    VerifierName,
    canonical,
    open_request,
    sign_request,
)
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CommitmentQuery,
    CommittedNumber,
    Compared,
    CompositeQuery,
    CompositeRequest,
    Equal,
    EscrowQuery,
    ExpiryShown,
    Foreign,
    ForeignNumber,
    HolderWaiver,
    InList,
    IssuanceTerms,
    JointScope,
    NotEqual,
    OldestEpoch,
    OneOf,
    Operand,
    PseudonymQuery,
    SignedJointScope,
    Sum,
    Term,
    ValidOn,
    VerifierScope,
    Waiver,
    at_least,
    at_most,
    between,
    is_composite,
    open_composite_request,
    shifted_day,
)
from tests.disclosure.composite.world import (
    BANK,
    HRSS,
    INSURANCE,
    PERMIT,
    POLICE,
    PURPOSE,
    SCHOOL,
    SCHOOL_2,
    SUITE,
    TODAY,
    VERIFIER_KEYS,
    accepted,
    find_key,
    query,
    request,
)
from tests.disclosure.world import REQUEST as PLAIN
from tests.disclosure.world import asked_by

LABEL = "zk-disclosure/composite-request/v1"
DIGEST = bytes(range(32))


def op(name: str) -> Operand:
    return Operand(*name.split("."))


def joint(*members: VerifierName, label: str = "enrolment-2026", suite: str = str(SUITE)) -> SignedJointScope:
    scope = JointScope(label, PURPOSE, tuple(sorted(members, key=str)), suite)
    return SignedJointScope(scope, tuple(scope.sign(VERIFIER_KEYS[each]) for each in scope.members))


NUMBER = CommittedNumber(
    SCHOOL, DIGEST, DIGEST, "income", str(SUITE), bytes(48), "month", 0, 0, 600,
    (DepartmentName("hrss"), DepartmentName("tax")),
)  # fmt: skip
SPOUSE = ForeignNumber("spouse", NUMBER, Compared("me", "me"), (Compared("us", "home"),))
BRANCH = Branch(
    "main",
    (
        query("permit", PERMIT, shown=("name",), issuers=(accepted(POLICE, digits=DIGEST),)),
        query(
            "insurance",
            INSURANCE,
            expiry=ExpiryShown(),
            issuers=(accepted(HRSS, revocation=Waiver.REVOCATION),),
        ),
    ),
    (
        at_least(op("permit.months"), 12),
        between(op("permit.since"), dt.date(2010, 1, 1), dt.date(2024, 1, 1)),
        InList(op("permit.district"), DIGEST),
        OneOf(op("insurance.district"), ("370102", "370103")),
        OneOf(op("permit.since"), (dt.date(2020, 1, 1), dt.date(2020, 1, 2))),
        NotEqual(op("insurance.employed"), False),
        Equal((op("permit.number"), op("insurance.number"))),
        Sum((Term(op("permit.months"), 2, 24), Term(op("insurance.months"))), minimum=30),
        Sum((Term(op("permit.months")), Term(Foreign("spouse"), 3, 9), Term(Foreign("child"))), minimum=3),
    ),
    (PseudonymQuery("me", VerifierScope("enrol-2026")), PseudonymQuery("us", joint(SCHOOL, SCHOOL_2))),
    (EscrowQuery("who", op("permit.number"), DIGEST),),
    DIGEST,
    (CommitmentQuery("mine", op("permit.months")),),
    (SPOUSE, ForeignNumber("child", replace(NUMBER, id="x", K=bytes([1] * 48)), HolderWaiver.OTHER_HOLDER)),
)
OTHER = Branch("other", (query("permit", PERMIT),), (at_most(op("permit.months"), 3),))
TERMS = IssuanceTerms(INSURANCE.name, HRSS.key.name, base=False, nonce=bytes(32))
REQUEST = request(BRANCH, OTHER, issuance=TERMS)


def test_a_request_is_read_as_it_is_written() -> None:
    again = CompositeRequest.from_bytes(REQUEST.canonical)
    assert again == REQUEST
    assert again.digest == REQUEST.digest
    assert CompositeRequest.from_bytes(request(OTHER).canonical) == request(OTHER)


def branch_with(**changes: Any) -> CompositeRequest:
    return replace(REQUEST, branches=(replace(BRANCH, **changes), OTHER))


def query_with(**changes: Any) -> CompositeRequest:
    return branch_with(queries=(replace(BRANCH.queries[0], **changes), BRANCH.queries[1]))


def predicate_with(index: int, **changes: Any) -> CompositeRequest:
    changed = replace(BRANCH.predicates[index], **changes)
    return branch_with(predicates=(*BRANCH.predicates[:index], changed, *BRANCH.predicates[index + 1 :]))


def spouse_with(**changes: Any) -> CompositeRequest:
    return branch_with(foreign=(replace(SPOUSE, **changes), BRANCH.foreign[1]))


def number_with(**changes: Any) -> CompositeRequest:
    return spouse_with(number=replace(NUMBER, **changes))


CHANGES: dict[str, CompositeRequest] = {
    "verifier": asked_by(REQUEST, BANK),
    "purpose": replace(REQUEST, purpose=replace(PURPOSE, en="Another")),
    "nonce": replace(REQUEST, nonce=bytes(32)),
    "expires": replace(REQUEST, expires=REQUEST.expires + dt.timedelta(seconds=1)),
    "created": replace(REQUEST, created=REQUEST.created - dt.timedelta(seconds=1)),
    "branches in order": replace(REQUEST, branches=REQUEST.branches[::-1]),
    "a branch less": replace(REQUEST, branches=(BRANCH,)),
    "issuance": replace(REQUEST, issuance=None),
    "issuance's nonce": replace(REQUEST, issuance=replace(TERMS, nonce=bytes([1] * 32))),
    "branch": branch_with(id="x"),
    "digits": branch_with(digits=None),
    "queries in order": branch_with(queries=BRANCH.queries[::-1]),
    "predicates in order": branch_with(predicates=BRANCH.predicates[::-1]),
    "no predicates": branch_with(predicates=()),
    "no pseudonyms": branch_with(pseudonyms=()),
    "no escrow": branch_with(escrows=()),
    "scope's label": branch_with(pseudonyms=(PseudonymQuery("me", VerifierScope("enrol-2027")),)),
    "joint scope's suite": branch_with(
        pseudonyms=(
            BRANCH.pseudonyms[0],
            PseudonymQuery("us", joint(SCHOOL, SCHOOL_2, suite=str(SHAKE_256))),
        )
    ),
    "subject": branch_with(
        pseudonyms=(
            PseudonymQuery("me", VerifierScope("enrol-2026"), op("permit.name")),
            BRANCH.pseudonyms[1],
        )
    ),
    "regulator": branch_with(escrows=(replace(BRANCH.escrows[0], regulator=bytes(32)),)),
    "query": query_with(id="x"),
    "shown": query_with(shown=()),
    "expiry shown": query_with(expiry=ExpiryShown()),
    "day": query_with(expiry=ValidOn(TODAY + dt.timedelta(days=1))),
    "epoch": query_with(issuers=(accepted(POLICE, 2, digits=DIGEST),)),
    "epoch's age": query_with(
        issuers=(
            accepted(POLICE, digits=DIGEST, revocation=OldestEpoch(POLICE.accumulator.key.octets, 1, 3600)),
        )
    ),
    "revocation waived": query_with(issuers=(accepted(POLICE, digits=DIGEST, revocation=Waiver.REVOCATION),)),
    "issuer's digits": query_with(issuers=(accepted(POLICE),)),
    "bound": predicate_with(0, minimum=13),
    "other bound": predicate_with(0, minimum=None, maximum=12),
    "attribute": predicate_with(0, operand=op("insurance.months")),
    "list": predicate_with(2, code_list=bytes(32)),
    "values": predicate_with(3, values=("370102", "370104")),
    "value": predicate_with(5, value=True),
    "cap": predicate_with(7, terms=(Term(op("permit.months"), 2), Term(op("insurance.months")))),
    "foreign factor": predicate_with(8, terms=(Term(op("permit.months")), Term(Foreign("spouse"), 2, 9))),
    "foreign number": predicate_with(8, terms=(Term(op("permit.months")), Term(Foreign("spouse"), 3, 9))),
    "an own number of its name": predicate_with(
        8, terms=(Term(op("permit.months")), Term(op("permit.spouse"), 3, 9), Term(Foreign("child")))
    ),
    "no commitments": branch_with(commitments=()),
    "commitment": branch_with(commitments=(CommitmentQuery("mine", op("permit.gap")),)),
    "commitment's name": branch_with(commitments=(CommitmentQuery("x", op("permit.months")),)),
    "no foreign numbers": branch_with(foreign=()),
    "foreign numbers in order": branch_with(foreign=BRANCH.foreign[::-1]),
    "number's name": spouse_with(id="x"),
    "holders waived": spouse_with(holder=HolderWaiver.OTHER_HOLDER),
    "holder here": spouse_with(holder=Compared("us", "me")),
    "holder there": spouse_with(holder=Compared("me", "us")),
    "no subjects": spouse_with(subjects=()),
    "number's verifier": number_with(verifier=BANK),
    "number's request": number_with(request=bytes(32)),
    "number's presentation": number_with(presentation=bytes(32)),
    "number's commitment": number_with(id="y"),
    "number's suite": number_with(suite=str(SHAKE_256)),
    "K": number_with(K=bytes([2] * 48)),
    "unit": number_with(unit="year"),
    "scale": number_with(scale=1),
    "minimum": number_with(minimum=1),
    "maximum": number_with(maximum=601),
    "departments": number_with(departments=(DepartmentName("hrss"),)),
    "factor": predicate_with(7, terms=(Term(op("permit.months"), 3, 24), Term(op("insurance.months")))),
}


def test_every_field_changes_the_digest() -> None:
    digests = {each.digest for each in CHANGES.values()} | {REQUEST.digest}
    assert len(digests) == len(CHANGES) + 1
    assert all(CompositeRequest.from_bytes(each.canonical) == each for each in CHANGES.values())


@settings(max_examples=500)
@given(st.data())
def test_a_mutated_request_is_refused_or_another(data: st.DataObject) -> None:
    octets = bytearray(REQUEST.canonical)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = CompositeRequest.from_bytes(bytes(octets))
    except (MalformedError, RefusedError):
        return
    assert other != REQUEST
    assert other.canonical == bytes(octets)


def raw() -> list[Any]:
    return canonical.decode(LABEL, REQUEST.canonical)


def spoilt(change: Callable[[list[Any]], object]) -> bytes:
    items = raw()
    change(items)
    return canonical.encode(LABEL, *items)


SPOILT: dict[str, bytes] = {
    "an item more": canonical.encode(LABEL, *raw(), None),
    "an item less": canonical.encode(LABEL, *raw()[:-1]),
    "an unknown field in a branch": spoilt(lambda items: items[6][0].append(None)),
    "an unknown field in a query": spoilt(lambda items: items[6][0][2][0].append(None)),
    "an unknown field in a predicate": spoilt(lambda items: items[6][0][3][0].append(None)),
    "an unknown predicate": spoilt(lambda items: items[6][0][3].append(["regex", ["permit", "name"], "a"])),
    "a holder waived": spoilt(lambda items: items[6][0].__setitem__(1, "holders-waived")),
    "no word on revocation": spoilt(lambda items: items[6][0][2][0][2][0].__setitem__(1, None)),
    "an age of true": spoilt(lambda items: items[6][0][2][0][2][0][1].__setitem__(2, True)),
    "no word on the age": spoilt(lambda items: items[6][0][2][0][2][0][1].pop()),
    "an unknown waiver": spoilt(lambda items: items[6][0][2][0][2][0].__setitem__(1, "expiry-waived")),
    "no word on expiry": spoilt(lambda items: items[6][0][2][0].__setitem__(3, None)),
    "an expiry waived": spoilt(lambda items: items[6][0][2][0].__setitem__(3, ["waived"])),
    "no branches": spoilt(lambda items: items.__setitem__(6, [])),
    "nine branches": spoilt(lambda items: items.__setitem__(6, items[6] * 5)),
    "no queries": spoilt(lambda items: items[6][0].__setitem__(2, [])),
    "a bound that is true": spoilt(lambda items: items[6][0][3][0].__setitem__(2, True)),
    "no bound": spoilt(lambda items: items[6][0][3][0].__setitem__(2, None)),
    "a short digest": spoilt(lambda items: items[6][0].__setitem__(6, bytes(31))),
    "a foreign term with two words more": spoilt(lambda items: items[6][0][3][8][1][1][0].extend("ab")),
    "no word on the holder": spoilt(lambda items: items[6][0][8][0].__setitem__(2, None)),
    "an unknown waiver of the holder": spoilt(lambda items: items[6][0][8][1].__setitem__(2, "waived")),
    "an unknown field in a number": spoilt(lambda items: items[6][0][8][0][1].append(None)),
    "a scale that is true": spoilt(lambda items: items[6][0][8][0][1].__setitem__(7, True)),
    "a department that is a number": spoilt(lambda items: items[6][0][8][0][1][10].append(1)),
    "an unknown field in a commitment": spoilt(lambda items: items[6][0][7][0].append(None)),
    "another verifier's policy": spoilt(lambda items: items.__setitem__(1, f"{BANK}/policies/any@1")),
    "a policy that is a number": spoilt(lambda items: items.__setitem__(1, 1)),
    "time that is true": spoilt(lambda items: items.__setitem__(3, True)),
    "plain": PLAIN.canonical,
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("octets", SPOILT.values(), ids=SPOILT.keys())
def test_what_is_no_request_is_refused(octets: bytes) -> None:
    with pytest.raises(MalformedError):
        CompositeRequest.from_bytes(octets)


def test_there_is_no_default_for_revocation_and_expiry() -> None:
    with pytest.raises(TypeError):
        AcceptedIssuer(POLICE.key.name)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        CompositeQuery("permit", (PERMIT.name,), (accepted(POLICE),))  # type: ignore[call-arg]


def test_a_signed_request_is_opened_under_its_verifiers_key_only() -> None:
    signed = sign_request(REQUEST, VERIFIER_KEYS[SCHOOL])
    assert open_composite_request(signed, find_key) == REQUEST
    by_another = sign_request(REQUEST, VERIFIER_KEYS[BANK])
    for wrong in (
        by_another,
        replace(signed, payload=CHANGES["bound"].canonical),
        replace(signed, signature=bytes(64)),
    ):
        with pytest.raises(RefusedError, match="REQUEST_SIGNATURE_INVALID"):
            open_composite_request(wrong, find_key)


def test_the_label_selects_the_form_and_neither_form_is_read_as_the_other() -> None:
    composite, plain = (
        sign_request(REQUEST, VERIFIER_KEYS[SCHOOL]),
        sign_request(PLAIN, VERIFIER_KEYS[SCHOOL]),
    )
    assert (is_composite(composite), is_composite(plain)) == (True, False)
    with pytest.raises(MalformedError):
        open_request(composite, find_key)
    with pytest.raises(MalformedError):
        open_composite_request(plain, find_key)
    with pytest.raises(MalformedError):
        Request.from_bytes(REQUEST.canonical)
    assert not is_composite(SignedRequest(b"\x83" + LABEL.encode(), bytes(64)))


def test_a_joint_scope_counts_only_with_the_signatures_of_all_members() -> None:
    true = joint(SCHOOL, SCHOOL_2)
    true.check(find_key)
    forged = replace(true, signatures=(true.signatures[0], true.signatures[0]))
    asked = request(replace(OTHER, pseudonyms=(PseudonymQuery("us", forged),)))
    with pytest.raises(RefusedError, match="REQUEST_SIGNATURE_INVALID"):
        open_composite_request(sign_request(asked, VERIFIER_KEYS[SCHOOL]), find_key)
    with pytest.raises(MalformedError, match="REQUEST_INVALID"):
        replace(true, signatures=true.signatures[:1])
    # A signature for another scope does not count either.
    other = joint(SCHOOL, SCHOOL_2, label="enrolment-2027")
    with pytest.raises(RefusedError, match="REQUEST_SIGNATURE_INVALID"):
        replace(true, signatures=other.signatures).check(find_key)


def test_scopes_of_verifiers_and_of_joint_policies_never_meet() -> None:
    octets = [
        VerifierScope("a").octets(SCHOOL),
        VerifierScope("a").octets(SCHOOL_2),
        VerifierScope("b").octets(SCHOOL),
        joint(SCHOOL, SCHOOL_2, label="a").octets(SCHOOL),
        joint(SCHOOL, SCHOOL_2, label="b").octets(SCHOOL),
        joint(SCHOOL, BANK, label="a").octets(SCHOOL),
    ]
    assert len(set(octets)) == len(octets)
    assert joint(SCHOOL, SCHOOL_2).octets(SCHOOL) == joint(SCHOOL, SCHOOL_2).octets(SCHOOL_2)
    with pytest.raises(RefusedError, match="REQUEST_SIGNATURE_INVALID"):
        joint(SCHOOL, SCHOOL_2).octets(BANK)


@pytest.mark.parametrize(
    ("reference", "shift", "expected"),
    [
        (dt.date(2026, 3, 1), {"years": -18}, dt.date(2008, 3, 1)),
        (dt.date(2024, 2, 29), {"years": -18}, dt.date(2006, 2, 28)),
        (dt.date(2024, 2, 29), {"years": -4}, dt.date(2020, 2, 29)),
        (dt.date(2026, 3, 31), {"months": -1}, dt.date(2026, 2, 28)),
        (dt.date(2026, 1, 31), {"months": -2}, dt.date(2025, 11, 30)),
        (dt.date(2026, 12, 1), {"months": 1, "days": -1}, dt.date(2026, 12, 31)),
        (dt.date(2026, 3, 1), {"days": -1}, dt.date(2026, 2, 28)),
    ],
)
def test_a_day_relative_to_another_is_absolute_when_the_request_is_made(
    reference: dt.date, shift: dict[str, int], expected: dt.date
) -> None:
    assert shifted_day(reference, **shift) == expected


def test_a_relative_day_outside_the_calendar_is_refused() -> None:
    for shift in ({"years": -2026}, {"years": 8000}, {"days": 10**9}):
        with pytest.raises(MalformedError, match="BOUND_INVALID"):
            shifted_day(TODAY, **shift)
