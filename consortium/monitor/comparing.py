"""Comparing what anybody was shown of one log with the tree that the monitor has read of it.

A note that is larger than the tree waits until the tree has its size. One that the tree does not begin with
is the log's contradiction, and the proof comes out of the monitor's own hashes. Witnesses are compared with
themselves: who cosigned both sides, and whose times go back.
"""

from collections.abc import Iterable
from typing import Final

from consortium.errors import ConsortiumError, Reason
from consortium.monitor.alarms import Alarms
from consortium.monitor.notes import Known, Seen
from consortium.monitor.states import Standing
from consortium.monitor.store import MonitorStore
from tlog import (
    EMPTY_ROOT,
    Beginning,
    Evidence,
    Included,
    Kind,
    Verifier,
    accusing,
    consistency_proof,
    inclusion_proof,
    node_reader,
    tree_root,
)
from tlog.merkle import NodeReader
from tlog.tiles import Tiles

_MILLISECONDS: Final = 1000
_LATE_AGAIN: Final = 3600
"""After so many seconds a block that is late is told again."""


class Tree:
    """The hashes that were read of a log."""

    def __init__(self, tile: Tiles) -> None:
        self.node: NodeReader = node_reader(tile)

    def root(self, size: int) -> bytes:
        """The root at a size that was read."""
        return tree_root(size, self.node)

    def beginning(self, first: int, second: int) -> Beginning | None:
        """How the tree of `second` entries begins; None where the sizes are equal."""
        if first == second:
            return None
        return Beginning(self.root(first), tuple(consistency_proof(first, second, self.node)))

    def included(self, index: int, entry: bytes, size: int) -> Included:
        """An entry with the proof that it stands in the tree."""
        return Included(index, entry, tuple(inclusion_proof(index, size, self.node)))


