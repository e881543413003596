"""Nine cities that cosign for one another, eight of them in this process and one as a process of its own.

Each has a database, keys, a log over HTTP and a witness; the regulator's witness and a monitor of all logs
are processes of their own too, so that what they print can be read.
"""

import asyncio
import json
import queue
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc

from consortium.serving import listening
from consortium.witness import make_keys, opened_store, witness_app
from disclosure import SchemaName
from tests.prover.town import Town
from tests.zkservice.support import City, Clock, reopened
from tlog import GroupLine, LogLine, Policy, Verifier, WitnessLine
from zk.demo.consortium.cities import Running, run
from zkservice.beginning import begin
from zkservice.config import Settings
from zkservice.server import Ready

LETTERS: Final = "abcdefghi"
APART: Final = "i"
REGULATOR: Final = "regulator"
QUORUM: Final = 5
"""Of the eight others; with the log's own signature six of nine."""
_SETTINGS: Final[dict[str, Any]] = {
    "http_port": 0, "http_plain": True, "checkpoint_ms": 500, "witness_seconds": 5.0
}  # fmt: skip


@dataclass
class Cities:
    """All of them, as they run."""

    folder: Path
    logs: dict[str, Verifier]
    witnesses: dict[str, WitnessLine] = field(default_factory=dict)
    towns: dict[str, Town] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Running] = field(default_factory=dict)

    def policy(self, letter: str) -> Policy:
        """Six of nine: the log's own, and five of the other eight. The regulator does not count."""
        lines = tuple(each for name, each in self.witnesses.items() if name != letter)
        others = tuple(each.name for each in lines if each.name != REGULATOR)
        log = LogLine(self.logs[letter], self.urls.get(letter))
        return Policy((log,), lines, (GroupLine("cities", QUORUM, others),), "cities")

    def policy_file(self, letter: str) -> Path:
        path = self.folder / letter / "policy"
        path.write_bytes(self.policy(letter).to_bytes())
        return path

    def server(self, letter: str) -> Path:
        return self.folder / letter / "server"

    def witness(self, name: str) -> Path:
        return self.folder / name / "witness"

    @property
    def origins(self) -> dict[str, Policy]:
        return {log.name: self.policy(letter) for letter, log in self.logs.items()}

    def run(self, name: str, *arguments: object, **settings: str) -> Running:
        """Start a `zk` command; what it writes to standard error is in a file of its name."""
        self.processes[name] = run(arguments, self.folder / f"{name}.stderr", settings)
        return self.processes[name]

    def ended(self, name: str) -> str:
        """End a process in order; return everything that it has ever printed."""
        running = self.processes.pop(name)
        running.end()
        lines = [json.dumps(running.ready)]
        while line := running.lines.get(timeout=10):
            lines.append(line)
        return "\n".join(lines) + (self.folder / f"{name}.stderr").read_text()


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Cities]:
    logs = {
        letter: begin(Settings(data=folder / letter / "server", log_origin=f"{letter}.example/log"))
        for letter in LETTERS
    }
    made = Cities(folder, logs)
    known = folder / "logs.policy"
    known.write_bytes(Policy(tuple(map(LogLine, logs.values()))).to_bytes())
    async with AsyncExitStack() as stack:
        stack.callback(_end, made)
        made.witnesses[REGULATOR] = await asyncio.to_thread(_regulator, made, known)
        for letter in LETTERS:
            made.witnesses[letter] = await _witness(made, letter, stack)
        apart = await asyncio.to_thread(_apart, made)
        made.towns[APART] = await _town(apart, stack)
        loop = asyncio.get_running_loop()
        for letter in LETTERS.replace(APART, ""):
            settings = {"policy": made.policy_file(letter), "log_origin": logs[letter].name, **_SETTINGS}
            city = await stack.enter_async_context(reopened(made.server(letter), **settings))
            made.towns[letter] = Town(city, loop)
            made.urls[letter] = f"http://127.0.0.1:{city.ready.http_port}"
        await asyncio.to_thread(_monitor, made)
        yield made


async def _witness(made: Cities, letter: str, stack: AsyncExitStack) -> WitnessLine:
    signer = make_keys(made.witness(letter), f"{letter}.example/witness")
    known = {each.name: (each,) for each in made.logs.values()}
    store = stack.enter_context(opened_store(made.witness(letter), known, (signer,)))
    app = witness_app(store, known, lambda: int(time.time()))
    port = await stack.enter_async_context(listening(app, "127.0.0.1", 0))
    return WitnessLine(letter, signer.verifier, f"http://127.0.0.1:{port}")


def _regulator(made: Cities, known: Path) -> WitnessLine:
    folder = made.witness(REGULATOR)
    signer = make_keys(folder, "regulator.example/witness")
    serve = ["--json", "witness", "serve", "--data", folder, "--policy", known, "--port", 0]
    ready = made.run(REGULATOR, *serve).ready
    return WitnessLine(REGULATOR, signer.verifier, f"http://{ready['address']}")


def _apart(made: Cities) -> Ready:
    """Start the city that is a process; it logs all that it ever logs."""
    data, policy = made.server(APART), made.policy_file(APART)
    serve = ["--json", "serve", "--dev", "--data", data, "--port", 0, "--http-port", 0, "--policy", policy]
    settings = {
        "ZK_PROCESSES": "0", "ZK_HTTP_PLAIN": "true", "ZK_CHECKPOINT_MS": "500",
        "ZK_LOG_ORIGIN": made.logs[APART].name,
    }  # fmt: skip
    ready = made.run("server", *serve, "--log-level", "debug", **settings).ready
    made.urls[APART] = f"http://127.0.0.1:{ready['http_port']}"
    return Ready(ready["address"], (data / "log.vkey").read_text().strip(), data)


async def _town(ready: Ready, stack: AsyncExitStack) -> Town:
    credentials = grpc.ssl_channel_credentials((ready.data / "ca.pem").read_bytes())
    channel = await stack.enter_async_context(grpc.aio.secure_channel(ready.address, credentials))
    admin = (ready.data / "admin.token").read_text().strip()
    return Town(City(ready, Clock(), channel, admin), asyncio.get_running_loop())


def _monitor(made: Cities) -> None:
    command: list[object] = ["--json", "ledger", "monitor", "--folder", made.folder / "monitor"]
    command += ["--interval", "1", "--late", "600"]
    for letter in LETTERS:
        command += ["--policy", made.policy_file(letter)]
    for each in made.witnesses.values():
        command += ["--witness", each.url]
    made.run("monitor", *command)


def _end(made: Cities) -> None:
    for name in list(made.processes):
        made.processes.pop(name).end()


@contextmanager
def founded(folder: Path) -> Iterator[Cities]:
    """Start all of them in a thread of its own; end them when the block ends."""
    started, ended = queue.Queue[Cities | BaseException](), asyncio.Event()

    async def serve() -> None:
        async with _opened(folder) as made:
            started.put(made)
            await ended.wait()

    def serving() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            started.put(error)
            raise

    thread = threading.Thread(target=serving)
    thread.start()
    made = started.get(timeout=120)
    if isinstance(made, BaseException):
        raise made
    loop = made.towns["a"].loop
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(60)


def item(letter: str, department: str, name: str) -> SchemaName:
    """Return the name of an item of a city's own department: no two cities have one alike."""
    return SchemaName(f"{department}-of-{letter}", name, 1)
