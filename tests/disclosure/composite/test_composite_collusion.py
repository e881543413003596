"""Holders who count one credential twice, departments that help a holder, and directories that hold too much.

Each test is an attack that once went through.
"""

import datetime as dt
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from bbs import SHA_256, SecretKey
from bbs.accumulator import AccumulatorSecret, Epoch
from bbs.engine import Base, Values, Witness
from bbs.gadgets.ranges import Digits
from bbs.gadgets.tables import DIGITS, sign_table
from bbs.groups.bls12_381 import r
from bbs.keys import keygen
from disclosure import IssuerKey, MalformedError, RefusedError, SchemaName, issuer_key_name
from disclosure.composite import (
    Branch,
    CompositeQuery,
    CompositeRequest,
    Equal,
    JointScope,
    Operand,
    PseudonymQuery,
    PublishedAccumulator,
    PublishedCodeList,
    PublishedDigits,
    SignedJointScope,
    Sum,
    Term,
    VerifierScope,
    at_least,
    at_most,
    check_composite_request,
    compile_answer,
    missing_in,
    verify_composite,
)
from tests.disclosure.composite.lies import lying
from tests.disclosure.composite.test_composite_request import joint
from tests.disclosure.composite.world import (
    BANK,
    CITY_DIGITS,
    DEPARTMENTS,
    DIRECTORY,
    DISTRICT_LIST,
    HRSS,
    INSURANCE,
    NOW,
    PAIRING,
    PERMIT,
    PERMIT_2,
    POLICE,
    PURPOSE,
    SCHOOL,
    SCHOOL_2,
    SUITE,
    TODAY,
    VALUES,
    accepted,
    digits_of,
    directory,
    held,
    presented,
    query,
    request,
)

CITY = CITY_DIGITS.table.digest
HRSS_DIGITS = digits_of(HRSS)


def op(name: str) -> Operand:
    return Operand(*name.split("."))


# One credential for one query.


def twice(**changes: Any) -> CompositeRequest:
    queries = (query("first", INSURANCE), query("second", INSURANCE, **changes))
    both = Sum((Term(op("first.months")), Term(op("second.months"))), minimum=80)
    return request(Branch("b", queries, (both,), digits=CITY))


def test_one_credential_is_not_counted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, one = twice(), held(INSURANCE)
    check_composite_request(asked, DIRECTORY)
    both = {"first": one, "second": one}
    (lack,) = missing_in(asked.branches[0], "b", both, DIRECTORY, NOW)
    assert lack.place == "b.queries[1]"
    with pytest.raises(RefusedError, match="UNSATISFIED"):
        presented(asked, both)
    other = held(INSURANCE, expiry=TODAY + dt.timedelta(days=31))
    lying(monkeypatch)
    verify_composite(asked, presented(asked, {"first": one, "second": other}), DIRECTORY, NOW)
    with pytest.raises(RefusedError, match="PROOF_INVALID"):
        verify_composite(asked, presented(asked, both), DIRECTORY, NOW)


EITHER = (PERMIT.name, PERMIT_2.name)


def values(schema: SchemaName) -> dict[str, Any]:
    return dict(VALUES[PERMIT.name if schema == PERMIT_2.name else schema])


@pytest.mark.parametrize(
    ("queries", "pairs"),
    [
        ((query("a", PERMIT), query("b", PERMIT_2)), 1),
        ((query("a", PERMIT, schemas=EITHER), query("b", PERMIT)), 1),
        ((query("a", PERMIT), query("b", PERMIT, schemas=EITHER), query("c", PERMIT_2)), 3),
        ((query("a", PERMIT), query("b", INSURANCE)), 0),
    ],
)
def test_versions_of_one_schema_are_told_apart_and_other_schemas_cost_nothing(
    queries: tuple[CompositeQuery, ...], pairs: int
) -> None:
    """What is stated follows from the request, never from what the holder chose."""
    asked = request(Branch("b", queries))
    holdings = {
        each.id: held(
            DIRECTORY.schema(each.schemas[0]),
            expiry=TODAY + dt.timedelta(days=place),
            **values(each.schemas[0]),
        )
        for place, each in enumerate(queries)
    }
    presentation = presented(asked, holdings)
    statement = compile_answer(asked, presentation.answer, DIRECTORY, NOW).statement
    stated = [each for each in statement.equations if "distinct" in each.label and "inverse" in each.label]
    assert len(stated) == pairs
    verify_composite(asked, presentation, DIRECTORY, NOW)


