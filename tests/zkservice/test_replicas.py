"""Several servers on one PostgreSQL: one sequences, the others acknowledge as well, and take over from it."""

import asyncio
import shutil
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio

from tests import postgres
from tests.zkservice.auditing import audit
from tests.zkservice.bursts import Burst, prepared
from tests.zkservice.faults import How, Where
from tests.zkservice.server_process import Process, started
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import City, reopened
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from zkproto.v1 import catalog_pb2, ledger_pb2, presentation_pb2
from zkservice.sequencer import Step

TAKEN_OVER: Final = 6.0
"""Seconds: three without a beat, and what a loaded machine takes."""


@dataclass
class Watcher:
    """Collects every checkpoint that servers show, from all of them and by every way, all the time."""

    notes: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))

    async def watch(self, town: City) -> None:
        while True:
            try:
                head = await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest(), timeout=1)
                self._see(head.checkpoint)
            except grpc.aio.AioRpcError:
                pass  # it is frozen or away just now
            await asyncio.sleep(0.05)

    def _see(self, note: bytes) -> None:
        self.notes[int(note.split(b"\n")[1])].add(note)

    def check(self) -> None:
        assert len(self.notes) > 1, "nothing was seen"
        for size, notes in self.notes.items():
            assert len(notes) == 1, f"two checkpoints of size {size}"


@dataclass
class Pair:
    """Two servers on one database, the first of which leads."""

    burst: Burst
    first: Process
    second: Process
    one: City
    other: City
    watcher: Watcher

    def term(self) -> int:
        ((term,),) = self.burst.store.select(self.burst.folder, "select term from ledger_lease")
        assert isinstance(term, int)
        return term

    async def taken_over(self, term: int) -> float:
        """Wait until somebody else leads; return after how many seconds it did."""
        begun = monotonic()
        while self.term() == term:
            assert monotonic() - begun < 2 * TAKEN_OVER, "nobody took over"
            await asyncio.sleep(0.02)
        return monotonic() - begun

    async def reached(self) -> str:
        """Wait for the first server's fault point; return what it says."""
        path = self.first.folder / "reached"
        async with asyncio.timeout(20):
            while not path.exists():
                await asyncio.sleep(0.01)
        return path.read_text()

    def log(self, process: Process) -> str:
        return (process.folder / "server.log").read_text()

    async def check(self, town: City) -> None:
        """See at a server, while it runs, that nothing is lost, doubled or shown in two ways."""
        await self.burst.check_at(town)
        self.watcher.check()
        everything = self.burst.store.select(self.burst.folder, "select checkpoint from ledger_block")
        everything += self.burst.store.select(self.burst.folder, "select checkpoint from ledger_state")
        stored = {bytes(row[0]) for row in everything}
        for notes in self.watcher.notes.values():
            assert notes <= stored, "a checkpoint was shown that no block has"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ready(
    postgresql: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Burst]:
    async with prepared(tmp_path_factory.mktemp("prepared"), Store.on(postgresql)) as burst:
        yield burst


@pytest.fixture
def burst(ready: Burst, tmp_path: Path) -> Burst:
    folder = tmp_path / "first"
    shutil.copytree(ready.folder, folder)
    return Burst(folder, ready.submissions, ready.store.copy())


@asynccontextmanager
async def pair(burst: Burst, *fault: object, **settings: Any) -> AsyncIterator[Pair]:
    """Start two servers, the first with a fault of its own."""
    other, settings = burst.folder.with_name("second"), {"max_batch": 2} | burst.settings | settings
    replica(other, burst.folder)
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(started(burst.folder, *fault, **settings))
        second = await stack.enter_async_context(started(other, **settings))
        one, other_one = [await stack.enter_async_context(each.city()) for each in (first, second)]
        both = Pair(burst, first, second, one, other_one, Watcher())
        watching = [asyncio.create_task(both.watcher.watch(each)) for each in (one, other_one)]
        try:
            yield both
        finally:
            for each in watching:
                each.cancel()
            if first.handle.returncode is None:
                first.end(signal.SIGCONT)