class Comparing:
    """The notes of one log against its tree."""

    def __init__(self, origin: str, known: Known, store: MonitorStore, alarms: Alarms) -> None:
        self._origin, self._known, self._store, self._alarms = origin, known, store, alarms
        self.keys, self.witnesses = known.logs[origin], known.witnesses
        self.tree = Tree(lambda tile: store.tile(origin, tile))
        self._late_again = 0
        self._convicted = set[tuple[Kind, frozenset[Verifier]]]()

    def take(self, seen: Seen, now: int) -> None:
        """Compare a note that was seen somewhere, as far as the tree goes, and keep it.

        The alarm comes first: after a crash in between the note is as new as before, and one for which there
        is no room has been compared with all that are kept. Raises ConsortiumError NOTES_FULL, STORE_FAILED.
        """
        joined = self._store.joined(seen, self._known)
        if joined is None:
            return
        for other, _, _ in self._store.seen(self._origin):
            self._compare_times(joined, other, now)
            if joined.contradicts(other):
                # Of one size and other roots: no tree is needed to see it, and neither may ever be shown.
                self.contradict(joined, other, now)
        if not self._store.keep_seen(joined, self._judge(joined, now), now):
            detail = f"smaller notes of {self._origin} wait for its tree, and no more are kept"
            raise ConsortiumError(Reason.NOTES_FULL, detail)

    def newest(self, most: int) -> list[Seen]:
        """Return the largest notes that the tree has, with all lines that were seen under them."""
        return [seen for seen, _, _ in self._store.seen(self._origin, Standing.SETTLED)][-most:][::-1]

    def forked(self, seen: Seen) -> None:
        """Keep that a note was proven to contradict the tree."""
        self._store.stand(seen, Standing.FORKED)

    def reached(self, seen: Seen, now: int) -> None:
        """Keep the note that the tree has just been read up to, and compare what waited for it."""
        self.take(seen, now)
        self.settle(now)

    def settle(self, now: int) -> None:
        """Compare what waited for the tree to grow."""
        for seen, _, _ in self._store.seen(self._origin, Standing.PENDING):
            if (standing := self._judge(seen, now)) is not Standing.PENDING:
                self._store.stand(seen, standing)

    def _judge(self, seen: Seen, now: int) -> Standing:
        """Return how a note stands to the tree; accuse whoever is shown by it to have signed both."""
        state, checkpoint = self._store.state(self._origin), seen.checkpoint
        if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
            self._accuse([accusing.broken_chain(seen.note, self.keys, [])], now)
            return Standing.FORKED
        if checkpoint.size > state.size:
            return Standing.PENDING
        holds = not checkpoint.size or checkpoint.root == self.tree.root(checkpoint.size)
        for other, _, _ in self._store.seen(self._origin, Standing.FORKED if holds else Standing.SETTLED):
            self.contradict(other if holds else seen, seen if holds else other, now)
        return Standing.SETTLED if holds else Standing.FORKED

    def contradict(self, forked: Seen, other: Seen, now: int) -> None:
        """Accuse whoever signed both a note that contradicts the tree and one that the tree has.

        The tree proves it where it is the larger one that the tree has. The fork's own tree, whose hashes the
        monitor does not have, would prove the rest; witnesses that go on cosigning come to that in time.
        """
        size = forked.checkpoint.size
        if not 0 < size <= other.checkpoint.size:
            return
        log = [key for key in self.keys if forked.signed_by(key) or other.signed_by(key)]
        if (Kind.SPLIT_VIEW, frozenset(log)) in self._convicted:
            log = []
        witnesses = self._unconvicted(Kind.DOUBLE_COSIGNED, forked, other)
        if log or witnesses:
            beginning = self.tree.beginning(size, other.checkpoint.size)
            found = accusing.contradiction(forked.note, other.note, log, witnesses, beginning)
            if Kind.SPLIT_VIEW in self._accuse(found, now):
                self._convicted.add((Kind.SPLIT_VIEW, frozenset(log)))

    def _compare_times(self, one: Seen, other: Seen, now: int) -> None:
        if one.checkpoint.size != other.checkpoint.size:
            witnesses = self._unconvicted(Kind.ROLLED_BACK, one, other)
            if witnesses:
                self._accuse(accusing.rolled_back(one.note, other.note, witnesses), now)

    def _unconvicted(self, kind: Kind, one: Seen, other: Seen) -> list[Verifier]:
        """Return the witnesses under both notes of whom this is not known already.

        Who was convicted goes on signing as many contradictions as it likes: each would be proven anew.
        """
        both = [key for key in self.witnesses if one.signed_by(key) and other.signed_by(key)]
        return [key for key in both if (kind, frozenset([key])) not in self._convicted]

    def find_late(self, bound: int, now: int) -> None:
        """Look for a block that witnesses had not been shown so long after its time."""
        state = self._store.state(self._origin)
        headers = self._store.headers(self._origin)
        if state.note is None or not headers or now < self._late_again:
            return
        for seen, _, _ in reversed(self._store.seen(self._origin, Standing.SETTLED)):
            header = next((each for each in headers if each.index >= seen.checkpoint.size), None)
            if header is None:
                continue
            by = header.time_ms // _MILLISECONDS + bound
            late = [key for key in self.witnesses if max(seen.times(key), default=0) > by]
            if not late:
                continue
            included = self.tree.included(header.index, header.to_bytes(), state.size)
            found = accusing.late(seen.note, state.note, self.keys, late, included)
            if found is not None and self._accuse([found], now):
                # What is late goes on being late: one alarm for all of it.
                self._late_again = now + _LATE_AGAIN
                return

    def _accuse(self, found: Iterable[Evidence], now: int) -> set[Kind]:
        """Alarm, and return the kinds of what convinces."""
        proven = [each for each in found if self._alarms.accuse(each, self.keys, now)]
        for each in proven:
            self._convicted |= {(each.kind, frozenset([key])) for key in each.keys if key in self.witnesses}
        return {each.kind for each in proven}
