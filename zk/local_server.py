"""A real server process of our own, for the demo and the benchmarks, ended cleanly however they end."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from zk.exits import CommandError, Exit

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0
UNLIMITED: Final = {
    "ZK_RATE_ANONYMOUS": "1e9", "ZK_BURST_ANONYMOUS": "1e9", "ZK_CALLS_ANONYMOUS": "1000000",
    "ZK_RATE_NAMED": "1e9", "ZK_BURST_NAMED": "1e9", "ZK_CALLS_NAMED": "1000000",
}  # fmt: skip
"""For measuring what a server can do, where all the load comes from one address."""


@dataclass(frozen=True)
class LocalServer:
    """A running server: its address, its folder, its process."""

    address: str
    data: Path
    process: int
    http_port: int | None = None
    """Where it serves its log over HTTP, if it was told to."""

    @property
    def root(self) -> Path:
        """The root certificate."""
        return self.data / "ca.pem"

    @property
    def log_key(self) -> Path:
        """The log's verifier key."""
        return self.data / "log.vkey"

    @property
    def admin_token(self) -> Path:
        """The administrator's token."""
        return self.data / "admin.token"


@contextmanager
def running_server(
    data: Path, log: Path, *, log_level: str = "info", settings: Mapping[str, str] | None = None
) -> Iterator[LocalServer]:
    """Start `zk serve --dev` on a free port in a process of its own; end it by SIGTERM and wait for it.

    The server's own log goes to `log`, from `log_level` upwards; `settings` are variables of its
    environment. Raises CommandError NOT_STARTED, also if it does not end cleanly.
    """
    command = ["serve", "--dev", "--data", data, "--port", "0", "--json", "--log-level", log_level]
    with log.open("w", encoding="utf-8") as errors:
        process = launch(command, errors, settings)
        try:
            ready = ready_line(process, log)
            yield LocalServer(ready["address"], data, process.pid, ready.get("http_port"))
        finally:
            code = stop(process)
    if code != 0:
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=f"exit {code}, {log}")


def launch(
    arguments: Sequence[object],
    errors: TextIO,
    settings: Mapping[str, str] | None = None,
    within: Sequence[str] = (),
) -> "subprocess.Popen[str]":
    """Start a `zk` command as a process, with these settings and none of the caller's own.

    `within` is a command that starts another one in its place, as `ip netns exec NAME` does.
    """
    command = [*within, sys.executable, "-m", "zk.cli", *map(str, arguments)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZK_")}
    # A session of its own: Ctrl-C reaches its parent alone, which then ends the process in order.
    return subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
        text=True, encoding="utf-8", env={**environment, **(settings or {})}, start_new_session=True,
    )  # fmt: skip


def ready_line(
    process: "subprocess.Popen[str]", log: Path, lines: "queue.Queue[str] | None" = None
) -> dict[str, Any]:
    """Return what a process says when it is ready; a thread reads it, so that a silent one is noticed.

    Whatever it prints later comes into `lines`, an empty line at its end. Raises CommandError NOT_STARTED.
    """
    lines = queue.Queue() if lines is None else lines
    threading.Thread(target=_read_into, args=(process.stdout, lines), daemon=True).start()
    try:
        ready: dict[str, Any] = json.loads(lines.get(timeout=START_SECONDS) or "{}")
    except (queue.Empty, json.JSONDecodeError):
        ready = {}
    if ready.get("event") != "ready":
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=_end_of(log))
    return ready


def _end_of(log: Path) -> str:
    """Return where the log is and its last line, since the folder may be one that does not stay."""
    lines = log.read_text("utf-8", errors="replace").splitlines()
    return f"{log}: {lines[-1]}" if lines else str(log)


def _read_into(stream: TextIO | None, lines: "queue.Queue[str]") -> None:
    for line in stream or ():
        lines.put(line)
    lines.put("")


def stop(process: "subprocess.Popen[str]") -> int:
    """End a process by SIGTERM, and by SIGKILL if it does not end in time; return its exit code."""
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
