"""The master key goes over to another generation while servers work: nobody is refused, nothing is lost."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from tests import postgres
from tests.zkservice.auditing import audit
from tests.zkservice.damaging import now
from tests.zkservice.keyring.living import Lived, all_open, rotated
from tests.zkservice.keyring.making import NOW, by_file
from tests.zkservice.server_process import Process, started
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import City, Issued, city, reopened
from zkservice.keyring import keeping
from zkservice.keyring.drill import drill
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import file_provider
from zkservice.keyring.resealing import reseal
from zkservice.keyring.rotating import rotate
from zkservice.storage.database import open_engine
from zkservice.storage.schema_version import is_used
from zkservice.upkeep.backup import back_up
from zkservice.upkeep.faults import UpkeepError
from zkservice.upkeep.fsck import read_keys

Prepared = tuple[Lived, Issued, City]
Two = tuple[list[Lived], list[Process], City, Issued]
SETTLE = 8.0
"""Longer than a loaded machine takes from sealing to storing."""


class Traffic:
    """Parties that issue, claim, ask and answer without pause; what fails is kept."""

    def __init__(self, town: City, issued: Issued) -> None:
        self._town, self._issued = town, issued
        self.done, self.failures = 0, list[str]()
        self._stop = asyncio.Event()

    async def _one(self) -> None:
        town = self._town
        await town.claim(await town.issue())
        _, submission, answer = await town.answered(self._issued)
        assert (await town.presentation.SubmitPresentation(submission)).receipt == answer.receipt
        self.done += 1

    async def run(self) -> None:
        while not self._stop.is_set():
            try:
                await self._one()
            except grpc.aio.AioRpcError as error:
                self.failures.append(str(error.details()))

    async def more(self, many: int) -> None:
        """Wait until so many more rounds were done."""
        wanted = self.done + many
        async with asyncio.timeout(60):
            while self.done < wanted:
                assert not self.failures
                await asyncio.sleep(0.02)

    def stop(self) -> None:
        self._stop.set()


def _states(lived: Lived) -> list[tuple[int, str]]:
    with lived.working() as work, work.engine.connect() as connection:
        found = connection.exec_driver_sql("select number, state from master_key order by number")
        return [(number, state) for number, state in found]


def _in_ring(folder: Path) -> tuple[int, list[int]]:
    found = json.loads((folder / "keys" / "keyring.json").read_bytes())
    return found["current"], [each["number"] for each in found["generations"]]


# The two servers below are on PostgreSQL.
@pytest_asyncio.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
async def prepared(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Prepared]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    given = by_file(tmp_path / "provider.key") | Store.on(server).settings
    folder = tmp_path / "server"
    async with city(folder, **given) as town:
        issued = await town.claim(await town.issue())
    yield Lived(folder, given), issued, town


async def in_thread(lived: Lived, act: Any) -> Any:
    def run() -> Any:
        with lived.working() as work:
            return act(work)

    return await asyncio.to_thread(run)


def _again(town: City, of: City) -> City:
    """Return a city over another channel with what the first one's parties know."""
    return City(town.ready, town.clock, town.channel, town.admin, of.department_token, of.verifier_keys)


async def test_with_traffic_running(prepared: Prepared) -> None:
    lived, issued, before = prepared
    async with started(lived.folder, **lived.given) as process, process.city() as opened:
        traffic = Traffic(_again(opened, before), issued)
        running = asyncio.gather(*(traffic.run() for _ in range(3)))
        await traffic.more(3)
        assert await in_thread(lived, lambda work: rotate(work, seconds=120)) == 2
        assert _in_ring(lived.folder) == (2, [1, 2])
        await traffic.more(3)
        done = await in_thread(lived, lambda work: reseal(work, seconds=120, settle=SETTLE, piece=2))
        assert done.retired == 1
        await traffic.more(3)
        assert await in_thread(lived, lambda work: rotate(work, seconds=120)) == 3
        await traffic.more(3)
        traffic.stop()
        await running
        assert not traffic.failures
        process.end(signal.SIGTERM)
        assert await process.ended() == 0
    assert "Traceback" not in (lived.folder / "server.log").read_text()
    assert _states(lived) == [(1, "retired"), (2, "former"), (3, "current")]
    with lived.working() as work:
        found = all_open(work)
        assert {number for each in found.values() for number in each} == {2, 3}
    async with reopened(lived.folder, **lived.given) as town:
        report = await audit(town)
    assert report.receipts == traffic.done


# two servers on one PostgreSQL


@pytest_asyncio.fixture
async def two(postgresql: postgres.Server, tmp_path: Path) -> AsyncIterator[Two]:
    given = by_file(tmp_path / "provider.key") | Store.on(postgresql).settings
    async with city(tmp_path / "one", **given) as before:
        issued = await before.claim(await before.issue())
    replica(tmp_path / "two", tmp_path / "one")
    lived = [Lived(tmp_path / name, given) for name in ("one", "two")]
    async with AsyncExitStack() as stack:
        processes = [await stack.enter_async_context(started(each.folder, **given)) for each in lived]
        yield lived, processes, before, issued


