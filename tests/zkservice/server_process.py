"""A server in a process of its own, which may be told to end or freeze itself at a step of the log.

    python -m tests.zkservice.server_process FOLDER [STEP N [SIGNAL]]

It writes its address to standard output when it is ready. When the step is reached for the N-th time it
gives itself the signal, SIGKILL if none is named, having left the file `reached` behind. Its clock is so many
seconds ahead as the file `ahead` says at that moment. What else its folder tells it is in `faults`.
"""

import asyncio
import datetime as dt
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc

from tests.zkservice import faults
from tests.zkservice.support import City, Clock
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.sequencer import Step
from zkservice.server import Ready, serve

ROOT = Path(__file__).parents[2]


@dataclass
class Process:
    """A started server process, with parties that speak to it."""

    folder: Path
    address: str
    handle: asyncio.subprocess.Process

    def end(self, number: signal.Signals) -> None:
        self.handle.send_signal(number)

    async def ended(self) -> int:
        """Wait for the end; return the exit code, negative for a signal."""
        async with asyncio.timeout(30):
            return await self.handle.wait()

    @asynccontextmanager
    async def city(self) -> AsyncIterator[City]:
        credentials = grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes())
        async with grpc.aio.secure_channel(self.address, credentials) as channel:
            ready = Ready(self.address, (self.folder / "log.vkey").read_text().strip(), self.folder)
            yield City(ready, Clock(), channel, (self.folder / "admin.token").read_text().strip())


async def launch(folder: Path, *arguments: object, **settings: object) -> asyncio.subprocess.Process:
    """Start the process; its standard error goes to `server.log` in the folder."""
    given = {f"ZK_{name.upper()}": str(value) for name, value in settings.items()}
    with (folder / "server.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.zkservice.server_process", str(folder), *map(str, arguments),
            cwd=ROOT, env=os.environ | given, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip


@asynccontextmanager
async def started(folder: Path, *arguments: object, **settings: object) -> AsyncIterator[Process]:
    """Run the process until the block ends, if it does not end before."""
    handle = await launch(folder, *arguments, **settings)
    try:
        assert handle.stdout is not None
        async with asyncio.timeout(30):
            address = (await handle.stdout.readline()).decode().strip()
        assert address, (folder / "server.log").read_text()
        yield Process(folder, address, handle)
    finally:
        if handle.returncode is None:
            handle.kill()
            await handle.wait()


def ending(folder: Path, step: Step, times: int, number: signal.Signals) -> Callable[[Step], None]:
    left = times

    def after(reached: Step) -> None:
        nonlocal left
        left -= reached is step
        if reached is step and left == 0:
            (folder / "reached").write_text(step)
            os.kill(os.getpid(), number)

    return after


def clock_of(folder: Path) -> Callable[[], dt.datetime]:
    path = folder / "ahead"

    def clock() -> dt.datetime:
        ahead = float(path.read_text()) if path.exists() else 0
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=ahead)

    return clock


def _nothing(_: Step) -> None:
    pass


def main(folder: Path, *fault: str) -> int:
    number = signal.Signals[fault[2]] if len(fault) > 2 else signal.SIGKILL
    after = ending(folder, Step(fault[0]), int(fault[1]), number) if fault else _nothing
    faults.install(folder)
    os.environ.setdefault("ZK_PROCESSES", "0")
    settings = Settings(data=folder, dev=True, port=0)
    try:
        serve(
            settings,
            on_ready=lambda ready: print(ready.address, flush=True),  # noqa: T201
            clock=clock_of(folder),
            after=after,
        )
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 9
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
