"""A server killed while vaults claim and owners publish: each call is done whole or not at all, and again."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio

from tests.zkservice.auditing import audit
from tests.zkservice.holding import BASE, Claiming, Holder, identified, offer
from tests.zkservice.publishing import digits, publish, table
from tests.zkservice.revoking import Office
from tests.zkservice.server_process import started
from tests.zkservice.stored import dump
from tests.zkservice.support import City, aio_error, city, reopened
from wire.composite import published_of
from zkservice.sequencer import Step

PERSONS: Final = 4
TABLES: Final = 4


@dataclass
class Burst:
    """Claims and tables that are ready to be sent to a server on a folder, and what was acknowledged.

    Of each person two vaults claim an offer each: only one of them can have it.
    """

    folder: Path
    token: str
    claims: list[tuple[Holder, Claiming]]
    answers: dict[int, Any] = field(default_factory=dict)
    tables: dict[int, Any] = field(default_factory=dict)
    failures: list[grpc.StatusCode] = field(default_factory=list)

    async def send(self, town: City) -> None:
        """Send all at once; wait until each was answered, refused, or its connection was lost."""
        claims = (self._claim(town, number) for number in range(len(self.claims)))
        await asyncio.gather(*claims, *(self._publish(town, number) for number in range(TABLES)))

    async def _claim(self, town: City, number: int) -> None:
        try:
            self.answers[number] = await self.claims[number][1].send(town)
        except grpc.aio.AioRpcError as error:
            self.failures.append(error.code())

    async def _publish(self, town: City, number: int) -> None:
        try:
            self.tables[number] = await publish(town, table(number=number), self.token)
        except grpc.aio.AioRpcError as error:
            self.failures.append(error.code())

    async def check(self) -> None:
        """Start the server again, repeat every call, and compare it with what was acknowledged."""
        acknowledged = set(self.answers)
        async with reopened(self.folder) as town:
            for number, (holder, claiming) in enumerate(self.claims):
                holder.city = town
                (again,) = await asyncio.gather(claiming.send(town), return_exceptions=True)
                if isinstance(again, BaseException):
                    assert aio_error(again).reason == "HOLDER_MISMATCH"  # type: ignore[arg-type]
                    assert number not in acknowledged, "an acknowledged credential is gone"
                    continue
                assert self.answers.setdefault(number, again) == again
                await holder.accept(claiming, again)
            assert sorted(number // 2 for number in self.answers) == list(range(PERSONS))
            assert len({each.handle for each in self.answers.values()}) == PERSONS
            for number in range(TABLES):
                made = await publish(town, table(number=number), self.token)
                assert self.tables.setdefault(number, made) == made
                assert published_of(made).table.digest == digits(number).digest
            await audit(town)
        rows = dump(self.folder)
        assert len(rows["holder"]) == PERSONS
        assert len(rows["published_table"]) == TABLES
        assert len([row for row in rows["composite_offer"] if row[6] is not None]) == PERSONS


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Burst]:
    folder = tmp_path_factory.mktemp("prepared")
    async with city(folder) as town:
        await town.add_schema(BASE)
        await Office.open(town, "police", town.department_token)
        claims = []
        for number in range(2 * PERSONS):
            holder = Holder(town)
            made = await offer(town, identified(person=f"person {number // 2}".encode()))
            claims.append((holder, await holder.commit(made)))
        token = town.department_token
    yield Burst(folder, token, claims)


@pytest.fixture
def burst(prepared: Burst, tmp_path: Path) -> Burst:
    folder = tmp_path / "server"
    shutil.copytree(prepared.folder, folder)
    return Burst(folder, prepared.token, prepared.claims)


@pytest.mark.parametrize("step", Step)
async def test_killed_at_each_step_of_the_log(burst: Burst, step: Step) -> None:
    async with started(burst.folder, step, 2, max_batch=1) as process, process.city() as town:
        await burst.send(town)
        assert await process.ended() == -signal.SIGKILL
    assert (burst.folder / "reached").read_text() == step, "the fault point was not reached"
    assert grpc.StatusCode.UNAVAILABLE in burst.failures
    await burst.check()


@pytest.mark.parametrize("milliseconds", [2, 15, 30, 60, 90])
@pytest.mark.parametrize("processes", [0, 1])
async def test_killed_from_outside_at_any_moment(burst: Burst, milliseconds: int, processes: int) -> None:
    async with started(burst.folder, processes=processes) as process, process.city() as town:
        sending = asyncio.ensure_future(burst.send(town))
        await asyncio.sleep(milliseconds / 1000)
        process.end(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
        await sending
    assert set(burst.failures) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.FAILED_PRECONDITION}
    await burst.check()
