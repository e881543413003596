"""A verifier's sessions: who may ask on another device, how many, and how long an answer can be read."""

import datetime as dt
import threading
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from openid.app.openings import Openings
from openid.app.sessions import KEPT, Begun, Device, Sessions, State, state_of
from openid.errors import OpenIdError
from openid.wallet.presenting import post_answer
from prover import Vault
from tests.openid.edges import COUNTER, SECRET, Edge, edge, fetcher
from tests.openid.wallets import answer, fetched, submission_of
from tests.prover.town import Town
from verifier.errors import AlreadySeenError, RegisterError

START = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
LIFE = dt.timedelta(hours=2)


class Ticking:
    """Sessions over a clock that only the test moves."""

    def __init__(self, most: int = 10, from_one: int = 10) -> None:
        self.now = START
        self.all = Sessions(lambda: self.now, most, from_one)

    def begin(self, device: Device = Device.SAME, client: str = "") -> Begun:
        exchange: Any = SimpleNamespace(expires=self.now + LIFE)
        begun = self.all.begin("school", device, client)
        self.all.opened(begun.session, exchange)
        return begun

    def answered(self, device: Device = Device.SAME) -> tuple[Begun, str | None]:
        begun = self.begin(device)
        self.all.answering(begun.session)
        given: Any = SimpleNamespace()
        return begun, self.all.answered(begun.session, given)


def unknown(call: Any, *given: Any) -> None:
    with pytest.raises(OpenIdError, match="SESSION_UNKNOWN"):
        call(*given)


def opening(at: Edge, device: str, headers: dict[str, str]) -> httpx.Response:
    body = {"policy": "school", "device": device}
    return httpx.post(f"{at.base}/sessions", json=body, headers=headers, timeout=60)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {SECRET}x"},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": SECRET},
    ],
    ids=["none", "empty", "longer", "basic", "bare"],
)
def test_only_the_counter_asks_on_another_device(school: Edge, headers: dict[str, str]) -> None:
    """Whoever opens such a session sees what the person who scans it answers."""
    refused = opening(school, "cross", headers)
    assert (refused.status_code, refused.json()["zk-disclosure.reason"]) == (401, "NOT_ALLOWED")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "set-cookie" not in refused.headers
    assert "uri" not in refused.json()
    assert opening(school, "same", headers).status_code == 201
    assert opening(school, "cross", COUNTER).status_code == 201


def test_without_a_secret_nobody_asks_on_another_device(town: Town) -> None:
    with edge(town, town.city.request, secret=None) as alone:
        for headers in (COUNTER, {"Authorization": "Bearer"}, {"Authorization": "Bearer None"}):
            assert opening(alone, "cross", headers).status_code == 401
        assert opening(alone, "same", {}).status_code == 201


def test_a_policy_is_asked_on_its_own_devices_only(town: Town) -> None:
    with edge(town, town.city.request, devices=frozenset({Device.SAME})) as one:
        assert opening(one, "cross", COUNTER).status_code == 404
        assert opening(one, "same", {}).status_code == 201
    with edge(town, town.city.request, devices=frozenset({Device.CROSS})) as counter:
        assert opening(counter, "same", COUNTER).status_code == 404
        assert opening(counter, "cross", COUNTER).status_code == 201


def test_what_is_being_kept_is_not_yet_told(town: Town, vault: Vault) -> None:
    """A second browser tab with the same cookie sees nothing before the record lies there."""
    reached, go = threading.Event(), threading.Event()

    def slow(_: Any) -> None:
        reached.set()
        assert go.wait(60)

    with edge(town, town.city.request, keep=slow) as slowly, slowly.browser() as page:
        _, leads = answer(town, vault, fetched(town, slowly.open(page, "same")))
        assert leads is not None
        found: list[httpx.Response] = []
        bringing = threading.Thread(target=lambda: found.append(page.get(leads)))
        bringing.start()
        assert reached.wait(60)
        with httpx.Client(base_url=slowly.base, cookies=page.cookies, timeout=60) as tab:
            told = slowly.result(tab)
            assert (told["state"], "credentials" in told) == ("pending", False)
            assert tab.get(leads).status_code == 404
        go.set()
        bringing.join(60)
        assert found[0].json()["state"] == "accepted"
        assert "credentials" in found[0].json()
    assert len(slowly.accepted) == 1


