"""Random policies: whatever a holder can satisfy verifies, whatever it cannot does not, lies or no lies."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bbs import BbsError
from disclosure import DisclosureError, Value
from disclosure.composite import (
    Branch,
    CompositeClaim,
    CompositeRequest,
    Equal,
    ExpiryShown,
    InList,
    NotEqual,
    OneOf,
    Operand,
    Predicate,
    Range,
    Sum,
    Term,
    ValidOn,
    VerifiedComposite,
    check_composite_request,
    verify_composite,
    verify_composite_batch,
)
from tests.disclosure.composite.lies import lying
from tests.disclosure.composite.world import (
    CITY_DIGITS,
    DIRECTORY,
    DISTRICT_LIST,
    INSURANCE,
    NOW,
    PERMIT,
    TODAY,
    held,
    presented,
    query,
    request,
)

# Values near each other, so that bounds are met and missed about equally often.
HOLDINGS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "permit": (
        {"months": 82, "gap": None, "remark": None},
        {"months": 0, "gap": 0, "remark": "x"},
        {"months": 600, "gap": 82, "district": "370105"},
        {"months": 255, "gap": 256, "since": dt.date(1970, 1, 1), "remark": None},
    ),
    "insurance": (
        {"months": 82},
        {"months": 256, "remark": "x", "employed": False},
        {"months": 0, "base": -500, "number": "1"},
        {"months": 600, "base": 10_000_000, "district": "370102"},
    ),
}
SCHEMAS = {"permit": PERMIT, "insurance": INSURANCE}
NUMBERS = (-500, -1, 0, 1, 81, 82, 83, 255, 256, 257, 337, 338, 599, 600, 812_300, 10_000_000)
MONTHS = [Operand("permit", "months"), Operand("permit", "gap"), Operand("insurance", "months")]
INTEGERS = [*MONTHS, Operand("insurance", "base")]
CODES = [Operand("permit", "district"), Operand("insurance", "district")]
TEXTS = [
    Operand("permit", "number"), Operand("permit", "remark"),
    Operand("insurance", "number"), Operand("insurance", "remark"),
]  # fmt: skip
WORDS = ("x", "y", "1", "370102199001011234")
DAYS = (
    dt.date(1970, 1, 1),
    dt.date(2019, 4, 30),
    dt.date(2019, 5, 1),
    dt.date(2019, 5, 2),
    dt.date(2099, 12, 31),
)

numbers = st.sampled_from(NUMBERS)


@st.composite
def bounds(draw: st.DrawFn) -> tuple[int | None, int | None]:
    low, high = sorted((draw(numbers), draw(numbers)))
    return draw(st.sampled_from([(low, None), (None, high), (low, high)]))


def day_bounds(days: tuple[dt.date, dt.date]) -> Range:
    low, high = sorted((day - dt.date(1970, 1, 1)).days for day in days)
    return Range(Operand("permit", "since"), low, high)


def several(operands: list[Operand], least: int) -> st.SearchStrategy[tuple[Operand, ...]]:
    return st.lists(st.sampled_from(operands), min_size=least, max_size=3, unique=True).map(tuple)


@st.composite
def sums(draw: st.DrawFn) -> Sum:
    low, high = draw(bounds())
    capped = high is None
    terms = tuple(
        Term(
            operand,
            draw(st.sampled_from((1, 2, 3) if capped else (1, 2, -1, -2))),
            draw(st.sampled_from((None, 81, 82, 300))) if capped else None,
        )
        for operand in draw(several(MONTHS, 1))
    )
    return Sum(terms, low, high)


predicates: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(lambda operand, both: Range(operand, *both), st.sampled_from(INTEGERS), bounds()),
    st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map(day_bounds),
    st.builds(InList, st.sampled_from(CODES), st.just(DISTRICT_LIST.table.digest)),
    st.builds(
        OneOf,
        st.sampled_from(CODES),
        st.permutations(["370102", "370103", "370105"]).map(lambda each: tuple(each[:2])),
    ),
    st.builds(
        OneOf,
        st.sampled_from(MONTHS),
        st.lists(st.sampled_from((0, 82, 255, 600)), min_size=2, unique=True).map(tuple),
    ),
    st.builds(
        OneOf, st.sampled_from(TEXTS), st.lists(st.sampled_from(WORDS), min_size=2, unique=True).map(tuple)
    ),
    st.builds(NotEqual, st.sampled_from(MONTHS), st.sampled_from((0, 82, 255, 600))),
    st.builds(NotEqual, st.sampled_from(TEXTS), st.sampled_from(WORDS)),
    st.builds(NotEqual, st.just(Operand("insurance", "employed")), st.booleans()),
    st.builds(Equal, st.one_of(several(MONTHS, 2), several(TEXTS, 2), several(CODES, 2))),
    sums(),
)


@st.composite
def policies(draw: st.DrawFn) -> CompositeRequest:
    rules = st.sampled_from((ValidOn(TODAY), ExpiryShown()))
    queries = tuple(query(name, schema, expiry=draw(rules)) for name, schema in SCHEMAS.items())
    asked = tuple(draw(st.lists(predicates, min_size=1, max_size=3, unique_by=repr)))
    return request(
        Branch("main", queries, asked, digits=CITY_DIGITS.table.digest),
        nonce=draw(st.binary(min_size=32, max_size=32)),
    )


def as_number(value: Any) -> int:
    return (value - dt.date(1970, 1, 1)).days if isinstance(value, dt.date) else int(value)


def true_of(predicate: Predicate, values: Mapping[Operand, Value | None]) -> bool:
    """Say what a predicate means, for everybody to read; nothing here is the library's."""
    of = [values[operand] for operand in predicate.operands]
    return None not in of and true_of_all(predicate, of)


