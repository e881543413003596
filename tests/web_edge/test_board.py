"""The board of an errand bundle over a real edge, service and counters: live, decided once, kept."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio

from disclosure.errand import BundleLink
from tests.web_edge.boarding import (
    PATIENCE,
    act,
    clerk,
    come_to,
    handed_in,
    listed,
    opened,
    own,
    path_of,
    states,
    until,
    updates,
)
from tests.web_edge.boarding import rows as rows_of
from tests.web_edge.halls import Hall, hall_of
from tests.web_edge.standing import Standing, standing
from tests.zkservice.errands import PARTS, VALUES, Started
from tests.zkservice.support import City, city
from verifier import parse_record
from verifier.client.errands import ErrandCounter
from web_edge import board
from wire.client import Endpoint, ServiceError
from zk.board import home_board
from zk.board_work import Served
from zk.commands.web_board import open_board
from zk.exits import CommandError
from zkproto.v1 import errand_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOBODY = "A" * 22
RECEIVED, IN_PROGRESS = pb.ERRAND_PART_STATE_RECEIVED, pb.ERRAND_PART_STATE_IN_PROGRESS
DONE, REJECTED = pb.ERRAND_PART_STATE_DONE, pb.ERRAND_PART_STATE_REJECTED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(town: City, tmp_path_factory: pytest.TempPathFactory) -> Hall:
    return await hall_of(town, tmp_path_factory.mktemp("hall"), 700)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(town: City, hall: Hall, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    async with standing(town, tmp_path_factory.mktemp("edge") / "pages", **hall.given()) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def odd(hall: Hall, edge: Standing) -> Started:
    """An errand whose parts stay received, whatever is tried."""
    async with clerk(edge) as http:
        return await handed_in(http, hall)


def _idle(hall: Hall, endpoint: Endpoint | None = None) -> dict[str, Any]:
    """What an edge is given whose board has no policy, and perhaps no service."""
    names = {each.verifier: hall.errands.key(each.part) for each in hall.errands.bundle.counters}
    served = Served(
        endpoint or hall.run.endpoint, hall.run.log_verifier(), hall.errands.bundle.name, names, {}
    )
    return hall.given() | {"board": lambda: home_board(hall.run, served)}


async def _revision(lines: AsyncIterator[str]) -> int:
    async with asyncio.timeout(PATIENCE):
        async for line in lines:
            if line.startswith("data: "):
                return int(json.loads(line[6:])["revision"])
    raise AssertionError("the stream has ended")


async def test_what_may_be_begun_is_shown(town: City, hall: Hall, edge: Standing) -> None:
    async with clerk(edge) as http:
        assert (await http.get("/counter/purposes")).json()["board"] is True
        shown = await opened(http)
        assert [(each["part"], each["here"]) for each in shown["steps"]] == [(each, True) for each in PARTS]
        assert shown["steps"][2]["depends_on"] == list(PARTS[:2])
        assert shown["bundle"] == {"zh": "新生儿", "en": "A newborn"}
        begun = (await http.get("/counter/parts/begin")).json()
        assert BundleLink.parse(begun["link"]) == BundleLink(town.ready.address, hall.errands.bundle.name)
        assert set("".join(begun["modules"])) == {"0", "1"}


async def test_parts_come_in_live_and_say_what_was_proven(hall: Hall, edge: Standing) -> None:
    async with clerk(edge) as http:
        async with http.stream("GET", "/counter/parts/events") as told:
            assert told.headers["content-type"].startswith("text/event-stream")
            lines = told.aiter_lines()
            before = await _revision(lines)
            started = await handed_in(http, hall)
            assert await _revision(lines) > before
        rows = await rows_of(http, started)
        assert [rows[each]["ready"] for each in PARTS] == [True, False, False]
        assert {(each["reason"], each["why"]) for each in rows.values()} == {("", None)}
        came = dt.datetime.fromisoformat(rows["birth"]["came"]).date()
        assert (dt.date.fromisoformat(rows["birth"]["due"]) - came).days in {14, 15}
        path = path_of(started, "birth")
        sheet = (await http.get(path)).json()
        assert any("王小明" in each for each in sheet["zh"])
        assert not any(".json" in each for each in (*sheet["zh"], *sheet["en"]))
        declared = {each["name"]["en"]: each["value"]["en"] for each in sheet["declared"]}
        assert set(declared) == {"Weight in grams", "Day of birth"}
        assert declared["Weight in grams"] == "3200"
        assert (await http.get(path_of(started, "household"))).json()["declared"] == []
        record = await http.get(f"{path}/record")
        assert str(parse_record(record.content).request.verifier) == "verifiers/hall700-birth-counter"
        assert record.headers["content-disposition"].startswith("attachment")
        assert record.headers["cache-control"] == "no-store"


async def test_what_a_clerk_decides_the_holder_is_told(hall: Hall, edge: Standing) -> None:
    async with clerk(edge) as http:
        started = await handed_in(http, hall)
        said = act("done", document="370102-1", message="已登记")
        done = await http.post(path_of(started, "birth"), json=said, headers=own(edge))
        assert done.status_code == 200
        sheet = done.json()
        assert (sheet["row"]["state"], sheet["declared"], sheet["record"]) == ("done", [], True)
        assert [(each["state"], each["document"]) for each in sheet["decisions"]] == [("done", "370102-1")]
        assert (await updates(started, "birth"))[-1] == (DONE, "已登记", "370102-1")

        async def ready() -> bool:
            return bool((await rows_of(http, started))["household"]["ready"])

        await until(ready)


async def test_an_act_is_told_once_however_often_it_is_sent(hall: Hall, edge: Standing) -> None:
    async with clerk(edge) as http:
        started = await handed_in(http, hall)

        async def sent(body: dict[str, str], part: str = "birth") -> httpx.Response:
            return await http.post(path_of(started, part), json=body, headers=own(edge))

        said = act("in-progress")
        assert [each.status_code for each in await asyncio.gather(sent(said), sent(said))] == [200, 200]
        for refused, reason in (
            (await sent(said | {"document": "1"}), "ACT_REUSED"),
            (await sent(act("done")), "PART_STATE_INVALID"),  # as the clerk saw it before
            (await sent(act("done"), "household"), "PART_NOT_READY"),
        ):
            assert (refused.status_code, refused.json()["reason"]) == (409, reason)
            assert set(refused.json()) == {"reason", "zh", "en"}
        assert await states(started, "birth") == [RECEIVED, IN_PROGRESS]
        assert await states(started, "household") == [RECEIVED]
        assert (await sent(act("done", "in-progress"))).status_code == 200


async def test_an_act_whose_answer_was_lost_may_be_sent_again(
    hall: Hall, edge: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ErrandCounter.tell

    def lost(self: ErrandCounter, *said: Any) -> None:
        real(self, *said)
        if len(said) > 2:  # a clerk's act has an identifier
            raise ServiceError(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "the line was cut")

    async with clerk(edge) as http:
        started = await handed_in(http, hall)
        said, path = act("done", document="370102-3"), path_of(started, "birth")
        with monkeypatch.context() as patch:
            patch.setattr(ErrandCounter, "tell", lost)
            cut = await http.post(path, json=said, headers=own(edge))
        assert (cut.status_code, cut.json()["reason"]) == (502, "UNAVAILABLE")
        await come_to(http, started, "done", "birth")
        again = await http.post(path, json=said, headers=own(edge))
        assert again.status_code == 200
        assert [each["document"] for each in again.json()["decisions"]] == ["370102-3"]
        assert await states(started, "birth") == [RECEIVED, DONE]


async def test_whoever_is_faster_is_told_of(hall: Hall, edge: Standing) -> None:
    """Another desk of the same counter settles a part while this clerk still looks at it."""
    async with clerk(edge) as http:
        started = await handed_in(http, hall)
        await started.tell("birth", DONE)
        refused = await http.post(path_of(started, "birth"), json=act("done"), headers=own(edge))
        assert (refused.status_code, refused.json()["reason"]) == (409, "PART_STATE_INVALID")
        await come_to(http, started, "done", "birth")


async def test_a_restart_loses_nothing_that_was_told(town: City, tmp_path: Path) -> None:
    hall = await hall_of(town, tmp_path, 701)
    acts = {
        "birth": act("done", document="370102-7", message="已登记"),
        "household": act("rejected", message="请补充材料"),
    }
    async with standing(town, tmp_path / "first", **hall.given()) as before, clerk(before) as http:
        started = await handed_in(http, hall)
        for part, said in acts.items():
            told = await http.post(path_of(started, part), json=said, headers=own(before))
            assert told.status_code == 200
        sheets = {part: (await http.get(path_of(started, part))).json() for part in acts}
        record = (await http.get(f"{path_of(started, 'birth')}/record")).content
    async with standing(town, tmp_path / "second", **hall.given()) as after, clerk(after) as http:
        await come_to(http, started, "received", "insurance")
        for part, said in acts.items():
            sheet = (await http.get(path_of(started, part))).json()
            assert {**sheet, "row": {**sheet["row"], "ready": False}} == {
                **sheets[part], "row": {**sheets[part]["row"], "ready": False},
            }  # fmt: skip
            again = await http.post(path_of(started, part), json=said, headers=own(after))
            assert again.status_code == 200, "it was told before"
        assert (await http.get(f"{path_of(started, 'birth')}/record")).content == record
        insured = (await http.get(path_of(started, "insurance"))).json()
        assert [each["value"]["en"] for each in insured["declared"]] == [VALUES["phone"]]
    assert await states(started, "household") == [RECEIVED, REJECTED]


async def test_a_rejected_part_comes_again(hall: Hall, edge: Standing) -> None:
    async with clerk(edge) as http:
        started = await handed_in(http, hall)
        path = path_of(started, "birth")
        first = (await http.get(f"{path}/record")).content
        said = act("rejected", message="日期不符")
        assert (await http.post(path, json=said, headers=own(edge))).status_code == 200
        again = pb.RetryErrandPartRequest(**started.own, part=started.names["birth"])
        await hall.errands.stub.RetryErrandPart(again)
        await come_to(http, started, "asked", "birth")
        assert (await http.get(f"{path}/record")).status_code == 404
        await started.submit(await started.submission("birth"))
        await come_to(http, started, "received", "birth")
        sheet = (await http.get(path)).json()
        assert [each["state"] for each in sheet["decisions"]] == ["rejected"]
        assert len(sheet["declared"]) == 2
        assert (await http.get(f"{path}/record")).content != first
        assert (await http.post(path, json=act("done"), headers=own(edge))).status_code == 200


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"state": "received"}, "ACT_INVALID"),
        ({"state": ["done"]}, "ACT_INVALID"),
        ({"state": None}, "ACT_INVALID"),
        ({"seen": ""}, "ACT_INVALID"),
        ({"seen": "x" * 21}, "ACT_INVALID"),
        ({"act": "1"}, "ACT_INVALID"),
        ({"act": "0000000000004000800000000000000f"}, "ACT_INVALID"),
        ({"act": 7}, "ACT_INVALID"),
        ({"offer": "zk://offer?"}, "ACT_INVALID"),
        ({"message": "a\nb"}, "ACT_INVALID"),
        ({"message": "\u202eabc"}, "ACT_INVALID"),
        ({"message": "字" * 334}, "ACT_INVALID"),
        ({"document": "x" * 201}, "ACT_INVALID"),
        ({"document": {"x": 1}}, "ACT_INVALID"),
        ({"message": "e\u0301"}, "VALUE_INVALID"),
        ({"state": "rejected"}, "MESSAGE_MISSING"),
        ({"state": "rejected", "message": "  "}, "MESSAGE_MISSING"),
    ],
)
async def test_odd_acts_change_nothing(
    edge: Standing, odd: Started, changed: dict[str, Any], reason: str
) -> None:
    async with clerk(edge) as http:
        body = act("done") | changed
        refused = await http.post(path_of(odd, "birth"), json=body, headers=own(edge))
        told = refused.json()["reason"] if refused.text.startswith("{") else refused.text.strip()
        assert (refused.status_code, told) == (400, reason)
    assert await states(odd, "birth") == [RECEIVED]


async def test_bodies_that_are_no_acts_are_refused(edge: Standing, odd: Started) -> None:
    path = path_of(odd, "birth")
    async with clerk(edge) as http:
        for body, kind, status in (
            (b"{", "application/json", 400),
            (b"[]", "application/json", 400),
            (b"\xff", "application/json", 400),
            (b'{"message": "\\ud800"}', "application/json", 400),
            (b" " * 5000, "application/json", 413),
            (json.dumps(act("done")).encode(), "text/plain", 415),
        ):
            headers = own(edge, content_type=kind)
            assert (await http.post(path, content=body, headers=headers)).status_code == status
        for name in (NOBODY, "x", "A" * 23, "A" * 21 + "%2F", "begins"):
            for suffix in ("", "/record"):
                assert (await http.get(f"/counter/parts/{name}{suffix}")).status_code == 404
            told = await http.post(f"/counter/parts/{name}", json=act("done"), headers=own(edge))
            assert told.status_code in {404, 405}


async def test_nothing_without_a_session_or_from_another_site(edge: Standing, odd: Started) -> None:
    path = path_of(odd, "birth")
    reads = ("/counter/parts", "/counter/parts/begin", "/counter/parts/events", path, f"{path}/record")
    for each in reads:
        assert (await edge.http.get(each)).status_code == 401
    assert (await edge.http.post(path, json=act("done"), headers=own(edge))).status_code == 401
    async with clerk(edge) as http:
        for headers in (
            own(edge, origin="https://evil.example"),
            own(edge, origin="null"),
            own(edge, sec_fetch_site="cross-site"),
            {"content-type": "application/json"},
        ):
            assert (await http.post(path, json=act("done"), headers=headers)).status_code == 403
        for each in reads:
            assert (await http.get(each, headers={"sec-fetch-site": "cross-site"})).status_code == 403
    assert await states(odd, "birth") == [RECEIVED]


async def test_a_stream_ends_with_its_session(edge: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "_BEAT_SECONDS", 0.2)
    async with clerk(edge) as http, http.stream("GET", "/counter/parts/events") as told:
        lines = told.aiter_lines()
        await _revision(lines)
        assert (await http.request("DELETE", "/counter/session", headers=own(edge))).status_code == 204
        async with asyncio.timeout(PATIENCE):
            async for _ in lines:
                pass


async def test_streams_are_bounded(
    hall: Hall, town: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "STREAMS", 1)
    async with (
        standing(town, tmp_path / "pages", **_idle(hall)) as edge,
        clerk(edge) as http,
        http.stream("GET", "/counter/parts/events") as told,
    ):
        lines = told.aiter_lines()  # kept: the stream is closed with it
        await _revision(lines)
        async with asyncio.timeout(PATIENCE):  # one that is let in has no end
            refused = await http.get("/counter/parts/events")
        assert (refused.status_code, refused.text) == (429, "TOO_MANY_STREAMS\n")


@pytest.mark.parametrize("away", [True, False], ids=["service", "policy"])
async def test_a_board_that_cannot_work_says_why(
    hall: Hall, town: City, tmp_path: Path, *, away: bool
) -> None:
    nowhere = Endpoint("localhost:1", (town.ready.data / "ca.pem").read_bytes()) if away else None
    async with standing(town, tmp_path / "pages", **_idle(hall, nowhere)) as edge, clerk(edge) as http:

        async def failed() -> Any:
            return (await listed(http))["failed"]

        (told,) = await until(failed)
        assert ("UNAVAILABLE" if away else "NO_STEP_HERE") in told["en"]
        assert (await http.get("/counter/parts/begin")).status_code == 503


async def test_without_a_board_there_is_none(hall: Hall, town: City, tmp_path: Path) -> None:
    given = hall.given() | {"board": None}
    async with standing(town, tmp_path / "pages", **given) as edge, clerk(edge) as http:
        assert "board" not in (await http.get("/counter/purposes")).json()
        assert (await http.get("/counter/parts")).status_code == 404


async def test_what_a_board_is_opened_with_is_checked(hall: Hall, tmp_path: Path) -> None:
    nobody = replace(hall.run, home=replace(hall.home, path=tmp_path))
    nobody.home.save_profile(hall.home.profile())
    for run, bundle, policies, reason in (
        (hall.run, hall.bundle, [], "ERRAND_AND_POLICY"),
        (hall.run, None, [hall.policy], "ERRAND_AND_POLICY"),
        (hall.run, hall.bundle, [hall.policy, hall.policy], "POLICY_TWICE"),
        (nobody, hall.bundle, [hall.policy], "VERIFIER_UNCLEAR"),
    ):
        with pytest.raises(CommandError) as refused:
            open_board(run, bundle, policies)
        assert refused.value.reason == reason
    assert open_board(hall.run, None, []) is None
