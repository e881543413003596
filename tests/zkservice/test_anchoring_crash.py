"""The server killed after the witnesses have cosigned and before it has stored that: nothing is lost."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.zkservice.auditing import audit
from tests.zkservice.server_process import Process, started
from tests.zkservice.stored import selected
from tests.zkservice.witnessing import (
    CITIES,
    Consortium,
    anchored,
    consortium,
    grow,
    until,
)


@pytest.fixture
async def others(tmp_path: Path) -> AsyncIterator[Consortium]:
    async with consortium(tmp_path, tmp_path / "server") as gathered:
        yield gathered


def silent_once(quiet: asyncio.Event) -> Callable[[ASGIApp], ASGIApp]:
    """Return a witness that cosigns, durably, and keeps its answer back while `quiet` is set."""

    def wrap(app: ASGIApp) -> ASGIApp:
        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            answer: list[Message] = []

            async def kept(message: Message) -> None:
                answer.append(message)

            await app(scope, receive, kept)
            while quiet.is_set():
                await asyncio.sleep(0.02)
            for message in answer:
                await send(message)

        return serve

    return wrap


async def test_killed_between_asking_and_storing(others: Consortium) -> None:
    folder, settings = others.folder / "server", {**others.settings, "witness_seconds": 20}
    quiet = asyncio.Event()
    for name in CITIES[:4]:
        await others.witnesses[name].start(silent_once(quiet))
    async with started(folder, **settings) as process:
        await _killed(others, process, quiet)
    newest = max(size for (size,) in selected(folder, "select size from ledger_anchor"))
    size = selected(folder, "select size from ledger_state where role = 'published'")[0][0]
    assert newest < size, "it was stored before the kill"
    async with started(folder, **settings) as process, process.city() as town:
        note = await anchored(town, size)
        assert others.cosigned(note) >= set(CITIES[:4])
        await audit(town)
        assert all(each.size() >= size for each in others.witnesses.values())


async def _killed(others: Consortium, process: Process, quiet: asyncio.Event) -> None:
    """Let all nine cosign and four keep their answers to themselves; then kill the server."""
    async with process.city() as town:
        await anchored(town, 0)
        quiet.set()
        size = await grow(town, "police")

        async def cosigned() -> bool:
            return {each.size() for each in others.witnesses.values()} == {size}

        await until(cosigned)
        process.end(signal.SIGKILL)
        assert await process.ended() == -signal.SIGKILL
        quiet.clear()


async def test_killed_again_and_again_it_never_anchors_what_it_lacks(others: Consortium) -> None:
    """Whenever it ends, what is anchored is of the stored log, and the witnesses let it go on."""
    folder, settings = others.folder / "server", others.settings
    for number in range(4):
        async with started(folder, **settings) as process, process.city() as town:
            for part in range(3):
                await grow(town, f"d-{number}-{part}")
            await asyncio.sleep(0.03 * number)
            process.end(signal.SIGKILL)
            await process.ended()
    async with started(folder, **settings) as process, process.city() as town:
        size = await grow(town, "last")
        others.cosigned(await anchored(town, size))
        await audit(town)
    for at, note in selected(folder, "select size, checkpoint from ledger_anchor"):
        others.cosigned(note)
        assert at <= size
