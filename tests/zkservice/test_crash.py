"""A server killed in the middle of a burst: what it acknowledged is there, and nothing is there twice."""

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
from tests.zkservice.refusing import Submission
from tests.zkservice.server_process import launch, started
from tests.zkservice.stored import dump
from tests.zkservice.support import City, city, reopened
from tlog.entry import ReceiptEntry, parse_entry
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from zkproto.v1 import ledger_pb2
from zkservice.sequencer import Step

BURST: Final = 8


@dataclass
class Burst:
    """Submissions that are ready to be sent to a server on a folder, and what became of each."""

    folder: Path
    submissions: list[Submission]
    answers: dict[int, Any] = field(default_factory=dict)
    failures: dict[int, grpc.StatusCode] = field(default_factory=dict)

    async def send(self, town: City) -> None:
        """Send all at once; wait until each was answered or its connection was lost."""
        await asyncio.gather(*(self._send(town, number) for number in range(len(self.submissions))))

    async def _send(self, town: City, number: int) -> None:
        try:
            answer = await town.presentation.SubmitPresentation(self.submissions[number], timeout=20)
        except grpc.aio.AioRpcError as error:
            self.failures[number] = error.code()
        else:
            self.answers[number] = answer

    async def check(self) -> None:
        """Start the server again; compare what it has with what was acknowledged."""
        with closing(sqlite3.connect(self.folder / "service.sqlite3")) as connection:
            assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        async with reopened(self.folder) as town:
            key = Verifier.from_string(town.ready.verifier_key)
            await audit(town)
            commitments = []
            for number, submission in enumerate(self.submissions):
                again = await town.presentation.SubmitPresentation(submission)
                assert self.answers.setdefault(number, again) == again
                receipt = verify_receipt(again.receipt, key)
                assert receipt.index == again.entry_index
                commitments.append(receipt.opening.commitment)
            listed = await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(page_size=1000))
            entries = map(parse_entry, (each.entry for each in listed.entries))
            counted = Counter(each.commitment for each in entries if isinstance(each, ReceiptEntry))
            assert counted == dict.fromkeys(commitments, 1)
            assert len(counted) == len(self.submissions)
            report = await audit(town)
            assert report.receipts == len(self.submissions)
        assert not dump(self.folder)["outbox_content"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prepared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Burst]:
    folder = tmp_path_factory.mktemp("prepared")
    submissions = []
    async with city(folder) as town:
        issued = await town.claim(await town.issue())
        for _ in range(BURST):
            request = town.request()
            submissions.append(town.submission(await town.ask(request), *town.present(request, issued)))
    yield Burst(folder, submissions)


@pytest.fixture
def burst(prepared: Burst, tmp_path: Path) -> Burst:
    folder = tmp_path / "server"
    shutil.copytree(prepared.folder, folder)
    return Burst(folder, prepared.submissions)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("step", Step)
async def test_killed_at_each_step_of_the_log(burst: Burst, step: Step, times: int) -> None:
    async with started(burst.folder, step, times, max_batch=2) as process, process.city() as town:
        await burst.send(town)
        assert await process.ended() == -signal.SIGKILL
    assert (burst.folder / "reached").read_text() == step, "the fault point was not reached"
    assert burst.failures, "a killed server cannot have answered everybody"
    assert set(burst.failures.values()) == {grpc.StatusCode.UNAVAILABLE}
    await burst.check()


@pytest.mark.parametrize("step", [Step.APPLIED, Step.PUBLISHED])
async def test_killed_again_while_it_recovers(burst: Burst, step: Step) -> None:
    async with started(burst.folder, Step.LOCKED, 1, max_batch=2) as process, process.city() as town:
        await burst.send(town)
        assert await process.ended() == -signal.SIGKILL
    recovering = await launch(burst.folder, step, 1)
    assert await recovering.wait() == -signal.SIGKILL
    assert (burst.folder / "reached").read_text() == step
    await burst.check()


@pytest.mark.parametrize("milliseconds", [5, 40, 80, 160])
async def test_killed_from_outside_at_any_moment(burst: Burst, milliseconds: int) -> None:
    async with started(burst.folder, max_batch=2) as process, process.city() as town:
        sending = asyncio.ensure_future(burst.send(town))
        await asyncio.sleep(milliseconds / 1000)
        process.end(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
        await sending
    await burst.check()


async def test_a_clean_end_answers_what_is_in_flight(burst: Burst) -> None:
    async with started(burst.folder, max_batch=2) as process, process.city() as town:
        sending = asyncio.ensure_future(burst.send(town))
        while not burst.answers:
            await asyncio.sleep(0.001)
        process.end(signal.SIGTERM)
        await sending
        assert await process.ended() == 0
    assert set(burst.failures.values()) <= {grpc.StatusCode.UNAVAILABLE}
    kept = {row[0] for row in dump(burst.folder)["answer"]}
    assert {burst.submissions[number].exchange[10:] for number in burst.answers} <= kept
    assert all(row[1] is not None for row in dump(burst.folder)["outbox"])
    assert "Traceback" not in (burst.folder / "server.log").read_text()
    await burst.check()


async def test_an_end_that_cannot_wait_cuts_off_what_is_in_flight(burst: Burst) -> None:
    """After `drain_seconds` gRPC resets the streams that are left, as CANCELLED or with the connection."""
    async with started(burst.folder, drain_seconds=0) as process, process.city() as town:
        sending = asyncio.ensure_future(burst.send(town))
        await asyncio.sleep(0.02)
        process.end(signal.SIGTERM)
        await sending
        assert await process.ended() == 0
    assert set(burst.failures.values()) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert "Traceback" not in (burst.folder / "server.log").read_text()
    await burst.check()


async def test_a_second_server_on_the_folder_is_refused(burst: Burst) -> None:
    async with started(burst.folder) as process, process.city() as town:
        second = await launch(burst.folder)
        assert await second.wait() == 9
        assert f"another server is running on {burst.folder}" in (burst.folder / "server.log").read_text()
        await burst.send(town)
        assert not burst.failures
        process.end(signal.SIGINT)
        assert await process.ended() == 0
    await burst.check()
