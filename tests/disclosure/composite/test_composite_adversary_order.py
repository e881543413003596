"""Liars who prove another statement than they are asked: each alone, and hidden among a hundred good ones.

| lie | here, by its name |
| --- | --- |
| duplicated names | twice |
| reordered statement | reordered |
| statement of a different request | another request |
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bbs.engine import Statement, Witness
from bbs.engine.statement import Equation
from disclosure import MalformedError
from disclosure.composite import (
    Branch,
    CompositeClaim,
    CompositeRequest,
    Equal,
    ExpiryShown,
    PseudonymQuery,
    Sum,
    Term,
    ValidOn,
    VerifierScope,
    between,
)
from tests.disclosure.composite.adversary import (
    ASKED,
    FALSE,
    LEAN,
    MALFORMED,
    Lie,
    alone,
    among_a_hundred,
    check_alone,
    check_hidden,
    claim_of,
    claimed,
    renamed,
    same,
    told,
)
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import NONCE, NOW, SCHOOL_2, TODAY
from tests.disclosure.world import asked_by


def with_equations(change: Callable[[Sequence[Equation]], Sequence[Equation]], **more: Any) -> Lie:
    """The prover's transcript has the equations that the prover would like."""

    def hashed(statement: Statement) -> Statement:
        # No constructor would let a name be there twice.
        copy = object.__new__(Statement)
        for field in ("suite", "witnesses", "sent", "constraints", "checks", "inner", "nonzero"):
            object.__setattr__(copy, field, getattr(statement, field))
        object.__setattr__(copy, "equations", tuple(change(statement.equations)))
        return copy

    return Lie(lambda: claimed(hashed=hashed, **more))


def as_one_name(equations: Sequence[Equation]) -> list[Equation]:
    """The second credential's attributes under the names of the first one's."""
    return [
        replace(
            each,
            terms=tuple(
                (Witness(name.replace("credential 1/", "credential 0/")), point) for name, point in each.terms
            ),
        )
        for each in equations
    ]


def as_one_label(equations: Sequence[Equation]) -> list[Equation]:
    return [replace(each, label=equations[0].label) for each in equations]


def answering(change: Callable[[Any], Any]) -> Lie:
    def made() -> CompositeClaim:
        true = told()
        answer = replace(true.answer, credentials=tuple(change(list(true.answer.credentials))))
        return claim_of(replace(true, answer=answer))

    return Lie(made, "QUERY_MISMATCH")


def names() -> dict[str, Lie]:
    return {
        "twice: the permit, for the insurance too": answering(lambda each: [each[0], each[0]]),
        "twice: the insurance, beside the permit": answering(lambda each: [*each, each[1]]),
        "twice: one name for two credentials": with_equations(as_one_name),
        "twice: one label for all equations": with_equations(as_one_label),
        "twice: an equation": with_equations(lambda each: [*each, each[-1]]),
        "reordered: credentials": answering(lambda each: each[::-1]),
        "reordered: equations": with_equations(lambda each: each[::-1]),
        "reordered: the first two equations": with_equations(lambda each: [each[1], each[0], *each[2:]]),
        "reordered: an equation less": with_equations(lambda each: each[:-1]),
        "reordered: points": Lie(lambda: claimed(move=lambda _, points, T: points.reverse())),
    }


def branch(**changes: Any) -> CompositeRequest:
    return replace(ASKED, branches=(replace(LEAN, **changes),))


