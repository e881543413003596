"""A counter at work whose node of the consortium is away or lies: a part stays, and nobody is rejected."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest

from ordering.light.verifying import OrderError, OrderReason
from tests.verifier.test_verifier_unique import kept as answered_by
from verifier.client.errand_desk import ErrandDesk
from verifier.client.errands import REJECTED, SUBMITTED, Outcome
from verifier.errors import TakenElsewhereError
from zk.commands.verifier import errand_clerk, errands
from zk.exits import CommandError, Exit
from zk.home import Home
from zk.run import Run

DETAIL = "the row does not follow from the header"


class Counter:
    """Gives one answer for whatever part, and notes what is told of it."""

    def __init__(self) -> None:
        self.told = list[Outcome]()

    def receive(self, *_: object) -> Any:
        return SimpleNamespace(answered=answered_by())

    def tell(self, _: object, outcome: Outcome) -> None:
        self.told.append(outcome)


def received(folder: Path, raised: Exception) -> tuple[bool, list[Outcome]]:
    """Have a desk receive an answer whose keeping raises; return whether it settled, and what was told."""
    counter, bundle = Counter(), SimpleNamespace(name=SimpleNamespace(bundle="school"))
    part = SimpleNamespace(name=SimpleNamespace(id="1"), state=SUBMITTED, ready=True, waits=False)
    run, nothing = Run(as_json=True, lang="en", home=Home(folder)), cast(Any, None)
    clerk = errands._HookClerk(run, nothing, cast(Any, counter), nothing, nothing, None)
    desk = ErrandDesk(nothing, cast(Any, counter), cast(Any, bundle), "p", clerk, run.home.records)
    with mock.patch.object(errand_clerk, "keep", side_effect=raised):
        return desk.work(cast(Any, part)), counter.told


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (OrderError(OrderReason.ORDER_ROW_INVALID, DETAIL), "ORDER_ROW_INVALID"),
        (OrderError(OrderReason.ORDER_TRUST_EXPIRED, DETAIL), "ORDER_TRUST_EXPIRED"),
        (CommandError(Exit.UNREACHABLE, "NODE_UNREACHABLE", "error.consortium_node"), "NODE_UNREACHABLE"),
    ],
    ids=["row", "expired", "away"],
)
def test_a_part_stays_while_the_order_shows_nothing(
    raised: Exception, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert received(tmp_path, raised) == (False, [])
    said = capsys.readouterr().err
    assert reason in said
    assert "rejected" not in said


def test_who_has_come_in_another_city_is_rejected(tmp_path: Path) -> None:
    settled, told = received(tmp_path, TakenElsewhereError("child"))
    assert (settled, [each.state for each in told]) == (True, [REJECTED])