def test_an_answer_that_could_not_be_kept_is_not_told_and_can_be_fetched_again(
    town: Town, vault: Vault
) -> None:
    failing = [OSError("the disk is full"), RuntimeError("something else")]

    def keep(_: Any) -> None:
        if failing:
            raise failing.pop(0)

    with edge(town, town.city.request, keep=keep) as full, full.browser() as page:
        _, leads = answer(town, vault, fetched(town, full.open(page, "same")))
        assert leads is not None
        for _ in range(2):
            failed = page.get(leads)
            assert (failed.status_code, b"district" in failed.content) == (500, False)
            assert full.result(page)["state"] == "pending"
            assert not full.accepted
        assert page.get(leads).json()["state"] == "accepted"
    assert len(full.accepted) == 1


def test_on_another_device_it_is_posted_again(town: Town, vault: Vault) -> None:
    failing = [OSError("the disk is full")]

    def keep(_: Any) -> None:
        if failing:
            raise failing.pop()

    with edge(town, town.city.request, keep=keep) as full, full.browser() as page:
        opened = fetched(town, full.open(page, "cross"))
        with pytest.raises(OpenIdError, match="EDGE_REFUSED"):
            answer(town, vault, opened)
        assert full.result(page)["state"] == "pending"
        usage = vault.usages()[-1]
        receipt, leads = post_answer(fetcher(), opened, submission_of(usage))
        assert (leads, full.result(page)["state"]) == (None, "accepted")
    town.client().resume(vault, town.log)
    assert vault.usage(usage.id).receipt is not None
    assert receipt
    assert len(full.accepted) == 1


def test_what_is_not_accepted_is_never_told(town: Town, vault: Vault) -> None:
    def keep(_: Any) -> None:
        raise AlreadySeenError("child", START)

    with edge(town, town.city.request, keep=keep) as strict, strict.browser() as page:
        _, leads = answer(town, vault, fetched(town, strict.open(page, "same")))
        assert leads is not None
        told = page.get(leads).json()
        assert (told["state"], "credentials" in told) == ("refused", False)
        assert page.get(leads).status_code == 404


def test_a_register_that_cannot_be_used_now_refuses_nobody(town: Town, vault: Vault) -> None:
    """Its file is locked, or its disk is full: the code, or the answer, may be brought again."""
    failing = [RegisterError("the register cannot be used: OperationalError") for _ in range(2)]

    def keep(_: Any) -> None:
        if failing:
            raise failing.pop()

    with edge(town, town.city.request, keep=keep) as busy, busy.browser() as page:
        _, leads = answer(town, vault, fetched(town, busy.open(page, "same")))
        assert leads is not None
        for _ in range(2):
            told = page.get(leads)
            assert (told.status_code, told.json()["zk-disclosure.reason"]) == (503, "REGISTER_INVALID")
            assert busy.result(page)["state"] == "pending"
        assert page.get(leads).json()["state"] == "accepted"


def test_the_counter_is_told_the_answer_once(town: Town, school: Edge, vault: Vault) -> None:
    with school.browser() as page:
        answer(town, vault, fetched(town, school.open(page, "cross")))
        assert "credentials" in school.result(page)
        again = school.result(page)
        assert (again["state"], "credentials" in again) == ("accepted", False)


def test_no_secret_is_kept_as_it_is() -> None:
    ticking = Ticking()
    begun, code = ticking.answered()
    assert code is not None
    state = state_of(begun.handle)
    held = "".join(map(repr, (vars(begun.session), vars(ticking.all))))
    for secret in (begun.handle, begun.cookie, state, code):
        assert secret not in held
        assert secret not in repr(begun)
    assert len({begun.handle, begun.cookie, state, code}) == 4
    unknown(ticking.all.to_answer, begun.handle)
    unknown(ticking.all.to_fetch, state)


def test_an_answer_that_nobody_comes_for_is_forgotten_after_minutes() -> None:
    ticking = Ticking()
    begun, code = ticking.answered()
    late, _ = ticking.answered(Device.CROSS)
    assert code is not None
    ticking.now += KEPT - dt.timedelta(seconds=1)
    assert ticking.all.seen_by(begun.cookie).answered is not None
    ticking.now += dt.timedelta(seconds=1)
    # Without anybody asking for it: any other question is enough.
    ticking.all.check_room()
    assert (begun.session.state, begun.session.answered) == (State.EXPIRED, None)
    assert late.session.answered is None
    unknown(ticking.all.brought, begun.cookie, code)
    unknown(ticking.all.seen_by, late.cookie)
    assert ticking.all.seen_by(begun.cookie).state is State.EXPIRED
    ticking.now += KEPT
    unknown(ticking.all.seen_by, begun.cookie)