PERMIT_QUERY, INSURANCE_QUERY = LEAN.queries
OTHERS: dict[str, tuple[CompositeRequest, str]] = {
    "with a weaker bound": (
        branch(predicates=(between(op("permit.months"), 11, 300), *LEAN.predicates[1:])),
        FALSE,
    ),
    "without the sum": (branch(predicates=LEAN.predicates[:2]), MALFORMED),
    "without the equality": (branch(predicates=(LEAN.predicates[0], LEAN.predicates[2])), MALFORMED),
    "with predicates in another order": (branch(predicates=LEAN.predicates[::-1]), FALSE),
    "with queries in another order": (branch(queries=LEAN.queries[::-1]), "QUERY_MISMATCH"),
    "of an earlier day": (replace(ASKED, created=NOW - dt.timedelta(days=1)), FALSE),
    "with another day of validity": (
        branch(
            queries=(replace(PERMIT_QUERY, expiry=ValidOn(TODAY + dt.timedelta(days=1))), INSURANCE_QUERY)
        ),
        FALSE,
    ),
    "with the expiry shown": (
        branch(queries=(replace(PERMIT_QUERY, expiry=ExpiryShown()), INSURANCE_QUERY)),
        "QUERY_MISMATCH",
    ),
    "of another scope": (branch(pseudonyms=(PseudonymQuery("me", VerifierScope("enrol-2027")),)), FALSE),
    "without the escrow": (branch(escrows=()), MALFORMED),
    "of another nonce": (replace(ASKED, nonce=NONCE[::-1]), FALSE),
    "of another verifier": (asked_by(ASKED, SCHOOL_2), FALSE),
    "of another time": (replace(ASKED, expires=ASKED.expires - dt.timedelta(seconds=1)), FALSE),
    "of another branch's name": (branch(id="other"), MALFORMED),
}


def requests() -> dict[str, Lie]:
    lies = dict[str, Lie]()
    for name, (asked, why) in OTHERS.items():
        lies[f"another request {name}, under the asked one's digest"] = Lie(partial(_renamed, asked), why)
    for name in ("with a weaker bound", "of another nonce", "with predicates in another order"):
        true = partial(_as_it_is, OTHERS[name][0])
        lies[f"another request {name}, as it is"] = Lie(true, "REQUEST_MISMATCH")
    return lies


def _renamed(asked: CompositeRequest) -> CompositeClaim:
    return claim_of(renamed(told(asked)))


def _as_it_is(asked: CompositeRequest) -> CompositeClaim:
    return claim_of(told(asked))


LIES = {**names(), **requests()}
each_lie = pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())


@each_lie
def test_a_lie_is_refused_for_its_reason(lie: Lie) -> None:
    check_alone(lie)


@each_lie
def test_a_lie_is_found_among_a_hundred_good_ones(lie: Lie) -> None:
    check_hidden(lie)


def test_all_lies_are_found_in_one_batch_with_a_hundred_good_ones() -> None:
    claims = [each.claim for each in LIES.values()]
    for found, claim in zip(among_a_hundred(claims), claims, strict=True):
        assert same(found, alone(claim))


def test_names_that_are_there_twice_are_no_request() -> None:
    """Neither made nor read: there is nothing to prove a statement of."""
    twice: dict[str, Callable[[], object]] = {
        "a query": lambda: replace(LEAN, queries=(PERMIT_QUERY, replace(INSURANCE_QUERY, id="permit"))),
        "a predicate": lambda: replace(LEAN, predicates=(*LEAN.predicates, LEAN.predicates[0])),
        "a pseudonym": lambda: replace(LEAN, pseudonyms=LEAN.pseudonyms * 2),
        "an escrow": lambda: replace(LEAN, escrows=LEAN.escrows * 2),
        "a branch": lambda: replace(ASKED, branches=(LEAN, LEAN)),
        "a shown attribute": lambda: replace(PERMIT_QUERY, shown=("name", "name")),
        "an issuer": lambda: replace(PERMIT_QUERY, issuers=PERMIT_QUERY.issuers * 2),
        "an operand": lambda: Equal((op("permit.number"), op("permit.number"))),
        "a term": lambda: Sum((Term(op("permit.months")), Term(op("permit.months"))), minimum=1),
    }
    for name, make in twice.items():
        with pytest.raises(MalformedError):
            pytest.fail(f"{name} is there twice: {make()}")
    items = LEAN.items()
    assert Branch.from_items(items) == LEAN
    for part in (2, 3, 4, 5):
        spoilt = list(LEAN.items())
        spoilt[part] = [*spoilt[part], spoilt[part][0]]  # type: ignore[misc,index]
        with pytest.raises(MalformedError):
            Branch.from_items(spoilt)
