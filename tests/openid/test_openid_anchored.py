"""An edge that demands the quorum: a real service, nine real witnesses, of which four are away at first."""

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from openid.app.sessions import AnyAnswered, Device, Sessions, State
from openid.app.waiting import Demand, Held, Waiting
from prover import UsageState, Vault
from tests.openid.edges import Edge, edge
from tests.openid.wallets import answer, fetched
from tests.prover.anchored_town import AnchoredTown, anchored_town
from tests.prover.town import Town
from tests.zkservice.support import VALUES
from tests.zkservice.witnessing import CITIES
from tlog import Reason, VerificationError
from verifier import is_anchored
from verifier.errors import AlreadySeenError, AnswerError, RecordError, RegisterError

FOUR = CITIES[:4]
NOW = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
POLICY: Any = SimpleNamespace()
"""Of what is never anchored."""
SHOWN = {"district": VALUES["district"]}


@pytest.fixture(scope="module")
def nine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnchoredTown]:
    with anchored_town(tmp_path_factory.mktemp("openid-anchored")) as made:
        yield made


@pytest.fixture(scope="module")
def town(nine: AnchoredTown) -> Town:
    return nine.town


@pytest.fixture
def away(nine: AnchoredTown, vault: Vault) -> Iterator[AnchoredTown]:
    """The nine, with everything anchored so far, and four of them away: no quorum for what comes."""
    nine.anchored()
    nine.end(*FOUR)
    yield nine
    nine.start(*FOUR)


def until(what: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.1)


def has_state(at: Edge, page: httpx.Client, state: str) -> dict[str, Any]:
    """Wait for a state; return what was told with it."""
    told: list[dict[str, Any]] = []

    def looked() -> bool:
        told.append(at.result(page))
        return bool(told[-1]["state"] == state)

    until(looked)
    assert not any("credentials" in each for each in told[:-1])
    return told[-1]


def test_an_answer_on_another_device_is_told_once_it_is_anchored(away: AnchoredTown, vault: Vault) -> None:
    town, demand = away.town, Demand(away.policy)
    with edge(town, town.city.request, demand=demand) as strict, strict.browser() as page:
        usage, _ = answer(town, vault, fetched(town, strict.open(page, "cross")))
        assert usage.state is UsageState.ANSWERED  # the holder has the receipt at once
        assert usage.receipt is not None
        for _ in range(5):
            told = strict.result(page)
            assert (told["state"], "credentials" in told) == ("pending", False)
        assert not strict.accepted
        away.start(*FOUR)
        assert has_state(strict, page, "accepted")["credentials"][0]["values"] == SHOWN
        assert "credentials" not in strict.result(page)
    (kept,) = strict.accepted
    assert is_anchored(kept.record, away.policy)
    assert kept.record.receipt != usage.receipt


def test_the_browser_that_brought_the_code_is_told_and_no_other(away: AnchoredTown, vault: Vault) -> None:
    """Whoever knew the cookie from before, planted it perhaps, sees nothing of what is told later."""
    town, demand = away.town, Demand(away.policy)
    with edge(town, town.city.request, demand=demand) as strict, strict.browser() as page:
        _, leads = answer(town, vault, fetched(town, strict.open(page, "same")))
        assert leads is not None
        with httpx.Client(base_url=strict.base, cookies=dict(page.cookies), timeout=60) as planter:
            assert strict.result(planter)["state"] == "pending"
            brought = page.get(leads)
            assert (brought.json()["state"], "credentials" in brought.json()) == ("pending", False)
            assert "HttpOnly" in brought.headers["set-cookie"]
            assert "set-cookie" not in page.get("/result").headers
            assert planter.get("/result").status_code == 404
            assert planter.get(leads[:-1]).status_code == 404
            assert page.get(leads).json()["state"] == "pending"
            away.start(*FOUR)
            assert has_state(strict, page, "accepted")["credentials"][0]["values"] == SHOWN
            assert planter.get("/result").status_code == 404
    assert [is_anchored(each.record, away.policy) for each in strict.accepted] == [True]


