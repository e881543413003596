"""`zk ledger mirror`: a checked copy of another operator's log, to be served when the operator is gone."""

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from consortium.errors import ConsortiumError, SourceError
from consortium.fetching import Fetcher
from consortium.folder import opened_folder
from consortium.mirror import ContradictionError, Held, Mirror, load
from consortium.serving import listening
from consortium.source import FolderSource, HttpSource
from consortium.tiles_app import tiles_app
from tlog import LogLine, Policy, TlogError
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.listening import listen_address
from zk.progress import progress
from zk.run import Answer, Run, read_log_key

_WHOLE_SECONDS = 30.0
"""A bundle of the largest entries has 16 MB, which may come over a slow line."""


def add_to(group: Group) -> None:
    """Add the command to `zk ledger`."""
    group.command("mirror")(mirror)


def mirror(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="help.ledger.mirror_folder")],
    policy: Annotated[Path | None, typer.Option("--policy", help="help.ledger.mirror_policy")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY|FILE", help="help.ledger.key")] = None,
    origin: Annotated[str | None, typer.Option("--origin", help="help.ledger.mirror_origin")] = None,
    url: Annotated[str | None, typer.Option("--url", help="help.ledger.mirror_url")] = None,
    root: Annotated[Path | None, typer.Option("--root", help="help.ledger.mirror_root")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="help.ledger.mirror_follow")] = False,
    interval: Annotated[
        float, typer.Option("--interval", min=0.1, help="help.ledger.mirror_interval")
    ] = 10.0,
    serve: Annotated[
        str | None, typer.Option("--serve", metavar="HOST:PORT", help="help.ledger.mirror_serve")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="help.ledger.mirror_certificate")
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option("--private-key", help="help.ledger.mirror_private_key")
    ] = None,
) -> Answer:
    """Bring a folder to the newest checkpoint of a log, once or again and again; or serve what it has.

    With --follow or --serve it runs until it is told to end, and with --json prints one line for each event.
    """
    believed, known_url = _policy(run, policy, key, origin)
    source = url or known_url
    if source is None and (follow or serve is None):
        raise CommandError(Exit.USAGE, "URL_MISSING", "error.mirror_url_missing")
    address = listen_address(serve) if serve is not None else None
    work = _Mirroring(run, folder, believed, source or "", read_file(root) if root else None)
    if not follow and address is None:
        return asyncio.run(work.once())
    every = interval if follow else None
    try:
        return asyncio.run(work.until_told(every, address, certificate, private_key))
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None


def _policy(run: Run, file: Path | None, key: str | None, origin: str | None) -> tuple[Policy, str | None]:
    """Return the policy of the one log that is meant, and where the file says that the log is."""
    if file is not None and key is not None:
        raise CommandError(Exit.USAGE, "USAGE", "error.mirror_policy_or_key")
    if file is None:
        # What the folder has may be signed by a key from before the pinned one.
        keys = (read_log_key(key),) if key else run.profile.log_keys
        if not keys:
            raise CommandError(Exit.KEY_NOT_TRUSTED, "LOG_KEY_UNKNOWN", "error.mirror_key_unknown")
        return Policy(tuple(map(LogLine, keys))), None
    whole = Policy.parse(read_file(file))
    origins = list(dict.fromkeys(each.verifier.name for each in whole.logs))
    if origin is None and len(origins) == 1:
        origin = origins[0]
    lines = tuple(each for each in whole.logs if each.verifier.name == origin)
    if not lines:
        known = ", ".join(origins) or "-"
        raise CommandError(Exit.USAGE, "ORIGIN_MISSING", "error.mirror_origin_missing", origins=known)
    one = Policy(lines, whole.witnesses, whole.groups, whole.quorum)
    return one, next((each.url for each in lines if each.url), None)


