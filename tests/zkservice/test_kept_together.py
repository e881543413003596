"""Answers that are committed in one group: kept at once, and each refused or answered as if it came alone."""

import asyncio
import datetime as dt
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.zkservice.consenting import a_note
from tests.zkservice.stores import Store
from tests.zkservice.support import City, aio_error, city, new_id
from zkproto.v1 import presentation_pb2
from zkservice import server
from zkservice.storage.database import Database, Joined

MANY = 6


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What a server is started with, on each kind of database."""
    if request.param == "sqlite":
        return {}
    return {"database": Store.on(request.getfixturevalue("postgresql")).settings["database"]}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Database]:
    """The databases that servers of this process open."""
    opened: list[Database] = []

    class Noted(Database):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            opened.append(self)

    monkeypatch.setattr(server, "Database", Noted)
    return opened


@asynccontextmanager
async def held(database: Database) -> AsyncIterator[None]:
    """Keep the writer at work, so that what is written meanwhile forms one group."""
    gate, entered = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        entered.set()
        gate.wait()

    holding = asyncio.ensure_future(database.write(hold))
    await asyncio.to_thread(entered.wait)
    try:
        yield
    finally:
        gate.set()
        await holding


async def in_one_group(
    database: Database, *calls: Callable[[], Awaitable[Any]], then: Callable[[], None] = lambda: None
) -> list[Any]:
    """Have calls come to the writer in this order, which takes them together; return what each ended with.

    Each is made when those before it have come: a call of gRPC is on its way as soon as it is made.
    """
    async with held(database):
        tasks = list[asyncio.Future[Any]]()
        async with asyncio.timeout(30):
            for each in calls:
                tasks.append(asyncio.ensure_future(each()))
                while database.waiting < len(tasks):
                    await asyncio.sleep(0.01)
        then()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def submission(town: City, issued: Any) -> presentation_pb2.SubmitPresentationRequest:
    request = town.request()
    return town.submission(await town.ask(request), *town.present(request, issued))


def submissions(
    town: City, sent: Iterable[presentation_pb2.SubmitPresentationRequest]
) -> list[Callable[[], Awaitable[Any]]]:
    """The calls that submit these."""
    return [partial(town.presentation.SubmitPresentation, each) for each in sent]


async def found(database: Database, query: str) -> Any:
    """Return what a query of one value finds."""
    return await database.read(lambda each: each.exec_driver_sql(query).scalar())


async def answered(database: Database) -> int:
    """How many answers are counted."""
    counted = "select coalesce(sum(n), 0) from statistic where what = 'answered' and department = ''"
    return int(await found(database, counted))


async def test_what_comes_together_is_kept_by_one_statement_each(
    tmp_path: Path, made: list[Database], settings: dict[str, Any]
) -> None:
    async with city(tmp_path, **settings) as town:
        issued = await town.claim(await town.issue())
        sent = [await submission(town, issued) for _ in range(MANY)]
        ran: list[str] = []

        def note(*arguments: Any) -> None:
            ran.append(arguments[2].split(" (")[0])

        event.listen(made[0]._engine, "before_cursor_execute", note)
        answers = await in_one_group(made[0], *submissions(town, sent))
        event.remove(made[0]._engine, "before_cursor_execute", note)
        assert len({each.entry_index for each in answers}) == MANY
        again = [await town.presentation.SubmitPresentation(each) for each in sent]
        assert [each.receipt for each in again] == [each.receipt for each in answers], "each has its own"
        assert await answered(made[0]) == MANY
    for table in ("answer", "seen", "statistic", "outbox_content"):
        assert ran.count(f"INSERT INTO {table}") == 1, ran


async def test_of_copies_in_one_group_one_is_kept(
    tmp_path: Path, made: list[Database], settings: dict[str, Any]
) -> None:
    async with city(tmp_path, **settings) as town:
        issued = await town.claim(await town.issue())
        sent, *others = [await submission(town, issued) for _ in range(MANY)]
        changed = presentation_pb2.SubmitPresentationRequest()
        changed.CopyFrom(sent)
        changed.request_id = new_id()
        outcomes = await in_one_group(made[0], *submissions(town, (sent, changed, sent, *others)))
        first, other, second, *kept = outcomes
        assert aio_error(other).reason == "REPLAYED"
        assert first.receipt == second.receipt
        assert len({each.entry_index for each in (first, *kept)}) == MANY
        assert await answered(made[0]) == MANY
        assert await found(made[0], "select count(*) from answer") == MANY


async def test_a_no_before_it_in_the_group_stands(
    tmp_path: Path, made: list[Database], settings: dict[str, Any]
) -> None:
    async with city(tmp_path, **settings) as town:
        issued = await town.claim(await town.issue())
        sent, *others = [await submission(town, issued) for _ in range(MANY)]
        decline = presentation_pb2.DeclineExchangeRequest(
            exchange=sent.exchange,
            ticket=sent.ticket,
            why=presentation_pb2.DeclineExchangeRequest.WHY_DECLINED,
            holder_note=a_note(),
            request_id=new_id(),
        )
        no = partial(town.presentation.DeclineExchange, decline)
        outcomes = await in_one_group(made[0], no, *submissions(town, (sent, *others)))
        declined, refused, *kept = outcomes
        assert declined.receipt
        assert aio_error(refused).reason == "EXCHANGE_DECLINED"
        assert all(each.receipt for each in kept)
        assert await answered(made[0]) == MANY - 1


async def test_what_was_judged_in_time_and_is_kept_too_late_is_refused(
    tmp_path: Path, made: list[Database], settings: dict[str, Any]
) -> None:
    async with city(tmp_path, **settings) as town:
        issued = await town.claim(await town.issue())
        sent = [await submission(town, issued) for _ in range(MANY)]

        def later() -> None:
            town.clock.ahead = dt.timedelta(days=2)

        outcomes = await in_one_group(made[0], *submissions(town, sent), then=later)
        assert {aio_error(each).reason for each in outcomes} == {"REQUEST_EXPIRED"}
        town.clock.ahead = dt.timedelta()
        assert await answered(made[0]) == 0
        kept = await asyncio.gather(*(each() for each in submissions(town, sent)))
        assert len({each.entry_index for each in kept}) == MANY


async def test_each_of_those_joined_has_its_own_result(tmp_path: Path, made: list[Database]) -> None:
    calls: list[list[int]] = []

    def act(connection: Connection, items: Any) -> list[int]:
        calls.append(list(items))
        if 13 in items:
            raise RuntimeError("mine")
        return [10 * each for each in items]

    async with city(tmp_path):
        database = made[0]
        writes = {each: partial(database.write, Joined(act, each)) for each in (1, 2, 3, 13)}
        assert await in_one_group(database, *(writes[each] for each in (1, 2, 3))) == [10, 20, 30]
        assert calls == [[1, 2, 3]]
        calls.clear()
        one, error, two = await in_one_group(database, *(writes[each] for each in (1, 13, 2)))
        assert (one, str(error), two) == (10, "mine", 20)
        assert calls == [[1, 13, 2], [1, 13, 2], [1], [13, 2], [13], [2]], "by halves: most are done together"
