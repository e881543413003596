"""Commands as people would type them, each person in a process and with a home of their own.

Loading the program takes longer than most commands: a person's process does it once, and then runs the
commands that come to it, one after the other (zk/typed.py).
"""

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Self

from zk.exits import CommandError, Exit
from zk.local_server import LocalServer

_SECONDS: Final = 120
_END_SECONDS: Final = 10
Done = subprocess.CompletedProcess[str]
"""How a command ended, and what it printed."""


class Terminals:
    """People before one server, each in a process of their own from their first command on.

    A context, at whose end all of these processes end. The passphrase is that of whatever vault is in a home.
    """

    def __init__(self, server: LocalServer, passphrase: str = "") -> None:
        self._server, self._passphrase = server, passphrase
        self._processes = dict[Path, subprocess.Popen[str]]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._processes.values():
            _end(each)

    def run(self, home: Path, *arguments: object) -> dict[str, Any]:
        """Run a command in a home as the server's administrator may; return its document.

        Raises CommandError NOT_STARTED with what it said if it fails.
        """
        process = self._processes.get(home) or self._processes.setdefault(home, self._started(home))
        done = _typed(process, [*map(str, arguments), "--json"])
        if done.returncode != 0:
            raise not_done(done)
        document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return document

    def _started(self, home: Path) -> "subprocess.Popen[str]":
        settings = {"ZK_HOME": str(home), "ZK_ADMIN_TOKEN_FILE": str(self._server.admin_token)}
        if self._passphrase:
            settings["ZK_PASSPHRASE"] = self._passphrase
        # A session of its own: Ctrl-C reaches its parent alone, which then ends the process in order.
        return subprocess.Popen(
            [sys.executable, "-m", "zk.typed"], env=_environment(settings),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            start_new_session=True,
        )  # fmt: skip


def finished(settings: dict[str, str], *arguments: object) -> Done:
    """Run one command in a process that ends with it, with these settings and none of the caller's own."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "zk.cli", *map(str, arguments), "--json"],
        env=_environment(settings),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=_SECONDS,
    )


def not_done(done: Done) -> CommandError:
    """Return what is to be raised for a command that did not do what it had to."""
    detail = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
    return CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=" ".join(detail))


def _environment(settings: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ZK_")} | settings


def _typed(process: "subprocess.Popen[str]", arguments: list[str]) -> Done:
    """Have a person's process run a command, and wait for its end."""
    if process.stdin is None or process.stdout is None:  # it was started with both
        raise ValueError("there is nothing to type into")
    try:
        process.stdin.write(json.dumps(arguments) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], _SECONDS)
        told = process.stdout.readline() if ready else ""
    except BrokenPipeError:
        told = ""
    if not told:
        process.kill()  # what it is at would be the answer to what is typed next
        said = f"the process of zk {' '.join(arguments[:2])} has ended, or took {_SECONDS} seconds"
        return Done(arguments, 1, "", said)
    code, out, err = json.loads(told)
    return Done(arguments, code, out, err)


def _end(process: "subprocess.Popen[str]") -> None:
    """End a person's process: nothing more is typed."""
    with process:  # closes what it reads and writes, and waits
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
