"""A real server process of our own, for the demo and the benchmarks, ended cleanly however they end."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from zk.exits import CommandError, Exit

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0


@dataclass(frozen=True)
class LocalServer:
    """A running server: its address, its folder, its process."""

    address: str
    data: Path
    process: int

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
def running_server(data: Path, log: Path, *, log_level: str = "info") -> Iterator[LocalServer]:
    """Start `zk serve --dev` on a free port in a process of its own; end it by SIGTERM and wait for it.

    The server's own log goes to `log`, from `log_level` upwards. Raises CommandError NOT_STARTED, also
    if it does not end cleanly.
    """
    command = [sys.executable, "-m", "zk.cli", "serve", "--dev", "--data", str(data), "--port", "0", "--json"]
    command += ["--log-level", log_level]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZK_")}
    with log.open("w", encoding="utf-8") as errors:
        # A session of its own: Ctrl-C reaches its parent alone, which then ends the server in order.
        process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            text=True, encoding="utf-8", env=environment, start_new_session=True,
        )  # fmt: skip
        try:
            yield LocalServer(_address(process, log), data, process.pid)
        finally:
            code = _stop(process)
    if code != 0:
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=f"exit {code}, {log}")


def _address(process: "subprocess.Popen[str]", log: Path) -> str:
    """Return the address from the ready line; a thread reads it, so that a silent server is noticed."""
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read_into, args=(process.stdout, lines), daemon=True).start()
    try:
        ready = json.loads(lines.get(timeout=START_SECONDS) or "{}")
    except (queue.Empty, json.JSONDecodeError):
        ready = {}
    if ready.get("event") != "ready":
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=_end_of(log))
    address: str = ready["address"]
    return address


def _end_of(log: Path) -> str:
    """Return where the log is and its last line, since the folder may be one that does not stay."""
    lines = log.read_text("utf-8", errors="replace").splitlines()
    return f"{log}: {lines[-1]}" if lines else str(log)


def _read_into(stream: TextIO | None, lines: "queue.Queue[str]") -> None:
    for line in stream or ():
        lines.put(line)
    lines.put("")


def _stop(process: "subprocess.Popen[str]") -> int:
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
