"""A server that is measured from outside: its processors' time, what passes its socket, what it keeps."""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from benchmarks.scale import sizes
from benchmarks.scale.arithmetic import Action
from zk.local_server import LocalServer, running_server

_CHUNK: Final = 1 << 16
_SETTLES: Final = 0.3
"""So long the server may finish what it does after an answer, before it is read what it took."""


@dataclass
class Relay:
    """A port that passes octets on to the server and counts them: TLS stays between the two ends."""

    listener: socket.socket
    target: tuple[str, int]
    octets: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where clients connect to."""
        return int(self.listener.getsockname()[1])

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed: it is over
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self.target) as server:
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
            back.start()
            self._pass(client, server)
            back.join()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # one end has gone, and the other is told below
            while chunk := source.recv(_CHUNK):
                with self._lock:
                    self.octets += len(chunk)
                sink.sendall(chunk)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class Watched:
    """A running server whose clients go through the relay."""

    server: LocalServer
    relay: Relay

    @property
    def database(self) -> Path:
        """Its database."""
        return self.server.data / "service.sqlite3"

    def seconds(self) -> float:
        """Return the processor time of all its processes so far."""
        return sum(map(_process_seconds, _tree(self.server.process)))

    def main_seconds(self) -> float:
        """Return that of its main process alone."""
        return _process_seconds(self.server.process)

    def action(self, once: Callable[[], object], times: int) -> tuple[Action, list[float]]:
        """Do something so often, one after the other; return what it took each time, and its times."""
        time.sleep(_SETTLES)
        octets, kept, logged = self.relay.octets, sizes.by_table(self.database), sizes.entries(self.database)
        begun, main = self.seconds(), self.main_seconds()
        marks = [begun]
        for _ in range(times):
            once()
            marks.append(self.seconds())
        time.sleep(_SETTLES)
        marks[-1] = self.seconds()
        more = sizes.grown(kept, sizes.by_table(self.database))
        found = Action(
            seconds=(marks[-1] - begun) / times,
            main_seconds=(self.main_seconds() - main) / times,
            message_octets=(self.relay.octets - octets) / times,
            kept_octets=sum(more.values()) / times,
            entries=(sizes.entries(self.database) - logged) / times,
        )
        return found, [after - before for before, after in pairwise(marks)]


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Start a server with the settings that it has by default, with a relay before it."""
    with running_server(folder / "server", folder / "server.log", log_level="error") as server:
        host, _, port = server.address.rpartition(":")
        with socket.create_server(("127.0.0.1", 0)) as listener:
            relay = Relay(listener, ("127.0.0.1", int(port)))
            yield Watched(replace(server, address=f"{host}:{relay.port}"), relay)
            listener.shutdown(socket.SHUT_RDWR)


def _tree(process: int) -> Iterator[int]:
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _tree(int(child))


def _process_seconds(process: int) -> float:
    """Return the processor time of one process to the nanosecond: /proc has it in steps of 10 ms only."""
    if sys.platform != "linux":
        raise RuntimeError("the clock of another process is read as Linux has it")
    return time.clock_gettime((~process << 3) | 2)