@dataclass
class _Mirroring:
    """One log, one folder, and the way to the log."""

    run: Run
    folder: Path
    policy: Policy
    url: str
    root: bytes | None
    exit_code: Exit = Exit.OK

    async def once(self) -> Answer:
        """Bring the folder to the newest checkpoint."""
        with opened_folder(self.folder) as opened:
            following = await Mirror.opened(opened, self.policy)
            async with self._fetcher() as fetcher:
                try:
                    new = await self._update(following, HttpSource(self.url, fetcher))
                except ContradictionError as error:
                    raise self._refused(error) from None
                except SourceError as error:
                    text, detail = "error.mirror_source", error.detail
                    raise CommandError(
                        Exit.UNREACHABLE, error.reason, text, url=self.url, detail=detail
                    ) from None
        data = {"folder": str(self.folder), "new": new, **_standing(following.held)}
        return Answer(data, [self._told(following.held)])

    async def until_told(
        self,
        every: float | None,
        address: tuple[str, int] | None,
        certificate: Path | None,
        private_key: Path | None,
    ) -> Answer:
        """Follow the log each `every` seconds, and serve the folder at `address`, until SIGINT or SIGTERM."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with AsyncExitStack() as stack:
            following = None
            if every is not None:
                opened = stack.enter_context(opened_folder(self.folder))
                following = await Mirror.opened(opened, self.policy)
            else:
                await self._check_standing()
            await self._ready(stack, address, certificate, private_key)
            if following is not None and every is not None:
                await self._follow(following, every, stop, stay=address is not None)
            await stop.wait()
        return Answer({"event": "stopped"}, [self.run.text("ledger.mirror_stopped")], self.exit_code)

    async def _check_standing(self) -> None:
        """Check what is about to be served; FolderError."""
        await load(self.folder, await _note(self.folder), self.policy)

    async def _ready(
        self,
        stack: AsyncExitStack,
        address: tuple[str, int] | None,
        certificate: Path | None,
        private_key: Path | None,
    ) -> None:
        at = None
        if address is not None:
            app = tiles_app(FolderSource(self.folder))
            server = listening(app, *address, certificate=certificate, private_key=private_key)
            at = f"{address[0]}:{await stack.enter_async_context(server)}"
        self.run.document({"event": "ready", "address": at, "folder": str(self.folder)})
        text = "ledger.mirror_follows" if at is None else "ledger.mirror_serves"
        self.run.say(self.run.text(text, folder=self.folder, address=at))

    async def _follow(self, following: Mirror, every: float, stop: asyncio.Event, *, stay: bool) -> None:
        """Update again and again. After a contradiction no more: what stands is then all there ever will be.

        With `stay` it goes on being served; else the command ends.
        """
        async with self._fetcher() as fetcher:
            source, trouble = HttpSource(self.url, fetcher), ""
            while not stop.is_set():
                update = asyncio.ensure_future(self._update(following, source))
                try:
                    if await _unless(stop, update):
                        self._tell(following.held)
                    trouble = ""
                except ContradictionError as error:
                    self._trouble(error)
                    self.exit_code = Exit.NOT_VERIFIED
                    if not stay:
                        raise self._refused(error) from None
                    return
                except (ConsortiumError, TlogError) as error:
                    # Told once, not each time: a source may be away for days.
                    if trouble != str(error):
                        self._trouble(error)
                    trouble = str(error)
                await _pause(stop, every)

    async def _update(self, following: Mirror, source: HttpSource) -> bool:
        with progress(self.run, self.run.text("ledger.mirroring"), None) as advance:
            return await following.update(source, advance)

    def _fetcher(self) -> Fetcher:
        return Fetcher(root=self.root, whole=_WHOLE_SECONDS)

    def _tell(self, held: Held) -> None:
        self.run.document({"event": "mirrored", **_standing(held)})
        self.run.say(self._told(held))

    def _told(self, held: Held) -> str:
        values = {"origin": held.origin, "size": held.size, "root": held.root.hex()}
        return self.run.text("ledger.mirrored", **values, count=held.cosigned)

    def _trouble(self, error: ConsortiumError | TlogError) -> None:
        self.run.document({"event": "trouble", "reason": error.reason, "detail": error.detail})
        if not self.run.as_json:
            self.run.warn("error.mirror_source", url=self.url, detail=error)

    def _refused(self, error: ContradictionError) -> CommandError:
        meaning = self.run.text(f"reason.{error.reason}")
        text, path = "error.mirror_contradiction", error.place or self.folder
        return CommandError(Exit.NOT_VERIFIED, error.reason, text, meaning=meaning, path=path)


def _standing(held: Held) -> dict[str, Any]:
    return {
        "origin": held.origin,
        "size": held.size,
        "root": held.root.hex(),
        "cosignatures": held.cosigned,
    }


async def _note(folder: Path) -> bytes:
    try:
        return await FolderSource(folder).checkpoint()
    except SourceError:
        raise CommandError(Exit.USAGE, "FOLDER_INVALID", "error.mirror_empty", path=folder) from None


async def _unless(stop: asyncio.Event, update: "asyncio.Future[bool]") -> bool:
    """Return what an update gives; False if it was told to end before."""
    told = asyncio.ensure_future(stop.wait())
    await asyncio.wait((told, update), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if update.done():
        return update.result()
    update.cancel()
    await asyncio.gather(update, return_exceptions=True)
    return False


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