def test_a_question_ends_with_its_request_and_is_forgotten() -> None:
    ticking = Ticking()
    begun = ticking.begin()
    ticking.now += LIFE
    with pytest.raises(OpenIdError, match="SESSION_OVER"):
        ticking.all.to_fetch(begun.handle)
    assert ticking.all.seen_by(begun.cookie).state is State.EXPIRED
    ticking.now += KEPT
    for call, secret in (
        (ticking.all.to_fetch, begun.handle),
        (ticking.all.to_answer, state_of(begun.handle)),
        (ticking.all.seen_by, begun.cookie),
    ):
        unknown(call, secret)
    assert "Session(" not in repr(vars(ticking.all))


def test_what_is_judged_at_the_end_is_not_lost_and_ends_afterwards() -> None:
    ticking = Ticking()
    begun = ticking.begin()
    ticking.all.answering(begun.session)
    ticking.now += LIFE
    assert ticking.all.seen_by(begun.cookie).state is State.ANSWERING
    ticking.all.undecided(begun.session)
    assert ticking.all.seen_by(begun.cookie).state is State.EXPIRED
    kept, code = ticking.answered()
    assert code is not None
    ticking.all.brought(kept.cookie, code)
    ticking.now += KEPT
    assert ticking.all.seen_by(kept.cookie).state is State.KEEPING
    ticking.all.kept(kept.session)
    assert ticking.all.seen_by(kept.cookie).answered is not None


def test_what_has_ended_frees_its_place_at_once_and_is_remembered_in_bounds() -> None:
    ticking = Ticking(most=2)
    ended = list[Begun]()
    for _ in range(5):
        begun = ticking.begin()
        ticking.all.declined(begun.session)
        ended.append(begun)
    assert ticking.all.seen_by(ended[-1].cookie).state is State.DECLINED
    unknown(ticking.all.seen_by, ended[0].cookie)
    open_ones = [ticking.begin(), ticking.begin()]
    with pytest.raises(OpenIdError, match="SESSIONS_FULL"):
        ticking.begin()
    for each in open_ones:
        assert ticking.all.seen_by(each.cookie).state is State.OPEN


def test_one_client_does_not_take_the_others_places() -> None:
    ticking = Ticking(most=10, from_one=2)
    mine = [ticking.begin(client="192.0.2.1") for _ in range(2)]
    with pytest.raises(OpenIdError, match="SESSIONS_FULL"):
        ticking.all.check_room("192.0.2.1")
    ticking.begin(client="192.0.2.2")
    for _ in range(3):
        ticking.begin()  # the counter's own
    ticking.all.declined(mine[0].session)
    ticking.begin(client="192.0.2.1")
    ticking.now += LIFE
    for _ in range(2):
        ticking.begin(client="192.0.2.1")


def test_an_address_opens_so_many_and_the_counter_as_many_as_it_wants(town: Town) -> None:
    slow = Openings(rate=0.0001, burst=2)
    with edge(town, town.city.request, openings=slow) as limited:
        assert [opening(limited, "same", {}).status_code for _ in range(3)] == [201, 201, 429]
        full = opening(limited, "same", {})
        assert full.json()["zk-disclosure.reason"] == "SESSIONS_FULL"
        assert int(full.headers["retry-after"]) > 0
        assert opening(limited, "cross", COUNTER).status_code == 201
    with edge(town, town.city.request, from_one=1) as capped:
        assert [opening(capped, "same", {}).status_code for _ in range(2)] == [201, 503]
        assert opening(capped, "same", COUNTER).status_code == 201


def test_a_bucket_fills_again_and_is_forgotten_when_it_is_full() -> None:
    now = [0.0]
    openings = Openings(rate=1, burst=2, kept=2, monotonic=lambda: now[0])
    assert [openings.take("a") for _ in range(3)] == [0, 0, 1]
    assert openings.take("b") == 0
    # There is no room for further ones: they share, and nobody's bucket is forgotten.
    assert [openings.take(each) for each in "cde"] == [0, 0, 1]
    assert openings.take("a") == 1
    now[0] += 2
    assert [openings.take(each) for each in "aac"] == [0, 0, 0]
    now[0] += 10
    openings.take("x")
    assert len(openings) == 1


def test_behind_a_proxy_of_this_machine_its_clients_are_told_apart(town: Town) -> None:
    """What a client itself has written before the proxy's own word counts for nothing."""
    slow = Openings(rate=0.0001, burst=1)
    with edge(town, town.city.request, openings=slow) as limited:

        def from_(forwarded: str) -> int:
            return opening(limited, "same", {"X-Forwarded-For": forwarded}).status_code

        assert [from_("192.0.2.1"), from_("192.0.2.1"), from_("192.0.2.2")] == [201, 429, 201]
        assert [from_("192.0.2.9, 192.0.2.2"), from_("2001:db8::1"), from_("2001:db8::2")] == [429, 201, 429]
