"""Answers that wait, without HTTP or a service: in threads that hang, up to their time, and at the end."""

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from openid.app.sessions import Device, Session, Sessions, State
from openid.app.waiting import ANCHORS, CLAIMS, LOOKS, Demand, Held, Keep, Waiting
from openid.errors import OpenIdError
from verifier.errors import NOT_ORDERED, NotNowError
from wire.offloading import Face

NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
ORDER = b"what shows the order"
QUORUM: Any = SimpleNamespace(demands_witnesses=True)
SHORT = timedelta(seconds=0.5)


def shown(_: Any) -> bytes:
    return ORDER


def answered(record: str) -> Any:
    return SimpleNamespace(record=record, with_record=answered)


class Hanging:
    """Something that takes a thread until it is freed."""

    def __init__(self) -> None:
        self.free, self.most, self.begun, self.going = threading.Event(), 0, list[str](), 0
        self._lock = threading.Lock()

    def __call__(self, record: Any) -> bytes:
        with self._lock:
            self.going += 1
            self.most = max(self.most, self.going)
            self.begun.append(record)
        assert self.free.wait(60)
        with self._lock:
            self.going -= 1
        return ORDER


class Desk(Face[None]):
    """What waits here, where it is kept or left, and a client with the threads that an edge has.

    As an edge's own client does, what is cancelled comes back when its thread has.
    """

    def __init__(self, threads: int = 32, **limits: int) -> None:
        super().__init__(None, threads)
        self.sessions, self.kept, self.left = Sessions(lambda: NOW), list[Held](), list[Held]()
        self.anchoring: Callable[[Any], bytes] = shown
        client: Any = self
        self.waiting = Waiting(client, self.sessions, **limits)

    async def anchor(self, record: str, _: Any) -> str:
        await self.run(lambda: self.anchoring(record))
        return f"{record}, anchored"

    async def keep(self, held: Held) -> None:
        self.kept.append(held)

    async def leave(self, held: Held) -> bool:
        self.left.append(held)
        return False

    def keeping(self, work: Hanging) -> Keep:
        async def keep(held: Held) -> None:
            await self.run(lambda: work(held.answered.record))
            self.kept.append(held)

        return keep

    def begin(
        self,
        name: str,
        demand: Demand,
        keep: Keep | None = None,
        leave: Keep | None = None,
        client: str = "",
        claims: bool = False,
    ) -> Session:
        session = self.sessions.begin("school", Device.CROSS, client).session
        self.sessions.keeping(session, answered(name))
        self.waiting.begin(
            session, answered(name), demand, keep or self.keep, leave or self.leave, claims=claims
        )
        return session

    async def is_free(self) -> None:
        """Whoever asks for nothing that hangs gets a thread at once."""
        async with asyncio.timeout(2):
            await self.run(lambda: None)


def never(_: Any) -> bytes:
    raise NotNowError(NOT_ORDERED)


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not what():
            await asyncio.sleep(0.01)


def names(found: list[Held]) -> list[Any]:
    return sorted(each.answered.record for each in found)