async def test_whoever_is_spoken_to_answers(burst: Burst) -> None:
    """Issued at one, claimed at the other; asked at one, answered at the other, watched at the first."""
    async with pair(burst) as both:
        one, other = both.one, both.other
        assert one.ready.verifier_key == other.ready.verifier_key
        term = both.term()
        await burst.send(other, one)
        assert not burst.failures
        other.department_token = one.department_token = await one.add_department("health")
        await other.add_key("health")
        await other.add_verifier("clinic")
        one.verifier_keys |= other.verifier_keys
        for asking, answering in ((one, other), (other, one)):
            for number in range(4):
                seen = await asking.catalog.GetVerifier(
                    catalog_pb2.GetVerifierRequest(name="verifiers/clinic")
                )
                again = await answering.catalog.GetVerifier(
                    catalog_pb2.GetVerifierRequest(name="verifiers/clinic")
                )
                assert seen == again, number
        await both.check(one)
        await both.check(other)
        assert both.term() == term, "nobody had a reason to take over"
        heads = [await each.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest()) for each in (one, other)]
        assert heads[0].verifier_key == heads[1].verifier_key
        both.first.end(signal.SIGTERM)
        assert await both.first.ended() == 0


async def test_what_comes_to_both_at_once_is_kept_once(burst: Burst) -> None:
    """Each keeps in groups what comes together, and the other's group has the same in another order."""
    async with pair(burst) as both:
        sent = burst.submissions
        calls = [both.one.presentation.SubmitPresentation(each) for each in sent]
        calls += [both.other.presentation.SubmitPresentation(each) for each in reversed(sent)]
        answers = await asyncio.gather(*calls)
        assert answers[: len(sent)] == answers[: len(sent) - 1 : -1], "the same, whoever was first"
        burst.answers.update(enumerate(answers[: len(sent)]))
        await both.check(both.one)
        await both.check(both.other)


async def test_an_exchange_walks_over_two_servers(postgresql: postgres.Server, tmp_path: Path) -> None:
    """Registered at one, issued there and claimed at the other, asked and watched at one, answered there."""
    folder, store = tmp_path / "first", Store.on(postgresql)
    async with reopened(folder, **store.settings):
        pass
    async with pair(Burst(folder, [], store)) as both:
        one, other = await both.one.furnish(), both.other
        other.department_token, other.verifier_keys = one.department_token, one.verifier_keys
        issued = await other.claim(await one.issue())
        request = one.request()
        exchange = await one.ask(request)
        watching = presentation_pb2.WatchExchangeRequest(
            exchange=exchange.exchange, result_token=exchange.result_token
        )
        watched = asyncio.ensure_future(_last(one.presentation.WatchExchange(watching)))
        await asyncio.sleep(0.2)
        submission = other.submission(exchange, *other.present(request, issued))
        answer = await other.presentation.SubmitPresentation(submission)
        assert await one.presentation.SubmitPresentation(submission) == answer, "the same, whoever is asked"
        receipt = verify_receipt(answer.receipt, Verifier.from_string(one.ready.verifier_key))
        assert receipt.index == answer.entry_index
        async with asyncio.timeout(10):
            assert answer.receipt in (await watched).SerializeToString()


async def _last(stream: Any) -> Any:
    last = None
    async for each in stream:
        last = each
    return last


async def test_a_clean_end_hands_over_at_once(burst: Burst) -> None:
    async with pair(burst) as both:
        term = both.term()
        sending = asyncio.create_task(burst.insist(both.other))
        both.first.end(signal.SIGTERM)
        assert await both.first.ended() == 0
        begun = monotonic()
        while both.term() < term + 1:
            await asyncio.sleep(0.01)
        assert monotonic() - begun < 1.5, "it was waited for as for a dead one"
        await sending
        assert not burst.failures, "the other one has acknowledged all the time"
        await both.check(both.other)