async def test_two_servers_learn_it_from_the_database(
    two: Two,
) -> None:
    (one, other), processes, before, issued = two
    async with processes[0].city() as first, processes[1].city() as second:
        traffics = [Traffic(_again(each, before), issued) for each in (first, second)]
        running = asyncio.gather(*(each.run() for each in traffics))
        await asyncio.gather(*(each.more(2) for each in traffics))
        assert await in_thread(one, lambda work: rotate(work, seconds=120)) == 2
        assert _in_ring(one.folder) == _in_ring(other.folder) == (2, [1, 2]), "both by the time it ended"
        await asyncio.gather(*(each.more(2) for each in traffics))
        # The other folder's operator may go on as well: they are one database.
        done = await in_thread(other, lambda work: reseal(work, seconds=120, settle=SETTLE))
        assert done.retired == 1
        async with asyncio.timeout(60):
            while _in_ring(one.folder) != (2, [2]):
                await asyncio.sleep(0.1)
        await asyncio.gather(*(each.more(2) for each in traffics))
        for each in traffics:
            each.stop()
        await running
    assert not [each.failures for each in traffics if each.failures]
    with one.working() as work:
        assert set().union(*all_open(work).values()) == {2}


async def test_a_server_that_does_not_follow_holds_it_up_and_is_named(
    two: Two,
) -> None:
    (one, other), processes, before, issued = two
    processes[1].end(signal.SIGSTOP)
    with pytest.raises(KeyringError) as caught:
        await in_thread(one, lambda work: rotate(work, seconds=3))
    assert caught.value.reason == KeyringReason.SERVERS_BEHIND
    assert f".{processes[1].handle.pid}." in caught.value.detail
    assert f".{processes[0].handle.pid}." not in caught.value.detail
    assert _states(one) == [(1, "current"), (2, "announced")]
    async with processes[0].city() as opened:
        await _again(opened, before).answered(issued)
    with pytest.raises(KeyringError) as caught:
        await in_thread(one, reseal)
    assert caught.value.reason == KeyringReason.ROTATION_UNDER_WAY
    processes[1].end(signal.SIGCONT)
    assert await in_thread(one, lambda work: rotate(work, seconds=120)) == 2
    assert _in_ring(other.folder) == (2, [1, 2])
    async with processes[1].city() as opened:
        await _again(opened, before).answered(issued)


@pytest.mark.long
async def test_a_server_whose_provider_is_gone_holds_it_up_and_goes_on_serving(
    two: Two, tmp_path: Path
) -> None:
    """A replica whose folder has another keyring's file in it cannot take over; it says so once."""
    (one, other), processes, before, issued = two
    keyring = other.folder / "keys" / "keyring.json"
    kept = keyring.read_bytes()
    keyring.write_bytes(b"nothing")
    with pytest.raises(KeyringError) as caught:
        await in_thread(one, lambda work: rotate(work, seconds=4))
    assert caught.value.reason == KeyringReason.SERVERS_BEHIND
    async with processes[1].city() as opened:
        await _again(opened, before).answered(issued)
    log = (other.folder / "server.log").read_text()
    assert log.count("the master key cannot be followed") == 1
    keyring.write_bytes(kept)
    assert await in_thread(one, lambda work: rotate(work, seconds=120)) == 2


async def test_a_drill_of_a_postgresql_leaves_it_empty(postgresql: postgres.Server, tmp_path: Path) -> None:
    given = by_file(tmp_path / "provider.key") | Store.on(postgresql).settings
    lived, provider = Lived(tmp_path / "server", given), file_provider(tmp_path / "provider.key")
    async with city(lived.folder, **given) as town:
        await town.answered(await town.claim(await town.issue()))
        await rotated(town, given)
        await town.issue()
    key, database = read_keys(lived.folder / "log.vkey"), tmp_path / "database"
    await asyncio.to_thread(back_up, given["database"], key, database, now=now())
    keeping.back_up(lived.folder / "keys", provider, tmp_path / "keyring", NOW)
    scratch = Store.on(postgresql).settings["database"]
    done = await asyncio.to_thread(drill, database, tmp_path / "keyring", provider, url=scratch)
    assert set(done.generations) == {1, 2}
    assert sum(done.values.values()) >= 6
    engine = open_engine(scratch)
    assert not is_used(engine)
    engine.dispose()
    with pytest.raises(UpkeepError, match="has tables"):
        await asyncio.to_thread(drill, database, tmp_path / "keyring", provider, url=given["database"])
    assert _states(lived) == [(1, "former"), (2, "current")], "what was there is left alone"
