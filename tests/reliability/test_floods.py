"""Floods of each kind against a server in a process of its own: memory bounded, honest callers served.

And overload by honest callers: three times as much as the server can do is offered, and what is refused is
sent again later; most of what it can do is still done, and nothing that was acknowledged is lost.
"""

import asyncio
import struct
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import grpc
import pytest

from tests.reliability.flooding import (
    END_STREAM,
    PING,
    RESET,
    SETTINGS,
    Attack,
    flood,
    frame,
    message,
    opening,
    resident,
    shrinks,
    silent,
    streams,
)
from tests.zkservice.server_process import Process, started
from tests.zkservice.stored import selected
from tests.zkservice.support import City, aio_error, city
from zk.local_server import UNLIMITED, launch, ready_line
from zkproto.v1 import ledger_pb2, presentation_pb2, presentation_pb2_grpc

MOST_GROWTH: Final = 100 << 20
"""Octets of resident memory that an attack may add."""
MOST_FOR_LONG: Final = 512 << 20
"""The same of one that goes on for long, over eight connections or more, by which gRPC queues."""
MOST_OF_ALL: Final = 160 << 20
"""What may be left of all kinds one after the other: what was freed is not given back at once."""
CHECKPOINT: Final = ledger_pb2.GetCheckpointRequest()
GET: Final = "/zkproto.v1.LedgerService/GetCheckpoint"
FETCH: Final = "/zkproto.v1.PresentationService/FetchRequest"
VERIFY: Final = "/zkproto.v1.PresentationService/VerifyPresentation"
WATCH: Final = "/zkproto.v1.LedgerService/WatchCheckpoints"
LISTING: Final = "/zkproto.v1.CatalogService/ListSchemas"
POLICE: Final = b"\n\rdepartments/-"
LARGE: Final = b"\x7a\xe0\xff\x0f" + bytes(262_112)
"""A message of as many octets as there may be, all of them in a field that nobody knows."""
NO_ROOM: Final = struct.pack(">HI", 4, 0)


async def half_open(address: str, seconds: float) -> int:
    """Open streams that send nothing."""
    return await flood(
        address, seconds, 24, lambda turn: b"".join(opening(each, FETCH) for each in streams(turn))
    )


async def half_sent(address: str, seconds: float) -> int:
    """Send all of large messages but their ends."""

    def sent(turn: int) -> bytes:
        return b"".join(
            opening(each, VERIFY) + message(each, LARGE, ends=False)[:-1000] for each in streams(turn, 4)
        )

    return await flood(address, seconds, 16, sent)


async def pings(address: str, seconds: float) -> int:
    return await flood(address, seconds, 8, lambda _: frame(PING, 0, 0, bytes(8)) * 500)


async def settings(address: str, seconds: float) -> int:
    table = struct.pack(">HI", 1, 4096)
    return await flood(address, seconds, 8, lambda _: frame(SETTINGS, 0, 0, table) * 500)


async def resets(address: str, seconds: float) -> int:
    """Open calls and take them back at once (CVE-2023-44487)."""
    cancel = struct.pack(">I", 8)

    def sent(turn: int) -> bytes:
        return b"".join(opening(each, GET) + frame(RESET, 0, each, cancel) for each in streams(turn, 50))

    return await flood(address, seconds, 8, sent)


async def headers(address: str, seconds: float) -> int:
    """Send as many headers as there may be, and more."""

    def sent(turn: int) -> bytes:
        large = {f"x-{number}": bytes([97]) * 3000 for number in range(2 + turn % 20)}
        return b"".join(opening(each, GET, **large) + message(each, b"") for each in streams(turn, 8))

    return await flood(address, seconds, 8, sent)


async def large_messages(address: str, seconds: float) -> int:
    def sent(turn: int) -> bytes:
        return b"".join(opening(each, VERIFY) + message(each, LARGE) for each in streams(turn, 4))

    return await flood(address, seconds, 12, sent)


async def made_up_tokens(address: str, seconds: float) -> int:
    def sent(turn: int) -> bytes:
        return b"".join(
            opening(each, GET, authorization=b"Bearer %d-%f" % (each, time.monotonic())) + message(each, b"")
            for each in streams(turn)
        )

    return await flood(address, seconds, 8, sent)


async def deaf(address: str, seconds: float) -> int:
    """Ask for large answers and give them no room."""

    def sent(turn: int) -> bytes:
        return b"".join(opening(each, LISTING) + message(each, POLICE) for each in streams(turn))

    return await flood(address, seconds, 16, sent, NO_ROOM)


async def watchers(address: str, seconds: float) -> int:
    def sent(turn: int) -> bytes:
        return b"".join(opening(each, WATCH) + message(each, b"") for each in streams(turn))

    return await flood(address, seconds, 16, sent)


