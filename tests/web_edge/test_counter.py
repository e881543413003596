"""The counter's routes over a real edge, service and verifier: who may ask, and what strangers get."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio

from tests.web_edge.behind import CODE, answer, desk_of
from tests.web_edge.standing import Standing, standing
from tests.zkservice.support import City, city
from verifier import parse_record
from verifier.record import Record, recheck
from web_edge.counter import COOKIE
from web_edge.sessions import TRIES

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(town: City, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    folder = tmp_path_factory.mktemp("counter")
    given = {"desk": await desk_of(town, folder / "home"), "counter_code": CODE}
    async with standing(town, folder / "pages", **given) as made:
        yield made


def _own(edge: Standing, **changed: str) -> dict[str, str]:
    own = {"origin": edge.origin, "content-type": "application/json"}
    return own | {name.replace("_", "-"): value for name, value in changed.items()}


@asynccontextmanager
async def _signed_in(edge: Standing) -> AsyncIterator[httpx.AsyncClient]:
    async with edge.client_from("127.0.0.1") as http:
        signed = await http.post("/counter/session", json={"code": CODE}, headers=_own(edge))
        assert signed.status_code == 204
        yield http


async def _ended(http: httpx.AsyncClient, ask: str) -> dict[str, Any]:
    async with http.stream("GET", f"/counter/asks/{ask}") as told:
        assert told.headers["content-type"].startswith("text/event-stream")
        async for line in told.aiter_lines():
            if line.startswith("data: ") and (event := json.loads(line[6:]))["state"] != "waiting":
                return dict(event)
    raise AssertionError("the stream ended without an outcome")


async def test_a_clerk_asks_and_gets_what_was_proven_and_a_record_that_holds(
    town: City, edge: Standing
) -> None:
    issued = await town.claim(await town.issue())
    async with _signed_in(edge) as http:
        offered = (await http.get("/counter/purposes")).json()
        assert offered == {
            "verifier": "verifiers/school",
            "purposes": [{"id": "counter", "zh": "测试", "en": "test"}],
        }
        asked = (await http.post("/counter/asks", json={"purpose": "counter"}, headers=_own(edge))).json()
        assert set("".join(asked["modules"])) == {"0", "1"}
        again = await http.get(f"/counter/asks/{asked['ask']}/question")
        assert (again.json(), again.headers["cache-control"]) == (asked, "no-store")
        assert (await http.get(f"/counter/asks/{asked['ask']}/record")).status_code == 404
        await answer(town, issued, asked["link"])
        outcome = await _ended(http, asked["ask"])
        assert (outcome["state"], outcome["record"]) == ("answered", True)
        assert any("王小明" in line for line in outcome["zh"])
        assert not any("/" in line and ".json" in line for line in (*outcome["zh"], *outcome["en"]))
        record = parse_record((await http.get(f"/counter/asks/{asked['ask']}/record")).content)
        assert isinstance(record, Record)
        assert recheck(record, log_verifier=None).verified.credentials[0].values["district"] == "370102"
        async with _signed_in(edge) as other:
            for path in ("", "/question", "/record"):
                assert (await other.get(f"/counter/asks/{asked['ask']}{path}")).status_code == 404
        assert (await http.request("DELETE", "/counter/session", headers=_own(edge))).status_code == 204
        assert (await http.get(f"/counter/asks/{asked['ask']}/record")).status_code == 401


async def test_nothing_without_a_session(edge: Standing) -> None:
    for each in ("purposes", "asks/x", "asks/x/question", "asks/x/record"):
        path = f"/counter/{each}"
        assert (await edge.http.get(path)).status_code == 401
        forged = await edge.http.get(path, headers={"cookie": f"{COOKIE}=AAAA"})
        assert forged.status_code == 401
    answer_ = await edge.http.post("/counter/asks", json={"purpose": "counter"}, headers=_own(edge))
    assert answer_.status_code == 401


async def test_the_cookie_is_for_this_origin_and_no_script(edge: Standing) -> None:
    signed = await edge.http.post("/counter/session", json={"code": CODE}, headers=_own(edge))
    told = signed.headers["set-cookie"].lower()
    assert told.startswith("__host-counter=")
    for part in ("httponly", "secure", "samesite=strict", "path=/"):
        assert part in told
    assert "domain" not in told
    edge.http.cookies.clear()


async def test_other_sites_change_nothing_with_a_session(edge: Standing) -> None:
    async with _signed_in(edge) as http:
        for headers in (
            _own(edge, origin="https://evil.example"),
            _own(edge, origin="null"),
            _own(edge, sec_fetch_site="cross-site"),
            {"content-type": "application/json"},
        ):
            for method, path in (("POST", "asks"), ("POST", "session"), ("DELETE", "session")):
                body = {"purpose": "counter", "code": CODE}
                refused = await http.request(method, f"/counter/{path}", json=body, headers=headers)
                assert refused.status_code == 403
        seen = await http.get("/counter/purposes", headers={"sec-fetch-site": "cross-site"})
        assert seen.status_code == 403
        assert (await http.get("/counter/purposes")).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 4000, "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"purpose": ["counter"]}', "application/json", 404),
        (b'{"purpose": {}}', "application/json", 404),
        (b'{"purpose": "other"}', "application/json", 404),
        (b'{"purpose": "\\ud800"}', "application/json", 404),
        (b'{"purpose": "counter"}', "text/plain", 415),
        (b" " * 5000, "application/json", 413),
    ],
    ids=[
        "cut",
        "list",
        "deep",
        "no-utf8",
        "list-name",
        "object-name",
        "unknown",
        "half-letter",
        "type",
        "long",
    ],
)
async def test_odd_bodies_are_refused(edge: Standing, body: bytes, content_type: str, status: int) -> None:
    async with _signed_in(edge) as http:
        headers = _own(edge, content_type=content_type)
        assert (await http.post("/counter/asks", content=body, headers=headers)).status_code == status


async def test_wrong_codes_are_counted_and_the_right_one_is_let_in_all_the_same(
    town: City, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("guessed")
    given = {"desk": await desk_of(town, folder / "home"), "counter_code": CODE}
    async with standing(town, folder / "pages", **given) as made:

        async def tried(code: object) -> httpx.Response:
            return await made.http.post("/counter/session", json={"code": code}, headers=_own(made))

        for wrong in ["", CODE[:-1], CODE + "x", None, 7, ["x"], *range(TRIES - 6)]:
            refused = await tried(wrong)
            assert refused.status_code == 403
            assert "set-cookie" not in refused.headers
        for wrong in (CODE[:-1], CODE + "x", None):
            late = await tried(wrong)
            assert (late.status_code, late.text) == (429, "TOO_MANY_ATTEMPTS\n")
            assert "set-cookie" not in late.headers
        assert (await tried(CODE)).status_code == 204
        assert (await tried("")).status_code == 429


async def test_a_code_that_is_no_text_is_refused_and_not_counted(edge: Standing) -> None:
    for code in (b"\\ud800", b"\\udfff" + CODE.encode()):
        for _ in range(TRIES + 1):
            refused = await edge.http.post(
                "/counter/session", content=b'{"code": "%s"}' % code, headers=_own(edge)
            )
            assert (refused.status_code, refused.text) == (400, "NOT_JSON\n")
    wrong = await edge.http.post("/counter/session", json={"code": "wrong"}, headers=_own(edge))
    assert wrong.status_code == 403


async def test_without_a_desk_there_is_no_counter(
    town: City, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with standing(town, tmp_path_factory.mktemp("none") / "pages") as edge:
        assert (await edge.http.get("/counter/purposes")).status_code == 404
        code = await edge.http.post("/counter/session", json={"code": ""}, headers=_own(edge))
        assert code.status_code == 405


async def test_a_question_with_a_pairing_code_is_handed_to_who_typed_it(town: City, edge: Standing) -> None:
    issued = await town.claim(await town.issue())
    async with _signed_in(edge) as http:
        body = {"purpose": "counter", "pairing": True}
        asked = (await http.post("/counter/asks", json=body, headers=_own(edge))).json()
        code = asked["pairing_code"]
        assert len(code) == 6
        assert code not in asked["link"]
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        for typed in ("", wrong):
            with pytest.raises(grpc.RpcError):
                await answer(town, issued, asked["link"], typed)
        await answer(town, issued, asked["link"], code)
        assert (await _ended(http, asked["ask"]))["state"] == "answered"


async def test_too_many_wrong_pairing_codes_end_the_question(town: City, edge: Standing) -> None:
    issued = await town.claim(await town.issue())
    async with _signed_in(edge) as http:
        body = {"purpose": "counter", "pairing": True}
        asked = (await http.post("/counter/asks", json=body, headers=_own(edge))).json()
        wrong = f"{(int(asked['pairing_code']) + 1) % 1_000_000:06}"
        for _ in range(5):
            with pytest.raises(grpc.RpcError):
                await answer(town, issued, asked["link"], wrong)
        told = await _ended(http, asked["ask"])
    assert told["state"] == "refused"
    assert told["en"][-1] == "PAIRING_CLOSED"
    assert not told["record"]


@pytest.mark.parametrize("pairing", ["yes", 1, None, []], ids=["text", "number", "null", "list"])
async def test_pairing_is_yes_or_no(edge: Standing, pairing: object) -> None:
    async with _signed_in(edge) as http:
        body = {"purpose": "counter", "pairing": pairing}
        answered = await http.post("/counter/asks", json=body, headers=_own(edge))
    assert (answered.status_code, answered.text.strip()) == (400, "PAIRING_INVALID")
