"""A backup of the database while the server runs and writes: of one moment, checked, whole or not there.

The copy itself is what is checked. Of PostgreSQL, whose dump only a server can read, it is the very state
that was dumped: the program is shown the snapshot that the check reads from.

The master key and the tokens are not in it. They belong to a backup of their own, kept elsewhere: whoever has
both reads what is sealed in the database, and signs as this log.
"""

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from tlog.keys import Verifier
from zkservice.storage import copying, reading, schema_version
from zkservice.storage.copying import ProgramError
from zkservice.upkeep import beside, fsck
from zkservice.upkeep.faults import FaultError, FaultReason, Place, UpkeepError, UpkeepReason
from zkservice.upkeep.folders import new_folder
from zkservice.upkeep.fsck import Report
from zkservice.upkeep.keyring import Key, Keyring
from zkservice.upkeep.manifest import KEY, POSTGRESQL, SQLITE, Manifest, file_hash

Telling = Callable[[int], None]


class Step(StrEnum):
    """The points after each thing that is done; a test may end the process there."""

    COPYING = "copying"
    COPIED = "copied"
    CHECKED = "checked"
    DESCRIBED = "described"
    PLACED = "placed"


def _nothing(_: Step) -> None:
    """Stand in for a test's hook."""


def _silent(_: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Told:
    """Who hears how much is copied, and how many entries are checked."""

    copied: Telling = _silent
    checked: Telling = _silent


QUIET: Final = Told()


def back_up(
    url: str,
    key: Verifier,
    target: Path,
    *,
    now: dt.datetime,
    check: bool = True,
    told: Told = QUIET,
    after: Callable[[Step], None] = _nothing,
) -> Manifest:
    """Back the database of a URL up into a new folder; return what the backup says of itself.

    Raises UpkeepError; FaultError if the database has a fault, and then leaves nothing behind; StartError.
    """
    with storage_failures(), new_folder(target) as folder:
        copying_of = _sqlite if copying.sqlite_file(url) else _postgresql

        def copied(octets: int) -> None:
            told.copied(octets)
            after(Step.COPYING)

        with copying_of(url, folder, copied) as connection:
            after(Step.COPIED)
            report = _checked(connection, key, told) if check else _unchecked(connection, key)
            oldest = schema_version.oldest_of(connection) or ""
        after(Step.CHECKED)
        (folder / KEY).write_text(f"{key}\n", "ascii")
        names = [each.name for each in folder.iterdir()]
        manifest = Manifest(
            origin=report.origin,
            log_key=str(key),
            schema=report.schema,
            oldest_program=oldest,
            size=report.size,
            root=report.root.hex(),
            checkpoint=report.checkpoint.decode(),
            made=now.astimezone(dt.UTC).isoformat(timespec="seconds"),
            checked=check,
            files={name: file_hash(folder / name) for name in sorted(names)},
        )
        manifest.write(folder)
        after(Step.DESCRIBED)
    after(Step.PLACED)
    return manifest


def _checked(connection: Connection, key: Verifier, told: Told) -> Report:
    return fsck.check(connection, [key], progress=told.checked)


def _unchecked(connection: Connection, key: Verifier) -> Report:
    """Return what the published checkpoint says, which has to be the log's at least."""
    schema = schema_version.version_of(connection) or ""
    states = beside.states(connection, Keyring((Key(key),)))
    report = Report(key.name, schema)
    if states is None:
        return report
    published = states.published
    return Report(key.name, schema, published.size, states.shown.root, published.checkpoint)


@contextmanager
def _sqlite(url: str, folder: Path, told: Telling) -> Iterator[Connection]:
    source = copying.sqlite_file(url)
    if source is None or not source.is_file():
        place = Place("database")
        raise FaultError(FaultReason.DATABASE_UNREADABLE, place, f"{source} is not there")
    copying.copy_sqlite(source, folder / SQLITE, told)
    (folder / SQLITE).chmod(0o600)
    with reading.read_only(copying.sqlite_url(folder / SQLITE)) as connection:
        yield connection


@contextmanager
def _postgresql(url: str, folder: Path, told: Telling) -> Iterator[Connection]:
    with reading.read_only(url) as connection:
        copying.dump_postgresql(url, copying.export_snapshot(connection), folder / POSTGRESQL, told)
        (folder / POSTGRESQL).chmod(0o600)
        yield connection


@contextmanager
def storage_failures() -> Iterator[None]:
    """Say what a failure of the storage means: FaultError DATABASE_UNREADABLE, UpkeepError."""
    try:
        yield
    except ProgramError as error:
        raise _program_failed(error) from None
    except (sqlite3.Error, SQLAlchemyError) as error:
        name = type(getattr(error, "orig", None) or error).__name__
        place = Place("database")
        raise FaultError(FaultReason.DATABASE_UNREADABLE, place, f"it cannot be read ({name})") from None


def _program_failed(error: ProgramError) -> UpkeepError:
    """Return what is said of a program of PostgreSQL."""
    if error.missing:
        detail = f"PostgreSQL's {error.name} is not there; install its client programs"
        return UpkeepError(UpkeepReason.PROGRAM_MISSING, detail)
    lines = error.said.splitlines()
    return UpkeepError(
        UpkeepReason.PROGRAM_FAILED, f"{error.name}: {lines[0][:300] if lines else 'it failed'}"
    )
