"""A holder catches up alone: what it gets is the issuer's own witness, or a refusal."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bbs import BbsError, InputError, VerificationError
from bbs.accumulator import (
    AccumulatorKey,
    CatchingUp,
    Epoch,
    MembershipWitness,
    Page,
    catch_up,
)
from bbs.groups.bls12_381 import r
from tests.bbs.accumulator.cases import (
    FAST,
    Department,
    department,
    handle,
    negated,
    other_value,
    outcome,
    same,
    value,
)

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HANDLES = [handle(i) for i in range(101)]
Y = handle(5000)
MINE = department()
BEFORE = MINE.witness(Y)
MINE.revoke(HANDLES)
EPOCH = MINE.publish()
KEY: AccumulatorKey = MINE.key
OTHER = department(HANDLES, seed=b"S")


def reason(pages: Iterable[Page], epoch: Epoch = EPOCH, witness: MembershipWitness = BEFORE) -> str:
    return outcome(pages, epoch, witness)


@pytest.mark.parametrize("group", [*FAST, "py_ecc"])
def test_the_witness_is_the_issuers_own(group: str) -> None:
    mine = department(group=group)
    witness = mine.witness(Y)
    mine.revoke(HANDLES[:3])
    epoch = mine.publish()
    assert same(catch_up(witness, epoch, mine.pages(0)), mine.witness(Y))
    assert same(catch_up(witness, epoch, mine.pages(0, 1)), mine.witness(Y))


def test_after_no_revocation_the_witness_stays() -> None:
    mine = department()
    witness = mine.witness(Y)
    assert same(catch_up(witness, mine.publish(), []), witness)


@quick
@given(data=st.data())
def test_any_life_of_a_list_in_any_split_of_pages(data: st.DataObject) -> None:
    """Issue and revoke in any order; each holder catches up from where it was, or hears that it is out."""
    mine, holders, issued = department(group=data.draw(st.sampled_from(FAST))), list[MembershipWitness](), 0
    for step in data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=12)):
        if step == 0 or not holders:
            holders.append(mine.witness(handle(issued)))
            issued += 1
        elif step < 8:
            mine.revoke([handle(issued + i) for i in range(step)])
            issued += step
        else:
            chosen = data.draw(st.sampled_from(holders)).y
            if chosen not in mine.revoked:
                mine.revoke([chosen])
    epoch = mine.publish()
    for witness in holders:
        start, end = witness.at.count, epoch.position.count
        cuts = data.draw(st.lists(st.integers(start, end), max_size=4))
        pages = mine.pages(start, *cuts)
        if witness.y in mine.revoked:
            assert reason(pages, epoch, witness) == "REVOKED"
        else:
            assert same(catch_up(witness, epoch, pages), mine.witness(witness.y))


def test_an_update_is_one_sum_of_one_point_more_than_revocations(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = list[tuple[int, bool]]()
    real = type(KEY.group).msm

    def record(self: object, points: list[object], scalars: list[int], **secret: bool) -> object:
        sums.append((len(points), secret.get("secret", False)))
        return real(self, points, scalars, **secret)  # type: ignore[arg-type]

    monkeypatch.setattr(type(KEY.group), "msm", record)
    catch_up(BEFORE, EPOCH, MINE.pages(0))
    # the sum, its blinding and the factor of the cofactor taken off, and y*C - V of the check
    assert sums == [(102, False), (1, True), (2, True)]


def test_the_scalars_of_the_sum_are_fresh_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = list[tuple[int, ...]]()
    real = type(KEY.group).msm

    def record(self: object, points: list[object], scalars: list[int], **secret: bool) -> object:
        if not secret:
            seen.append(tuple(scalars))
        return real(self, points, scalars, **secret)  # type: ignore[arg-type]

    monkeypatch.setattr(type(KEY.group), "msm", record)
    for _ in range(2):
        catch_up(BEFORE, EPOCH, MINE.pages(0))
    assert not set(seen[0]) & set(seen[1])


def test_a_long_way_is_reported_interrupted_and_resumed() -> None:
    class Interrupted(Exception):
        pass

    stored = [BEFORE.to_octets_secret()]
    missing = list[int]()

    def report(state: CatchingUp) -> None:
        assert state.partial is not None
        assert same(
            state.partial, MembershipWitness(Y, state.partial.verified().C, MINE.positions[state.at.count])
        )
        stored.append(state.partial.to_octets_secret())
        missing.append(state.missing)
        if len(missing) % 3 == 0:
            raise Interrupted

    witness = None
    for _ in range(10):
        begun = MembershipWitness.from_octets(stored[-1], key=KEY)
        cuts = range(begun.at.count, 101, 10)
        try:
            witness = catch_up(begun, EPOCH, MINE.pages(*cuts), report)
        except Interrupted:
            continue
        break
    assert witness is not None
    assert same(witness, MINE.witness(Y))
    assert missing == [*range(91, 0, -10), 0]


def test_a_partial_witness_may_go_on_to_a_later_epoch() -> None:
    mine = department(HANDLES[:10])
    first = mine.epochs[0]
    witness = MembershipWitness(Y, mine.secret.witness(Y, first.position, set()).C, first.position)
    state = CatchingUp.begin(witness, mine.epochs[-1]).after(mine.page(0, 4))
    mine.revoke(HANDLES[10:20])
    later = mine.publish()
    assert state.partial is not None
    assert same(catch_up(state.partial, later, mine.pages(4)), mine.witness(Y))


@pytest.mark.parametrize("place", [0, 1, 50, 99, 100])
@pytest.mark.parametrize("cuts", [(), (1,), (50, 51), (100,)])
def test_the_holder_of_a_revoked_handle_hears_it(place: int, cuts: tuple[int, ...]) -> None:
    mine = department()
    witness = mine.witness(Y)
    mine.revoke([*HANDLES[:place], Y, *HANDLES[place + 1 :]])
    epoch = mine.publish()
    pages = mine.pages(0, *cuts)
    assert reason(pages, epoch, witness) == "REVOKED"
    states = [CatchingUp.begin(witness, epoch)]
    for page in pages:
        states.append(states[-1].after(page))
    assert [state.partial is None for state in states] == [state.at.count > place for state in states]


def test_no_page_can_make_a_holder_believe_that_it_is_revoked() -> None:
    """A vault may give a revoked credential up: only pages that lead to the trusted epoch say so."""
    liar = department([*HANDLES[:50], Y, *HANDLES[51:]])
    assert reason(liar.pages(0)) == "PAGE_INVALID"
    assert reason(liar.pages(0, 50)) == "PAGE_INVALID"
    pairs = list(MINE.pairs)
    pairs[50] = Y.to_bytes(32) + value(pairs[50])
    assert reason([Page(KEY, 0, tuple(pairs))]) == "PAGE_INVALID"
    assert reason([liar.page(0, 51)]) == "EPOCH_MISMATCH"


def _changed(at: int, change: Callable[[bytes], bytes]) -> Callable[[], list[Page]]:
    return lambda: [Page(KEY, 0, (*MINE.pairs[:at], change(MINE.pairs[at]), *MINE.pairs[at + 1 :]))]


LIES: dict[str, Callable[[], list[Page]]] = {
    "a value doubled": _changed(50, lambda pair: pair[:32] + other_value(KEY, value(pair))),
    "a value negated": _changed(50, lambda pair: pair[:32] + negated(KEY, value(pair))),
    "the last value doubled": _changed(100, lambda pair: pair[:32] + other_value(KEY, value(pair))),
    "the value of another list": _changed(50, lambda pair: pair[:32] + value(OTHER.pairs[50])),
    "a handle changed": _changed(50, lambda pair: handle(999).to_bytes(32) + value(pair)),
    "the last handle changed": _changed(100, lambda pair: handle(999).to_bytes(32) + value(pair)),
    "two pairs swapped": lambda: [
        Page(KEY, 0, (*MINE.pairs[:3], MINE.pairs[4], MINE.pairs[3], *MINE.pairs[5:]))
    ],
    "a pair left out, and one of another list added": lambda: [
        Page(KEY, 0, (*MINE.pairs[:50], *MINE.pairs[51:], OTHER.pairs[50]))
    ],
    "the list of another accumulator under this key": lambda: [Page(KEY, 0, tuple(OTHER.pairs))],
    "the list of another accumulator": lambda: OTHER.pages(0),
    "a page twice": lambda: [MINE.page(0, 50), MINE.page(0, 50), MINE.page(50, 101)],
    "pages out of order": lambda: [MINE.page(50, 101), MINE.page(0, 50)],
    "a gap": lambda: [MINE.page(0, 50), MINE.page(51, 101)],
    "an overlap": lambda: [MINE.page(0, 50), MINE.page(49, 101)],
    "a page numbered anew over a gap": lambda: [
        MINE.page(0, 50),
        Page(KEY, 50, (*MINE.pairs[51:], OTHER.pairs[50])),
    ],
}


@pytest.mark.parametrize("name", LIES)
def test_false_pages_are_refused(name: str) -> None:
    assert reason(MINE.pages(0, 50)) == "OK"
    assert reason(LIES[name]()) == "PAGE_INVALID"


def test_another_history_of_the_same_key_does_not_lead_to_the_epoch() -> None:
    """An issuer with two histories makes true pairs in both: pages lead to witnesses, not to the epoch."""
    lie = department([handle(i) for i in range(200, 301)])
    state = CatchingUp.begin(BEFORE, EPOCH)
    for page in lie.pages(0, 50):
        state = state.after(page)
    assert state.partial is not None
    state.partial.verified()
    with pytest.raises(VerificationError, match="PAGE_INVALID: the pages are not those of the epoch"):
        state.finish()


def test_pages_that_end_elsewhere_than_the_epoch_are_refused() -> None:
    assert reason([MINE.page(0, 100)]) == "EPOCH_MISMATCH"
    assert reason([]) == "EPOCH_MISMATCH"
    before = replace(EPOCH, position=MINE.positions[60])
    assert reason([MINE.page(0, 61)], before) == "PAGE_INVALID"
    assert reason([MINE.page(0, 60)], before) == "OK"


def test_epoch_and_witness_belong_together() -> None:
    after = catch_up(BEFORE, EPOCH, MINE.pages(0))
    with pytest.raises(InputError, match="EPOCH_MISMATCH: the witness is of a later position"):
        catch_up(after, MINE.epochs[0], [])
    assert reason([], OTHER.epochs[-1], after) == "EPOCH_MISMATCH"
    assert reason([], EPOCH, after) == "OK"


@pytest.mark.parametrize("change", ["count", "value", "digest"])
def test_an_epoch_that_is_none_of_the_list_is_refused(change: str) -> None:
    now = EPOCH.position
    false = {
        "count": replace(now, count=100),
        "value": replace(now, V_octets=other_value(KEY, now.V_octets)),
        "digest": replace(now, digest=bytes(32)),
    }[change]
    assert reason([MINE.page(0, false.count)], replace(EPOCH, position=false)) == "PAGE_INVALID"


def test_a_false_witness_does_not_become_a_true_one() -> None:
    for false in (
        replace(BEFORE, C=KEY.group.msm([BEFORE.C], [2])),
        replace(BEFORE, y=handle(5001)),
        replace(BEFORE, C=MINE.positions[1].V),
    ):
        assert reason(MINE.pages(0), witness=false) == "WITNESS_INVALID"
        assert reason([], replace(EPOCH, position=BEFORE.at), false) == "WITNESS_INVALID"
    elsewhere = replace(BEFORE, at=replace(BEFORE.at, digest=bytes(32)))
    assert reason(MINE.pages(0), witness=elsewhere) == "PAGE_INVALID"


def _trap(y: int) -> Page:
    """A page that leads to a witness for this handle alone, made from public values by who has no key.

    V_0 = (a + y)*V_1 + (y_1 - y)*(a + y_2)*V_2, where V_2 = -V_1/(y_1 - y) takes a out of the right side.
    """
    group, V_0, (y_1, y_2) = KEY.group, BEFORE.at.V, (handle(900), handle(901))
    V_1 = group.msm([V_0], [pow(y - y_2, -1, r)])
    V_2 = group.msm([V_1], [pow(y - y_1, -1, r)])
    pairs = [
        each.to_bytes(32) + group.g1s_to_octets_uncompressed([V]) for each, V in ((y_1, V_1), (y_2, V_2))
    ]
    return Page(KEY, 0, tuple(pairs))


def test_who_sends_pages_does_not_learn_whether_they_fit_a_handle() -> None:
    others = handle(5001)
    met = Page(KEY, 0, (Y.to_bytes(32) + value(MINE.pairs[0]), *MINE.pairs[1:2]))
    for page, leads in ((_trap(Y), True), (_trap(others), False), (met, None)):
        state = CatchingUp.begin(BEFORE, EPOCH).after(page)
        assert (state.partial is None) == (leads is None)
        if state.partial is not None and leads:
            state.partial.verified()
        elif state.partial is not None:
            with pytest.raises(VerificationError, match="WITNESS_INVALID"):
                state.partial.verified()
        assert state.at.count == 2
        assert reason([page, Page(KEY, 2, tuple(MINE.pairs[2:]))]) == "PAGE_INVALID"


def test_no_witness_is_the_identity_and_no_page_is_refused_for_making_it_one() -> None:
    pair = handle(900).to_bytes(32) + KEY.group.g1s_to_octets_uncompressed([BEFORE.C])
    state = CatchingUp.begin(BEFORE, EPOCH).after(Page(KEY, 0, (pair,)))
    assert state.partial is None
    assert reason([Page(KEY, 0, (pair,)), Page(KEY, 1, tuple(MINE.pairs[1:]))]) == "PAGE_INVALID"


def test_a_page_with_the_handle_and_those_after_it_are_as_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = department()
    witness = mine.witness(Y)
    mine.revoke([*HANDLES[:20], Y, *HANDLES[21:60]])
    state, works = CatchingUp.begin(witness, mine.publish()), list[list[object]]()
    real = type(KEY.group).msm

    def record(self: object, points: list[object], scalars: list[int], **secret: bool) -> object:
        works[-1].append((len(points), sum(1 for each in scalars if each % r), secret.get("secret", False)))
        return real(self, points, scalars, **secret)  # type: ignore[arg-type]

    monkeypatch.setattr(type(KEY.group), "msm", record)
    for page in mine.pages(0, 20, 40):
        works.append([])
        state = state.after(page)
    assert state.partial is None
    assert works == [[(21, 21, False), (1, 1, True)]] * 3


def test_nothing_of_the_holder_is_shown() -> None:
    state = CatchingUp.begin(BEFORE, EPOCH)
    shown = repr(state) + repr(state.partial)
    for lie in LIES.values():
        try:
            catch_up(BEFORE, EPOCH, lie())
        except BbsError as error:
            shown += str(error) + repr(error.__cause__)
    assert str(Y) not in shown
    assert hex(Y)[2:] not in shown


def test_handles_at_both_ends_of_their_range() -> None:
    mine: Department = department()
    for y in (1, r - 1):
        witness = mine.witness(y)
        mine.revoke([y + 1 if y == 1 else y - 1])
        assert same(catch_up(witness, mine.publish(), mine.pages(witness.at.count)), mine.witness(y))
    with pytest.raises(InputError, match="SCALAR_OUT_OF_RANGE"):
        MembershipWitness(0, BEFORE.C, BEFORE.at)
