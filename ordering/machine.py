"""The machine: blocks in, outcomes and a hash out.

State rules: a block is worked out over what is committed, and kept in memory until `commit` writes it whole.
What is checked before it comes into a block is checked against a view of its own, which is thrown away with
each commit, so that an operator may send several transactions before the first has its block.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ordering import membership, state, tree
from ordering.errors import Refusal, RefusedError, StateError
from ordering.genesis import Genesis
from ordering.octets import Reader, Writer
from ordering.rules import Moment, apply
from ordering.state import Kept, View
from ordering.store import Committed, Store

PER_BLOCK: Final = 256
"""So many transactions of one operator come into a block, the others' place is theirs."""
PER_WAITING: Final = 512
"""So many of one operator may wait at a node: the engine has room for 5,000 of all."""
_APP_HASH: Final = b"zk-disclosure/consortium/app-hash/v1\n"


def app_hash(root: bytes) -> bytes:
    """Return what stands in the next block's header for a state's root."""
    return hashlib.sha256(_APP_HASH + root).digest()


@dataclass(frozen=True)
class Outcome:
    """What became of a transaction: None for accepted, else why not, and a detail for whoever reads."""

    refusal: Refusal | None = None
    detail: str = ""


@dataclass(frozen=True)
class Misbehaviour:
    """What the engine caught a validator at: its address, the kind, the height."""

    address: bytes
    kind: int
    height: int


@dataclass(frozen=True)
class Block:
    """A block's outcomes, the validators whose power changes (0: it goes), the hash for the next header."""

    outcomes: tuple[Outcome, ...]
    validators: Mapping[bytes, int]
    app_hash: bytes


@dataclass(frozen=True)
class Proven:
    """A row of the newest block and what leads from it to that block's hash."""

    value: bytes | None
    proof: tree.Proof
    height: int


class Machine:
    """Over one store; for one thread at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._block: tuple[Moment, View, tree.Overlay, bytes] | None = None
        self._moment = Moment(0, 0)
        self._checking = _Desk(store, self._moment, PER_WAITING)

    @property
    def committed(self) -> Committed | None:
        """The newest block that is kept."""
        return self._store.committed

    def begin(self, genesis: Genesis) -> Block:
        """Begin a chain; the first block is worked out over it. StateError if one has begun here."""
        if self._store.committed is not None:
            raise StateError("a chain has begun here")
        view = View(self._store)
        view.put(state.CHAIN, Writer().text(genesis.chain).to_bytes())
        try:
            membership.begin(view, genesis.operators)
        except RefusedError as error:
            raise StateError(f"the genesis file's operators cannot begin: {error.detail}") from None
        nodes = self._noted(view)
        found = app_hash(tree.root(nodes))
        self._store.commit(Committed(0, found), view.changed, nodes.changed)
        self._checking = _Desk(self._store, self._moment, PER_WAITING)
        return Block((), membership.validators(self._store), found)

    def begun(self, genesis: Genesis) -> Block:
        """Return what `begin` returned, when no block has come since; StateError for another genesis."""
        kept, given = self._store.committed, sorted(genesis.operators, key=lambda each: each.name)
        same = state.chain(self._store) == genesis.chain and membership.members(self._store) == tuple(given)
        if kept is None or kept.height or not same:
            raise StateError("another chain has begun here")
        return Block((), membership.validators(self._store), kept.app_hash)

    def check(self, data: bytes) -> Outcome:
        """Look at a transaction before it comes into a block."""
        if self._store.committed is None:
            return Outcome(Refusal.NOT_BEGUN, "the chain has not begun here")
        return self._checking.take(data)

    def fitting(self, transactions: Sequence[bytes], octets: int, moment: Moment) -> list[bytes]:
        """Return those that a block can bring now, in their order, within so many octets."""
        desk, chosen = _Desk(self._store, moment, PER_BLOCK), list[bytes]()
        for each in transactions:
            # The engine frames each one: a tag and a length.
            if (octets := octets - len(each) - 6) < 0:
                break
            if desk.take(each).refusal is None:
                chosen.append(each)
        return chosen

    def is_sound(self, transactions: Sequence[bytes], moment: Moment) -> bool:
        """Tell whether each transaction of a proposed block can be brought: none is honest that cannot."""
        desk = _Desk(self._store, moment, PER_BLOCK)
        return all(desk.take(each).refusal is None for each in transactions)

    def finalize(
        self, transactions: Sequence[bytes], misbehaviour: Sequence[Misbehaviour], moment: Moment
    ) -> Block:
        """Work out a block that was decided, refusing what changes nothing; it is kept by `commit`."""
        before = membership.validators(self._store)
        desk = _Desk(self._store, moment, PER_BLOCK)
        view = desk.view
        for each in misbehaviour:
            _note(view, each)
        outcomes = [desk.take(each) for each in transactions]
        nodes = self._noted(view)
        found = app_hash(tree.root(nodes))
        self._block = moment, view, nodes, found
        after = membership.validators(view)
        changed = {
            key: after.get(key, 0) for key in sorted({*before, *after}) if before.get(key) != after.get(key)
        }
        return Block(tuple(outcomes), changed, found)

    def commit(self) -> None:
        """Keep the block that was worked out last; StateError if there is none."""
        if self._block is None:
            raise StateError("no block was worked out")
        moment, view, nodes, found = self._block
        self._store.commit(Committed(moment.height, found), view.changed, nodes.changed)
        self._block, self._moment = None, moment
        self._checking = _Desk(self._store, moment, PER_WAITING)

    def read(self, key: bytes) -> Proven:
        """Return a row of the newest block with its proof; StateError before the chain has begun."""
        if (committed := self._store.committed) is None:
            raise StateError("the chain has not begun")
        value, proof = self._store.get(key), tree.prove(self._store, key)
        root = tree.proven_root(key, value, proof)
        if root is None or app_hash(root) != committed.app_hash:
            raise StateError("a row is not what its tree says: the file was changed by somebody else")
        return Proven(value, proof, committed.height)

    def _noted(self, view: View) -> tree.Overlay:
        nodes = tree.Overlay(self._store)
        for key, value in sorted(view.changed.items()):
            tree.write(nodes, key, value)
        return nodes


class _Desk:
    """Takes transactions in turn, at most so many of one operator: a stolen key fills no block."""

    def __init__(self, below: Kept, moment: Moment, most: int) -> None:
        self.view = View(below)
        self._moment, self._most = moment, most
        self._taken = Counter[str]()

    def take(self, data: bytes) -> Outcome:
        """Do what a transaction says in the view, or tell why not."""
        own = View(self.view)
        try:
            operator = apply(own, data, self._moment).operator
            if self._taken[operator] >= self._most:
                raise RefusedError(Refusal.TOO_MANY, f"so many of {operator} wait already")
        except RefusedError as error:
            return Outcome(error.refusal, error.detail)
        self._taken[operator] += 1
        own.write_to(self.view)
        return Outcome()


def _note(view: View, caught: Misbehaviour) -> None:
    """Write down what a validator was caught at, for the operators to vote on; of nobody known, nothing."""
    owner = view.get(state.validator_key(caught.address))
    if owner is None:
        return
    key = state.misbehaviour_key(owner.decode())
    times = Reader(before).number(4) if (before := view.get(key)) is not None else 0
    row = Writer().number(times + 1, 4).number(caught.kind, 1).number(caught.height, 8)
    view.put(key, row.to_bytes())
