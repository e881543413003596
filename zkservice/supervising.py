"""Several server processes on one port of one machine (setting `servers`): started, replaced, ended together.

The supervisor serves nobody. It holds the data folder's lock, which its members inherit, so that it is free
only when the last of them has ended; and the port, to which each member binds as well (SO_REUSEPORT), so that
the system gives each new connection to one of them. Each member is a server of its own on the same database,
as servers on several machines are (decisions/0011); they share the folder's keys.

A member that ends, or says nothing for fifteen seconds, is replaced, after a pause that grows while it does
not help. Where no place can be filled any more the supervisor ends, with what the last of them said. SIGHUP
replaces one after the other, each by one that is ready before the old one is told to end; SIGTERM and SIGINT
end all.
"""

import asyncio
import contextlib
import json
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from zkservice import logs
from zkservice.config import Settings
from zkservice.costs import DEAREST
from zkservice.errors import StartError
from zkservice.hosting import only_process
from zkservice.member import BEAT_SECONDS, order
from zkservice.server import Ready
from zkservice.storage.database import sqlite_file

_LEAST_RATE: Final = 0.001
"""The least that the settings take."""
_START_SECONDS: Final = 300.0
"""How long a member may take to be ready; the first one may have a schema to upgrade."""
_GRACE_SECONDS: Final = 30.0
"""How long a member may take beyond `drain_seconds` to end, before it is killed."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_STEADY_SECONDS: Final = 60.0
"""A member that ran so long is replaced at once."""


def supervise(
    settings: Settings, *, upgrade: bool = False, on_ready: Callable[[Ready], None] = lambda _: None
) -> None:
    """Run `settings.servers` server processes until SIGINT or SIGTERM. Raises StartError."""
    logs.configure(settings.log_level)
    _check_shared(settings)
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context(only_process(settings.data))
        port = stack.enter_context(_reserved(settings.host, settings.port, "port"))
        changed: dict[str, Any] = {"servers": 1, "port": port, "processes": _share(settings)}
        if settings.http_port is not None:
            http = _reserved(settings.http_host, settings.http_port, "http_port")
            changed["http_port"] = stack.enter_context(http)
        if settings.client_port is not None:
            secured = _reserved(settings.host, settings.client_port, "client_port")
            changed["client_port"] = stack.enter_context(secured)
        shared = divided(settings).model_copy(update=changed)
        supervisor = _Supervisor(shared, settings.servers, lock, upgrade=upgrade)
        asyncio.run(supervisor.run(on_ready))


def divided(settings: Settings) -> Settings:
    """Return what each member may give a tenant, so that all together give what the settings say.

    Rates and bursts, which a tenant's connections to several members would multiply. A bucket still holds
    the dearest call, and places for calls stay as they are: a connection is one member's, and a client with
    one connection has its calls there.
    """
    shares: dict[str, float] = {}
    for name in ("rate_anonymous", "rate_named"):
        shares[name] = max(_LEAST_RATE, getattr(settings, name) / settings.servers)
    for name in ("burst_anonymous", "burst_named"):
        whole = getattr(settings, name)
        shares[name] = max(min(whole, DEAREST), whole / settings.servers)
    return settings.model_copy(update=shares)


def _check_shared(settings: Settings) -> None:
    try:
        file = sqlite_file(settings.database_url)
    except (SQLAlchemyError, ValueError):
        return  # each member says what is wrong with it
    if file is not None:
        raise StartError("several `servers` take a `database` on PostgreSQL: one on SQLite is alone")


def _share(settings: Settings) -> int:
    """Return how many of the judges and signers are one member's: at least one where there are any."""
    return max(1, settings.processes // settings.servers) if settings.processes else 0


@contextlib.contextmanager
def _reserved(host: str, port: int, setting: str) -> Iterator[int]:
    """Hold a port that members listen on, without listening; give its number, which 0 lets the system choose.

    Raises StartError if another process has it, also one that would share it: that would take half the calls.
    """
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        with socket.socket(family, socket.SOCK_STREAM) as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(address)
            address = alone.getsockname()
        shared = socket.socket(family, socket.SOCK_STREAM)
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(address)
    except OSError:
        raise StartError(f"{host}:{port} ({setting}) cannot be listened on") from None
    with shared:
        yield int(address[1])


_SILENT_BEATS: Final = 15
"""Beats of a member that may be missing. The system gives connections to a frozen one too: it has to go."""


@dataclass(eq=False)
class _Member:
    """A process that was ready."""

    process: asyncio.subprocess.Process
    ready: Ready
    since: float = field(default_factory=time.monotonic)
    missing: int = 0
    """Beats since it has said anything, counted by the supervisor's own: it may have been frozen itself."""
    word: str = ""
    """Why it has ended, if it has said so."""

    def __post_init__(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    async def ended(self) -> int | None:
        """Wait until it has ended; return its exit code."""
        await asyncio.wait((self._listening,))
        return self.process.returncode

    async def _listen(self) -> None:
        """Take in what it says, until it has ended."""
        assert self.process.stdout is not None  # noqa: S101, it is a pipe
        async for line in self.process.stdout:
            self.missing = 0
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self.word = str(json.loads(line)["failed"])
        await self.process.wait()

    def check(self) -> None:
        """Count a beat; kill it if too many are missing."""
        self.missing += 1
        if self.missing > _SILENT_BEATS and self.process.returncode is None:
            log = structlog.get_logger()
            log.error("a server process says nothing any more", process=self.process.pid)
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def end(self, seconds: float) -> None:
        """Tell it to end; kill it if it does not in time."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await self.ended()
        except TimeoutError:
            structlog.get_logger().error("a server process did not end in time", process=self.process.pid)
            await _kill(self.process)


class _Supervisor:
    def __init__(self, settings: Settings, places: int, lock: int, *, upgrade: bool) -> None:
        self._settings, self._places, self._lock, self._upgrade = settings, places, lock, upgrade
        self._members: list[_Member] = []
        self._turns = [asyncio.Lock() for _ in range(places)]
        self._failures: dict[int, StartError] = {}
        self._stop, self._renew = asyncio.Event(), asyncio.Event()

    async def run(self, on_ready: Callable[[Ready], None]) -> None:
        """Start all, keep them, end them."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._renew.set)
        serving = asyncio.create_task(self._serve(on_ready))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (serving, stopping):
                each.cancel()
            await asyncio.wait((serving, stopping))
            structlog.get_logger().info("stopping")
            within = self._settings.drain_seconds + _GRACE_SECONDS
            await asyncio.gather(*(each.end(within) for each in self._members))
        if not serving.cancelled():
            serving.result()

    async def _serve(self, on_ready: Callable[[Ready], None]) -> None:
        # The first one makes what the folder lacks, and the schema; the others find it.
        self._members.append(await self._started(0, upgrade=self._upgrade))
        others = [asyncio.create_task(self._started(each)) for each in range(1, self._places)]
        try:
            await asyncio.gather(*others)
        finally:
            for other in others:
                other.cancel()
            begun = await asyncio.gather(*others, return_exceptions=True)
            self._members += [each for each in begun if isinstance(each, _Member)]
        on_ready(self._members[0].ready)
        structlog.get_logger().info("ready", address=self._members[0].ready.address, servers=self._places)
        kept = [self._renewing(), self._checking(), *(self._keep(each) for each in range(self._places))]
        tasks = [asyncio.create_task(each) for each in kept]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for each in done:
                each.result()
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _started(self, place: int, *, upgrade: bool = False) -> _Member:
        """Start a process and wait until it is ready; StartError with what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "zkservice.member",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            pass_fds=(self._lock,), start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_START_SECONDS):
                return _Member(process, await self._said(process, place, upgrade=upgrade))
        except BaseException as error:
            await _kill(process)
            if isinstance(error, TimeoutError):
                raise StartError("a server process was not ready in time") from None
            raise

    def _of(self, place: int) -> Settings:
        """Return the settings of a place's member: each tells its own metrics, port after port."""
        first = self._settings.metrics_port
        return self._settings.model_copy(update={"metrics_port": first + place}) if first else self._settings

    async def _said(self, process: asyncio.subprocess.Process, place: int, *, upgrade: bool) -> Ready:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018, both are pipes
        process.stdin.write(order(self._of(place), upgrade=upgrade))
        try:
            await process.stdin.drain()
            told = json.loads(await process.stdout.readline() or b"{}")
        except (OSError, json.JSONDecodeError):
            told = {}
        if "ready" in told:
            return Ready(**(told["ready"] | {"data": Path(told["ready"]["data"])}))
        await process.wait()
        raise StartError(told.get("failed", f"a server process ended at its start ({process.returncode})"))

    async def _keep(self, place: int) -> None:
        """Replace a place's member whenever it ends by itself."""
        pause = 0.0
        while True:
            member = self._members[place]
            code = await member.ended()
            async with self._turns[place]:
                if self._members[place] is not member:  # replaced meanwhile
                    continue
                log = structlog.get_logger()
                log.error("a server process ended", process=member.process.pid, code=code, reason=member.word)
                steady = time.monotonic() - member.since >= _STEADY_SECONDS
                pause = 0.0 if steady else min(max(_FIRST_PAUSE, 2 * pause), _LONGEST_PAUSE)
                self._members[place] = await self._replaced(place, pause)

    async def _replaced(self, place: int, pause: float) -> _Member:
        """Start a process until one is ready; StartError once the last one of every place could not start."""
        while True:
            await asyncio.sleep(pause)
            try:
                member = await self._started(place)
            except StartError as error:
                structlog.get_logger().error("a server process cannot start", reason=str(error))
                self._failures[place] = error
                if len(self._failures) == self._places:
                    raise
                pause = min(max(_FIRST_PAUSE, 2 * pause), _LONGEST_PAUSE)
            else:
                self._failures.pop(place, None)
                structlog.get_logger().info("a server process was replaced", process=member.process.pid)
                return member

    async def _checking(self) -> None:
        """Look each second whether members live."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for each in self._members:
                each.check()

    async def _renewing(self) -> None:
        """Replace all, one after the other, whenever it is asked for."""
        while True:
            await self._renew.wait()
            self._renew.clear()
            log = structlog.get_logger()
            log.info("replacing all server processes")
            try:
                for place in range(self._places):
                    await self._renewed(place)
            except StartError as error:  # those that run go on
                log.error("server processes cannot be replaced", reason=str(error))
            else:
                log.info("all server processes were replaced")

    async def _renewed(self, place: int) -> None:
        async with self._turns[place]:
            # With `--upgrade`: a newer program may have been put in the place of this one.
            member = await self._started(place, upgrade=self._upgrade)
            before, self._members[place] = self._members[place], member
        await before.end(self._settings.drain_seconds + _GRACE_SECONDS)


async def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()
