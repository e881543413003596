"""`zk ledger fsck`: rebuild a stored ledger from its entries, and name the first fault. Read only."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from consortium.checking import check as check_folder
from consortium.errors import FolderError
from tlog import ArchiveInvalidError, ArchiveMalformedError, Policy, Verifier, verify_archive
from tlog.archive import read_lines
from zk.commands.serve import settings_of
from zk.exits import CommandError, Exit
from zk.home import read_file
from zk.messages import reason_text
from zk.progress import progress
from zk.run import Answer, Run, read_log_key
from zkservice.errors import StartError
from zkservice.storage import reading
from zkservice.upkeep import fsck
from zkservice.upkeep.faults import FaultError
from zkservice.upkeep.manifest import KEY

_SHOWN: Final = {
    "origin": "fsck.origin",
    "schema": "fsck.schema",
    "size": "fsck.size",
    "root": "fsck.root",
    "blocks": "fsck.blocks",
    "receipts": "fsck.receipts",
    "records": "fsck.records",
    "tiles": "fsck.tiles",
    "anchors": "fsck.anchors",
    "cosignatures": "fsck.cosignatures",
    "waiting": "fsck.waiting",
    "locked": "fsck.locked",
    "marks": "fsck.marks",
}
Checked = tuple[dict[str, Any], int]
"""What a ledger holds, for a JSON document, and how many entries were read."""


def check(
    run: Run,
    file: Annotated[Path | None, typer.Argument(help="help.ledger.fsck_file")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="help.ledger.fsck_data")] = None,
    database: Annotated[
        str | None, typer.Option("--database", metavar="URL", help="help.ledger.fsck_database")
    ] = None,
    mirror: Annotated[Path | None, typer.Option("--mirror", help="help.ledger.fsck_mirror")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KEY|FILE", help="help.ledger.key")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="help.ledger.fsck_policy")] = None,
) -> Answer:
    """Check a server's database, a mirror's folder or an exported file: everything, from the entries on.

    Exit code 4 says that there is a fault, and the answer which one is the first.
    """
    if sum(each is not None for each in (file, data, database, mirror)) > 1:
        raise CommandError(Exit.USAGE, "USAGE", "error.fsck_one_source")
    believed = Policy.parse(read_file(policy)) if policy else None
    pinned = read_log_key(key) if key else None
    source: str | Path
    begun = time.monotonic()
    with unusable(), progress(run, run.text("fsck.checking"), None) as advance:
        try:
            if file is not None:
                source, checked = file, _file(run, file, pinned or run.profile.log_key, advance)
            elif mirror is not None:
                source, checked = mirror, _mirror(run, mirror, pinned, believed, advance)
            else:
                source, url, known = where(run, data, database, pinned)
                checked = _database(url, known, believed, advance)
        except (FaultError, FolderError, ArchiveInvalidError, ArchiveMalformedError) as error:
            return _faulty(run, error)
    found, read = checked
    seconds = time.monotonic() - begun
    speed = round(read / seconds) if seconds else read
    data_of = {"source": str(source), **found, "seconds": round(seconds, 3), "entries_per_second": speed}
    lines = [
        run.text("fsck.sound", source=source, seconds=f"{seconds:.1f}", speed=speed),
        *(run.text(_SHOWN[name], value=value) for name, value in found.items() if value != {}),
    ]
    return Answer({**data_of, "fault": None}, lines)


def where(
    run: Run, data: Path | None, database: str | None, pinned: Verifier | None
) -> tuple[str, str, Verifier]:
    """Return what a database is called, its URL and its log's key; CommandError."""
    with unusable():
        if database is not None:
            known = pinned or run.profile.log_key
            if known is None:
                raise CommandError(Exit.KEY_NOT_TRUSTED, "LOG_KEY_UNKNOWN", "error.mirror_key_unknown")
            return database.partition("://")[0], database, known
        settings = settings_of({} if data is None else {"data": data})
        known = pinned or fsck.read_keys(settings.data / KEY)
        return str(settings.data), settings.database_url, known


@contextmanager
def unusable() -> Iterator[None]:
    """Say why a folder or a database cannot be used."""
    try:
        yield
    except StartError as error:
        raise CommandError(Exit.USAGE, "DATABASE_UNUSABLE", "error.upkeep_unusable", detail=error) from None


def _database(url: str, key: Verifier, policy: Policy | None, advance: Callable[[int], None]) -> Checked:
    with reading.read_only(url) as connection:
        report = fsck.check(connection, [key], policy, advance)
    found = {
        "origin": report.origin,
        "schema": report.schema,
        "size": report.size,
        "root": report.root.hex(),
        "blocks": report.blocks,
        "receipts": report.receipts,
        "records": report.records,
        "tiles": report.tiles,
        "anchors": report.anchors,
        "waiting": report.waiting,
        "locked": report.locked,
        "marks": report.marks,
    }
    return found, report.size + report.locked


def _mirror(
    run: Run, folder: Path, key: Verifier | None, policy: Policy | None, advance: Callable[[int], None]
) -> Checked:
    known = key or run.profile.log_key
    if policy is None and known is None:
        raise CommandError(Exit.KEY_NOT_TRUSTED, "LOG_KEY_UNKNOWN", "error.mirror_key_unknown")
    believed = policy or Policy.of_log(known) if known else policy
    found = check_folder(folder, believed or Policy(), advance)
    size = found.checkpoint.size
    return {
        "origin": found.checkpoint.origin,
        "size": size,
        "root": found.checkpoint.root.hex(),
        "blocks": found.blocks,
        "receipts": found.receipts,
        "records": size - found.blocks - found.receipts,
        "cosignatures": len(found.cosignatures),
    }, size


def _file(run: Run, file: Path, key: Verifier | None, advance: Callable[[int], None]) -> Checked:
    if key is None:
        run.warn("ledger.key_of_file")
    with file.open("rb") as lines:
        report = verify_archive(read_lines(lines), key, advance)
    return {
        "origin": report.origin,
        "size": report.size,
        "root": report.root.hex(),
        "blocks": report.blocks,
        "receipts": report.receipts,
        "records": report.records,
    }, report.size


def _faulty(
    run: Run, error: FaultError | FolderError | ArchiveInvalidError | ArchiveMalformedError
) -> Answer:
    """Return the answer that names a fault: the exit code is that of what does not hold."""
    fault: dict[str, Any] = {"reason": error.reason, "detail": error.detail}
    match error:
        case FaultError():
            place = error.place
            fault |= {"table": place.table, "key": place.key, "index": place.index, "block": place.block}
        case ArchiveInvalidError() | ArchiveMalformedError():
            fault |= {"line": error.place.line, "index": error.place.first, "block": error.place.block}
    meaning = reason_text(run.lang, error.reason, error.detail)
    line = run.text("fsck.fault", meaning=meaning, reason=error.reason, detail=error.detail)
    return Answer({"fault": fault}, [line], Exit.NOT_VERIFIED)
