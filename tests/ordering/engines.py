"""A consortium of real processes on this machine: an engine and an application for each city."""

import contextlib
import datetime as dt
import random
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ordering.client import Client
from ordering.engine.running import RunningNode
from ordering.errors import StateError
from ordering.genesis import Genesis
from ordering.home import Node, Ports
from ordering.light import fetching
from ordering.light.verifying import Trusted
from tests.ordering.cities import CHAIN, City
from zk.demo.consortium.cities import Place

ENGINE = Path(__file__).resolve().parents[2] / "build" / "tools" / "bin" / "cometbft"
SECONDS = 90.0

needs_engine = pytest.mark.skipif(
    not ENGINE.exists(), reason="the consensus engine is not built: scripts/cometbft.sh, which needs Go"
)


@dataclass
class Member:
    """A city with its node."""

    city: City
    running: RunningNode
    ports: Ports
    host: str = "127.0.0.1"

    @property
    def peer(self) -> str:
        """What others are told of it."""
        return f"{self.running.node.identifier}@{self.host}:{self.ports.peers}"

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Open a client of its node."""
        with Client(f"http://{self.host}:{self.ports.rpc}") as client:
            yield client

    def height(self) -> int:
        """The node's newest block; 0 while it does not answer."""
        with self.client() as client, contextlib.suppress(StateError):
            return client.height
        return 0

    def app_hash(self, height: int) -> str:
        """What the node holds the state before a height to be."""
        with self.client() as client:
            found: str = client.ask("commit", height=str(height))["signed_header"]["header"]["app_hash"]
            return found


def free_range(count: int) -> int:
    """Return the lowest of some ports in a row that are free, below those that the system gives out."""
    while True:
        lowest = random.randrange(20_000, 32_000)
        try:
            for port in range(lowest, lowest + count):
                with socket.socket() as each:
                    each.bind(("127.0.0.1", port))
        except OSError:
            continue
        return lowest


def until(look: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Look until there is something."""
    ends = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < ends, "it does not come"
        time.sleep(0.1)
    return found


class Cities:
    """Members of one chain; `genesis` names those that it began with.

    `settings` may say `snapshot_every`, and `place`: where the processes of a member's number run.
    """

    def __init__(self, folder: Path, count: int, **settings: Any) -> None:
        self.folder, self.settings = folder, settings
        self.begun = dt.datetime.now(dt.UTC)
        self._port = free_range(2 * (count + 1))
        self.members = [self._made(number) for number in range(count)]
        self.genesis = Genesis(CHAIN, tuple(each.city.operator for each in self.members))

    def _made(self, number: int) -> Member:
        city = City.of(number)
        node = Node(self.folder / str(number))
        node.make(str(ENGINE))
        city.key, city.validator_octets = node.operator_key, node.validator
        ports = Ports(self._port + 2 * number, self._port + 2 * number + 1)
        at: Place = self.settings.get("place", lambda _: Place())(number)
        every = self.settings.get("snapshot_every")
        return Member(city, RunningNode(node, str(ENGINE), every, within=at.within), ports, at.host)

    def configure(self, member: Member, **more: Any) -> None:
        """Write a member's configuration, with all others as its peers."""
        peers = [each.peer for each in self.members if each is not member]
        where = {"host": member.host, "rpc_host": member.host}
        member.running.node.configure(self.genesis, self.begun, member.ports, peers, **where, **more)

    def start(self) -> None:
        """Start everybody, and wait for a block."""
        for each in self.members:
            self.configure(each)
        for each in self.members:
            each.running.start_application()
        for each in self.members:
            each.running.start_engine()
        until(lambda: all(each.height() for each in self.members))

    def stop(self) -> None:
        """End everybody."""
        for each in self.members:
            each.running.stop()

    def agree(self) -> int:
        """Wait until all that run are at the newest height of any, and hold the same; return the height."""
        running = [each for each in self.members if each.running.runs]
        height: int = max(each.height() for each in running)
        until(lambda: all(each.height() >= height for each in running))
        assert len({each.app_hash(height) for each in running}) == 1
        return height


@contextlib.contextmanager
def consortium(folder: Path, count: int, **settings: Any) -> Iterator[Cities]:
    """Give a consortium whose chain has begun."""
    cities = Cities(folder, count, **settings)
    try:
        cities.start()
        yield cities
    finally:
        cities.stop()


def trusted_of(member: Member) -> Trusted:
    """Return the chain's first header, as its node has it."""
    with member.client() as client:
        return fetching.trusted(client, 1)
