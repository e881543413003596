"""Logs that cheat with their own key, and the evidence of each kind of fault that it takes to show it."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from tests.tlog.making import LOG, ORIGIN, WITNESSES, Log, receipt, record, sample_log
from tlog import (
    Beginning,
    BlockHeader,
    Checkpoint,
    CosignatureSigner,
    Evidence,
    Included,
    Observation,
    Signer,
    What,
    accusing,
    consistency_proof,
    cosign,
    inclusion_proof,
    leaf_hash,
    node_reader,
    sign_checkpoint,
    tiles,
    tree_root,
)
from tlog.keys import Verifier
from tlog.merkle import NodeReader
from tlog.tiles import TileId

SECOND = Signer.from_secret(ORIGIN, hashlib.sha256(b"the key after it").digest())
MONITOR = Signer.from_secret("monitor.example.org", hashlib.sha256(b"monitor").digest())
KEYS = [LOG.verifier, SECOND.verifier]
WITNESS_KEYS: list[Verifier] = [each.verifier for each in WITNESSES]


class Tree:
    """Any entries at all, as a log that keeps no rule would sign them."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self.entries = list(entries)
        self._tiles: dict[TileId, bytes] = {}
        self._tiles.update(tiles.append(0, [leaf_hash(each) for each in entries], self._tiles.__getitem__))

    @property
    def node(self) -> NodeReader:
        return node_reader(self._tiles.__getitem__)

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        count = len(self.entries) if size is None else size
        return Checkpoint(ORIGIN, count, tree_root(count, self.node))

    def note(self, size: int | None = None, *signers: Signer) -> bytes:
        return sign_checkpoint(self.checkpoint(size), *(signers or (LOG,)))

    def included(self, index: int, size: int | None = None) -> Included:
        count = len(self.entries) if size is None else size
        return Included(index, self.entries[index], tuple(inclusion_proof(index, count, self.node)))

    def beginning(self, first: int, second: int | None = None) -> Beginning:
        count = len(self.entries) if second is None else second
        proof = consistency_proof(first, count, self.node)
        return Beginning(tree_root(first, self.node), tuple(proof))


def tree_of(log: Log) -> Tree:
    return Tree([entry for entry, _ in log.entries])


def view(salt: int, blocks: int = 4, common: int = 1) -> Tree:
    """A view that has `common` blocks with all others, and goes on in its own way."""
    log = sample_log(common)
    for height in range(common, blocks):
        log.add([receipt(1000 * salt + height), record(height)], [None, None], 1000 + height)
    return tree_of(log)


def cosigned(note: bytes, *witnesses: tuple[CosignatureSigner, int]) -> bytes:
    return note + b"".join(cosign(note, witness, time) for witness, time in witnesses)


def header_of(entry: bytes) -> BlockHeader:
    return BlockHeader.parse(entry)


def split_same_size() -> Evidence:
    return accusing.contradiction(view(1).note(), view(2).note(), KEYS, [])[0]


def split_beginning(first: int = 6) -> Evidence:
    larger = view(2)
    return accusing.contradiction(view(1).note(first), larger.note(), KEYS, [], larger.beginning(first))[0]


def double_cosigned() -> Evidence:
    larger = view(2)
    notes = (cosigned(view(1).note(6), (WITNESSES[0], 50)), cosigned(larger.note(), (WITNESSES[0], 60)))
    return accusing.contradiction(*notes, KEYS, WITNESS_KEYS, larger.beginning(6))[1]


def rolled_back() -> Evidence:
    tree = view(1)
    smaller, larger = cosigned(tree.note(6), (WITNESSES[0], 70)), cosigned(tree.note(), (WITNESSES[0], 60))
    return accusing.rolled_back(smaller, larger, WITNESS_KEYS)[0]


def empty_tree() -> Evidence:
    note = sign_checkpoint(Checkpoint(ORIGIN, 0, bytes(32)), LOG)
    return accusing.broken_chain(note, KEYS, [])


def entry_unknown() -> Evidence:
    tree = Tree([*view(1).entries[:6], b"something else altogether", record(3)])
    return accusing.broken_chain(tree.note(), KEYS, [tree.included(6)])


def end_without_header() -> Evidence:
    tree = Tree([*view(1).entries, record(77)])
    return accusing.broken_chain(tree.note(), KEYS, [tree.included(len(tree.entries) - 1)])


def header_misplaced() -> Evidence:
    entries = view(1).entries
    tree = Tree([*entries[:5], record(5), *entries[5:]])
    return accusing.broken_chain(tree.note(), KEYS, [tree.included(6)])


def header_unlinked(**changed: int | bytes) -> Evidence:
    entries = view(1).entries
    header = replace(header_of(entries[5]), **(changed or {"height": 9}))  # type: ignore[arg-type]
    tree = Tree([*entries[:5], header.to_bytes(), *entries[6:]])
    return accusing.broken_chain(tree.note(), KEYS, [tree.included(2), tree.included(5)])


def first_unlinked() -> Evidence:
    entries = view(1).entries
    tree = Tree([*entries[:2], replace(header_of(entries[2]), height=4).to_bytes(), *entries[3:]])
    return accusing.broken_chain(tree.note(), KEYS, [tree.included(2)])


def header_within_block() -> Evidence:
    entries = view(1).entries
    wide = replace(header_of(entries[8]), first_index=3, count=5)
    tree = Tree([*entries[:8], wide.to_bytes()])
    return accusing.broken_chain(tree.note(), KEYS, [tree.included(5), tree.included(8)])


def header_root() -> Evidence:
    entries = view(1).entries
    tree = Tree([*entries[:5], replace(header_of(entries[5]), root=bytes(32)).to_bytes(), *entries[6:]])
    return accusing.broken_chain(tree.note(), KEYS, [tree.included(5)], tree.beginning(5))


def late() -> Evidence:
    tree = view(1)
    without = cosigned(tree.note(6), (WITNESSES[0], 70), (WITNESSES[1], 90))
    found = accusing.late(without, tree.note(9), KEYS, WITNESS_KEYS, tree.included(8, 9))
    assert found is not None
    return found


def observation() -> Evidence:
    seen = Observation(What.BEHIND, LOG.verifier, 1_700_000_000, "https://log.example.org", "size 3 after 6")
    return accusing.observed(seen, MONITOR)


PROVEN = {
    "SAME_SIZE": split_same_size,
    "OTHER_BEGINNING": split_beginning,
    "double": double_cosigned,
    "TIMES_REVERSED": rolled_back,
    "EMPTY_TREE": empty_tree,
    "ENTRY_UNKNOWN": entry_unknown,
    "END_WITHOUT_HEADER": end_without_header,
    "HEADER_MISPLACED": header_misplaced,
    "HEADER_UNLINKED": header_unlinked,
    "first": first_unlinked,
    "HEADER_WITHIN_BLOCK": header_within_block,
    "HEADER_ROOT": header_root,
}
ALL = {**PROVEN, "NOT_COVERED": late, "OBSERVED": observation}
