"""Reads of the database take turns: whoever has many holds up neither others nor the service itself."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from tests.zkservice.test_limits_turns import as_tenant
from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage import readers
from zkservice.storage.database import Database, open_engine

SECONDS = 60.0
Act = Callable[[Connection], Any]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}"))
    yield opened
    opened.close()


class Long:
    """Reads that go on until they are released."""

    def __init__(self, database: Database) -> None:
        self._database, self.gate = database, threading.Event()
        self.done: list[str] = []
        self.begun = 0
        self._lock = threading.Lock()

    def act(self, name: str) -> Act:
        def read(connection: Connection) -> None:
            with self._lock:
                self.begun += 1
            self.gate.wait(SECONDS)
            connection.execute(text("select 1"))
            with self._lock:
                self.done.append(name)

        return read

    def of(self, tenant: str, ends: float = float("inf")) -> "asyncio.Task[Any]":
        reading = as_tenant(tenant, lambda: self._database.read(self.act(tenant)), ends)
        return asyncio.create_task(reading)

    async def flood(self, count: int) -> "list[asyncio.Task[Any]]":
        """Have so many of one tenant, of which the first run."""
        tasks = [self.of("flood") for _ in range(count)]
        async with asyncio.timeout(SECONDS):
            while self.begun < readers.THREADS - 1:
                await asyncio.sleep(0.01)
        return tasks


@pytest.fixture
async def long(database: Database) -> AsyncIterator[Long]:
    made = Long(database)
    yield made
    made.gate.set()


async def test_the_service_reads_while_all_that_others_share_is_taken(database: Database, long: Long) -> None:
    flood = await long.flood(300)
    async with asyncio.timeout(SECONDS):
        for _ in range(20):
            assert await database.read(lambda each: each.execute(text("select 2")).scalar()) == 2
    assert long.done == []
    long.gate.set()
    await asyncio.gather(*flood)


async def test_a_flooding_tenant_delays_another_by_the_reads_under_way(long: Long) -> None:
    flood = await long.flood(300)
    other = long.of("other")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    long.gate.set()
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(other, *flood)
    assert long.done.index("other") < 10 * readers.THREADS, "not after three hundred"
    assert len(long.done) == 301


async def test_so_many_wait_of_a_tenant_and_no_more(
    database: Database, long: Long, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "MAX_WAITING", 10)
    flood = await long.flood(readers.THREADS - 1)
    flood += [long.of("flood") for _ in range(11)]
    async with asyncio.timeout(SECONDS):
        done, _ = await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        (refused,) = [each.exception() for each in done]
        assert isinstance(refused, ServiceError)
        assert refused.reason == ServiceReason.OVERLOADED
        for each in flood:
            each.cancel()
        await asyncio.wait(flood)
        again = long.of("flood")
        assert await database.read(lambda _: 3) == 3
        long.gate.set()
        await again


async def test_what_nobody_waits_for_is_not_read(database: Database, long: Long) -> None:
    flood = await long.flood(readers.THREADS - 1)
    left = [long.of("left") for _ in range(50)]
    late = long.of("late", ends=time.monotonic() - 1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for each in left:
        each.cancel()
    await asyncio.wait(left)
    long.gate.set()
    async with asyncio.timeout(SECONDS):
        with pytest.raises(ServiceError) as refused:
            await late
        await asyncio.gather(*flood)
        assert await as_tenant("left", lambda: database.read(lambda _: 4)) == 4
    assert refused.value.reason == ServiceReason.CALL_TIMEOUT
    assert long.done == ["flood"] * (readers.THREADS - 1)


async def test_what_waits_when_the_database_closes_is_read(database: Database, long: Long) -> None:
    flood = await long.flood(50)
    closing = asyncio.create_task(asyncio.to_thread(database.close))
    long.gate.set()
    async with asyncio.timeout(SECONDS):
        await asyncio.gather(*flood, closing)
        with pytest.raises(ServiceError) as refused:
            await database.read(lambda _: 5)
    assert refused.value.reason == ServiceReason.SHUTTING_DOWN
