"""Nine cities' checkpoints at an interval, claims as fast as they come, and what the disk grows by."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Final

from benchmarks.results import Row
from ordering import state
from ordering.client import Client
from ordering.engine.trial import Trial, name
from ordering.errors import RefusedError, StateError
from ordering.transactions import Body, Claim, SubmitCheckpoint, Transaction
from tlog.checkpoint import Checkpoint, sign_checkpoint
from tlog.merkle import Frontier, consistency_proof, leaf_hash, node_hash

_DAY: Final = 86_400
WAL: Final = "the engine's write-ahead log"
"""The engine keeps the newest GiB of it (libs/autofile, defaultTotalSizeLimit), and all of the rest."""
_DRAIN_SECONDS: Final = 300.0
_KINDS: Final = {
    "cs.wal": WAL, "blockstore.db": "blocks", "state.db": "validators and results", "tx_index.db": "index",
    "application": "the application's state",
}  # fmt: skip
_ENTRIES: Final = 10
"""So many come into a log from one checkpoint to the next."""
_WAITING: Final = 8
"""So many of a city wait for their blocks at once; the engine has 100 places for those who wait."""


@contextmanager
def nine(folder: Path, port: int, engine: str, count: int = 9) -> Iterator[Trial]:
    """Run a trial until the block ends; StateError."""
    trial = Trial.opened(folder, count, port, engine)
    trial.configure()
    running = trial.running(engine)
    try:
        for each in running:
            each.start()
        trial.wait(running)
        yield trial
    finally:
        for each in running:
            each.stop()


class Submitting(threading.Thread):
    """One city that hands its log's checkpoint in each interval at its own node, not waiting for the last.

    The time of each begins when it was due and ends when the engine tells of its block.
    """

    def __init__(self, trial: Trial, number: int, interval: float, ends: float) -> None:
        super().__init__(daemon=True)
        self._trial, self._number, self._interval, self._ends = trial, number, interval, ends
        self._log, self._tree, self._nodes = trial.log(number), Frontier(), dict[tuple[int, int], bytes]()
        self._chain, self._key = trial.genesis.chain, trial.node(number).operator_key
        self._own = threading.local()
        self.seconds, self.failed = list[float](), list[str]()
        self.handed_in, self.late = 0, 0

    def run(self) -> None:
        """Hand in until the end, and wait for the blocks; what was begun too late is counted."""
        with ThreadPoolExecutor(_WAITING, initializer=self._opens) as waiting:
            begun, sequence = time.monotonic(), 0
            while (due := begun + sequence * self._interval) < self._ends:
                sequence += 1
                said = Transaction(self._chain, name(self._number), sequence, self._grown())
                transaction = said.signed(self._key)
                time.sleep(max(due - time.monotonic(), 0.0))
                self.handed_in += 1
                waiting.submit(self._one, transaction, due)

    def _opens(self) -> None:
        self._own.client = Client(self._trial.url(self._number))

    def _one(self, transaction: Transaction, due: float) -> None:
        self.late += time.monotonic() - due > self._interval
        try:
            self._own.client.submit(transaction)
        except (RefusedError, StateError) as error:
            self.failed.append(str(error))
        else:
            self.seconds.append(time.monotonic() - due)

    def _grown(self) -> Body:
        """Append ten entries; what it costs does not grow with the log, whose machines are the nodes' own."""
        before = self._tree.size
        leaves = [leaf_hash(f"{self._number} {before + each}".encode()) for each in range(_ENTRIES)]
        self._nodes |= {(0, before + at): leaf for at, leaf in enumerate(leaves)}
        self._tree.extend(leaves)
        note = sign_checkpoint(Checkpoint(self._log.name, self._tree.size, self._tree.root()), self._log)
        proof = tuple(consistency_proof(before, self._tree.size, self._node)) if before else ()
        return SubmitCheckpoint(note, proof)

    def _node(self, level: int, index: int) -> bytes:
        found = self._nodes.get((level, index))
        if found is None:
            found = node_hash(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))
            self._nodes[level, index] = found
        return found


def signed(trial: Trial, number: int, sequence: int, body: Body) -> Transaction:
    """Return a city's transaction."""
    said = Transaction(trial.genesis.chain, name(number), sequence, body)
    return said.signed(trial.node(number).operator_key)


