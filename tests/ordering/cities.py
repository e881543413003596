"""Nine cities without an engine: operators with keys and logs, and a machine that is handed blocks."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ordering.genesis import Genesis
from ordering.home import public_octets
from ordering.machine import Block, Machine, Misbehaviour, Outcome
from ordering.operators import Operator
from ordering.rules import Moment
from ordering.store import Store
from ordering.transactions import Body, SubmitCheckpoint, Transaction
from tlog.checkpoint import Checkpoint, sign_checkpoint
from tlog.keys import Signer
from tlog.merkle import Frontier, consistency_proof, leaf_hash, root_of

CHAIN = "nine-cities"


@dataclass
class City:
    """An operator with all its secrets, and its log's leaves."""

    name: str
    key: Ed25519PrivateKey
    log: Signer
    validator: Ed25519PrivateKey
    power: int = 10
    sequence: int = 0
    leaves: list[bytes] = field(default_factory=list)
    validator_octets: bytes = b""
    """The validator's public key where a real engine holds the secret one."""

    @classmethod
    def of(cls, number: int, power: int = 10) -> "City":
        """Make the city of a number, each time the same."""
        keys = [Ed25519PrivateKey.from_private_bytes(bytes([kind, number]) * 16) for kind in (1, 2)]
        log = Signer.from_secret(f"city-{number}.example/log", bytes([3, number]) * 16)
        return cls(f"city-{number}", keys[0], log, keys[1], power)

    @property
    def operator(self) -> Operator:
        """What others know."""
        validator = self.validator_octets or public_octets(self.validator)
        return Operator(self.name, public_octets(self.key), self.log.verifier, validator, self.power)

    def says(self, body: Body, *, sequence: int | None = None, chain: str = CHAIN) -> bytes:
        """Return a transaction, with the next number unless one is given."""
        if sequence is None:
            sequence = self.sequence = self.sequence + 1
        return Transaction(chain, self.name, sequence, body).signed(self.key).to_bytes()

    def grown(self, count: int, begin: int | None = None) -> SubmitCheckpoint:
        """Have the log grow, and return its checkpoint with what leads there from where it was."""
        before = len(self.leaves) if begin is None else begin
        self.leaves += [leaf_hash(f"{self.name} {len(self.leaves) + each}".encode()) for each in range(count)]
        return self.checkpoint(before)

    def checkpoint(self, before: int, leaves: list[bytes] | None = None) -> SubmitCheckpoint:
        """Return a checkpoint of some leaves, signed by the log."""
        leaves = self.leaves if leaves is None else leaves
        note = sign_checkpoint(Checkpoint(self.log.name, len(leaves), root_of(leaves)), self.log)
        return SubmitCheckpoint(note, tuple(proof_from(leaves, before)) if before else ())


def proof_from(leaves: list[bytes], first: int) -> list[bytes]:
    """Prove that a tree goes on from its first leaves."""

    def node(level: int, index: int) -> bytes:
        frontier = Frontier()
        frontier.extend(leaves[index << level : (index + 1) << level])
        return frontier.root()

    return consistency_proof(first, len(leaves), node)


class Town:
    """A machine and the cities of its chain; `bring` makes a block of transactions."""

    def __init__(self, store: Store, cities: tuple[City, ...], seconds: int = 1_800_000_000) -> None:
        self.machine, self.cities, self.seconds = Machine(store), cities, seconds
        self.store = store

    def begin(self) -> Block:
        """Begin the chain."""
        return self.machine.begin(Genesis(CHAIN, tuple(each.operator for each in self.cities)))

    @property
    def height(self) -> int:
        """The newest block's height."""
        kept = self.machine.committed
        return kept.height if kept else 0

    def moment(self) -> Moment:
        """Return the next block's height and time."""
        return Moment(self.height + 1, self.seconds + self.height)

    def bring(self, *transactions: bytes, caught: tuple[Misbehaviour, ...] = ()) -> Block:
        """Have a block decided, worked out and kept."""
        block = self.machine.finalize(transactions, caught, self.moment())
        self.machine.commit()
        return block

    def outcome(self, transaction: bytes) -> Outcome:
        """Bring one transaction; what is checked before is what the block says."""
        before = self.machine.check(transaction)
        (after,) = self.bring(transaction).outcomes
        assert before == after
        return after


@contextlib.contextmanager
def town(folder: Path, count: int = 9) -> Iterator[Town]:
    """Give a town whose chain has begun."""
    with contextlib.closing(Store(folder)) as store:
        opened = Town(store, tuple(City.of(each) for each in range(count)))
        opened.begin()
        yield opened
