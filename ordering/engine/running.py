"""Starts and ends a node's two processes: the application, and the engine that asks it.

The application comes first, since the engine ends if it cannot ask, and goes last. Either may be killed at
any moment: started again, the engine tells the application what it has missed.
"""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO, Final

from ordering.errors import StateError
from ordering.home import ENGINE, SOCKET_FILE, Node

SECONDS: Final = 30.0
Process = subprocess.Popen[bytes]


class RunningNode:
    """A node's processes; what they say goes to application.log and engine.log in its folder."""

    def __init__(
        self,
        node: Node,
        engine: str = ENGINE,
        snapshot_every: int | None = None,
        *,
        within: Sequence[str] = (),
        lock: int | None = None,
    ) -> None:
        """`within` is a command that starts another in its place, `lock` a descriptor that both keep open."""
        self.node, self._engine_path, self._every = node, engine, snapshot_every
        self._within, self._kept_open = tuple(within), () if lock is None else (lock,)
        self.application: Process | None = None
        self.engine: Process | None = None

    def start(self) -> None:
        """Start what does not run; StateError if it ends at once."""
        self.start_application()
        self.start_engine()

    def start_application(self) -> None:
        """Start the application and wait until it can be asked; StateError."""
        if _runs(self.application):
            return
        socket = self.node.application / SOCKET_FILE
        socket.unlink(missing_ok=True)
        every = [] if self._every is None else [str(self._every)]
        command = (sys.executable, "-m", "ordering.engine", str(self.node.application), *every)
        self.application = self._started(command, "application.log")
        ends = time.monotonic() + SECONDS
        while not socket.exists():
            if self.application.poll() is not None or time.monotonic() > ends:
                raise StateError(
                    f"the application does not start: see {self.node.folder / 'application.log'}"
                )
            time.sleep(0.02)

    def start_engine(self) -> None:
        """Start the engine, without waiting for its first block."""
        if not _runs(self.engine):
            command = (self._engine_path, "start", "--home", str(self.node.engine))
            self.engine = self._started(command, "engine.log")

    def _started(self, command: Sequence[str], log: str) -> Process:
        with open(self.node.folder / log, "ab") as file:
            return _process((*self._within, *command), file, self._kept_open)

    @property
    def runs(self) -> bool:
        """Whether both run."""
        return _runs(self.application) and _runs(self.engine)

    def kill(self, *, engine: bool = True, application: bool = True) -> None:
        """End processes as a crash does."""
        for process in (self.engine if engine else None, self.application if application else None):
            if process is not None:
                process.kill()
                process.wait()

    def stop(self) -> None:
        """End both in order."""
        for process in (self.engine, self.application):
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(SECONDS)
            if process.poll() is None:
                process.kill()
                process.wait()


def _process(command: Sequence[str], file: IO[bytes], kept_open: Sequence[int]) -> Process:
    try:
        return subprocess.Popen(  # noqa: S603 - the operator's
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, pass_fds=kept_open
        )
    except OSError as error:
        raise StateError(f"{command[0]} cannot be run: {error.strerror}") from None


def _runs(process: Process | None) -> bool:
    return process is not None and process.poll() is None
