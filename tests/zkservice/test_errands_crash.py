"""A server killed in the middle of submissions: of each errand all parts were accepted, or none."""

import asyncio
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio

from tests.zkservice.auditing import audit
from tests.zkservice.errands import PARTS, Errands
from tests.zkservice.server_process import started
from tests.zkservice.stored import dump
from tests.zkservice.support import City, city, reopened
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1.errand_pb2_grpc import ErrandServiceStub
from zkservice.sequencer import Step

ERRANDS: Final = 6


@dataclass
class Burst:
    """Submissions that are ready to be sent to a server on a folder, and what became of each."""

    folder: Path
    submissions: list[pb.SubmitErrandRequest]
    answers: dict[int, Any] = field(default_factory=dict)
    failures: dict[int, grpc.StatusCode] = field(default_factory=dict)

    async def send(self, town: City) -> None:
        stub: Any = ErrandServiceStub(town.channel)

        async def one(number: int) -> None:
            try:
                self.answers[number] = await stub.SubmitErrand(self.submissions[number], timeout=20)
            except grpc.aio.AioRpcError as error:
                self.failures[number] = error.code()

        await asyncio.gather(*map(one, range(len(self.submissions))))

    async def check(self) -> None:
        """Look at what was kept, then send everything again: nothing is there by halves, or twice."""
        with closing(sqlite3.connect(self.folder / "service.sqlite3")) as connection:
            assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        rows = dump(self.folder)
        answered, of_part = (
            {row[0] for row in rows["answer"]},
            {row[0]: row[1] for row in rows["errand_part"]},
        )
        kept = Counter(of_part[row[1]] for row in rows["errand_ask"] if row[0] in answered)
        assert set(kept.values()) <= {len(PARTS)}, "an errand was accepted by halves"
        submitted = {row[0] for row in rows["errand"] if row[3] == "submitted"}
        assert set(kept) == submitted
        assert len(rows["event"]) == len(submitted)
        assert {self.submissions[each].errand.removeprefix("errands/") for each in self.answers} <= submitted
        async with reopened(self.folder) as town:
            log, stub = Verifier.from_string(town.ready.verifier_key), self.stub(town)
            for number, submission in enumerate(self.submissions):
                again = await stub.SubmitErrand(submission)
                assert self.answers.setdefault(number, again) == again
                for receipt in [*again.receipts, again.receipt]:
                    verify_receipt(receipt, log)
            report = await audit(town)
            assert report.receipts == len(self.submissions) * (len(PARTS) + 1)

    @staticmethod
    def stub(town: City) -> Any:
        return ErrandServiceStub(town.channel)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Burst]:
    folder = tmp_path_factory.mktemp("prepared")
    submissions = []
    async with city(folder) as town:
        errands = await Errands.of(town, await town.claim(await town.issue()))
        for _ in range(ERRANDS):
            begun = await errands.start()
            await begun.ask()
            submissions.append(await begun.submission())
    yield Burst(folder, submissions)


@pytest.fixture
def burst(prepared: Burst, tmp_path: Path) -> Burst:
    folder = tmp_path / "server"
    shutil.copytree(prepared.folder, folder)
    return Burst(folder, prepared.submissions)


@pytest.mark.parametrize("step", Step)
async def test_killed_at_each_step_of_the_log(burst: Burst, step: Step) -> None:
    async with started(burst.folder, step, 1, max_batch=2) as process, process.city() as town:
        await burst.send(town)
        assert await process.ended() == -signal.SIGKILL
    assert burst.failures, "a killed server cannot have answered everybody"
    await burst.check()


@pytest.mark.parametrize("milliseconds", [10, 30, 60, 100, 150])
async def test_killed_from_outside_at_any_moment(burst: Burst, milliseconds: int) -> None:
    async with started(burst.folder, max_batch=2) as process, process.city() as town:
        sending = asyncio.ensure_future(burst.send(town))
        await asyncio.sleep(milliseconds / 1000)
        process.end(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
        await sending
    await burst.check()
