"""An exchange is opened at the service when a wallet fetches the question, once, and not for a page view."""

import datetime as dt
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from openid.app.sessions import FETCHED_WITHIN, Device, Sessions, State, state_of
from openid.errors import OpenIdError
from openid.mapping import AnyRequest
from openid.response import response_form
from prover import UsageState, Vault
from tests.openid.edges import Edge, claims_of, edge, handle_of
from tests.openid.test_openid_presenting import made_for, post
from tests.openid.wallets import answer, fetched
from tests.prover.town import Town
from verifier.errors import RegisterError
from wire.client import Endpoint

START = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
LIFE = dt.timedelta(hours=2)


def exchanges(town: Town) -> int:
    """Return how many exchanges the service has."""
    with closing(sqlite3.connect(town.city.ready.data / "service.sqlite3")) as database:
        count: int = database.execute("SELECT count(*) FROM exchange").fetchone()[0]
        return count


def fetch(at: Edge, invitation: str) -> httpx.Response:
    return httpx.get(at.base + handle_of(invitation), timeout=60)


def test_pages_that_are_only_looked_at_open_nothing(town: Town, school: Edge, vault: Vault) -> None:
    before = exchanges(town)
    with school.browser() as page:
        invitations = [school.open(page, device) for device in ("same", "cross", "same", "cross")]
        assert exchanges(town) == before
        usage, _ = answer(town, vault, fetched(town, invitations[-1]))
        assert usage.state is UsageState.ANSWERED
        assert school.result(page)["state"] == "accepted"
    assert exchanges(town) == before + 1


def test_wallets_that_fetch_at_the_same_moment_get_the_same_request(town: Town, school: Edge) -> None:
    before = exchanges(town)
    with school.browser() as page, ThreadPoolExecutor(8) as wallets:
        invitation = school.open(page, "cross")
        objects = list(wallets.map(lambda _: fetch(school, invitation), range(8)))
        told = school.result(page)
    assert {each.status_code for each in objects} == {200}
    assert len({str(claims_of(each.text)["zk-disclosure"]) for each in objects}) == 1
    assert exchanges(town) == before + 1
    ends = dt.datetime.fromisoformat(told["expires"]).timestamp()
    assert {claims_of(each.text)["exp"] for each in objects} == {int(ends)}


def test_a_session_that_has_ended_meanwhile_opens_nothing(town: Town) -> None:
    """Neither for the wallet that has the request made, nor for those that wait for it."""
    made = list[Edge]()

    def make() -> AnyRequest:
        made[0].inner.sessions._clock = lambda: town.city.clock() + FETCHED_WITHIN
        return town.city.request()

    before = exchanges(town)
    with edge(town, make) as slow, slow.browser() as page, ThreadPoolExecutor(4) as wallets:
        made.append(slow)
        invitation = slow.open(page, "cross")
        refused = list(wallets.map(lambda _: fetch(slow, invitation), range(4)))
        assert slow.result(page)["state"] == "expired"
    assert {each.status_code for each in refused} == {410}
    assert exchanges(town) == before


def test_an_answer_to_what_nobody_has_fetched_changes_nothing(town: Town, school: Edge, vault: Vault) -> None:
    """Whoever has the handle knows the state without fetching."""
    before = exchanges(town)
    with school.browser() as page, school.browser() as other:
        opened = fetched(town, school.open(other, "cross"))
        submission = made_for(town, vault, opened)
        invitation = school.open(page, "cross")
        state = state_of(handle_of(invitation).rpartition("/")[2])
        refused = post(school, response_form(opened.object.request, submission, state))
        assert (refused.status_code, refused.json()["zk-disclosure.reason"]) == (400, "RESPONSE_INVALID")
        assert school.result(page)["state"] == "pending"
        assert exchanges(town) == before + 1
        assert fetched(town, invitation).object.state == state
        answer(town, vault, fetched(town, invitation))
        assert school.result(page)["state"] == "accepted"


def test_what_cannot_be_opened_is_tried_again_by_the_next_who_fetches(town: Town) -> None:
    failing = [RegisterError("not today")]

    def make() -> AnyRequest:
        if failing:
            raise failing.pop()
        return town.city.request()

    with edge(town, make) as late, late.browser() as page:
        invitation = late.open(page, "cross")
        assert fetch(late, invitation).status_code == 502
        assert late.result(page)["state"] == "pending"
        assert fetch(late, invitation).status_code == 200


@pytest.mark.long  # a call is sent again for half a minute
def test_a_service_that_is_not_there_is_told_to_who_fetches(town: Town) -> None:
    nowhere = Endpoint.at("localhost:1", town.city.ready.data / "ca.pem")
    with edge(town, town.city.request, endpoint=nowhere) as alone, alone.browser() as page:
        refused = fetch(alone, alone.open(page, "cross"))
        assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
        assert alone.result(page)["state"] == "pending"


def test_a_question_that_nobody_fetches_ends_and_is_not_opened_any_more() -> None:
    now = START
    sessions = Sessions(lambda: now, 1)
    begun = sessions.begin("school", Device.SAME)
    exchange: Any = SimpleNamespace(expires=START + LIFE)
    now = START + FETCHED_WITHIN - dt.timedelta(seconds=1)
    assert sessions.to_fetch(begun.handle) is begun.session
    now += dt.timedelta(seconds=1)
    with pytest.raises(OpenIdError, match="SESSION_OVER"):
        sessions.opened(begun.session, exchange)  # the service took its time
    assert (begun.session.state, begun.session.exchange) == (State.EXPIRED, None)
    again = sessions.begin("school", Device.SAME)
    sessions.opened(again.session, exchange)
    now += FETCHED_WITHIN
    assert sessions.to_fetch(again.handle).expires == exchange.expires
    now = exchange.expires
    with pytest.raises(OpenIdError, match="SESSION_OVER"):
        sessions.to_fetch(again.handle)