def checkpoints(trial: Trial, seconds: float, interval: float) -> Row:
    """Have all cities submit for so long; times from handing in to the block, in milliseconds."""
    with Client(trial.url(0)) as client:
        height, octets, begun = client.height, disk(trial), time.monotonic()
        cities = [Submitting(trial, each, interval, begun + seconds) for each in range(trial.count)]
        for each in cities:
            each.start()
        for each in cities:
            each.join()
        took, blocks = time.monotonic() - begun, client.height - height
    times = sorted(found for each in cities for found in each.seconds)
    grown = {part: (now - octets[part]) / took * _DAY / 1e6 for part, now in disk(trial).items()}
    failed = [said for each in cities for said in each.failed]
    if not times or len(times) + len(failed) != sum(each.handed_in for each in cities):
        raise StateError(f"{len(times)} were ordered, and of the others is told: {failed[:3]}")
    times += [inf] * len(failed)  # what was never ordered took longer than all that was
    return {
        "operation": "checkpoints", "nodes": trial.count, "interval_s": interval, "seconds": took,
        "ordered": len(times) - len(failed), "failed": len(failed),
        "late": sum(each.late for each in cities), "p50_ms": 1000 * at(times, 0.5),
        "p99_ms": 1000 * at(times, 0.99), "blocks_per_s": blocks / took,
        "mb_per_day": {part: each for part, each in grown.items() if each > 0},
    }  # fmt: skip


def claims(trial: Trial, seconds: float) -> Row:
    """Have all cities hand claims in for so long, and wait until none is left; what was ordered counts."""
    with Client(trial.url(0)) as client:
        height = client.height
    begun = time.monotonic()
    sent = [0] * trial.count

    def hand_in(number: int) -> None:
        with Client(trial.url(number)) as client:
            row = client.read(state.sequence_key(name(number))).value
            first = state.Seen.parse(row).highest
            while time.monotonic() < begun + seconds:
                tag = number.to_bytes(4, "big") + (first + sent[number]).to_bytes(28, "big")
                try:
                    client.send(signed(trial, number, first + sent[number] + 1, Claim("measured", tag, tag)))
                except (RefusedError, StateError):
                    time.sleep(0.05)  # so many of one operator wait already
                    continue
                sent[number] += 1

    _together(hand_in, trial.count)
    _drained(trial)
    took = time.monotonic() - begun
    with Client(trial.url(0)) as client:
        counts = [_count(client, each) for each in range(height + 1, client.height + 1)]
    return {
        "operation": "claims", "nodes": trial.count, "seconds": took, "sent": sum(sent),
        "ordered": sum(counts), "blocks": len(counts), "per_second": sum(counts) / took,
    }  # fmt: skip


def _together(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(each,), daemon=True) for each in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _drained(trial: Trial) -> None:
    """Wait until no node holds a transaction that has no block; StateError."""
    ends = time.monotonic() + _DRAIN_SECONDS
    for number in range(trial.count):
        with Client(trial.url(number)) as client:
            while int(client.ask("num_unconfirmed_txs")["n_txs"]):
                if time.monotonic() > ends:
                    raise StateError("the claims are not ordered")
                time.sleep(0.1)


def _count(client: Client, height: int) -> int:
    return len(client.ask("block", height=str(height))["block"]["data"]["txs"])


def disk(trial: Trial) -> Counter[str]:
    """Return what the nodes' folders hold by what it is, in octets of a node."""
    found = Counter[str]()
    for number in range(trial.count):
        folder = trial.node(number).folder
        for each in folder.rglob("*"):
            try:
                octets = each.stat().st_blocks * 512 if each.is_file() else 0
            except FileNotFoundError:
                continue  # the engine tidies up
            found[_part(each.relative_to(folder).parts)] += octets
    return Counter({part: octets // trial.count for part, octets in found.items()})


def _part(place: tuple[str, ...]) -> str:
    """Say what a file of a node's is; what the engine keeps stands in its folder data/, one for each kind."""
    known = (_KINDS[each] for each in place if each in _KINDS)
    return next(known, place[0])


def at(ordered: list[float], part: float) -> float:
    """Return a quantile of what stands in order."""
    return ordered[min(int(part * len(ordered)), len(ordered) - 1)]