def test_who_brings_cookie_and_code_again_gets_the_same_cookie_while_it_waits(
    away: AnchoredTown, vault: Vault
) -> None:
    """The answer with the new cookie may be lost, and a browser sends the same twice at once."""
    town, demand = away.town, Demand(away.policy)
    with edge(town, town.city.request, demand=demand) as strict, strict.browser() as page:
        _, leads = answer(town, vault, fetched(town, strict.open(page, "same")))
        assert leads is not None
        old = dict(page.cookies)
        lost = httpx.get(leads, cookies=old, timeout=60)
        again = page.get(leads)
        assert lost.json() == again.json()
        assert lost.headers["set-cookie"] == again.headers["set-cookie"]
        assert dict(page.cookies) != old
        tapped = page.get(leads)
        assert (tapped.json(), tapped.headers["set-cookie"]) == (again.json(), again.headers["set-cookie"])
        away.start(*FOUR)
        assert has_state(strict, page, "accepted")["credentials"][0]["values"] == SHOWN
        assert httpx.get(leads, cookies=old, timeout=60).status_code == page.get(leads).status_code == 404
    assert len(strict.accepted) == 1


def test_what_is_not_anchored_in_time_is_refused_and_its_record_is_kept(
    away: AnchoredTown, vault: Vault
) -> None:
    town, pending = away.town, list[AnyAnswered]()
    demand = Demand(away.policy, within=timedelta(seconds=1))
    with (
        edge(town, town.city.request, demand=demand, pending=pending.append) as strict,
        strict.browser() as page,
    ):
        usage, _ = answer(town, vault, fetched(town, strict.open(page, "cross")))
        assert "credentials" not in has_state(strict, page, "refused")
        until(lambda: bool(pending))
    assert not strict.accepted
    assert [each.record.receipt for each in pending] == [usage.receipt]
    assert not is_anchored(pending[0].record, away.policy)


FAULTS = [
    VerificationError(Reason.INCLUSION_INVALID, "another ledger was shown"),
    AnswerError("no honest service answers that"),
    RecordError("it does not fit together"),
]


