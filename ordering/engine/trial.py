"""A whole consortium on one machine, to try it: a node, a log's key and an operator's key for each city.

State rules: the folder is made once, with the chain's genesis in it, and started as often as one likes.
"""

import datetime as dt
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ordering.client import Client
from ordering.engine.running import RunningNode
from ordering.errors import StateError
from ordering.genesis import Genesis
from ordering.home import ENGINE, Node, Ports, write_private
from tlog.keys import Signer

CHAIN: Final = "trial"
POWER: Final = 10
MAX_NODES: Final = 100
_FILE: Final = "trial.json"
_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Trial:
    """The folder of a trial: how many cities it has, when its chain began, its lowest port."""

    folder: Path
    count: int
    begun: dt.datetime
    port: int

    @classmethod
    def opened(cls, folder: Path, count: int, port: int, engine: str = ENGINE) -> "Trial":
        """Make a folder, or open what was made in it; StateError."""
        path = folder / _FILE
        if path.exists():
            return cls._read(path)
        if not 1 <= count <= MAX_NODES:
            raise StateError(f"a trial has from 1 to {MAX_NODES} nodes")
        made = cls(folder, count, dt.datetime.now(dt.UTC).replace(microsecond=0), port)
        for number in range(count):
            node = made.node(number)
            node.make(engine)
            log = node.folder / "log.key"
            if not log.exists():
                write_private(log, Signer.generate(_log_name(number)).to_secret())
        path.write_text(json.dumps({"count": count, "begun": made.begun.isoformat(), "port": port}))
        return made

    @classmethod
    def _read(cls, path: Path) -> "Trial":
        try:
            given = json.loads(path.read_text())
            begun = dt.datetime.fromisoformat(given["begun"])
            return cls(path.parent, int(given["count"]), begun, int(given["port"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(f"{path} cannot be read: {error}") from None

    def node(self, number: int) -> Node:
        """Return a city's folder."""
        return Node(self.folder / name(number))

    def log(self, number: int) -> Signer:
        """Return a city's log key; OSError."""
        return Signer.from_secret(_log_name(number), (self.node(number).folder / "log.key").read_bytes())

    def url(self, number: int) -> str:
        """Return where a city's node is asked."""
        return f"http://127.0.0.1:{self._ports(number).rpc}"

    def _ports(self, number: int) -> Ports:
        return Ports(self.port + number, self.port + self.count + number)

    @property
    def genesis(self) -> Genesis:
        """How the chain begins: all cities with the same power."""
        numbers = range(self.count)
        return Genesis(
            CHAIN,
            tuple(self.node(each).operator(name(each), self.log(each).verifier, POWER) for each in numbers),
        )

    def configure(self) -> None:
        """Write every node's configuration."""
        peers = [
            f"{self.node(each).identifier}@127.0.0.1:{self._ports(each).peers}" for each in range(self.count)
        ]
        genesis = self.genesis
        for number in range(self.count):
            others = [peer for each, peer in enumerate(peers) if each != number]
            self.node(number).configure(genesis, self.begun, self._ports(number), others)

    def running(self, engine: str = ENGINE) -> tuple[RunningNode, ...]:
        """Return all nodes' processes, none of which is started."""
        return tuple(RunningNode(self.node(each), engine) for each in range(self.count))

    def wait(self, running: Sequence[RunningNode], height: int = 1) -> None:
        """Wait until every node has a block; StateError."""
        ends = time.monotonic() + _SECONDS
        for number, each in enumerate(running):
            while not _has(self.url(number), height):
                if not each.runs or time.monotonic() > ends:
                    raise StateError(f"{name(number)} has no block: see {each.node.folder / 'engine.log'}")
                time.sleep(0.2)


def _has(url: str, height: int) -> bool:
    with Client(url) as client:
        try:
            return client.height >= height
        except StateError:
            return False


def name(number: int) -> str:
    """Return a city's name, by its number from 0 on."""
    return f"city-{number + 1}"


def _log_name(number: int) -> str:
    return f"{name(number)}.example/log"
