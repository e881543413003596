"""A PostgreSQL server of the tests' own, on a socket in a folder of theirs, gone with them."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg


def _program(name: str) -> str:
    """Find a program where scripts/postgres.sh looks for it; a test without PostgreSQL fails."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = str(debian[-1]) if debian else shutil.which(name)
    assert found, f"{name} of PostgreSQL is not there: run scripts/postgres.sh"
    return found


@dataclass(frozen=True)
class Server:
    """A server on a folder, which may be stopped and started again."""

    folder: Path
    options: str

    @property
    def url(self) -> str:
        """The URL of its database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://tests@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """Open a connection past SQLAlchemy, each statement by itself."""
        return psycopg.connect(host=str(self.folder), user="tests", dbname=database, autocommit=True)

    def create(self, database: str) -> str:
        """Make an empty database; return its URL."""
        with self.connect() as connection:
            connection.execute(f'create database "{database}"'.encode())
        return self.url_of(database)

    def start(self) -> None:
        self._control("-o", self.options, "-l", str(self.folder / "log"), "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` as a service manager does, `immediate` as a power failure does."""
        self._control("-m", mode, "-w", "stop")

    def make(self) -> None:
        authentication = ("-A", "trust", "-U", "tests", "-E", "UTF8", "--locale=C.UTF-8")
        _run([_program("initdb"), "-D", str(self.folder / "data"), *authentication, "--no-sync"])

    def _control(self, *arguments: str) -> None:
        _run([_program("pg_ctl"), "-D", str(self.folder / "data"), *arguments])


@contextmanager
def running(*, durable: bool = False, options: str = "") -> Iterator[Server]:
    """Start a server; one that is `durable` waits for the disk at each commit."""
    # A socket's path is short, and PostgreSQL never runs as root.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if (user := _user()) is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
    fsync = "on" if durable else "off"
    server = Server(folder, f"-k {folder} -c listen_addresses= -c fsync={fsync} {options}")
    try:
        server.make()
        server.start()
        try:
            yield server
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    if os.getuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _run(command: list[str]) -> None:
    # Not by `user=`: for that Python forks in earnest, which gRPC does not bear while it serves.
    user = _user()
    other: list[str] = []
    if user is not None:
        group = pwd.getpwnam(user).pw_gid
        other = ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", "--"]
    done = subprocess.run(
        [*other, *command], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False, env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
