"""`zk consortium checkpoint, follow`: bring what a running log shows into the consortium's order."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import typer

from consortium.errors import SourceError
from consortium.fetching import Fetcher
from consortium.source import HttpSource
from disclosure import DisclosureError
from ordering.errors import RefusedError, StateError
from tlog import TlogError
from wire.client import ServiceError
from wire.published import Reader
from zk.commands.consortium_parts import Data, Nodes, at_node, submitter
from zk.following import Following, Said, epochs_of
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run

_TROUBLE: Final = (RefusedError, StateError, SourceError, TlogError, ServiceError, DisclosureError)
"""What is told in its own words; of anything else only what kind it is."""
_TOLD: Final = {"ordered": "consortium.log_ordered", "epoch": "consortium.epoch"}

Url = Annotated[str, typer.Option("--url", help="help.consortium.url")]
HttpRoot = Annotated[Path | None, typer.Option("--http-root", help="help.consortium.http_root")]
Departments = Annotated[list[str] | None, typer.Option("--department", help="help.consortium.department")]


def add_to(group: Group) -> None:
    """Add the commands to `zk consortium`."""
    group.command("checkpoint", remote=True)(checkpoint)
    group.command("follow", remote=True)(follow)


def checkpoint(
    run: Run,
    data: Data,
    url: Url,
    http_root: HttpRoot = None,
    department: Departments = None,
    node: Nodes = None,
) -> Answer:
    """Order a log's newest checkpoint once, and the newest epochs of some departments."""

    async def once() -> list[Said]:
        async with _following(run, data, url, http_root, department, node) as following:
            return [each for each in (await following.checkpoint(),) if each] + await following.epochs()

    with at_node():
        said = asyncio.run(once())
    lines = [run.text(_TOLD[each["event"]], **each) for each in said]
    return Answer({"ordered": said}, lines or [run.text("consortium.nothing_new")])


def follow(
    run: Run,
    data: Data,
    url: Url,
    interval: Annotated[float, typer.Option("--interval", min=0.1, help="help.consortium.interval")] = 10.0,
    http_root: HttpRoot = None,
    department: Departments = None,
    node: Nodes = None,
) -> Answer:
    """Order a log's newest checkpoint again and again until it is told to end, and epochs likewise.

    Log and nodes may be away for as long as they like. What is wrong is said once, and again when it is
    something else. With --json each event is a line.
    """

    async def until_told() -> None:
        async with _following(run, data, url, http_root, department, node) as following:
            await _Telling(run, following).until_told(interval)

    asyncio.run(until_told())
    return Answer({"event": "stopped"}, [run.text("consortium.follow_stopped")])


@asynccontextmanager
async def _following(
    run: Run,
    data: Path,
    url: str,
    http_root: Path | None,
    departments: list[str] | None,
    nodes: list[str] | None,
) -> AsyncIterator[Following]:
    submits = submitter(data, nodes)
    async with Fetcher(root=read_file(http_root) if http_root else None) as fetcher:
        source = HttpSource(url, fetcher)
        if not departments:
            yield Following(submits, source)
            return
        with run.endpoint.channel() as channel:
            yield Following(submits, source, epochs_of(Reader(channel, run.log_verifier()), departments))


class _Telling:
    """Follows, and says what was ordered and what is wrong."""

    def __init__(self, run: Run, following: Following) -> None:
        self._run, self._following, self._trouble = run, following, dict[str, str]()

    async def until_told(self, interval: float) -> None:
        """Order each `interval` seconds, until SIGINT or SIGTERM.

        What waits for log or node in a thread then, goes on until it has its answer or enough.
        """
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        self._run.document({"event": "ready"})
        self._run.say(self._run.text("consortium.follows"))
        while not stop.is_set():
            begun = loop.time()
            round_ = asyncio.ensure_future(self._round())
            told = asyncio.ensure_future(stop.wait())
            await asyncio.wait((round_, told), return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            if not round_.done():
                round_.cancel()
            await asyncio.gather(round_, return_exceptions=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(begun + interval - loop.time(), 0.01))

    async def _round(self) -> None:
        try:
            if (said := await self._following.checkpoint()) is not None:
                self._say(said)
            self._trouble.pop("checkpoint", None)
        except Exception as error:
            self._wrong("checkpoint", error)
        try:
            for each in await self._following.epochs():
                self._say(each)
            self._trouble.pop("epochs", None)
        except Exception as error:
            self._wrong("epochs", error)

    def _say(self, said: Said) -> None:
        self._run.document(said)
        self._run.say(self._run.text(_TOLD[said["event"]], **said))

    def _wrong(self, what: str, error: Exception) -> None:
        reason, detail = _reason(error), _detail(error)
        if self._trouble.get(what) == reason:
            return
        self._trouble[what] = reason
        self._run.document({"event": "trouble", "what": what, "reason": reason, "detail": str(detail)})
        if not self._run.as_json:
            self._run.warn("error.consortium_follow", reason=reason, detail=detail)


def _detail(error: Exception) -> str:
    return str(getattr(error, "detail", error)) if isinstance(error, _TROUBLE) else type(error).__name__


def _reason(error: Exception) -> str:
    if isinstance(error, RefusedError):
        return error.refusal.name
    return (
        "NODE_UNREACHABLE" if isinstance(error, StateError) else str(getattr(error, "reason", "UNEXPECTED"))
    )
