"""A school's enrolment site: one question at a time, a form of what was proven, an enrolment made once."""

import asyncio
import json
import secrets
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import pytest
import pytest_asyncio

import tlog
from disclosure import ExchangeLink, OfferLink
from prover import Vault
from prover.aio import AsyncHolderClient
from tests.clients.enrolling import TYPED, Town, enrolling
from tests.zkservice.support import new_id
from tlog.entry import HOLDER_NOTE_OCTETS
from verifier import Record, recheck
from wire.client import Endpoint
from zkproto.v1 import presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with enrolling(tmp_path_factory.mktemp("enrolling")) as made:
        yield made


async def test_the_form_fills_with_what_was_proven_and_is_taken_once(town: Town) -> None:
    parent, before = town.parent(), len(town.enrolments())
    asked = await parent.asks()
    assert asked["state"] == "waiting"
    assert asked["code"] not in asked["link"]
    assert (await parent.submits(asked["attempt"])).json() == {"reason": "NOT_PROVEN"}
    await town.agrees(asked)
    told = await parent.until_ended()
    assert told["state"] == "proven"
    assert {each["name"]: each["value"] for each in told["proven"]}["permit.district"] == "370102"
    assert all(all(each["zh"]) and all(each["en"]) for each in told["proven"])
    assert not town.records(), "nothing is kept of a form that is not sent"

    both = await asyncio.gather(*(parent.submits(told["attempt"], proven=[]) for _ in range(4)))
    numbers = {each.json()["number"] for each in both}
    assert len(numbers) == 1
    assert len(town.enrolments()) == before + 1
    written = json.loads((town.kept / f"enrolment-{numbers.pop()}.json").read_text())
    assert written["typed"] == TYPED
    assert written["proven"]["permit.district"] == "370102"
    log = tlog.Verifier.from_string(town.given.town.ready.verifier_key)
    recheck(Record.load(town.kept / written["record"]), log_verifier=log)
    for each in town.kept.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
    assert (await parent.asks())["state"] == "submitted", "the button asks no second time"


async def test_a_reload_and_a_double_tap_find_the_same_question(town: Town) -> None:
    parent = town.parent()
    first = await parent.asks()
    again = await asyncio.gather(parent.asks(), parent.asks(), parent.asks())
    looked = (await parent.call("GET")).json()
    assert all(each == first for each in (*again, looked))


async def _declines(town: Town, asked: dict[str, Any]) -> None:
    link = ExchangeLink.parse(asked["link"])
    await town.given.town.presentation.DeclineExchange(
        presentation_pb2.DeclineExchangeRequest(
            exchange=link.exchange, ticket=link.ticket, request_id=new_id(),
            holder_note=secrets.token_bytes(HOLDER_NOTE_OCTETS),
            why=presentation_pb2.DeclineExchangeRequest.WHY_DECLINED,
        )
    )  # fmt: skip


async def test_a_refusal_shows_nothing_and_may_be_followed_by_another_question(town: Town) -> None:
    parent = town.parent()
    asked = await parent.asks()
    await town.fetched(asked)
    await _declines(town, asked)
    told = await parent.until_ended()
    assert told == {"state": "declined", "attempt": asked["attempt"]}
    assert (await parent.submits(asked["attempt"])).status_code == 409
    second = await parent.asks()
    assert second["state"] == "waiting"
    assert second["attempt"] != asked["attempt"]
    stale = await parent.submits(asked["attempt"])
    assert stale.json() == {"reason": "ATTEMPT_ENDED"}, "a tab that stayed behind sends nothing"


async def test_wrong_codes_close_the_question(town: Town) -> None:
    parent = town.parent()
    asked = await parent.asks()
    wrong = asked | {"code": f"{(int(asked['code']) + 1) % 1_000_000:06}"}
    for _ in range(5):
        with pytest.raises(grpc.RpcError):
            await town.fetched(wrong)
    assert (await parent.until_ended())["state"] == "closed"


async def test_who_begins_again_leaves_nothing_to_the_next(town: Town) -> None:
    parent = town.parent()
    asked = await parent.asks()
    await town.agrees(asked)
    await parent.until_ended()
    former = parent.cookie
    assert (await parent.call("DELETE")).status_code == 204
    parent.cookie = former
    assert (await parent.call("GET")).json() == {"state": "none"}
    assert (await parent.submits(asked["attempt"])).json() == {"reason": "ATTEMPT_ENDED"}


async def test_another_session_reads_and_sends_nothing_of_mine(town: Town) -> None:
    mine, other = town.parent(), town.parent()
    asked = await mine.asks()
    await town.agrees(asked)
    told = await mine.until_ended()
    for cookie in ("", "x", mine.cookie[:-1], f"{mine.cookie}x"):
        other.cookie = cookie
        assert (await other.call("GET")).json() == {"state": "none"}
        assert (await other.submits(told["attempt"])).status_code == 409
    await other.asks()
    assert (await other.submits(told["attempt"])).json() == {"reason": "ATTEMPT_ENDED"}


