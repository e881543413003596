"""`zk ledger backup`, `restore`, `forward`, `resume`: what an operator does with a ledger but serving it."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from consortium.fetching import Fetcher
from consortium.source import FolderSource, HttpSource, Source
from tlog import Policy
from zk.commands import fsck
from zk.commands.serve import settings_of
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.messages import reason_text
from zk.progress import progress
from zk.run import Answer, Run, read_log_key
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.upkeep import resuming
from zkservice.upkeep.backup import Told, back_up
from zkservice.upkeep.faults import FaultError, UpkeepError
from zkservice.upkeep.forward import Forwarded
from zkservice.upkeep.forward import forward as bring_forward
from zkservice.upkeep.restoring import restore as bring_back
from zkservice.upkeep.stopped import opened

_WHOLE_SECONDS = 30.0
"""A bundle of the largest entries has 16 MB, which may come over a slow line."""

Database_ = Annotated[str | None, typer.Option("--database", metavar="URL", help="help.ledger.fsck_database")]


def add_to(group: Group) -> None:
    """Add the commands to those of the ledger."""
    group.command("fsck")(fsck.check)
    group.command("backup")(backup)
    group.command("restore")(restore)
    group.command("forward")(forward)
    group.command("resume")(resume)


def backup(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="help.ledger.backup_folder")],
    data: Annotated[Path | None, typer.Option("--data", help="help.serve.data")] = None,
    database: Database_ = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY|FILE", help="help.ledger.key")] = None,
    unchecked: Annotated[bool, typer.Option("--no-check", help="help.ledger.no_check")] = False,
) -> Answer:
    """Back the database up into a new folder, while a server runs or not, and check what was copied."""
    if data is not None and database is not None:
        raise CommandError(Exit.USAGE, "USAGE", "error.fsck_one_source")
    pinned = read_log_key(key) if key else None
    _, url, known = fsck.where(run, data, database, pinned)
    with (
        refusals(run),
        progress(run, run.text("backup.copying"), None) as copied,
        progress(run, run.text("fsck.checking"), None) as checked,
    ):
        now = dt.datetime.now(dt.UTC)
        manifest = back_up(url, known, folder, now=now, check=not unchecked, told=Told(copied, checked))
    data_of = {
        "folder": str(folder),
        "origin": manifest.origin,
        "size": manifest.size,
        "root": manifest.root,
        "schema": manifest.schema,
        "checked": manifest.checked,
        "files": manifest.files,
    }
    done = run.text("backup.done", folder=folder, size=manifest.size, root=manifest.root)
    return Answer(data_of, [done, run.text("backup.without_keys")])


def restore(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="help.ledger.restore_folder")],
    data: Annotated[Path, typer.Option("--data", help="help.ledger.restore_data")],
    database: Database_ = None,
) -> Answer:
    """Bring a backup back into an empty folder, checked; the next start asks the witnesses first."""
    with refusals(run), progress(run, run.text("fsck.checking"), None) as checked:
        manifest, report = bring_back(folder, data, url=database or "", told=Told(checked=checked))
    found = {"data": str(data), "origin": report.origin, "size": report.size, "root": report.root.hex()}
    lines = [
        run.text("restore.done", data=data, size=report.size, made=manifest.made),
        run.text("restore.next", data=data),
    ]
    return Answer({**found, "made": manifest.made, "waiting": report.waiting}, lines)


def forward(
    run: Run,
    source: Annotated[str, typer.Option("--from", metavar="URL|DIR", help="help.ledger.forward_from")],
    data: Annotated[Path | None, typer.Option("--data", help="help.serve.data")] = None,
    root: Annotated[Path | None, typer.Option("--root", help="help.ledger.mirror_root")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="help.ledger.forward_policy")] = None,
    unwitnessed: Annotated[bool, typer.Option("--unwitnessed", help="help.ledger.unwitnessed")] = False,
) -> Answer:
    """Bring a restored log forward to a mirror's newest checkpoint; no server may run meanwhile."""
    given = {"data": data, "policy": policy}
    settings = settings_of({name: each for name, each in given.items() if each is not None})
    trusted = read_file(root) if root else None
    with refusals(run), progress(run, run.text("forward.reading"), None) as advance:
        done = asyncio.run(_forward(settings, source, trusted, _policy(settings), unwitnessed, advance))
    data_of = {
        "data": str(settings.data),
        "before": done.before,
        "size": done.size,
        "blocks": done.blocks,
        "joined": done.joined,
        "unknown": done.unknown,
        "waiting": done.waiting,
        "anchored": done.anchored,
    }
    lines = [
        run.text("forward.done", before=done.before, size=done.size, blocks=done.blocks),
        run.text("forward.joined", joined=done.joined, waiting=done.waiting),
    ]
    if done.unknown:
        lines.append(run.text("forward.unknown", unknown=done.unknown))
    return Answer(data_of, lines)


async def _forward(
    settings: Settings,
    source: str,
    root: bytes | None,
    policy: Policy | None,
    unwitnessed: bool,
    advance: Callable[[int], None],
) -> Forwarded:
    async with AsyncExitStack() as stack:
        database, keys = await stack.enter_async_context(opened(settings))
        reading: Source = FolderSource(Path(source))
        if "://" in source:
            fetcher = await stack.enter_async_context(Fetcher(root=root, whole=_WHOLE_SECONDS))
            reading = HttpSource(source, fetcher)
        now = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
        return await bring_forward(
            database, keys, reading, at_ms=now, policy=policy, unwitnessed=unwitnessed, progress=advance
        )


def resume(
    run: Run,
    data: Annotated[Path | None, typer.Option("--data", help="help.serve.data")] = None,
) -> Answer:
    """Let a restored log without witnesses go on as it is: nobody can have seen more of it."""
    settings = settings_of({} if data is None else {"data": data})
    with refusals(run):
        size, restored = asyncio.run(_resume(settings, _policy(settings)))
    line = run.text("resume.done" if restored else "resume.nothing", size=size)
    return Answer({"data": str(settings.data), "size": size, "restored": restored}, [line])


async def _resume(settings: Settings, policy: Policy | None) -> tuple[int, bool]:
    async with opened(settings) as (database, _):
        state, restored = await database.write(lambda each: resuming.resume(each, policy))
        return state.size, restored


def _policy(settings: Settings) -> Policy | None:
    return Policy.parse(read_file(settings.policy)) if settings.policy else None


@contextmanager
def refusals(run: Run) -> Iterator[None]:
    """Say why something is not done; a fault in what is stored or copied has its own exit code."""
    try:
        yield
    except (FaultError, UpkeepError) as error:
        code = Exit.NOT_VERIFIED if isinstance(error, FaultError) else Exit.REFUSED
        meaning = reason_text(run.lang, error.reason, error.detail)
        raise CommandError(code, error.reason, "error.upkeep", meaning=meaning, detail=error.detail) from None
    except StartError as error:
        raise CommandError(Exit.USAGE, "DATABASE_UNUSABLE", "error.upkeep_unusable", detail=error) from None
