"""A backup brought back, into a place where nothing is, and marked as restored before anything can be signed.

Whoever starts a server on an old database would sign a second history beside the one that everybody has seen.
So the mark stands in the database from the moment at which it is there at all: the next start asks the
witnesses first, and does not go on without a quorum of them (`zkservice.anchoring`).
"""

import shutil
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from tlog.errors import TlogError
from tlog.keys import Verifier
from zkservice.storage import copying, marks, reading, schema_version
from zkservice.storage.database import open_engine
from zkservice.storage.marks import Mark
from zkservice.upkeep import fsck
from zkservice.upkeep.backup import QUIET, Told, storage_failures
from zkservice.upkeep.faults import FaultError, FaultReason, Place, UpkeepError, UpkeepReason
from zkservice.upkeep.folders import new_folder
from zkservice.upkeep.fsck import Report
from zkservice.upkeep.manifest import KEY, POSTGRESQL, SQLITE, Manifest


class Step(StrEnum):
    """The points after each thing that is done; a test may end the process there."""

    FILLED = "filled"
    MARKED = "marked"
    CHECKED = "checked"
    PLACED = "placed"


def _nothing(_: Step) -> None:
    """Stand in for a test's hook."""


def restore(
    folder: Path,
    data: Path,
    *,
    url: str = "",
    told: Told = QUIET,
    after: Callable[[Step], None] = _nothing,
) -> tuple[Manifest, Report]:
    """Bring the backup in a folder back into the data folder `data`, which is empty or not there.

    A backup of PostgreSQL goes into the database of `url`, which is empty. What is checked is what was
    restored. Raises UpkeepError, FaultError; then `data` is as it was, and the database has nothing in it,
    unless it is the check of a restored PostgreSQL that failed.
    """
    with storage_failures():
        manifest = Manifest.read(folder)
        if not schema_version.tolerates(manifest.schema, manifest.oldest_program):
            detail = (
                f"it is of schema {manifest.schema}, this program of {schema_version.newest()}: "
                "restore with the program that made it, then upgrade"
            )
            raise UpkeepError(UpkeepReason.BACKUP_OF_OTHER_SCHEMA, detail)
        if bool(url) != (manifest.database == POSTGRESQL):
            detail = (
                f"the backup has {manifest.database}: it goes into PostgreSQL only with a URL, else without"
            )
            raise UpkeepError(UpkeepReason.DATABASE_OTHER, detail)
        key = _key(manifest)
        manifest.check_files(folder)
        with new_folder(data) as filling:
            shutil.copyfile(folder / KEY, filling / KEY)
            where = url or copying.sqlite_url(filling / SQLITE)
            said = f"size {manifest.size}, backup of {manifest.made}"
            if url:
                _fill_postgresql(url, folder, said)
                after(Step.MARKED)
            else:
                _fill_sqlite(folder / SQLITE, filling / SQLITE, said, after)
            report = _checked(where, key, manifest, told)
            after(Step.CHECKED)
        after(Step.PLACED)
        return manifest, report


def _key(manifest: Manifest) -> Verifier:
    try:
        return Verifier.from_string(manifest.log_key)
    except TlogError:
        raise UpkeepError(UpkeepReason.BACKUP_MALFORMED, "the manifest names no key of a log") from None


def _fill_sqlite(source: Path, target: Path, said: str, after: Callable[[Step], None]) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)
    after(Step.FILLED)
    engine = open_engine(copying.sqlite_url(target))
    try:
        with engine.execution_options(writing=True).begin() as connection:
            marks.write(connection, Mark.RESTORED, said)
    finally:
        engine.dispose()
    copying.settle_sqlite(target)
    after(Step.MARKED)


def _fill_postgresql(url: str, folder: Path, said: str) -> None:
    engine = open_engine(url)
    try:
        if schema_version.is_used(engine):
            raise UpkeepError(UpkeepReason.TARGET_NOT_EMPTY, "the database has tables; give an empty one")
    finally:
        engine.dispose()
    copying.restore_postgresql(url, folder / POSTGRESQL, said)


def _checked(url: str, key: Verifier, manifest: Manifest, told: Told) -> Report:
    """Check what was restored, and that it is what the manifest says."""
    with reading.read_only(url) as connection:
        report = fsck.check(connection, [key], progress=told.checked)
    if (report.size, report.root.hex()) != (manifest.size, manifest.root):
        place = Place("ledger_state", "published")
        raise FaultError(FaultReason.STATE_INVALID, place, "not the log that the manifest describes")
    return report