async def test_a_session_that_somebody_else_chose_is_not_taken(town: Town) -> None:
    parent = town.parent()
    parent.cookie = chosen = secrets.token_urlsafe(32)
    await parent.asks()
    assert parent.cookie != chosen
    thief = town.parent()
    thief.cookie = chosen
    assert (await thief.call("GET")).json() == {"state": "none"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"host": "evil.example"}, 421),
        ({"content_type": "text/plain"}, 415),
    ],
    ids=lambda each: "-".join(each) if isinstance(each, dict) else str(each),
)
async def test_another_sites_page_does_nothing(town: Town, headers: dict[str, str], status: int) -> None:
    parent = town.parent()
    answer = await parent.call("POST", body={}, **headers)
    assert answer.status_code == status
    assert not parent.cookie
    assert "access-control-allow-origin" not in answer.headers


async def test_another_sites_page_does_not_read_the_outcome(town: Town) -> None:
    parent = town.parent()
    await parent.asks()
    assert (await parent.call("GET", sec_fetch_site="cross-site")).status_code == 403
    assert (await parent.call("DELETE", origin="https://evil.example")).status_code == 403
    assert (await parent.call("GET")).json()["state"] == "waiting"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"child": ""}, "CHILD_INVALID"),
        ({"child": " "}, "CHILD_INVALID"),
        ({"child": "x" * 101}, "CHILD_INVALID"),
        ({"child": "two\nlines"}, "CHILD_INVALID"),
        ({"child": "\u202eturned"}, "CHILD_INVALID"),
        ({"child": ["a"]}, "CHILD_INVALID"),
        ({"phone": None}, "PHONE_INVALID"),
    ],
    ids=["empty", "blank", "long", "lines", "turned", "list", "none"],
)
async def test_what_is_typed_is_read_strictly(town: Town, changed: dict[str, object], reason: str) -> None:
    parent, before = town.parent(), town.enrolments()
    asked = await parent.asks()
    assert (await parent.submits(asked["attempt"], **changed)).json() == {"reason": reason}
    assert town.enrolments() == before


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"[]", 400), (b"\xff", 400), (b"[" * 4000, 400), (b'"' + b"x" * 5000 + b'"', 413)],
    ids=["nothing", "list", "octets", "deep", "long"],
)
async def test_a_body_that_is_no_form(town: Town, body: bytes, status: int) -> None:
    headers = {"origin": town.origin, "content-type": "application/json"}
    answer = await town.http.post("/enrolment", content=body, headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize("path", ["/", "/site.js", "/site.css", "/enrolment", "/nothing"])
async def test_each_answer_says_what_a_browser_may_do(town: Town, path: str) -> None:
    answer = await town.http.get(path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_vault_that_types_the_code_is_let_in(town: Town) -> None:
    parent = town.parent()
    asked = await parent.asks()
    given, folder = town.given, town.kept.parent
    log = tlog.Verifier.from_string(given.town.ready.verifier_key)
    made = await given.town.issue()
    offer = OfferLink(given.town.ready.address, made.offer.removeprefix("offers/"), made.claim_code)
    with await asyncio.to_thread(Vault.create, folder / "my.vault", "a passphrase of words") as vault:
        endpoint = Endpoint.at(given.town.ready.address, folder / "server" / "ca.pem")
        async with AsyncHolderClient(endpoint) as holder:
            await holder.claim(offer, vault, log)
            link = ExchangeLink.parse(asked["link"])
            await holder.answer(link, vault, log, lambda _: True, pair=lambda: str(asked["code"]))
    assert (await parent.until_ended())["state"] == "proven"


async def test_a_full_site_forgets_who_waits_for_nothing_and_leads_to_the_vault(
    town: Town, tmp_path: Path
) -> None:
    more = ("--sessions", "2", "--vault", "https://vault.example/")
    async with town.another(tmp_path / "kept", *more) as site:
        first, second, third = (site.parent() for _ in range(3))
        asked = await first.asks()
        page, _, behind = asked["link"].partition("#")
        assert page == "https://vault.example/"
        await second.asks()
        full = await third.call("POST", body={})
        assert (full.status_code, full.json()) == (503, {"reason": "TOO_MANY_SESSIONS"})
        await _declines(site, asked | {"link": unquote(behind)})
        assert (await first.until_ended())["state"] == "declined"
        assert (await third.asks())["state"] == "waiting"
        assert (await first.call("GET")).json() == {"state": "none"}
        assert (await second.call("GET")).json()["state"] == "waiting"


async def test_a_form_that_cannot_be_written_is_sent_again(town: Town, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    async with town.another(kept) as site:
        parent = site.parent()
        asked = await parent.asks()
        await site.agrees(asked)
        await parent.until_ended()
        kept.rmdir()
        failed = await parent.submits(asked["attempt"])
        assert (failed.status_code, failed.json()) == (502, {"reason": "NOT_KEPT"})
        kept.mkdir()
        assert (await parent.submits(asked["attempt"])).json()["state"] == "submitted"
        assert len(site.enrolments()) == len(site.records()) == 1
