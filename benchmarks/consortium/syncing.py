"""How long a new node takes to come into a chain of many blocks, by a snapshot.

The chain is a fast one, so that 100,000 blocks take an hour and not weeks: one validator, whose engine
begins the next block as soon as one is committed (timeout_commit 0, skip_timeout_commit, empty blocks), on
one machine. Then it is started again with the usual times, as snapshots of a chain that fast are gone before
anybody has fetched them. What the new node does is what it does in every chain: it asks for a snapshot,
checks the header at its height from a trusted one on, takes the chunks, and then the blocks since.
"""

import datetime as dt
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.results import Row
from ordering.client import Client
from ordering.engine.running import RunningNode
from ordering.engine.trial import POWER
from ordering.errors import RefusedError, StateError
from ordering.genesis import Genesis
from ordering.home import Node, Ports
from ordering.light import fetching
from ordering.transactions import Claim, Transaction
from tlog.keys import Signer

_CHAIN: Final = "fast"
_NAME: Final = "fast-city"
_EVERY: Final = 1000
_SECONDS: Final = 4 * 3600.0
_FAST: Final[dict[str, Any]] = {
    "timeout_commit": "0s",
    "skip_timeout_commit": True,
    "create_empty_blocks": True,
    "create_empty_blocks_interval": "0s",
}


def measure(folder: Path, port: int, engine: str, blocks: int, rows: int) -> Row:
    """Make a chain of so many blocks with so many claims in it, and have a new node join; StateError."""
    old, new = Node(folder / "old"), Node(folder / "new")
    for each in (old, new):
        each.make(engine)
    genesis = Genesis(_CHAIN, (old.operator(_NAME, Signer.generate("fast.example/log").verifier, POWER),))
    begun, ports = dt.datetime.now(dt.UTC).replace(microsecond=0), Ports(port, port + 1)
    every = min(_EVERY, max(blocks // 4, 1))
    old.configure(genesis, begun, ports, (), consensus=_FAST)
    running = RunningNode(old, engine, every)
    joining = RunningNode(new, engine, every)
    url = f"http://127.0.0.1:{port + 1}"
    try:
        running.start()
        with Client(url) as client:
            made = _grow(client, old, blocks, rows)
            running.stop()
            old.configure(genesis, begun, ports, ())
            running.start()
            _until(client, blocks)
            for number in range(rows + 1, rows + 4):  # the header after a snapshot's carries its hash
                client.submit(_claim(old, number))
            trusted = fetching.trusted(client, client.height - 2 * every)
        peer = f"{old.identifier}@127.0.0.1:{port}"
        sync = {
            "enable": True, "rpc_servers": f"{url},{url}", "trust_height": trusted.height,
            "trust_hash": trusted.hash.hex(), "trust_period": "336h0m0s", "discovery_time": "5s",
        }  # fmt: skip
        new.configure(genesis, begun, Ports(port + 2, port + 3), (peer,), statesync=sync)
        started = time.monotonic()
        joining.start()
        with Client(url) as client, Client(f"http://127.0.0.1:{port + 3}") as other:
            _until(other, client.height)
        took = time.monotonic() - started
    finally:
        joining.stop()
        running.stop()
    return {
        "operation": "state sync", "blocks": blocks, "rows": rows, "chain_blocks_per_s": blocks / made,
        "seconds": took,
    }  # fmt: skip


def _grow(client: Client, node: Node, blocks: int, rows: int) -> float:
    """Bring claims in and wait for the blocks; return how many seconds they took."""
    begun = time.monotonic()
    _until(client, 1)
    for number in range(1, rows + 1):
        claim = _claim(node, number)
        while not _sent(client, claim):
            time.sleep(0.01)
    _until(client, blocks)
    return time.monotonic() - begun


def _claim(node: Node, number: int) -> Transaction:
    tag = number.to_bytes(32, "big")
    return Transaction(_CHAIN, _NAME, number, Claim("scope", tag, tag)).signed(node.operator_key)


def _sent(client: Client, transaction: Transaction) -> bool:
    try:
        client.send(transaction)
    except RefusedError:  # so many of one operator wait already
        return False
    return True


def _until(client: Client, height: int) -> None:
    ends = time.monotonic() + _SECONDS
    while _height(client) < height:
        if time.monotonic() > ends:
            raise StateError(f"block {height} does not come")
        time.sleep(0.1)


def _height(client: Client) -> int:
    try:
        return client.height
    except StateError:
        return 0
