"""A database copied whole while others write to it, and brought back: SQLite by its own interface for that,
PostgreSQL by its own programs.

Either copy is of one moment. No secret of a URL stands in the arguments of a program, which everybody on the
machine can read.
"""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url

from zkservice.errors import StartError
from zkservice.storage.marks import Mark

_PAGES: Final = 2048
_LOOK_SECONDS: Final = 0.2
_DEBIAN: Final = Path("/usr/lib/postgresql")
_SECRETS: Final[tuple[str, ...]] = (
    "sslpassword",
    "scram_client_key",
    "scram_server_key",
    "oauth_client_secret",
)
"""What libpq knows as secrets beside the password; no variable of the environment gives it these."""
_SERVICE: Final = "database"
Told = Callable[[int], None]
"""Gets how much is copied by now: pages of SQLite, octets of what PostgreSQL's program wrote."""


class ProgramError(Exception):
    """A program of PostgreSQL that is not there (`missing`), or that failed."""

    def __init__(self, name: str, said: str = "", *, missing: bool = False) -> None:
        super().__init__(name, said)
        self.name, self.said, self.missing = name, said, missing


def sqlite_file(url: str) -> Path | None:
    """Return the file of a SQLite database; None for another database."""
    parsed = make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite database in a file of any name."""
    return URL.create("sqlite", database=str(path)).render_as_string()


def copy_sqlite(source: Path, target: Path, told: Told) -> None:
    """Copy a SQLite database into one new file, in pieces.

    The transaction that is held meanwhile keeps the pieces of one moment, and keeps the copying from
    beginning anew with each commit of a server. Raises sqlite3.Error.
    """
    with (
        closing(
            sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        ) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        old.backup(new, pages=_PAGES, progress=lambda _, left, whole: told(whole - left))
        new.execute("PRAGMA journal_mode = DELETE")  # everything in the one file


def settle_sqlite(path: Path) -> None:
    """Put everything of a SQLite database that nobody uses into its one file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def export_snapshot(connection: Connection) -> str:
    """Return the name by which PostgreSQL shows others the state that this transaction sees."""
    name: str = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    return name


def dump_postgresql(url: str, snapshot: str, target: Path, told: Told) -> None:
    """Dump the state of an exported snapshot into a file; ProgramError."""
    command = [
        *(_program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges"),
        *(f"--snapshot={snapshot}", f"--file={target}"),
    ]
    with (
        _connecting(make_url(url)) as (where, environment),
        subprocess.Popen(  # noqa: S603
            [*command, f"--dbname={where}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as dump,
    ):
        try:
            while True:
                try:
                    _, said = dump.communicate(timeout=_LOOK_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    told(target.stat().st_size if target.exists() else 0)
        except BaseException:
            dump.kill()
            raise
    if dump.returncode:
        raise ProgramError("pg_dump", said.decode(errors="replace").strip())
    told(target.stat().st_size)


def restore_postgresql(url: str, dump: Path, restored: str) -> None:
    """Bring a dump back into an empty database and mark it as restored, in one transaction; ProgramError.

    Between the rows and the mark there is no moment at which a server could start.
    """
    mark = (
        "RESET search_path;\nINSERT INTO ledger_mark (name, value) VALUES "
        f"({_quoted(Mark.RESTORED.value)}, {_quoted(restored)});\n"
    )
    unpack = [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(dump)]
    fill = [
        *(_program("psql"), "--no-psqlrc", "--quiet", "--single-transaction"),
        *("--set=ON_ERROR_STOP=1", "--file=-", "--output=/dev/null"),
    ]
    with (
        _connecting(make_url(url)) as (where, environment),
        subprocess.Popen(  # noqa: S603
            unpack, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as unpacking,
        subprocess.Popen(  # noqa: S603
            [*fill, f"--dbname={where}"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as filling,
    ):
        try:
            failed = _pour(unpacking, filling, mark.encode())
        except BaseException:
            filling.kill()
            unpacking.kill()
            raise
    if failed:
        raise failed


def _pour(
    unpacking: "subprocess.Popen[bytes]", filling: "subprocess.Popen[bytes]", end: bytes
) -> ProgramError | None:
    """Hand what one program gives to the other, with an end of our own only if all of it came."""
    if unpacking.stdout is None or filling.stdin is None or unpacking.stderr is None:
        raise ProgramError("psql")
    try:
        shutil.copyfileobj(unpacking.stdout, filling.stdin)
        if unpacking.wait():
            filling.kill()  # its transaction ends with it
            return ProgramError("pg_restore", unpacking.stderr.read().decode(errors="replace").strip())
        filling.stdin.write(end)
        filling.stdin.close()
        filling.stdin = None
    except BrokenPipeError:
        filling.stdin = None
    _, said = filling.communicate()
    unpacking.kill()
    return ProgramError("psql", said.decode(errors="replace").strip()) if filling.returncode else None


@contextmanager
def _connecting(url: URL) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Give where a program connects to, and the environment that leads it to the secrets; StartError.

    The password is a variable of it. The others stand in a service file, which only its owner can read and
    which is there no longer than this.
    """
    given: dict[str, object] = {
        "user": url.username,
        "password": url.password,
        "host": url.host,
        "port": url.port,
        "dbname": url.database,
        **url.query,
    }
    said = {name: str(value) for name, value in given.items() if value is not None}
    environment = dict(os.environ)
    if (password := said.pop("password", None)) is not None:
        environment["PGPASSWORD"] = password
    secrets = {name: said.pop(name) for name in _SECRETS if name in said}
    where = " ".join(f"{name}={_conninfo(value)}" for name, value in said.items())
    with tempfile.TemporaryDirectory() as folder:
        if secrets:
            path = Path(folder) / "services"
            _write_service(path, secrets, taken="service" in said)
            environment |= {"PGSERVICEFILE": str(path), "PGSERVICE": _SERVICE}
        yield where, environment


def _write_service(path: Path, secrets: Mapping[str, str], *, taken: bool) -> None:
    if taken or any("\n" in each or each != each.strip() for each in secrets.values()):
        names = " and ".join(secrets)
        raise StartError(f"{names} cannot be handed to PostgreSQL's programs: put it into your service file")
    path.touch(0o600)
    lines = [f"[{_SERVICE}]", *(f"{name}={value}" for name, value in secrets.items())]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _conninfo(value: str) -> str:
    """Return a value as libpq reads it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _program(name: str) -> str:
    """Find a program of PostgreSQL where scripts/postgres.sh does; the newest reads all older servers."""
    versions = [each for each in _DEBIAN.glob(f"*/bin/{name}") if each.parts[-3].isdecimal()]
    newest = max(versions, key=lambda each: int(each.parts[-3]), default=None)
    found = str(newest) if newest else shutil.which(name)
    if not found:
        raise ProgramError(name, missing=True)
    return found


def _quoted(text: str) -> str:
    """Return a literal of SQL; StartError for what does not belong into one."""
    if "\\" in text or "\0" in text:
        raise StartError("the mark of a restored log has a character that it cannot have")
    return "'" + text.replace("'", "''") + "'"