def failing_anchor(at: Edge, faults: list[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the edge's client meet these faults before it anchors; the last one for ever if it is alone."""
    client = at.inner._client
    real = client.anchor

    async def anchor(kept: Any, policy: Any) -> Any:
        if faults:
            raise faults[0] if len(faults) == 1 else faults.pop()
        return await real(kept, policy)

    monkeypatch.setattr(client, "anchor", anchor)


def test_an_answer_outlives_whatever_goes_wrong_while_it_is_anchored(
    nine: AnchoredTown, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, faults = nine.town, [*FAULTS]
    with edge(town, town.city.request, demand=Demand(nine.policy)) as strict, strict.browser() as page:
        failing_anchor(strict, faults, monkeypatch)
        answer(town, vault, fetched(town, strict.open(page, "cross")))
        until(lambda: len(faults) == 1)
        assert strict.result(page)["state"] == "pending"
        faults.clear()
        assert has_state(strict, page, "accepted")["credentials"][0]["values"] == SHOWN
    assert [is_anchored(each.record, nine.policy) for each in strict.accepted] == [True]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: type(each).__name__)
def test_the_record_of_what_could_not_be_anchored_is_kept(
    nine: AnchoredTown, vault: Vault, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An inclusion that does not hold above all: the record is what proves it."""
    town, pending = nine.town, list[AnyAnswered]()
    demand = Demand(nine.policy, within=timedelta(seconds=1))
    with (
        edge(town, town.city.request, demand=demand, pending=pending.append) as strict,
        strict.browser() as page,
    ):
        failing_anchor(strict, [fault], monkeypatch)
        usage, _ = answer(town, vault, fetched(town, strict.open(page, "cross")))
        assert "credentials" not in has_state(strict, page, "refused")
        until(lambda: bool(pending))
    assert [each.record.receipt for each in pending] == [usage.receipt]
    assert not strict.accepted


def test_what_waits_when_the_edge_ends_is_kept_as_pending(away: AnchoredTown, vault: Vault) -> None:
    town, pending = away.town, list[AnyAnswered]()
    with (
        edge(town, town.city.request, demand=Demand(away.policy), pending=pending.append) as strict,
        strict.browser() as page,
    ):
        usage, _ = answer(town, vault, fetched(town, strict.open(page, "cross")))
    assert not strict.accepted
    assert [each.record.receipt for each in pending] == [usage.receipt]


def test_an_answer_that_is_being_kept_when_the_edge_ends_is_kept_once(
    nine: AnchoredTown, vault: Vault
) -> None:
    town, pending = nine.town, list[AnyAnswered]()
    keeping, ending = threading.Event(), threading.Event()

    def keep(_: AnyAnswered) -> None:
        keeping.set()
        assert ending.wait(60)
        time.sleep(0.2)  # the edge has begun to end: not needed, but what would be kept twice has time to be

    with (
        edge(
            town, town.city.request, demand=Demand(nine.policy), keep=keep, pending=pending.append
        ) as strict,
        strict.browser() as page,
    ):
        usage, _ = answer(town, vault, fetched(town, strict.open(page, "cross")))
        assert keeping.wait(60)
        closing = strict.inner.aclose

        async def aclose() -> None:
            ending.set()
            await closing()

        strict.inner.aclose = aclose  # type: ignore[method-assign]
    assert len(strict.accepted) == 1
    assert not pending
    assert usage.receipt


def test_an_answer_whose_waiting_has_not_begun_is_kept_as_pending() -> None:
    """The edge ends in the same moment: no task of it has taken a step yet."""
    given: Any = SimpleNamespace(record=None)
    pending, nobody = list[AnyAnswered](), list[AnyAnswered]()

    class Unanchored:
        threads = 4

        async def anchor(self, _: Any, __: Any) -> None:
            return None

    def kept_in(found: list[AnyAnswered]) -> Any:
        async def keep(held: Held) -> None:
            found.append(held.answered)

        return keep

    async def run() -> State:
        sessions, client = Sessions(lambda: NOW), Unanchored()
        session = sessions.begin("school", Device.CROSS).session
        sessions.keeping(session, given)
        waiting = Waiting(client, sessions)  # type: ignore[arg-type]
        waiting.begin(session, given, Demand(POLICY), kept_in(nobody), kept_in(pending))
        await waiting.aclose()
        return session.state

    assert asyncio.run(run()) is State.REFUSED
    assert (pending, nobody) == ([given], [])


def test_an_anchored_answer_is_kept_again_or_not_accepted(nine: AnchoredTown, vault: Vault) -> None:
    """What a disk does is tried again; a number that came before is refused, and nothing of it is kept."""
    locked = RegisterError("the register cannot be used: OperationalError")
    seen = AlreadySeenError("child", NOW)
    town, failing = nine.town, [seen, locked, OSError("the disk is full")]
    pending = list[AnyAnswered]()

    def keep(_: AnyAnswered) -> None:
        if failing:
            raise failing.pop()

    with (
        edge(
            town, town.city.request, demand=Demand(nine.policy), keep=keep, pending=pending.append
        ) as strict,
        strict.browser() as page,
    ):
        answer(town, vault, fetched(town, strict.open(page, "cross")))
        assert "credentials" not in has_state(strict, page, "refused")
        assert (failing, pending, strict.accepted) == ([], [], [])
        answer(town, vault, fetched(town, strict.open(page, "cross")))
        assert "credentials" in has_state(strict, page, "accepted")
    assert [is_anchored(each.record, nine.policy) for each in strict.accepted] == [True]
