"""Two servers on one PostgreSQL database: one asks the witnesses, both serve what is anchored."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.zkservice.support import City, reopened
from tests.zkservice.witnessing import Consortium, anchored, consortium, grow, head, size_of
from zkservice.behind import LogBehindError


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


@dataclass
class Replica:
    """One of the two servers; the block that runs it, and what is set when its log is lost."""

    town: City
    running: AsyncExitStack
    lost: asyncio.Event


@dataclass
class Pair:
    """The witnesses with the two servers, of which the first has led from the beginning."""

    others: Consortium
    name: str
    first: Replica
    second: Replica


@pytest.fixture
async def pair(
    database: postgres.Server, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Pair]:
    name = request.node.name
    url = database.create(name)
    one, two = tmp_path / "server", tmp_path / "second"
    async with consortium(tmp_path, one, database=url) as others:
        shutil.copytree(one, two)
        settings = others.settings | {"database": url}
        async with AsyncExitStack() as stack:
            replicas = []
            for folder in (one, two):
                replica = await _start(folder, settings)
                stack.push_async_exit(replica.running)
                replicas.append(replica)
            yield Pair(others, name, *replicas)


async def _start(folder: Path, settings: dict[str, Any]) -> Replica:
    running, lost = AsyncExitStack(), asyncio.Event()
    town = await running.enter_async_context(reopened(folder, lost, **settings))
    return Replica(town, running, lost)


async def test_what_one_anchors_both_serve(pair: Pair) -> None:
    size = await grow(pair.second.town, "police")
    for replica in (pair.first, pair.second):
        pair.others.cosigned(await anchored(replica.town, size))
    assert size_of((await head(pair.second.town)).checkpoint) >= size


async def test_whoever_takes_over_goes_on_asking(pair: Pair) -> None:
    await anchored(pair.second.town, await grow(pair.first.town, "police"))
    await pair.first.running.aclose()
    size = await grow(pair.second.town, "health")
    pair.others.cosigned(await anchored(pair.second.town, size, 20))


async def test_what_one_finds_stops_the_other(pair: Pair, database: postgres.Server) -> None:
    """Nobody else takes over a log that was found to be behind its witnesses."""
    await anchored(pair.second.town, await grow(pair.first.town, "police"))
    with database.connect(pair.name) as connection:
        connection.execute("insert into ledger_mark values ('behind', 'as one found it')")
    async with asyncio.timeout(10):
        await asyncio.gather(pair.first.lost.wait(), pair.second.lost.wait())
    for replica in (pair.first, pair.second):
        with pytest.raises(LogBehindError, match="as one found it"):
            await replica.running.aclose()
