"""Servers that start for the first time, at once, on one empty PostgreSQL: one makes what is missing."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from tests import postgres
from tests.zkservice.server_process import Process, launch
from tests.zkservice.stores import replica
from tests.zkservice.support import reopened
from zkproto.v1 import ledger_pb2
from zkservice.storage import schema_version
from zkservice.storage.database import open_engine

PAUSE = 11.0
"""Seconds: more than whoever waits for a write waits, and than a transaction of a server may idle."""


SECONDS = 120.0
CHECKPOINT = ledger_pb2.GetCheckpointRequest()


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys that all servers have."""
    folder = tmp_path_factory.mktemp("keys") / "server"

    async def begin() -> None:
        async with reopened(folder):
            pass

    asyncio.run(begin())
    return folder


@pytest.mark.parametrize("turn", [0, *(pytest.param(each, marks=pytest.mark.long) for each in range(1, 6))])
async def test_three_servers_start_at_once_on_an_empty_database(
    database: postgres.Server, keys: Path, tmp_path: Path, turn: int
) -> None:
    url = database.create(f"turn-{turn}")
    folders = [replica(tmp_path / str(number), keys) for number in range(3)]
    servers = [await launch(each, database=url) for each in folders]
    try:
        async with asyncio.timeout(SECONDS):
            addresses = await asyncio.gather(*map(ready, servers))
        assert all(addresses), [(each / "server.log").read_text() for each in folders]
        for folder, address, server in zip(folders, addresses, servers, strict=True):
            async with Process(folder, address, server).city() as town:
                head = await town.ledger.GetCheckpoint(CHECKPOINT, timeout=SECONDS)
                assert head.checkpoint
    finally:
        for server in servers:
            with suppress(ProcessLookupError):
                server.kill()
            await server.wait()


async def ready(server: asyncio.subprocess.Process) -> str:
    """Return the address that a server says when it has started, nothing if it has not."""
    assert server.stdout is not None
    return (await server.stdout.readline()).decode().strip()


def test_a_slow_migration_is_waited_for_and_not_thrown_out(
    database: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy machine pauses for seconds between two statements, while others start too."""
    check, paused = schema_version.check_servers, list[float]()

    def slow(connection: Connection) -> None:
        check(connection)
        if not paused:
            paused.append(PAUSE)
            time.sleep(PAUSE)

    monkeypatch.setattr(schema_version, "check_servers", slow)
    url = database.create("slow")

    def start(_: Any) -> str:
        engine = open_engine(url)
        try:
            return schema_version.require_newest(engine)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(start, range(3))) == [schema_version.newest()] * 3
    assert paused