@pytest.mark.parametrize("step", Step)
async def test_another_takes_over_from_one_that_was_killed(burst: Burst, step: Step) -> None:
    async with pair(burst, step, 2) as both:
        term = both.term()
        sending = asyncio.create_task(burst.insist(both.other))
        assert await both.first.ended() == -signal.SIGKILL
        assert await both.reached() == step
        assert await both.taken_over(term) < TAKEN_OVER
        await sending
        assert not burst.failures, "what was acknowledged late was acknowledged"
        await both.check(both.other)
    await burst.check()


def signed_by(process: Process) -> list[bytes]:
    return [bytes.fromhex(line) for line in (process.folder / "signed").read_text().split()]


@pytest.mark.parametrize("step", Step)
async def test_what_was_signed_after_the_lock_was_lost_never_leaves(burst: Burst, step: Step) -> None:
    """Frozen at a step, and woken after another took over: it drops what it has signed, and follows."""
    async with pair(burst, step, 2, "SIGSTOP") as both:
        term = both.term()
        sending = asyncio.create_task(burst.insist(both.other))
        assert await both.reached() == step
        assert await both.taken_over(term) < TAKEN_OVER
        await sending
        before = both.watcher.notes.copy()
        both.first.end(signal.SIGCONT)
        async with asyncio.timeout(10):
            while "another server sequences this log now" not in both.log(both.first):
                await asyncio.sleep(0.02)
        await burst.insist(both.one)
        await both.one.add_verifier("woken")  # it serves, and what it stores is taken in by the other
        await both.one.catalog.GetVerifier(catalog_pb2.GetVerifierRequest(name="verifiers/woken"))
        await both.check(both.one)
        await both.check(both.other)
        assert before
        stored = {
            bytes(row[0]) for row in burst.store.select(burst.folder, "select checkpoint from ledger_block")
        }
        dropped = [note for note in signed_by(both.first) if note not in stored]
        if step is Step.PUBLISHED:  # it may have had the next block staged by then
            assert len(dropped) <= 1
        else:
            assert len(dropped) == (step in {Step.STAGED, Step.SIGNED}), "the fault is not what it seems"
        shown = set().union(*both.watcher.notes.values())
        assert not shown & set(dropped)
        both.first.end(signal.SIGTERM)
        assert await both.first.ended() == 0
    await burst.check()


@pytest.mark.parametrize("where", [Where.SUBMISSION, Where.LOCK, Where.PUBLISH])
async def test_one_that_freezes_within_a_transaction_is_thrown_out(burst: Burst, where: Where) -> None:
    """It holds the lock that all writes wait for, until PostgreSQL ends its session."""
    async with pair(burst) as both:
        term = both.term()
        (both.first.folder / "fault").write_text(f"{where} {How.FREEZES}")
        first = asyncio.create_task(burst.insist(both.one, both.other))
        await both.reached()
        assert await both.taken_over(term) < TAKEN_OVER + 1
        await both.other.add_verifier("meanwhile")
        await both.other.catalog.GetVerifier(catalog_pb2.GetVerifierRequest(name="verifiers/meanwhile"))
        both.first.end(signal.SIGCONT)
        await first
        await both.check(both.one)
        await both.check(both.other)
        both.first.end(signal.SIGTERM)
        assert await both.first.ended() == 0
    await burst.check()


@pytest.mark.parametrize("ahead", [86_400, -86_400])
async def test_clocks_that_jump_change_nobodys_place(burst: Burst, ahead: int) -> None:
    async with pair(burst) as both:
        term = both.term()
        await burst.send(both.other)
        for number, folder in enumerate((both.first.folder, both.second.folder)):
            (folder / "ahead").write_text(str(ahead))
            await both.other.add_verifier(f"jump{number}")
            await both.one.catalog.GetVerifier(catalog_pb2.GetVerifierRequest(name=f"verifiers/jump{number}"))
            await asyncio.sleep(1.5)
        rows = burst.store.select(
            burst.folder, "select height from ledger_block order by height desc limit 1"
        )
        assert rows
        assert both.term() == term
        for folder in (both.first.folder, both.second.folder):
            (folder / "ahead").write_text("0")
        assert not burst.failures
        await audit(both.one)  # which also sees that no block is older than the one before it
        await both.check(both.other)
