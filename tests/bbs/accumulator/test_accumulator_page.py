"""What anybody checks of a page: order, handles, and that each value follows from the one before."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bbs import BbsError, VerificationError
from bbs.accumulator import Page, verify_page
from tests.bbs.accumulator.cases import (
    FAST,
    Department,
    department,
    handle,
    moved,
    negated,
    other_value,
    value,
)
from tests.bbs.test_bbs_serialization import G1_SMALL_ORDERS

HANDLES = [handle(i) for i in range(101)]
MINE = department(HANDLES)
KEY = MINE.key
OTHER = department(HANDLES, seed=b"S")

Pairs = tuple[bytes, ...]


def reason(page: Page, mine: Department = MINE) -> str:
    try:
        verify_page(page, mine.positions[page.first], set(HANDLES[: page.first]))
    except BbsError as error:
        return error.reason
    return "OK"


@pytest.mark.parametrize("group", FAST)
def test_a_list_is_checked_from_the_key_alone_however_it_is_cut(group: str) -> None:
    mine = department(HANDLES[:12], group=group)
    for cuts in ((0,), (0, 1), (0, 5, 11), range(12)):
        position, seen = mine.key.start, set[int]()
        for page in mine.pages(*cuts):
            position = verify_page(page, position, seen)
            seen |= set(page.handles)
        assert position == mine.now == mine.epochs[-1].position


def test_a_page_on_the_pure_python_group() -> None:
    mine = department(HANDLES[:2], group="py_ecc")
    assert verify_page(mine.page(0, 2), mine.key.start, set()) == mine.now
    pair = mine.pairs[1][:32] + other_value(mine.key, value(mine.pairs[1]))
    with pytest.raises(VerificationError, match="PAGE_INVALID"):
        verify_page(Page(mine.key, 0, (mine.pairs[0], pair)), mine.key.start, set())


def _pair(at: int, change: Callable[[bytes], bytes]) -> Callable[[Pairs], Pairs]:
    return lambda pairs: (*pairs[:at], change(pairs[at]), *pairs[at + 1 :])


def _swapped(pairs: Pairs, one: int, other: int) -> Pairs:
    changed = list(pairs)
    changed[one], changed[other] = pairs[other], pairs[one]
    return tuple(changed)


def _shifted(pairs: Pairs, by: int) -> Pairs:
    """Two values false by amounts that cancel when both pairs count the same."""
    return tuple(
        pair[:32] + other_value(KEY, value(pair)) if at in (50, 50 + by) else pair
        for at, pair in enumerate(pairs)
    )


CHANGES: dict[str, Callable[[Pairs], Pairs]] = {
    "a value doubled": _pair(50, lambda pair: pair[:32] + other_value(KEY, value(pair))),
    "a value negated": _pair(50, lambda pair: pair[:32] + negated(KEY, value(pair))),
    "the last value doubled": _pair(100, lambda pair: pair[:32] + other_value(KEY, value(pair))),
    "the value before": _pair(50, lambda pair: pair[:32] + value(MINE.pairs[49])),
    "the value of another list": _pair(50, lambda pair: pair[:32] + value(OTHER.pairs[50])),
    "another handle": _pair(50, lambda pair: handle(999).to_bytes(32) + value(pair)),
    "the first handle changed": _pair(0, lambda pair: handle(999).to_bytes(32) + value(pair)),
    "the last handle changed": _pair(100, lambda pair: handle(999).to_bytes(32) + value(pair)),
    "two pairs swapped": lambda pairs: _swapped(pairs, 3, 77),
    "two neighbours swapped": lambda pairs: _swapped(pairs, 3, 4),
    "a pair left out": lambda pairs: (*pairs[:50], *pairs[51:]),
    "the first pair left out": lambda pairs: pairs[1:],
    "two values false": lambda pairs: _shifted(pairs, 1),
    "two values false further apart": lambda pairs: _shifted(pairs, 7),
    "the list of another accumulator": lambda _: tuple(OTHER.pairs),
    "backwards": lambda pairs: pairs[::-1],
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_false_pair_is_refused_among_a_hundred_good_ones(name: str) -> None:
    assert reason(MINE.page(0, 101)) == "OK"
    assert reason(Page(KEY, 0, CHANGES[name](tuple(MINE.pairs)))) == "PAGE_INVALID"


@pytest.mark.parametrize(
    "name", [name for name in CHANGES if name.startswith("a value") or "another" in name]
)
def test_a_false_pair_is_refused_alone(name: str) -> None:
    pairs = CHANGES[name](tuple(MINE.pairs))
    assert reason(Page(KEY, 50, pairs[50:51])) == "PAGE_INVALID"
    assert reason(MINE.page(50, 51)) == "OK"


@pytest.mark.parametrize("order", G1_SMALL_ORDERS)
def test_a_value_outside_the_subgroup_is_refused(order: int) -> None:
    pairs = _pair(50, lambda pair: pair[:32] + moved(value(pair), order))(tuple(MINE.pairs))
    for page in (Page(KEY, 0, pairs), Page(KEY, 50, pairs[50:51]), Page(KEY, 0, pairs[:51])):
        assert reason(page) == "NOT_IN_SUBGROUP"


def test_pages_follow_each_other_without_a_gap() -> None:
    for first, at in ((0, 1), (10, 9), (10, 11), (50, 0)):
        with pytest.raises(VerificationError, match="PAGE_INVALID: the page begins"):
            verify_page(MINE.page(first, first + 5), MINE.positions[at], set())
    renumbered = Page(KEY, 9, tuple(MINE.pairs[10:20]))
    assert reason(renumbered) == "PAGE_INVALID"
    with pytest.raises(VerificationError, match=r"PAGE_INVALID: .* another accumulator"):
        verify_page(OTHER.page(0, 5), MINE.positions[0], set())


def test_a_handle_that_was_revoked_in_an_earlier_page_is_refused() -> None:
    """Its pairs are true: only who knows the earlier handles can tell."""
    careless = department(HANDLES[:5])
    careless.revoked.clear()
    careless.revoke([handle(777), HANDLES[0]])
    page = careless.page(5, 7)
    assert verify_page(page, careless.positions[5], set()) == careless.now
    with pytest.raises(VerificationError, match="ALREADY_REVOKED"):
        verify_page(page, careless.positions[5], set(HANDLES[:5]))


def test_the_value_before_counts() -> None:
    page, at = MINE.page(50, 60), MINE.positions[50]
    false = replace(at, V_octets=other_value(KEY, at.V_octets))
    with pytest.raises(VerificationError, match="PAGE_INVALID"):
        verify_page(page, false, set())


def test_equal_coefficients_would_let_false_values_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two values of which the errors cancel pass once the test makes the coefficients equal."""
    a = int.from_bytes(MINE.secret.to_octets_secret())
    group = KEY.group
    X = group.BP1
    # With V_1 + D_1 and V_2 + D_2 the errors are (a + y_1)*D_1 and (a + y_2)*D_2 - D_1, which add up to the
    # identity for D_1 = (a + y_2)*X and D_2 = (1 - a - y_1)*X.
    y_1, y_2 = HANDLES[0], HANDLES[1]
    V_1, V_2 = MINE.positions[1].V, MINE.positions[2].V
    false_1 = group.msm([V_1, X], [1, a + y_2])
    false_2 = group.msm([V_2, X], [1, 1 - a - y_1])
    first, second = (group.g1s_to_octets_uncompressed([each]) for each in (false_1, false_2))
    page = Page(KEY, 0, (y_1.to_bytes(32) + first, y_2.to_bytes(32) + second))
    for _ in range(5):
        assert reason(page) == "PAGE_INVALID"
    monkeypatch.setattr("bbs.accumulator.page._coefficients", lambda count: [7] * count)
    assert reason(page) == "OK"