def going(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(run())


def test_what_is_anchored_too_is_shown_to_be_in_the_order_as_it_is_kept() -> None:
    asked = list[Any]()

    def order(record: Any) -> bytes:
        asked.append(record)
        return ORDER

    async def run() -> None:
        desk, demand = Desk(), Demand(QUORUM, order)
        assert {each.value for each in demand.states} == {"anchored", "ordered"}
        session = desk.begin("record", demand)
        assert session.reason == "RECEIPT_PENDING"
        await until(lambda: session.state is State.ACCEPTED)
        await desk.waiting.aclose()
        found: list[Any] = [(each.answered.record, each.order) for each in desk.kept]
        assert (found, desk.left) == ([("record, anchored", ORDER)], [])

    going(run)
    assert asked == ["record, anchored"]


def test_a_node_that_hangs_takes_no_more_than_some_of_the_threads() -> None:
    async def run() -> None:
        desk, node = Desk(), Hanging()
        for each in range(20):
            desk.begin(str(each), Demand(order=node))
        await until(lambda: node.going == LOOKS)
        await desk.is_free()
        node.free.set()
        await until(lambda: len(desk.kept) == 20)
        await desk.waiting.aclose()
        assert node.most == LOOKS

    going(run)


def test_a_node_that_hangs_holds_nobody_beyond_his_time() -> None:
    """Neither who was looked at nor who never was, and each is told why."""

    async def run() -> None:
        desk, node = Desk(), Hanging()
        began = time.monotonic()
        found = [desk.begin(str(each), Demand(order=node, within=SHORT)) for each in range(20)]
        assert {each.reason for each in found} == {NOT_ORDERED}
        await until(lambda: len(desk.left) == 20)
        assert time.monotonic() - began < 5
        await until(lambda: {(each.state, each.reason) for each in found} == {(State.REFUSED, NOT_ORDERED)})
        node.free.set()
        await until(lambda: node.going == 0)
        await desk.waiting.aclose()
        assert (desk.kept, len(desk.left)) == ([], 20)

    going(run)


@pytest.mark.parametrize("anchored", [False, True], ids=["ordered", "anchored"])
def test_a_look_that_was_given_up_keeps_its_turn_until_its_thread_is_free(anchored: bool) -> None:
    """So many hang at once and no more, however many come after them."""
    most = ANCHORS if anchored else LOOKS

    async def run() -> None:
        desk, hangs = Desk(), Hanging()
        desk.anchoring = hangs
        demand = Demand(QUORUM) if anchored else Demand(order=hangs)
        for each in range(20):
            desk.begin(str(each), replace(demand, within=SHORT))
        await until(lambda: len(desk.left) == 20)
        for each in range(20):
            desk.begin(f"{each} of the second wave", demand)
        await asyncio.sleep(0.3)
        await desk.is_free()
        assert (hangs.going, len(hangs.begun)) == (most, most)
        hangs.free.set()
        await until(lambda: len(desk.kept) == 20)
        await desk.waiting.aclose()
        assert hangs.most == most

    going(run)


@pytest.mark.parametrize(("threads", "most"), [(4, 2), (32, ANCHORS)])
def test_what_is_anchored_leaves_threads_to_all_others(threads: int, most: int) -> None:
    async def run() -> None:
        desk, log = Desk(threads), Hanging()
        desk.anchoring = log
        for each in range(40):
            desk.begin(str(each), Demand(QUORUM))
        await until(lambda: log.going == most)
        await desk.is_free()
        other = desk.begin("other", Demand(order=shown))
        await until(lambda: other.state is State.ACCEPTED)
        log.free.set()
        await until(lambda: len(desk.kept) == 41)
        await desk.waiting.aclose()
        assert log.most == most

    going(run)


def test_an_edge_that_ends_waits_for_no_node() -> None:
    async def run() -> None:
        desk, node = Desk(), Hanging()
        for each in range(20):
            desk.begin(str(each), Demand(order=node))
        await until(lambda: node.going == LOOKS)
        async with asyncio.timeout(5):
            await desk.waiting.aclose()
        assert (desk.kept, len(desk.left), len(node.begun)) == ([], 20, LOOKS)
        node.free.set()

    going(run)


def test_claims_that_hang_leave_threads_to_all_others() -> None:
    async def run() -> None:
        desk, claim = Desk(), Hanging()
        for each in range(40):
            desk.begin(str(each), Demand(order=shown), desk.keeping(claim), claims=True)
        await until(lambda: claim.going == CLAIMS)
        await desk.is_free()
        plain = desk.begin("plain", Demand(order=shown))  # is ordered, and claims nothing
        await until(lambda: plain.state is State.ACCEPTED)
        ends = asyncio.create_task(desk.waiting.aclose())
        await until(lambda: len(desk.left) == 40 - CLAIMS)  # at once: none of them stands in a queue
        assert claim.going == CLAIMS
        claim.free.set()
        await ends
        assert (claim.most, len(claim.begun)) == (CLAIMS, CLAIMS)
        assert sorted(names(desk.kept) + names(desk.left)) == sorted([*map(str, range(40)), "plain"])

    going(run)


def test_whose_turn_at_claiming_does_not_come_in_time_is_not_claimed_after_it() -> None:
    async def run() -> None:
        desk, claim = Desk(), Hanging()
        for each in range(CLAIMS):
            desk.begin(str(each), Demand(order=shown), desk.keeping(claim), claims=True)
        await until(lambda: claim.going == CLAIMS)
        late = desk.begin("late", Demand(order=shown, within=SHORT), desk.keeping(claim), claims=True)
        await until(lambda: late.state is State.REFUSED)
        assert (late.reason, names(desk.left)) == ("SESSIONS_FULL", ["late"])
        claim.free.set()
        await until(lambda: len(desk.kept) == CLAIMS)
        await desk.waiting.aclose()
        assert "late" not in claim.begun

    going(run)


def test_one_client_has_a_share_of_the_places() -> None:
    async def run() -> None:
        desk = Desk(from_one=2)
        for each in range(2):
            desk.begin(str(each), Demand(order=never), client="a")
        with pytest.raises(OpenIdError, match="SESSIONS_FULL"):
            desk.waiting.check_room("a")
        for other in ("b", ""):
            desk.waiting.check_room(other)
        more = desk.begin("more", Demand(order=shown), client="a")
        await until(lambda: more.state is State.REFUSED)
        assert (more.reason, names(desk.left), desk.kept) == ("SESSIONS_FULL", ["more"], [])
        await desk.waiting.aclose()
        desk.waiting.check_room("a")

    going(run)


def test_what_has_no_room_takes_none_from_others() -> None:
    async def run() -> None:
        desk = Desk(most=3, from_one=2)
        for each in range(9):
            desk.begin(str(each), Demand(order=never), client="a")
        desk.waiting.check_room("b")
        await desk.waiting.aclose()
        assert len(desk.left) == 9
        for other in ("a", "b"):
            desk.waiting.check_room(other)

    going(run)


def failing(times: int, then: Callable[[Held], Awaitable[Any]]) -> Keep:
    left = [OSError("the disk is full") for _ in range(times)]

    async def leave(held: Held) -> Any:
        if left:
            raise left.pop()
        return await then(held)

    return leave


@pytest.mark.parametrize(("times", "reason"), [(2, NOT_ORDERED), (9, "INTERNAL")])
def test_what_cannot_be_left_as_pending_is_tried_again_before_it_is_told(
    times: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        desk = Desk()
        session = desk.begin(
            "record", Demand(order=never, within=timedelta(0)), leave=failing(times, desk.leave)
        )
        await until(lambda: session.state is State.REFUSED)
        assert (session.reason, names(desk.left)) == (reason, ["record"] if times < 3 else [])
        await desk.waiting.aclose()

    with mock.patch("openid.app.waiting._LEAVING_PAUSES", (0.0, 0.01, 0.01)):
        going(run)
    assert [each.levelname for each in caplog.records] == ["ERROR"] * min(times, 3)
    assert "the disk is full" not in caplog.text


def test_what_was_accepted_after_all_is_told_as_accepted() -> None:
    """Its record lies there, and what came after that failed."""

    async def before(_: Held) -> bool:
        return True

    async def run() -> None:
        desk = Desk()
        session = desk.begin("record", Demand(order=never, within=SHORT), leave=before)
        await until(lambda: session.state is State.ACCEPTED)
        await desk.waiting.aclose()

    going(run)


def test_why_a_session_has_ended_is_not_changed_by_what_comes_later() -> None:
    sessions = Sessions(lambda: NOW)
    session = sessions.begin("school", Device.CROSS).session
    sessions.keeping(session, answered("record"))
    sessions.waits(session, NOT_ORDERED)
    sessions.not_accepted(session, session.reason)
    sessions.waits(session, "INTERNAL")
    assert (session.state, session.reason) == (State.REFUSED, NOT_ORDERED)
