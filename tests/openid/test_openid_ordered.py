"""An edge whose policy demands the order of all cities: a real service, and an order that comes when told."""

import threading
from datetime import timedelta
from typing import Any
from unittest import mock

import httpx

from openid.app.sessions import AnyAnswered
from openid.app.waiting import Demand
from prover import UsageState, Vault
from tests.openid.edges import Edge, edge
from tests.openid.test_openid_anchored import has_state, until
from tests.openid.wallets import answer, fetched
from tests.prover.town import Town
from tests.zkservice.support import VALUES
from verifier.anchoring import AnyRecord
from verifier.errors import NOT_ORDERED, NotNowError

AWAY = "NODE_UNREACHABLE"
ORDER = b"what shows the order"
SHOWN = {"district": VALUES["district"]}


class Consortium:
    """Gives what shows a record's order once nothing keeps it from that."""

    def __init__(self, reason: str = NOT_ORDERED) -> None:
        self.reason, self.asked = reason, list[AnyRecord]()

    def order(self, record: AnyRecord) -> bytes:
        self.asked.append(record)
        if self.reason:
            raise NotNowError(self.reason)
        return ORDER

    def demand(self, **more: Any) -> Demand:
        return Demand(order=self.order, **more)


def waits_for(at: Edge, page: httpx.Client, reason: str) -> None:
    until(lambda: at.result(page).get("reason") == reason)
    told = at.result(page)
    assert (told["state"], "credentials" in told) == ("pending", False)


def test_an_answer_on_another_device_is_told_once_it_is_ordered(town: Town, vault: Vault) -> None:
    cities = Consortium(AWAY)
    with edge(town, town.city.request, demand=cities.demand()) as strict, strict.browser() as page:
        usage, _ = answer(town, vault, fetched(town, strict.open(page, "cross")))
        assert usage.state is UsageState.ANSWERED  # the holder has the receipt at once
        waits_for(strict, page, AWAY)
        cities.reason = NOT_ORDERED
        waits_for(strict, page, NOT_ORDERED)
        assert not strict.accepted
        cities.reason = ""
        told = has_state(strict, page, "accepted")
        assert (told["credentials"][0]["values"], "reason" in told) == (SHOWN, False)
    assert [each.record.receipt for each in strict.accepted] == [usage.receipt]
    assert strict.orders == [ORDER]


def test_the_browser_that_brought_the_code_is_told_once_it_is_ordered(town: Town, vault: Vault) -> None:
    cities = Consortium()
    with edge(town, town.city.request, demand=cities.demand()) as strict, strict.browser() as page:
        _, leads = answer(town, vault, fetched(town, strict.open(page, "same")))
        assert leads is not None
        assert not cities.asked  # nobody has come for the answer yet
        brought = page.get(leads).json()
        assert (brought["state"], "credentials" in brought) == ("pending", False)
        waits_for(strict, page, NOT_ORDERED)
        cities.reason = ""
        assert has_state(strict, page, "accepted")["credentials"][0]["values"] == SHOWN
    assert strict.orders == [ORDER]


def test_what_is_not_ordered_in_time_is_refused_with_the_reason_and_kept(town: Town, vault: Vault) -> None:
    cities, pending = Consortium(AWAY), list[AnyAnswered]()
    demand = cities.demand(within=timedelta(seconds=1))
    with (
        edge(town, town.city.request, demand=demand, pending=pending.append) as strict,
        strict.browser() as page,
    ):
        usage, _ = answer(town, vault, fetched(town, strict.open(page, "cross")))
        told = has_state(strict, page, "refused")
        assert (told["reason"], "credentials" in told) == (AWAY, False)
        until(lambda: bool(pending))
    assert [each.record.receipt for each in pending] == [usage.receipt]
    assert not strict.accepted


def test_what_waits_when_the_edge_ends_is_kept(town: Town, vault: Vault) -> None:
    cities, pending = Consortium(), list[AnyAnswered]()
    with (
        edge(town, town.city.request, demand=cities.demand(), pending=pending.append) as strict,
        strict.browser() as page,
    ):
        usage, _ = answer(town, vault, fetched(town, strict.open(page, "cross")))
        waits_for(strict, page, NOT_ORDERED)
    assert [each.record.receipt for each in pending] == [usage.receipt]
    assert not strict.accepted


