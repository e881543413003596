"""Points with a part of small order in a page: they have no effect, and tell nothing of who catches up."""

from dataclasses import replace

import pytest

from bbs import BbsError
from bbs.accumulator import AccumulatorKey, CatchingUp, Page, catch_up, verify_page
from tests.bbs.accumulator.cases import FAST, department, handle, moved, outcome, same, value
from tests.bbs.test_bbs_serialization import G1_SMALL_ORDERS

HANDLES = [handle(i) for i in range(101)]
Y = handle(5000)
MINE = department()
BEFORE = MINE.witness(Y)
MINE.revoke(HANDLES)
EPOCH = MINE.publish()
KEY: AccumulatorKey = MINE.key


@pytest.mark.parametrize("order", G1_SMALL_ORDERS)
@pytest.mark.parametrize("group", FAST)
def test_a_part_of_small_order_has_no_effect(order: int, group: str) -> None:
    """Not even on whether the page leads to a witness: that would depend on the handle.

    The page is refused for what it is when it does not lead to the epoch, and by whoever checks the list.
    """
    mine = department(HANDLES[:40], group=group)
    first = mine.positions[0]
    epoch, fresh = mine.epochs[-1], mine.secret.witness(Y, mine.now, set())
    before = mine.secret.witness(Y, first, set())
    for places in ((0,), (17,), (38,), range(39)):
        pairs = list(mine.pairs)
        for at in places:
            pairs[at] = pairs[at][:32] + moved(value(pairs[at]), order)
        page = Page(mine.key, 0, tuple(pairs))
        partial = CatchingUp.begin(before, epoch).after(page).partial
        assert partial is not None
        assert mine.key.group.g1_to_octets(partial.C) == mine.key.group.g1_to_octets(fresh.C)
        assert outcome([page], epoch, before) == "PAGE_INVALID"
        signed = replace(epoch, position=first.after(page))
        assert same(catch_up(before, signed, [page]), replace(fresh, at=signed.position))
        with pytest.raises(BbsError, match="NOT_IN_SUBGROUP"):
            verify_page(page, first, set())
    pairs[39] = pairs[39][:32] + moved(value(pairs[39]), order)
    assert outcome([Page(mine.key, 0, tuple(pairs))], epoch, before) == "NOT_IN_SUBGROUP"


@pytest.mark.parametrize("order", G1_SMALL_ORDERS)
def test_the_pairing_alone_does_not_see_a_part_of_small_order(order: int) -> None:
    """Why an update clears its sum of the cofactor before it pairs it."""
    group = KEY.group
    octets = moved(group.g1s_to_octets_uncompressed([BEFORE.C]), order)
    (C,) = group.g1s_from_octets_uncompressed_unchecked_subgroup([octets])
    assert replace(BEFORE, C=C).verified().C is C
    with pytest.raises(BbsError, match="NOT_IN_SUBGROUP"):
        group.g1s_from_octets_uncompressed([octets])


def test_points_of_small_order_alone_in_place_of_values() -> None:
    zero_two = bytes(95) + b"\x02"  # (0, 2), of order 3
    for at in (0, 50):
        pair = MINE.pairs[at][:32] + zero_two
        assert (
            outcome([Page(KEY, 0, (*MINE.pairs[:at], pair, *MINE.pairs[at + 1 :]))], EPOCH, BEFORE)
            == "PAGE_INVALID"
        )
    every = [pair[:32] + zero_two for pair in MINE.pairs]
    assert outcome([Page(KEY, 0, tuple(every))], EPOCH, BEFORE) == "NOT_IN_SUBGROUP"
