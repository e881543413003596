"""The machine: blocks in, outcomes and a hash out.

State rules: a block is worked out over what is committed, and kept in memory until `commit` writes it whole.
What is checked before it comes into a block is checked against a view of its own, which is thrown away with
each commit, so that an operator may send several transactions before the first has its block.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ordering import membership, state, tree
from ordering.errors import Refusal, RefusedError, StateError
from ordering.genesis import Genesis
from ordering.octets import Reader, Writer
from ordering.rules import Moment, apply
from ordering.state import View
from ordering.store import Committed, Store

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
        self._checking = View(store)
        self._moment = Moment(0, 0)

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
        membership.begin(view, genesis.operators)
        nodes = self._noted(view)
        found = app_hash(tree.root(nodes))
        self._store.commit(Committed(0, found), view.changed, nodes.changed)
        self._checking = View(self._store)
        return Block((), membership.validators(self._store), found)

    def begun(self, genesis: Genesis) -> Block:
        """Return what `begin` returned, when no block has come since; StateError for another genesis."""
        kept, names = self._store.committed, tuple(sorted(each.name for each in genesis.operators))
        same = state.chain(self._store) == genesis.chain and state.operators(self._store) == names
        if kept is None or kept.height or not same:
            raise StateError("another chain has begun here")
        return Block((), membership.validators(self._store), kept.app_hash)

    def check(self, data: bytes) -> Outcome:
        """Look at a transaction before it comes into a block."""
        view = View(self._checking)
        outcome = _outcome(view, data, self._moment)
        if outcome.refusal is None:
            view.write_to(self._checking)
        return outcome

    def fitting(self, transactions: Sequence[bytes], octets: int, moment: Moment) -> list[bytes]:
        """Return those that a block can bring now, in their order, within so many octets."""
        view, chosen = View(self._store), list[bytes]()
        for each in transactions:
            # The engine frames each one: a tag and a length.
            if (octets := octets - len(each) - 6) < 0:
                break
            own = View(view)
            if _outcome(own, each, moment).refusal is None:
                own.write_to(view)
                chosen.append(each)
        return chosen

    def is_sound(self, transactions: Sequence[bytes], moment: Moment) -> bool:
        """Tell whether each transaction of a proposed block can be brought: none is honest that cannot."""
        view = View(self._store)
        return all(_outcome(view, each, moment).refusal is None for each in transactions)

    def finalize(
        self, transactions: Sequence[bytes], misbehaviour: Sequence[Misbehaviour], moment: Moment
    ) -> Block:
        """Work out a block that was decided, refusing what changes nothing; it is kept by `commit`."""
        before = membership.validators(self._store)
        view = View(self._store)
        for each in misbehaviour:
            _note(view, each)
        outcomes = list[Outcome]()
        for data in transactions:
            own = View(view)
            outcomes.append(outcome := _outcome(own, data, moment))
            if outcome.refusal is None:
                own.write_to(view)
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
        self._block, self._checking, self._moment = None, View(self._store), moment

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


def _outcome(view: View, data: bytes, moment: Moment) -> Outcome:
    try:
        apply(view, data, moment)
    except RefusedError as error:
        return Outcome(error.refusal, error.detail)
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
