"""A command as a person would type it, in a process and with a home of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from zk.exits import CommandError, Exit
from zk.local_server import LocalServer

_SECONDS: Final = 120


def run_zk(server: LocalServer, home: Path, *arguments: object, passphrase: str = "") -> dict[str, Any]:
    """Run a command as the server's administrator may; return its document.

    Raises CommandError NOT_STARTED with what it said if it fails.
    """
    settings = {"ZK_HOME": str(home), "ZK_ADMIN_TOKEN_FILE": str(server.admin_token)}
    if passphrase:
        settings["ZK_PASSPHRASE"] = passphrase
    done = finished(settings, *arguments)
    if done.returncode != 0:
        raise not_done(done)
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return document


def finished(settings: dict[str, str], *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run a command with these settings and none of the caller's own, and wait for its end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ZK_")}
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "zk.cli", *map(str, arguments), "--json"],
        env=clean | settings,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=_SECONDS,
    )


def not_done(done: "subprocess.CompletedProcess[str]") -> CommandError:
    """Return what is to be raised for a command that did not do what it had to."""
    detail = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
    return CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=" ".join(detail))