# Another department's digits.


@cache
def kept() -> tuple[SecretKey, PublishedDigits]:
    """A true table of the insurance department's, whose key it did not forget."""
    secret = SecretKey.from_octets(keygen(b"k" * 48, suite=SHA_256), suite=SHA_256)
    table = sign_table(PAIRING, secret.group_key, secret.public_key(), DIGITS, range(256))
    return secret, PublishedDigits(HRSS.owner, table)


def colluding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The department signs whatever digit its friend needs."""
    secret, published = kept()
    honest = Digits.assign

    def assign(self: Digits, values: Values, number: int) -> dict[Witness, int]:
        if self.table is not published.table or number >= 0:
            return honest(self, values, number)
        digits = [number % r, *[0] * (len(self.digits) - 1)]
        for gadget, digit in zip(self.digits, digits, strict=True):
            gadget.assign(
                values, digit, Base(PAIRING, secret.group_key.divide(published.table.V.point, digit))
            )
        return {gadget.y: digit for gadget, digit in zip(self.digits, digits, strict=True)}

    monkeypatch.setattr(Digits, "assign", assign)
    monkeypatch.setattr("disclosure.composite.holding._within", lambda *_: True)


def equal_months(digits: bytes | None) -> CompositeRequest:
    """The police and the insurance agree on the months, which are at least 500: a bound on both."""
    hrss = accepted(HRSS, digits=kept()[1].table.digest)
    queries = (query("permit", PERMIT), query("insurance", INSURANCE, issuers=(hrss,)))
    same = Equal((op("permit.months"), op("insurance.months")))
    return request(Branch("b", queries, (same, at_least(op("insurance.months"), 500)), digits=digits))


def test_a_department_bounds_nothing_that_another_has_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    published = kept()[1]
    tables = (CITY_DIGITS, published, POLICE.digits)
    known = directory(digits={each.table.digest: each for each in tables})
    for digits in (None, published.table.digest, POLICE.digits.table.digest):
        with pytest.raises(MalformedError, match="PREDICATE_INVALID") as raised:
            check_composite_request(equal_months(digits), known)
        assert raised.value.field == "branches[0].digits"
    asked, many = equal_months(CITY), 600
    check_composite_request(asked, known)
    true = {"permit": held(PERMIT, months=many), "insurance": held(INSURANCE, months=many)}
    verify_composite(asked, presented(asked, true, known=known), known, NOW)
    # Both have signed 82. The department helps where it can, and the rest is lies.
    false = {"permit": held(PERMIT, months=82), "insurance": held(INSURANCE, months=82)}
    lying(monkeypatch)
    colluding(monkeypatch)
    with pytest.raises(RefusedError, match="PROOF_INVALID"):
        verify_composite(asked, presented(asked, false, known=known), known, NOW)


CHAIN = (
    Equal((op("permit.months"), op("permit.gap"))),
    Equal((op("permit.gap"), op("insurance.months"))),
)
QUERIES = (query("permit", PERMIT), query("insurance", INSURANCE), query("older", PERMIT_2))


@pytest.mark.parametrize(
    ("predicates", "digits", "holds"),
    [
        # Equal by way of a third; whichever of them is bounded.
        ((*CHAIN, at_least(op("permit.months"), 5)), HRSS_DIGITS, False),
        ((*CHAIN, at_least(op("permit.months"), 5)), CITY, True),
        ((at_most(op("insurance.months"), 5), *CHAIN), None, False),
        # Of one department all of them: its own digits do.
        ((CHAIN[0], at_least(op("permit.gap"), 5)), None, True),
        ((Equal((op("permit.months"), op("older.months"))), at_least(op("older.months"), 5)), None, True),
        # A sum of one department's attribute, which another's is equal to.
        ((CHAIN[1], Sum((Term(op("permit.gap")),), minimum=5)), HRSS_DIGITS, False),
        ((CHAIN[1], Sum((Term(op("permit.gap")),), minimum=5)), CITY, True),
        ((Sum((Term(op("permit.gap")),), minimum=5),), HRSS_DIGITS, True),
        # What does not exist is refused, and no fault.
        ((Equal((op("x.months"), op("permit.months"))), at_least(op("permit.months"), 5)), None, False),
        ((at_least(op("permit.months"), 5), Equal((op("x.months"), op("permit.months")))), None, False),
    ],
    ids=lambda each: "digits" if isinstance(each, bytes) else None,  # a key drawn at random names no test
)
def test_digits_are_those_of_nobody_in_the_class(
    predicates: tuple[Any, ...], digits: bytes | None, holds: bool
) -> None:
    asked = request(Branch("b", QUERIES, predicates, digits=digits))
    if holds:
        check_composite_request(asked, DIRECTORY)
        return
    with pytest.raises(MalformedError, match="PREDICATE_INVALID"):
        check_composite_request(asked, DIRECTORY)


# Joint scopes.


def test_a_joint_scope_that_a_member_did_not_sign_is_refused_by_vault_and_verifier() -> None:
    """However the request came: opening it is not the only way to one."""
    signed = joint(BANK, SCHOOL)
    forged = SignedJointScope(JointScope("x", PURPOSE, (BANK, SCHOOL), str(SUITE)), (bytes(64), bytes(64)))
    half = replace(signed, signatures=(signed.signatures[0], bytes(64)))
    known = directory(verifiers={SCHOOL_2: DIRECTORY.verifiers[SCHOOL_2]})

    def asked(scope: SignedJointScope | VerifierScope) -> CompositeRequest:
        return request(Branch("b", (query("permit", PERMIT),), pseudonyms=(PseudonymQuery("p", scope),)))

    permit = {"permit": held(PERMIT)}
    check_composite_request(asked(signed), DIRECTORY)
    true = presented(asked(signed), permit)
    verify_composite(asked(signed), true, DIRECTORY, NOW)
    for scope, directory_ in ((forged, DIRECTORY), (half, DIRECTORY), (signed, known)):
        wrong = asked(scope)
        named = replace(true, answer=replace(true.answer, request_digest=wrong.digest))
        for attempt in (
            lambda wrong=wrong, known=directory_: check_composite_request(wrong, known),
            lambda wrong=wrong, known=directory_: presented(wrong, permit, known=known),
            lambda wrong=wrong, known=directory_, named=named: verify_composite(wrong, named, known, NOW),
        ):
            with pytest.raises(RefusedError, match="REQUEST_SIGNATURE_INVALID") as raised:
                attempt()
            assert raised.value.field == "branches[0].pseudonyms[0].scope"


# Directories.


def test_a_false_table_is_not_published() -> None:
    """Two signatures exchanged: who has one of the two values could not prove it, and so would show it."""
    for published in (POLICE.digits, DISTRICT_LIST):
        table = published.table
        entries = (*table.entries[:-2], table.entries[-1], table.entries[-2])
        with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
            replace(published, table=replace(table, entries=entries))


def test_a_key_serves_one_purpose_of_one_owner() -> None:
    def refused(**changes: Any) -> None:
        with pytest.raises(MalformedError, match="MALFORMED"):
            directory(**changes)

    def accumulator(secret: SecretKey) -> dict[bytes, PublishedAccumulator]:
        key = AccumulatorSecret(secret).key
        return {key.octets: PublishedAccumulator(POLICE.owner, key, {0: Epoch(0, key.start, 1)})}

    secret, mine = kept()
    refused(accumulators=accumulator(POLICE.secret))
    refused(digits={mine.table.digest: mine}, accumulators=accumulator(secret))
    stolen = IssuerKey(
        issuer_key_name("hrss", str(SUITE), POLICE.key.public_key), str(SUITE), POLICE.key.public_key
    )
    refused(issuer_keys={each.name: each for each in (*(each.key for each in DEPARTMENTS), stolen)})
    signed = sign_table(PAIRING, secret.group_key, secret.public_key(), "codes", DISTRICT_LIST.table.scalars)
    codes = replace(DISTRICT_LIST, table=signed)
    assert isinstance(codes, PublishedCodeList)
    refused(digits={mine.table.digest: mine}, code_lists={signed.digest: codes})
    key = IssuerKey(issuer_key_name("hrss", str(SUITE), secret.public_key()), str(SUITE), secret.public_key())
    refused(digits={mine.table.digest: mine}, issuer_keys={key.name: key})
    directory(digits={mine.table.digest: mine})
