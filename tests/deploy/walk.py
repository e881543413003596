"""The blocks of a document's section, run as they stand, by the users that their first lines name."""

import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / "docs" / "operations.md"
BY_ROOT = "# As root\n"
BY_DATABASE = "# As the database's user\n"
INSTALLER = "scripts/install.sh "
INSTALLS = 'scripts/install.sh "$WALK/program"'


def blocks(section: str, document: Path = MANUAL) -> list[str]:
    """Return the shell blocks of a section, in their order."""
    text = document.read_text(encoding="utf-8")
    found = re.search(rf"(?ms)^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text)
    assert found, f"{document.name} has no section {section!r}"
    return re.findall(r"(?ms)^```sh\n(.*?)^```$", found[1])


def free_port() -> str:
    """Return a port of loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@dataclass(frozen=True)
class Walk:
    """A machine as the reader has it: an empty folder, in which the blocks are run one after the other."""

    folder: Path
    first: str
    environment: Mapping[str, str]

    def run(self, block: str) -> str:
        """Run a block in a shell that ends at the first command which fails; return what it printed.

        The service's shell goes on from block to block, as a reader's does; every other begins anew, with
        the first block.
        """
        if block.startswith(BY_DATABASE):
            return self._shell(f"{self.first}\n{block}", _database_user())
        if block.startswith(BY_ROOT):
            return self._shell(f"{self.first}\n{block}", None)
        state = self.folder / "state"
        before = f". {shlex.quote(str(state))}" if state.exists() else ""
        after = f'{{ export -p; declare -f; echo cd "$(printf \'%q\' "$PWD")"; }} > {shlex.quote(str(state))}'
        return self._shell(f"{before}\n{block}\n{after}", None)

    def _shell(self, script: str, user: str | None) -> str:
        # To a file: a server that a block leaves behind would hold a pipe open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script], cwd="/", user=user,
                env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                check=False, timeout=900,
            )  # fmt: skip
            output.seek(0)
            printed = output.read().decode()
        assert done.returncode == 0, f"{script}\n--- ended with {done.returncode}:\n{printed}\n{self.logs()}"
        return printed

    def logs(self) -> str:
        """Return what servers and database wrote."""
        written = [
            *self.folder.glob("zk/*/log"),
            *self.folder.glob("zk/*/out"),
            self.folder / "database" / "log",
        ]
        return "\n".join(f"{each}:\n{each.read_text()}" for each in written)

    def end(self) -> None:
        """End whatever the blocks have started."""
        for each in self.folder.glob("zk/*/pid"):
            # A master of nginx that is killed leaves its workers behind.
            _kill(int(each.read_text()), signal.SIGTERM if each.parent.name == "front" else signal.SIGKILL)
        if (pid := self.folder / "database" / "data" / "postmaster.pid").exists():
            _kill(int(pid.read_text().splitlines()[0]), signal.SIGQUIT)


def _kill(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _database_user() -> str | None:
    """Return who runs PostgreSQL: whoever runs the tests, but never root."""
    if os.getuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@contextmanager
def walking(first: str, clone: Path) -> Iterator[Walk]:
    """Give an empty folder, and end and remove afterwards what is in it."""
    # Of short name, since a socket is in it, and open to the database's user.
    folder = Path(tempfile.mkdtemp(prefix="walk-"))
    folder.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZK_", "PYTHON", "PG"))}
    environment = kept | {
        # The reader's toolchain is where it was, though the home is another.
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(Path.home() / ".cargo")),
        "HOME": str(folder), "CLONE": str(clone), "WALK": str(folder / "zk"),
        "DATABASE": str(folder / "database"), "PORT_A": free_port(), "PORT_B": free_port(),
        "DATABASE_PORT": free_port(), "PORT_FRONT": free_port(), "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    walk = Walk(folder, first, environment)
    try:
        yield walk
    finally:
        walk.end()
        shutil.rmtree(folder, ignore_errors=True)


def stand_in(program: Path) -> None:
    """Lay a `zk` of this clone where the installed one would be."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from zk.cli import main; sys.exit(main())"
    program.mkdir(parents=True)
    (program / "zk").write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n'
    )
    (program / "zk").chmod(0o755)
