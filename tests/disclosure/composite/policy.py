"""The policy that most tests of presentations are about, its holder, and what comes of an answer."""

import datetime as dt
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from disclosure import (
    DisclosureError,
    RefusedError,
)
from disclosure.composite import (
    Branch,
    CompositeClaim,
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    Equal,
    EscrowQuery,
    ExpiryShown,
    Holding,
    InList,
    NotEqual,
    OneOf,
    Operand,
    PseudonymQuery,
    Sum,
    Term,
    VerifiedComposite,
    VerifierScope,
    at_least,
    at_most,
    between,
    verify_composite,
    verify_composite_batch,
)
from tests.disclosure.composite.test_composite_request import joint
from tests.disclosure.composite.world import (
    CITY_DIGITS,
    DIRECTORY,
    DISTRICT_LIST,
    HOUSEHOLD,
    INSURANCE,
    NOW,
    PERMIT,
    PERMIT_2,
    POLICE,
    POLICE_2,
    REGULATOR_KEY,
    SCHOOL,
    SCHOOL_2,
    TODAY,
    accepted,
    held,
    presented,
    query,
    request,
)

LABEL = "zk-disclosure/composite-presentation/v1"
YESTERDAY = TODAY - dt.timedelta(days=1)


def op(name: str) -> Operand:
    return Operand(*name.split("."))


MAIN = Branch(
    "main",
    (
        query("permit", PERMIT, shown=("name", "remark"), schemas=(PERMIT.name, PERMIT_2.name),
              issuers=(accepted(POLICE), accepted(POLICE_2))),
        query("insurance", INSURANCE, shown=("employed",)),
        query("household", HOUSEHOLD, expiry=ExpiryShown()),
    ),
    (
        at_least(op("permit.months"), 12),
        between(op("permit.since"), dt.date(2010, 1, 1), dt.date(2024, 1, 1)),
        InList(op("permit.district"), DISTRICT_LIST.table.digest),
        OneOf(op("insurance.district"), ("370103", "370104")),
        NotEqual(op("insurance.base"), 1),
        Equal((op("permit.number"), op("insurance.number"))),
        Sum((Term(op("permit.months"), 1, 60), Term(op("insurance.months"))), minimum=100),
    ),
    (
        PseudonymQuery("me", VerifierScope("enrol-2026")),
        PseudonymQuery("child", joint(SCHOOL, SCHOOL_2), op("household.child_secret")),
    ),
    (EscrowQuery("who", op("permit.number"), REGULATOR_KEY.digest),),
    CITY_DIGITS.table.digest,
)  # fmt: skip
OTHER = Branch(
    "other", (query("permit", PERMIT, shown=("name", "remark")),), (at_most(op("permit.months"), 90),)
)
REQUEST = request(MAIN, OTHER)


@cache
def holdings() -> dict[str, Holding]:
    return {"permit": held(PERMIT), "insurance": held(INSURANCE), "household": held(HOUSEHOLD)}


@cache
def good() -> CompositePresentation:
    return presented(REQUEST, holdings())


def outcome(
    asked: CompositeRequest,
    presentation: CompositePresentation,
    known: CompositeDirectory = DIRECTORY,
    now: dt.datetime = NOW,
) -> str:
    """Verify alone and between good ones in a batch, which must agree; return the reason, or OK."""
    claims = [
        CompositeClaim(REQUEST, good(), DIRECTORY, NOW),
        CompositeClaim(asked, presentation, known, now),
        CompositeClaim(REQUEST, good(), DIRECTORY, NOW),
    ]
    verdicts = verify_composite_batch(claims)
    assert isinstance(verdicts[0], VerifiedComposite)
    assert isinstance(verdicts[2], VerifiedComposite)
    between = verdicts[1]
    if isinstance(between, DisclosureError):
        with pytest.raises(type(between)) as alone:
            verify_composite(asked, presentation, known, now)
        assert str(alone.value) == str(between)
        return between.reason
    assert verify_composite(asked, presentation, known, now).pseudonyms == between.pseudonyms
    return "OK"


POLICE_ACCUMULATOR = POLICE.accumulator.key.octets


def with_branch(**changes: Any) -> CompositeRequest:
    return replace(REQUEST, branches=(replace(MAIN, **changes), OTHER))


def with_predicate(index: int, predicate: Any) -> CompositeRequest:
    return with_branch(predicates=(*MAIN.predicates[:index], predicate, *MAIN.predicates[index + 1 :]))


def with_query(index: int, **changes: Any) -> CompositeRequest:
    changed = replace(MAIN.queries[index], **changes)
    return with_branch(queries=(*MAIN.queries[:index], changed, *MAIN.queries[index + 1 :]))


def answer(**changes: Any) -> CompositePresentation:
    return replace(good(), answer=replace(good().answer, **changes))


def unmet(changes: dict[str, Holding], asked: CompositeRequest = REQUEST, **more: Any) -> tuple[str, str]:
    with pytest.raises(RefusedError) as raised:
        presented(asked, {**holdings(), **changes}, **more)
    return raised.value.reason, raised.value.field
