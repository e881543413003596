"""A server killed while departments revoke: each call is done whole or not at all, and can be repeated."""

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

from bbs.accumulator import verify_page
from disclosure import Accumulator
from tests.zkservice.auditing import audit
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.server_process import started
from tests.zkservice.support import City, city, reopened
from zkproto.v1 import revocation_pb2 as pb
from zkservice.sequencer import Step

CALLS: Final = 6


@dataclass
class Burst:
    """Calls that are ready to be sent to a server on a folder, and what was acknowledged."""

    folder: Path
    token: str
    accumulator: Accumulator
    calls: list[pb.RevokeCredentialsRequest]
    answers: dict[int, Any] = field(default_factory=dict)
    failures: set[grpc.StatusCode] = field(default_factory=set)

    async def send(self, town: City) -> None:
        """Send all at once; wait until each was answered or its connection was lost."""
        office = Office(town, self.token, self.accumulator)
        await asyncio.gather(*(self._send(office, number) for number in range(CALLS)))

    async def _send(self, office: Office, number: int) -> None:
        try:
            self.answers[number] = await office.send(self.calls[number])
        except grpc.aio.AioRpcError as error:
            self.failures.add(error.code())

    async def check(self) -> None:
        """Start the server again, repeat every call, and check the list that comes out from its start."""
        async with reopened(self.folder) as town:
            office = Office(town, self.token, self.accumulator)
            for number, call in enumerate(self.calls):
                again = await office.send(call)
                assert self.answers.setdefault(number, again) == again
                assert again == await office.send(call)
            at = self.accumulator.key.start
            epochs = {each.number: office.checked(each) for each in self.answers.values()}
            assert sorted(epochs) == list(range(1, CALLS + 1))
            for number in range(1, CALLS + 1):
                page = await office.page(at.count, 2)
                at = verify_page(page, at, set())
                assert epochs[number].position == at
            handles = (await office.page()).handles
            asked = [int.from_bytes(each) for call in self.calls for each in call.handles]
            assert sorted(handles) == sorted(asked)
            await audit(town)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Burst]:
    folder = tmp_path_factory.mktemp("prepared")
    async with city(folder) as town:
        office = await Office.open(town, "police", town.department_token)
        calls = [office.asking(new_handles(2)) for _ in range(CALLS)]
        token = town.department_token
    yield Burst(folder, token, office.accumulator, calls)


@pytest.fixture
def burst(prepared: Burst, tmp_path: Path) -> Burst:
    folder = tmp_path / "server"
    shutil.copytree(prepared.folder, folder)
    return Burst(folder, prepared.token, prepared.accumulator, prepared.calls)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("step", Step)
async def test_killed_at_each_step_of_the_log(burst: Burst, step: Step, times: int) -> None:
    async with started(burst.folder, step, times, max_batch=1) as process, process.city() as town:
        await burst.send(town)
        assert await process.ended() == -signal.SIGKILL
    assert (burst.folder / "reached").read_text() == step, "the fault point was not reached"
    assert burst.failures == {grpc.StatusCode.UNAVAILABLE}
    await burst.check()


@pytest.mark.parametrize("milliseconds", [2, 10, 20, 40])
async def test_killed_from_outside_at_any_moment(burst: Burst, milliseconds: int) -> None:
    async with started(burst.folder, max_batch=2) as process, process.city() as town:
        sending = asyncio.ensure_future(burst.send(town))
        await asyncio.sleep(milliseconds / 1000)
        process.end(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
        await sending
    assert burst.failures <= {grpc.StatusCode.UNAVAILABLE}
    await burst.check()