async def connections(address: str, seconds: float) -> int:
    """Hold connections without a handshake, and open others all the time."""
    async with silent(address, 200):
        return await flood(address, seconds, 4, lambda _: frame(PING, END_STREAM, 0, b""))


ATTACKS: Final[dict[str, Attack]] = {
    each.__name__: each
    for each in (
        half_open, half_sent, pings, settings, resets, headers, large_messages, made_up_tokens, deaf,
        watchers, connections,
    )
}  # fmt: skip


@asynccontextmanager
async def honest(town: City) -> AsyncIterator[list[float]]:
    """Call and ask all the time, as one caller does; each call must be answered."""
    taken: list[float] = []
    over = asyncio.Event()

    async def calling() -> None:
        while not over.is_set():
            begun = time.monotonic()
            assert (await town.ledger.GetCheckpoint(CHECKPOINT, timeout=60)).checkpoint
            assert (await town.ask(town.request())).exchange
            taken.append(time.monotonic() - begun)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(calling())
    try:
        yield taken
    finally:
        over.set()
        await task


async def peak_of(process: Process, over: asyncio.Event) -> int:
    """Return the most memory that a process had until it is over."""
    most = 0
    while not over.is_set():
        most = max(most, resident(process.handle.pid))
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 0.05)
    return most


async def survives(
    process: Process, town: City, attack: Attack, seconds: float
) -> tuple[int, int, list[float]]:
    """Attack; return the turns it had, how much the server's memory grew at most, how long others waited."""
    over, before = asyncio.Event(), resident(process.handle.pid)
    watching = asyncio.create_task(peak_of(process, over))
    try:
        async with honest(town) as taken:
            turns = 0
            while not turns:  # on a busy machine the connections take their time
                turns = await attack(process.address, seconds)
    finally:
        over.set()
    assert process.handle.returncode is None
    return turns, await watching - before, taken


@asynccontextmanager
async def served(folder: Path, **settings: object) -> AsyncIterator[tuple[Process, City]]:
    """Run a server process, warmed up, and an honest party."""
    async with started(folder, **settings) as process, process.city() as town:
        await town.furnish()
        for _ in range(30):
            await town.ask(town.request())
        yield process, town


async def all_attacks(folder: Path, seconds: float, most: int = MOST_GROWTH) -> None:
    report = {}
    # Two hundred that never say a word must not be all that a small machine has place for.
    async with served(folder, log_level="error", max_connections=512) as (process, town):
        first = resident(process.handle.pid)
        for name, attack in ATTACKS.items():
            turns, growth, taken = await survives(process, town, attack, seconds)
            report[name] = (
                f"{turns} times, {growth >> 20} MiB, {len(taken)} honest turns, longest {max(taken):.2f} s"
            )
            assert await shrinks(process.handle.pid, first + MOST_OF_ALL), report
            assert growth <= most, report
        assert (await town.ask(town.request())).exchange
    for name, line in report.items():
        print(f"{name:>16}: {line}")  # noqa: T201


async def test_floods_of_each_kind(tmp_path: Path) -> None:
    await all_attacks(tmp_path, 0.6)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_floods_of_each_kind_for_long(tmp_path: Path) -> None:
    await all_attacks(tmp_path, 20, MOST_FOR_LONG)


# Calls that come faster than the event loop takes them


async def test_overload_is_told_as_such_and_never_cancelled(tmp_path: Path) -> None:
    """Of more than a thousand calls that wait gRPC by itself ends some as CANCELLED."""
    async with served(tmp_path, log_level="error", max_concurrent_calls=30) as (process, _):
        credentials = grpc.ssl_channel_credentials((tmp_path / "ca.pem").read_bytes())
        options = [("grpc.use_local_subchannel_pool", 1)]
        lines = [grpc.aio.secure_channel(process.address, credentials, options=options) for _ in range(50)]
        await asyncio.gather(*(each.channel_ready() for each in lines))
        codes: Counter[str] = Counter()

        async def one(line: Any) -> None:
            call = line.unary_unary(GET, request_serializer=lambda each: each)
            try:
                await call(b"")
                codes["OK"] += 1
            except grpc.aio.AioRpcError as error:
                codes[f"{error.code().name} {aio_error(error).reason}".strip()] += 1

        process.handle.send_signal(19)  # it is stopped while they come
        calls = [asyncio.ensure_future(one(line)) for line in lines for _ in range(60)]
        await asyncio.sleep(1)
        process.handle.send_signal(18)
        await asyncio.gather(*calls)
        await asyncio.gather(*(each.close() for each in lines))
        assert codes.total() == 3000
        assert {*codes} <= {"OK", "RESOURCE_EXHAUSTED OVERLOADED"}, codes
        assert codes["OK"] >= 30


# Three times capacity


