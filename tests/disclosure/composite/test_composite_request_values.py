"""Parts of requests that mean nothing: their constructors refuse them, whatever the schemas say."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

from disclosure import MalformedError
from disclosure.composite import (
    CommitmentQuery,
    Compared,
    Equal,
    Foreign,
    InList,
    JointScope,
    OldestEpoch,
    OneOf,
    Operand,
    Range,
    Sum,
    Term,
    VerifierScope,
)
from tests.disclosure.composite.test_composite_request import BRANCH, NUMBER, SPOUSE, TERMS, op
from tests.disclosure.composite.world import (
    HRSS,
    NOW,
    PERMIT,
    POLICE,
    PURPOSE,
    SCHOOL,
    SCHOOL_2,
    SUITE,
    accepted,
    query,
    request,
)

WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: Range(op("a.b")), "PREDICATE_INVALID"),
    (lambda: Range(op("a.b"), 3, 2), "BOUND_INVALID"),
    (lambda: Range(op("a.b"), 1 << 63), "BOUND_INVALID"),
    (lambda: Range(op("a.b"), True), "BOUND_INVALID"),
    (lambda: OneOf(op("a.b"), ("x",)), "PREDICATE_INVALID"),
    (lambda: OneOf(op("a.b"), ("x", "x")), "PREDICATE_INVALID"),
    (lambda: OneOf(op("a.b"), tuple(map(str, range(9)))), "PREDICATE_INVALID"),
    (lambda: InList(op("a.b"), b"x"), "PREDICATE_INVALID"),
    (lambda: Equal((op("a.b"),)), "PREDICATE_INVALID"),
    (lambda: Equal((op("a.b"), op("a.b"))), "PREDICATE_INVALID"),
    (lambda: Sum(()), "PREDICATE_INVALID"),
    (lambda: Sum((Term(op("a.b")), Term(op("a.b"))), minimum=1), "PREDICATE_INVALID"),
    (lambda: Sum((Term(op("a.b")),)), "PREDICATE_INVALID"),
    (lambda: Term(op("a.b"), 0), "PREDICATE_INVALID"),
    (lambda: Term(op("a.b"), 1 << 16), "PREDICATE_INVALID"),
    (lambda: Term(op("a.b"), 1, 1 << 63), "BOUND_INVALID"),
    (lambda: Sum((Term(op("a.b"), 1, 5),), maximum=5), "PREDICATE_INVALID"),
    (lambda: Sum((Term(op("a.b"), -1, 5),), minimum=5), "PREDICATE_INVALID"),
    (lambda: Sum((Term(Foreign("x")),), minimum=1), "PREDICATE_INVALID"),
    (lambda: Sum((Term(op("a.b")), Term(Foreign("x")), Term(Foreign("x"))), minimum=1), "PREDICATE_INVALID"),
    (lambda: Sum((Term(op("a.b")), Term(Foreign("x"), 1, 5)), maximum=5), "PREDICATE_INVALID"),
    (lambda: Foreign("X"), "NAME_INVALID"),
    (lambda: CommitmentQuery("X", op("a.b")), "NAME_INVALID"),
    (lambda: Compared("me", "X"), "NAME_INVALID"),
    (lambda: replace(SPOUSE, subjects=SPOUSE.subjects * 2), "REQUEST_INVALID"),
    (lambda: replace(NUMBER, K=bytes(47)), "PREDICATE_INVALID"),
    (lambda: replace(NUMBER, presentation=bytes(31)), "PREDICATE_INVALID"),
    (lambda: replace(NUMBER, request=bytes(31)), "PREDICATE_INVALID"),
    (lambda: replace(NUMBER, suite="x"), "PREDICATE_INVALID"),
    (lambda: replace(NUMBER, minimum=601), "PREDICATE_INVALID"),
    (lambda: replace(NUMBER, maximum=1 << 63), "PREDICATE_INVALID"),
    (lambda: replace(NUMBER, scale=19), "PREDICATE_INVALID"),
    (lambda: replace(NUMBER, departments=()), "PREDICATE_INVALID"),
    (lambda: replace(NUMBER, departments=NUMBER.departments[::-1]), "PREDICATE_INVALID"),
    (lambda: replace(BRANCH, commitments=BRANCH.commitments * 2), "REQUEST_INVALID"),
    (lambda: replace(BRANCH, foreign=(SPOUSE, SPOUSE)), "REQUEST_INVALID"),
    # One commitment under two names, by its point and by its own name.
    (lambda: replace(BRANCH, foreign=(SPOUSE, replace(SPOUSE, id="x"))), "REQUEST_INVALID"),
    (
        lambda: replace(BRANCH, foreign=(SPOUSE, replace(SPOUSE, id="x", number=replace(NUMBER, id="x")))),
        "REQUEST_INVALID",
    ),
    (
        lambda: replace(
            BRANCH, foreign=(SPOUSE, replace(SPOUSE, id="x", number=replace(NUMBER, K=bytes([1] * 48))))
        ),
        "REQUEST_INVALID",
    ),
    (lambda: Operand("A", "b"), "NAME_INVALID"),
    (lambda: OldestEpoch(bytes(95), 0), "REQUEST_INVALID"),
    (lambda: OldestEpoch(bytes(96), -1), "REQUEST_INVALID"),
    (lambda: OldestEpoch(bytes(96), 0, 0), "REQUEST_INVALID"),
    (lambda: OldestEpoch(bytes(96), 0, 366 * 86_400 + 1), "REQUEST_INVALID"),
    (lambda: OldestEpoch(bytes(96), 0, True), "REQUEST_INVALID"),
    (lambda: replace(BRANCH, queries=()), "REQUEST_INVALID"),
    (lambda: replace(BRANCH, queries=BRANCH.queries * 2), "REQUEST_INVALID"),
    (lambda: replace(BRANCH, predicates=BRANCH.predicates * 2), "REQUEST_INVALID"),
    (lambda: replace(BRANCH, pseudonyms=BRANCH.pseudonyms * 2), "REQUEST_INVALID"),
    (lambda: request(BRANCH, BRANCH), "REQUEST_INVALID"),
    (request, "REQUEST_INVALID"),
    (lambda: query("q", PERMIT, schemas=()), "REQUEST_INVALID"),
    (lambda: query("q", PERMIT, schemas=(PERMIT.name, PERMIT.name)), "REQUEST_INVALID"),
    (lambda: query("q", PERMIT, issuers=()), "REQUEST_INVALID"),
    (lambda: query("q", PERMIT, issuers=(accepted(POLICE), accepted(POLICE, 2))), "REQUEST_INVALID"),
    (lambda: query("q", PERMIT, issuers=(accepted(HRSS),)), "REQUEST_INVALID"),
    (lambda: query("q", PERMIT, issuers=(accepted(HRSS), accepted(POLICE))), "REQUEST_INVALID"),
    (lambda: query("q", PERMIT, shown=("name", "name")), "REQUEST_INVALID"),
    (lambda: request(BRANCH, issuance=replace(TERMS, base=True)), "REQUEST_INVALID"),
    (lambda: request(BRANCH, nonce=bytes(31)), "REQUEST_INVALID"),
    (lambda: request(BRANCH, created=NOW.replace(tzinfo=None)), "REQUEST_INVALID"),
    (lambda: request(BRANCH, expires=NOW + dt.timedelta(days=8)), "REQUEST_INVALID"),
    (lambda: JointScope("x", PURPOSE, (SCHOOL,), str(SUITE)), "REQUEST_INVALID"),
    (lambda: JointScope("x", PURPOSE, (SCHOOL_2, SCHOOL), str(SUITE)), "REQUEST_INVALID"),
    (lambda: JointScope("x", PURPOSE, (SCHOOL, SCHOOL), str(SUITE)), "REQUEST_INVALID"),
    (lambda: JointScope("x", PURPOSE, (SCHOOL, SCHOOL_2), "x"), "REQUEST_INVALID"),
    (lambda: VerifierScope("not a label"), "NAME_INVALID"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "reason"), WRONG)
def test_what_means_nothing_cannot_be_made(make: Callable[[], object], reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        make()
