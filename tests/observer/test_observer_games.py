"""What the observer would find if there were anything: leaks that are planted, each of them found.

And nothing in honest leaves, nor in simulated ones. With real logs: `test_observer_nine_cities`.
"""

import secrets
from itertools import product
from math import exp

import pytest

from tests.disclosure.composite.distinguisher import toss
from tests.observer.linking import Needles, labels, shared
from tests.observer.seeing import Seen, misshapen, simulated
from tests.observer.telling import Spread, Trial, findings, spread
from tests.observer.writing import (
    LINKS,
    NAMED,
    TOLD,
    Leaf,
    Writer,
    Writing,
    honest,
    two_holders,
    written,
)
from tlog import HOLDER_NOTE_OCTETS, Follower, MalformedError, VerificationError
from tlog.entry import RECEIPT_PREFIX

USES = 512
FEW = 24
IN_TURN = [True, False] * (FEW // 2)


def needles_of(*writers: Writer) -> Needles:
    """What somebody looks for who suspects these two: their numbers, what was asked, what receipts say."""
    made = Needles()
    for each in writers:
        made.add(each.number, each.body)
    return made


def everything(trial: Trial, needles: Needles) -> list[str]:
    """Return what any of the observer's searches finds."""
    uses = list(trial.uses)
    places = ((each.log, part) for each in uses for part in each.parts)
    return [*misshapen(uses), *shared(uses), *needles.within(places), *findings(trial)]


def _simulated_in_part(writer: Writer, _: int) -> Leaf:
    return writer.use() if writer.heads else simulated()


@pytest.mark.parametrize("writing", [honest, _simulated_in_part])
def test_honest_leaves_tell_nothing_nor_do_simulated_ones(writing: Writing) -> None:
    """All checks take the simulator's leaves, which know nothing of anybody, as they take a vault's."""
    writers = two_holders()
    assert everything(written(writing, writers, toss(USES)), needles_of(*writers)) == []


@pytest.mark.parametrize("leak", LINKS.values(), ids=LINKS.keys())
def test_what_two_uses_have_in_common_is_found(leak: Writing) -> None:
    trial = written(leak, two_holders(), IN_TURN)
    assert list(misshapen(list(trial.uses))) == []
    linked = {tuple(each.split(":")[0].split(" and ")) for each in shared(trial.uses)}
    assert {("0", str(at)) for at in range(2, FEW, 2)} <= linked


@pytest.mark.parametrize("leak", NAMED.values(), ids=NAMED.keys())
def test_what_can_be_guessed_at_is_found(leak: Writing) -> None:
    writers = two_holders()
    trial = written(leak, writers, IN_TURN)
    found = needles_of(*writers).within((str(each.index), each.payload) for each in trial.uses)
    assert {each.split(":")[0] for each in found} == {str(at) for at in range(FEW)}


@pytest.mark.parametrize(("leak", "kind"), TOLD.values(), ids=TOLD.keys())
def test_what_tells_two_holders_apart_is_found(leak: Writing, kind: str) -> None:
    found = findings(written(leak, two_holders(), toss(USES)))
    assert any(each.startswith(kind) for each in found), found


def test_who_comes_in_turn_or_at_a_time_of_its_own_is_found() -> None:
    in_turn = written(honest, two_holders(), [bool(at % 2) for at in range(USES)])
    assert {"bit of order, 0", "bit of index, 0"} <= set(findings(in_turn))
    trial = written(honest, two_holders(), toss(USES))
    own_time = [
        Seen(each.entry, each.note, each.index, each.height, 2 * each.time_ms + coin, each.place)
        for each, coin in zip(trial.uses, trial.coins, strict=True)
    ]
    assert "bit of time, 0" in findings(Trial(own_time, trial.coins))


def test_what_has_another_shape_is_found_and_no_ledger_takes_it() -> None:
    entry, note = simulated()
    shapes = {
        "length of a leaf": (entry + b"x", note),
        "length of a note": (entry, note + b"x"),
        "prefix of a leaf": (b"zk-disclosure/receipt/v2\n" + entry[len(RECEIPT_PREFIX) :], note),
        "hash of a note": (entry, secrets.token_bytes(HOLDER_NOTE_OCTETS)),
    }
    for what, (leaf, beside) in shapes.items():
        assert what in list(misshapen([Seen(leaf, beside)]))
        with pytest.raises((MalformedError, VerificationError)):
            Follower().append(leaf, beside)


# The searches themselves.


def test_a_string_of_eight_octets_is_found_wherever_it_stands_and_a_shorter_one_is_not() -> None:
    tag = secrets.token_bytes(8)
    for first, second in product((0, 3, 600, 1016), repeat=2):
        uses = [Seen(*simulated()) for _ in range(3)]
        for at, each in ((first, 0), (second, 2)):
            note = uses[each].note
            uses[each] = Seen(uses[each].entry, note[:at] + tag + note[at + 8 :])
        found = shared(uses)
        # The octets before and after may happen to be alike too.
        assert f"0 and 2: {tag.hex()}" in found
        assert {each.split(":")[0] for each in found} == {"0 and 2"}
    shorter = [
        Seen(entry, bytes([number]) + tag[:7] + bytes([number]) + note[9:])
        for number, (entry, note) in enumerate(simulated() for _ in range(3))
    ]
    assert shared(shorter) == []


def test_the_framing_is_all_that_is_left_out() -> None:
    entry, note = simulated()
    assert RECEIPT_PREFIX + Seen(entry, note).payload == entry + note


def test_the_labels_are_those_that_the_project_hashes_under() -> None:
    assert {b"zk-disclosure/receipt-commitment/v1", b"zk-disclosure/usage-tag/v1"} <= set(labels())
    assert len(labels()) > 50


def test_the_bound_of_a_spread_is_never_below_what_chance_does() -> None:
    """Over all outcomes of eight tosses, for several ways in which octets fall into bins."""
    for column in ((0,) * 8, (0, 0, 0, 0, 1, 1, 1, 1), tuple(range(8)), (0, 0, 0, 0, 0, 0, 1, 2)):
        reached = [spread("", column, signs) for signs in product((1, -1), repeat=8)]
        for limit in {each.x for each in reached}:
            chance = sum(each.x >= limit for each in reached) / len(reached)
            assert chance <= exp(Spread("", len(set(column)), limit).log_bound()) + 1e-12