def test_no_more_wait_than_there_is_room_for_and_nobody_is_asked_in_vain(town: Town, vault: Vault) -> None:
    cities, pending = Consortium(), list[AnyAnswered]()
    with (
        edge(
            town, town.city.request, demand=cities.demand(), pending=pending.append, most_waiting=1
        ) as strict,
        strict.browser() as page,
        strict.browser() as second,
    ):
        asked = fetched(town, strict.open(second, "cross"))
        answer(town, vault, fetched(town, strict.open(page, "cross")))
        waits_for(strict, page, NOT_ORDERED)
        with strict.browser() as third:
            full = third.post("/sessions", json={"policy": "school", "device": "same"})
        assert (full.status_code, full.json()["zk-disclosure.reason"]) == (503, "SESSIONS_FULL")
        usage, _ = answer(town, vault, asked)  # was asked before: it has its receipt, and is kept
        assert usage.state is UsageState.ANSWERED
        assert has_state(strict, second, "refused")["reason"] == "SESSIONS_FULL"
        until(lambda: [each.record.receipt for each in pending] == [usage.receipt])
        cities.reason = ""
        assert has_state(strict, page, "accepted")["credentials"][0]["values"] == SHOWN
        strict.open(page, "cross")  # there is room again
    assert len(strict.accepted) == 1


def test_an_answer_that_cannot_be_claimed_now_is_tried_again_and_that_is_said(
    town: Town, vault: Vault
) -> None:
    """Without any demand, too: the browser may bring its code again, and is told why."""
    failing = [NotNowError("CLAIMS_UNREACHABLE")]

    def keep(_: AnyAnswered) -> None:
        if failing:
            raise failing[0]

    with edge(town, town.city.request, keep=keep) as school, school.browser() as page:
        _, leads = answer(town, vault, fetched(town, school.open(page, "same")))
        assert leads is not None
        away = page.get(leads)
        assert (away.status_code, away.json()["zk-disclosure.reason"]) == (503, "CLAIMS_UNREACHABLE")
        assert away.json()["error"] == "temporarily_unavailable"
        failing.clear()
        assert page.get(leads).json()["state"] == "accepted"
    cities = Consortium("")
    failing.append(NotNowError("CLAIMS_UNREACHABLE"))
    with edge(town, town.city.request, keep=keep, demand=cities.demand()) as strict, strict.browser() as page:
        answer(town, vault, fetched(town, strict.open(page, "cross")))
        waits_for(strict, page, "CLAIMS_UNREACHABLE")
        failing.clear()
        has_state(strict, page, "accepted")
    assert (len(cities.asked), strict.orders) == (1, [ORDER])  # it was shown, and is not asked for again


def test_who_claims_takes_a_turn_and_whose_turn_does_not_come_may_come_again(
    town: Town, vault: Vault
) -> None:
    """Also where nothing is demanded: claims that hang do not take all threads."""
    claiming, ends = threading.Event(), threading.Event()

    def keep(_: AnyAnswered) -> None:
        claiming.set()
        assert ends.wait(60)

    few = mock.patch("openid.app.waiting.CLAIMS", 1), mock.patch("openid.app.verifying._TURN_SECONDS", 0.2)
    with (
        few[0],
        few[1],
        edge(town, town.city.request, keep=keep, claims=True) as school,
        school.browser() as page,
        school.browser() as other,
    ):
        leads = [answer(town, vault, fetched(town, school.open(each, "same")))[1] for each in (page, other)]
        assert leads[0] is not None
        assert leads[1] is not None
        found = list[httpx.Response]()
        first = threading.Thread(target=lambda: found.append(page.get(str(leads[0]))))
        first.start()
        assert claiming.wait(60)
        told = other.get(leads[1])
        assert (told.status_code, told.json()["zk-disclosure.reason"]) == (503, "SESSIONS_FULL")
        assert school.result(other)["state"] == "pending"
        ends.set()
        first.join(60)
        assert other.get(leads[1]).json()["state"] == found[0].json()["state"] == "accepted"