def true_of_all(predicate: Predicate, of: Sequence[Any]) -> bool:
    match predicate:
        case Range(_, low, high):
            return (low is None or as_number(of[0]) >= low) and (high is None or as_number(of[0]) <= high)
        case InList():
            return of[0] in {"370102", "370103", "370104"}
        case OneOf(_, allowed):
            return of[0] in allowed
        case NotEqual(_, forbidden):
            return bool(of[0] != forbidden)
        case Equal():
            return len(set(of)) == 1
        case Sum(terms, low, high):
            counted = [
                as_number(value) if term.cap is None else min(as_number(value), term.cap)
                for term, value in zip(terms, of, strict=True)
            ]
            total = sum(term.factor * number for term, number in zip(terms, counted, strict=True))
            return (low is None or total >= low) and (high is None or total <= high)


def drawn_holdings(data: st.DataObject) -> dict[str, Any]:
    return {
        name: held(schema, **data.draw(st.sampled_from(HOLDINGS[name]), label=name))
        for name, schema in SCHEMAS.items()
    }


def compilable(asked: CompositeRequest) -> bool:
    try:
        check_composite_request(asked, DIRECTORY)
    except DisclosureError as error:
        event(f"not compiled: {error.reason} {error.field.startswith('branches[0].')}")
        return False
    return True


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies(), st.data())
def test_what_is_so_verifies_and_what_is_not_does_not(asked: CompositeRequest, data: st.DataObject) -> None:
    if not compilable(asked):
        return
    assert CompositeRequest.from_bytes(asked.canonical) == asked
    holdings = drawn_holdings(data)
    values = {
        operand: holdings[operand.query].credential.values.get(operand.attribute)
        for predicate in asked.branches[0].predicates
        for operand in predicate.operands
    }
    truths = [true_of(each, values) for each in asked.branches[0].predicates]
    event("satisfied" if all(truths) else "not satisfied")
    if all(truths):
        presentation = presented(asked, holdings)
        verify_composite(asked, presentation, DIRECTORY, NOW)
        return
    with pytest.raises(DisclosureError) as raised:
        presented(asked, holdings)
    assert raised.value.field == f"branches[0].predicates[{truths.index(False)}]"
    with pytest.MonkeyPatch.context() as patch:
        lying(patch)
        try:
            lie = presented(asked, holdings)
        except (DisclosureError, BbsError, ValueError, OverflowError, ZeroDivisionError, LookupError):
            event("a lie without values")
            return
    event("a lie that was told")
    verdicts = verify_composite_batch([CompositeClaim(asked, lie, DIRECTORY, NOW)] * 2)
    assert not any(isinstance(each, VerifiedComposite) for each in verdicts)
