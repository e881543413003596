"""A counter and a board that wait for witnesses: nothing is accepted on the log's word alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.cli.running import start
from tests.web_edge.behind import BRIEF, CODE, answer, desk_of
from tests.web_edge.boarding import act, clerk, come_to, own, path_of, rows, states, until
from tests.web_edge.halls import Hall, hall_of
from tests.web_edge.standing import Standing, some_pages, standing
from tests.zkservice.errands import PARTS
from tests.zkservice.support import City, Issued, reopened
from tests.zkservice.witnessing import CITIES, Consortium, consortium
from tlog import verify_receipt
from tlog.errors import VerificationError
from verifier import parse_record
from zk.commands.web_board import open_board
from zk.exits import Exit
from zkproto.v1 import errand_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")
MISSING = CITIES[:4]
"""Without these the quorum is not reached."""
WAITS = "RECEIPT_PENDING"
WHILE = 2.0
"""Seconds in which what may not happen would have happened."""


@dataclass
class Watched:
    """A city with its witnesses, an edge whose counter and board wait for them, and whoever comes there."""

    town: City
    gathered: Consortium
    hall: Hall
    edge: Standing
    issued: Issued
    home: Path

    @asynccontextmanager
    async def unwitnessed(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Let witnesses be away until the block ends, or they are called back by what this gives."""
        await self.gathered.end(*MISSING)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.gathered.start, *MISSING)
            yield stack.aclose

    def demand_the_quorum(self, record: bytes) -> None:
        """VerificationError where too few have cosigned a record's receipt."""
        verify_receipt(parse_record(record).receipt, self.gathered.log, policy=self.gathered.policy)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    folder = tmp_path_factory.mktemp("anchored")
    async with (
        consortium(folder / "witnesses", folder / "server") as gathered,
        reopened(folder / "server", **gathered.settings) as town,
    ):
        await town.furnish()
        issued, home = await town.claim(await town.issue()), folder / "home"
        hall = await hall_of(town, folder, 710, issued=issued)
        desk = await desk_of(town, home, BRIEF, believed=gathered.policy)
        board = open_board(hall.run, hall.bundle, [hall.policy], gathered.policy)
        given = {"desk": desk, "counter_code": CODE, "board": board}
        async with standing(town, folder / "pages", **given) as edge:
            yield Watched(town, gathered, hall, edge, issued, home)


async def asked(http: httpx.AsyncClient, edge: Standing, purpose: str) -> dict[str, Any]:
    made: dict[str, Any] = (
        await http.post("/counter/asks", json={"purpose": purpose}, headers=own(edge))
    ).json()
    return made


async def ended(http: httpx.AsyncClient, ask: str) -> dict[str, Any]:
    async with http.stream("GET", f"/counter/asks/{ask}") as told:
        async for line in told.aiter_lines():
            if line.startswith("data: ") and (event := json.loads(line[6:]))["state"] != "waiting":
                return dict(event)
    raise AssertionError("the stream ended without an outcome")


async def test_a_part_stays_submitted_until_the_quorum_has_cosigned(watched: Watched) -> None:
    edge, received = watched.edge, pb.ERRAND_PART_STATE_RECEIVED
    async with clerk(edge) as http:
        started = await watched.hall.errands.start()
        await come_to(http, started, "asked")
        async with watched.unwitnessed() as back:
            await started.submit()

            async def waits() -> bool:
                found = await rows(http, started)
                return all(found[each]["reason"] == WAITS for each in PARTS)

            await until(waits)
            await asyncio.sleep(WHILE)
            assert {each["state"] for each in (await rows(http, started)).values()} == {"submitted"}
            assert received not in await states(started, "birth")
            path = path_of(started, "birth")
            sheet = (await http.get(path)).json()
            assert (sheet["zh"], sheet["declared"], sheet["record"]) == ([], [], False)
            early = await http.post(path, json=act("done"), headers=own(edge))
            assert (early.status_code, early.json()["reason"]) == (409, "PART_STATE_INVALID")
            await back()
            told = await come_to(http, started, "received")
        assert {each["reason"] for each in told.values()} == {""}
        for part in PARTS:
            watched.demand_the_quorum((await http.get(f"{path_of(started, part)}/record")).content)
        done = await http.post(path, json=act("done", document="370102-1"), headers=own(edge))
        assert done.status_code == 200, done.text


async def test_an_answer_is_told_once_the_quorum_has_cosigned(watched: Watched) -> None:
    async with clerk(watched.edge) as http:
        async with watched.unwitnessed() as back:
            question = await asked(http, watched.edge, "counter")
            await answer(watched.town, watched.issued, question["link"])
            await asyncio.sleep(WHILE)
            assert (await http.get(f"/counter/asks/{question['ask']}/record")).status_code == 404
            await back()
            assert (await ended(http, question["ask"]))["state"] == "answered"
        watched.demand_the_quorum((await http.get(f"/counter/asks/{question['ask']}/record")).content)


async def test_an_answer_is_kept_before_witnesses_are_waited_for(watched: Watched) -> None:
    """A clerk who signs out meanwhile, or an edge that ends, loses nothing that a person has answered."""
    records = watched.home / "records"
    before = set(records.glob("counter-*.json"))
    async with clerk(watched.edge) as http, watched.unwitnessed():
        question = await asked(http, watched.edge, "counter")
        await answer(watched.town, watched.issued, question["link"])

        async def kept() -> list[Path]:
            return [*set(records.glob("counter-*.json")) - before]

        (path,) = await until(kept)
        assert (
            await http.request("DELETE", "/counter/session", headers=own(watched.edge))
        ).status_code == 204
        await asyncio.sleep(WHILE)
        with pytest.raises(VerificationError, match="QUORUM_MISSING"):
            watched.demand_the_quorum(path.read_bytes())


async def test_an_answer_without_the_quorum_is_kept_and_not_decided(watched: Watched) -> None:
    async with clerk(watched.edge) as http, watched.unwitnessed():
        question = await asked(http, watched.edge, "brief")
        await answer(watched.town, watched.issued, question["link"])
        outcome = await ended(http, question["ask"])
        assert (outcome["state"], outcome["record"], outcome["en"][-1]) == ("undecided", False, WAITS)
        assert "王小明" not in json.dumps(outcome, ensure_ascii=False)
    (kept,) = (watched.home / "records").glob("brief-*.json")
    with pytest.raises(VerificationError, match="QUORUM_MISSING"):
        watched.demand_the_quorum(kept.read_bytes())


async def test_without_a_pinned_policy_nothing_is_opened(watched: Watched, tmp_path: Path) -> None:
    some_pages(tmp_path / "pages")
    hall = watched.hall
    given = ("--errand", hall.bundle, "--errand-policy", hall.policy, "--anchored", "--port", "0")
    serve = ("web", "serve", "--pages", tmp_path / "pages", "--home", hall.home.path, *given, "--json")
    process = start(*serve)
    out, err = await asyncio.to_thread(process.communicate, timeout=60)
    assert (process.returncode, json.loads(out)["error"]["reason"]) == (Exit.USAGE, "POLICY_MISSING"), err
