"""Bringing a vault's receipts from pending to anchored; the service is not told which entries are its own.

The vault reads the newest anchored checkpoint, and from the tree's tiles computes the proofs itself; it never
asks for the proof of an entry by its index. What the service learns: that somebody who came now holds one or
more of the 256 entries of a tile, which is asked for whole. It does not learn how many of these, nor which.
Each tile is asked for over a channel of its own, once however many entries in it are the vault's, and in an
order that is drawn anew: so nothing at the transport says that two tiles were asked for by one vault. Their
time still may, and the address: who minds that reads the whole ledger instead (`HolderClient.rebuild`). Where
the ledger has fewer than 256 entries the tile is all of it.
"""

import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from prover.anchoring import Receipted
from prover.client.calls import Way, apart, checked
from prover.vault import Vault
from tlog import Checkpoint, LogKeys, Policy, anchored_receipt, receipt_leaf
from wire import anchored as anchors
from wire.anchored import Anchored

_random = random.SystemRandom()


@dataclass(frozen=True)
class Anchorings:
    """What came of anchoring: how many receipts were brought to anchored, and how many are still pending.

    `checkpoint` is the anchored one that was gone by, None while the service has none that the policy takes.
    """

    anchored: int
    pending: int
    checkpoint: Checkpoint | None = None


def anchor(way: Way, vault: Vault, log: LogKeys, policy: Policy) -> Anchorings:
    """Anchor all pending receipts that the newest anchored checkpoint covers; see HolderClient.anchor."""
    pending = vault.anchoring.pending(log, policy)
    with way.channel() as channel, checked():
        newest = anchors.newest(channel, log, policy)
    if newest is None:
        return Anchorings(0, len(pending))
    covered = _covered(pending, newest.checkpoint.size)
    groups, failures = list(anchors.by_tile(covered)), list[Exception]()
    _random.shuffle(groups)
    for group in groups:
        with apart(failures):
            _anchor(way, vault, newest, {index: covered[index] for index in group}, log, policy)
    if failures:
        raise failures[0]
    left = len(vault.anchoring.pending(log, policy))
    return Anchorings(len(pending) - left, left, newest.checkpoint)


def _covered(pending: Collection[Receipted], size: int) -> dict[int, list[Receipted]]:
    """Return by index what a tree of a size holds.

    Of one entry are two where a vault has sent to itself: the event that sent it, and what it received.
    """
    places = defaultdict[int, list[Receipted]](list)
    for each in pending:
        places[receipt_leaf(each.receipt or b"")[0]].append(each)
    return {index: group for index, group in places.items() if index < size}


def _anchor(
    way: Way,
    vault: Vault,
    newest: Anchored,
    group: Mapping[int, Sequence[Receipted]],
    log: LogKeys,
    policy: Policy,
) -> None:
    """Anchor what lies in one tile. What one of them meets does not stop the others."""
    with way.channel() as channel, checked():
        found = anchors.prove(channel, newest, list(group))
    failures = list[Exception]()
    for index, kept in ((index, each) for index, every in group.items() for each in every):
        with apart(failures):
            receipt = kept.receipt or b""
            found[index].check(*receipt_leaf(receipt))
            made = anchored_receipt(receipt, found[index].hashes, newest.note, log, policy)
            vault.anchoring.put(kept, made, log, policy)
    if failures:
        raise failures[0]
