"""Comparisons that are timed: that each decides as it should, and that figures come of times as they should.

No time is looked at here: how long something takes is no test.
"""

import random

import pytest

from benchmarks.comparing import FOUND, ROUND, Comparison, comparisons, measure, row, told, welch

NAMES = [each.operation for each in comparisons()]


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_what_is_timed_takes_the_right_secret_and_no_wrong_one(place: int) -> None:
    """Else the time would be that of something else, as of a secret that cannot be read."""
    comparison, draw = comparisons()[place], random.Random(1)
    for last in (False, True) * 20:
        comparison.prepare()
        assert not comparison.decide(comparison.wrong(last, draw))
    assert comparison.decide(comparison.sent(comparison.right))


@pytest.mark.parametrize("right", ["secret", b"secret", "000000"])
def test_a_wrong_secret_is_wrong_at_one_end(right: str | bytes) -> None:
    comparison, draw = Comparison("it", right, lambda _: False), random.Random(1)
    first, last = comparison.wrong(False, draw), comparison.wrong(True, draw)
    assert (first[1:], last[:-1]) == (right[1:], right[:-1])
    assert right not in (first, last)
    assert right != "000000" or (first + last).isdecimal()
    assert Comparison("it", right, lambda _: False, alike=True).wrong(True, draw)[1:] == right[1:]


def test_t_is_that_of_welch() -> None:
    """Figures of the two samples of Welch's own kind: unequal sizes, unequal spreads."""
    assert welch([1, 2, 3, 4], [2, 4, 6]) == pytest.approx(-1.5 / (5 / 12 + 4 / 3) ** 0.5)
    assert welch([5, 5], [5, 5]) == 0
    assert welch([5, 5], [6, 6]) == float("-inf")


def test_the_slow_tail_does_not_count() -> None:
    first, second = [100, 101] * 45 + [9_000] * 10, [100, 101] * 45 + [70_000] * 10
    told = row(Comparison("it", "x", lambda _: False), first, second)
    assert told == {
        "operation": "it",
        "measurements": 180,
        "t": 0.0,
        "control": False,
        "scale": False,
        "median_ns": 100.5,
    }


def test_both_classes_are_measured_by_lot() -> None:
    seen = list[str]()

    def decide(given: str) -> bool:
        seen.append(given)
        return False

    comparison = Comparison("it", "secret", decide)
    ((first, second),) = measure(lambda: [comparison], ROUND, random.Random(1))
    assert len(first) + len(second) == len(seen) == ROUND
    assert min(len(first), len(second)) > ROUND // 3
    assert [each[1:] == "ecret" for each in seen].count(True) == len(first)


def test_a_reader_is_told_of_a_control_that_was_not_found() -> None:
    rows = [
        {"operation": name, "measurements": 1000, "t": t, "control": control, "median_ns": 10}
        for name, t, control in (
            ("a", 1.0, False),
            ("b", FOUND + 1, False),
            ("c", 90.0, True),
            ("d", 1.0, True),
        )
    ]
    remarks = [line.split(" | ")[-1].removesuffix(" |") for line in told(rows).splitlines()[2:]]
    assert remarks == [
        "nothing found", "a difference", "found, as it has to be", "NOT FOUND: this run says nothing"
    ]  # fmt: skip