class Load:
    """Submissions, each sent until it is answered with a receipt."""

    def __init__(self, stubs: list[Any], submissions: list[Any]) -> None:
        self._stubs, self._left = stubs, submissions
        self.acknowledged: dict[str, bytes] = {}
        self.refused: Counter[str] = Counter()
        self._sent = 0

    @property
    def empty(self) -> bool:
        return not self._left

    async def one(self) -> None:
        if not self._left:
            return
        submission = self._left.pop()
        self._sent += 1
        try:
            stub = self._stubs[self._sent % len(self._stubs)]
            answer = await stub.SubmitPresentation(submission, timeout=60)
        except grpc.aio.AioRpcError as error:
            self.refused[aio_error(error).reason or error.code().name] += 1
            self._left.insert(0, submission)
        else:
            self.acknowledged[submission.exchange] = answer.receipt

    async def closed(self, seconds: float, callers: int) -> float:
        """So many callers, each with one call at a time; return acknowledged a second."""
        loop = asyncio.get_running_loop()
        begun, before = loop.time(), len(self.acknowledged)

        async def caller() -> None:
            while loop.time() < begun + seconds and not self.empty:
                await self.one()

        await asyncio.gather(*(caller() for _ in range(callers)))
        return (len(self.acknowledged) - before) / (loop.time() - begun)

    async def open(self, seconds: float, rate: float) -> float:
        """So many calls a second, whatever becomes of them; return acknowledged a second."""
        loop = asyncio.get_running_loop()
        begun, before, made = loop.time(), len(self.acknowledged), 0
        tasks: set[asyncio.Task[None]] = set()
        while (now := loop.time()) < begun + seconds:
            while made < (now - begun) * rate:
                made += 1
                task = asyncio.create_task(self.one())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(0.002)
        await asyncio.gather(*tasks)
        return (len(self.acknowledged) - before) / (loop.time() - begun)


async def submissions(town: City, count: int) -> list[Any]:
    issued = await town.claim(await town.issue())
    made = []
    for _ in range(count):
        request = town.request()
        made.append(town.submission(await town.ask(request), *town.present(request, issued)))
    return made


@contextmanager
def serving(folder: Path, places: int) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run a server as an operator does, with its workers, until the block ends; give its address."""
    settings = UNLIMITED | {"ZK_MAX_CONCURRENT_CALLS": str(places)}
    command = ["serve", "--dev", "--data", folder, "--port", "0", "--json", "--log-level", "error"]
    with (folder / "server.log").open("w", encoding="utf-8") as errors:
        process = launch(command, errors, settings)
        try:
            yield ready_line(process, folder / "server.log")["address"], process
        finally:
            process.kill()
            process.wait()


async def overloaded(folder: Path, count: int, seconds: float, rounds: int) -> None:
    async with city(folder) as town:
        ready = await submissions(town, count)
    with serving(folder, 48) as (address, process):
        credentials = grpc.ssl_channel_credentials((folder / "ca.pem").read_bytes())
        options = [("grpc.use_local_subchannel_pool", 1)]
        # One connection has 64 calls at most: what a server refuses comes from many callers.
        lines = [grpc.aio.secure_channel(address, credentials, options=options) for _ in range(24)]
        load = Load([presentation_pb2_grpc.PresentationServiceStub(each) for each in lines], ready)
        await load.closed(0.5, 32)  # until it knows what it needs
        best = 0.0
        for _ in range(rounds):
            peak = await load.closed(seconds, 32)
            offered = await load.open(seconds, 3 * peak)
            if load.empty:
                break  # there was too little to send
            best = max(best, offered / peak)
            print(f"peak {peak:.0f}/s, at three times as much {offered:.0f}/s; refused {load.refused}")  # noqa: T201
            if best >= 0.8:
                break
        assert {*load.refused} <= {"OVERLOADED", "RATE_LIMITED", "TOO_MANY_CALLS"}
        assert load.refused["OVERLOADED"] > 0, "or it was no overload"
        assert best >= 0.8
        process.kill()
        await asyncio.to_thread(process.wait)
        await asyncio.gather(*(each.close() for each in lines))
    kept = {row[0] for row in selected(folder, "select exchange from answer")}
    assert {each.removeprefix("exchanges/") for each in load.acknowledged} <= kept
    assert all(load.acknowledged.values())


async def test_at_three_times_capacity_most_is_still_done_and_nothing_is_lost(tmp_path: Path) -> None:
    await overloaded(tmp_path, 1500, 1.0, 4)


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_at_three_times_capacity_for_long(tmp_path: Path) -> None:
    await overloaded(tmp_path, 9_500, 8.0, 3)


def test_what_is_sent_is_as_large_as_may_be() -> None:
    assert len(LARGE) <= 262_144
    presentation_pb2.VerifyPresentationRequest.FromString(LARGE)
