"""Entries of one source on their way into the tree, and the chain of headers in them as far as it holds.

Nobody has vouched for them yet: they count when a checkpoint has their root. In memory is what changed since
it was last kept, whether the chain holds or not, and the newest headers.
"""

from consortium.monitor.states import Fault, Progress, Read, State
from consortium.monitor.store import MOST_HEADERS, OWN, MonitorStore
from consortium.source import Bundle
from tlog import Follower, Frontier, Reason, TileId, TlogError, leaf_hash, node_reader, parse_entry, tree_root
from tlog.tiles import append

_NOTE_REASONS = (Reason.HOLDER_NOTE_MALFORMED, Reason.HOLDER_NOTE_INVALID)


class Reading:
    """What is read of a log at one source, from where it was left.

    `source` is the source's name; `apart` says that it is not the log itself, whose hashes stand where the
    tree's do.
    """

    def __init__(self, origin: str, store: MonitorStore, source: str, *, apart: bool) -> None:
        self._origin, self._store, self._source, self._apart = origin, store, source, apart
        self._state = store.state(origin)
        before = store.progress(origin, source) or Progress(self._state.size, self._state.header)
        self.first = self.size = before.read
        self.taken, self.last_entry = 0, b""
        self.fault, self.bad_note = before.fault, before.bad_note
        self._changed = dict[TileId, bytes]()
        self._headers = dict[int, bytes]()
        holds = self._state.sound and self.fault is None
        hashes = Frontier.load(self.size, node_reader(self.tile)).hashes if holds else ()
        self._chain = Follower(self.size, hashes, before.header) if holds else None

    @property
    def resumed(self) -> bool:
        """Whether it goes on from what was read of this source before."""
        return self.first > self._state.size

    @property
    def open_end(self) -> bool:
        """Whether entries at the end are in no block, as far as the chain holds."""
        return self._chain is not None and self._chain.covered != self.size

    def tile(self, tile: TileId) -> bytes:
        """What there is of a tile."""
        source = self._source if self._apart else OWN
        return self._changed.get(tile) or self._store.tile(self._origin, tile, source)

    def root(self) -> bytes:
        """The root of all that was read."""
        return tree_root(self.size, node_reader(self.tile))

    def take(self, bundle: Bundle) -> None:
        """Take what is new of a bundle into the tree, and into the chain while that holds."""
        entries, notes = bundle.new
        self._changed |= append(self.size, [leaf_hash(each) for each in entries], self.tile)
        for entry, note in zip(entries, notes, strict=True):
            self._link(entry, note)
            self.size += 1
        self.last_entry = entries[-1] if entries else self.last_entry
        self.taken += 1

    def keep(self) -> None:
        """Make durable how far it is, and hold nothing of it in memory any more."""
        if self.size > self._state.size:
            header = self._chain.header if self._chain else None
            progress = Progress(self.size, header, self.fault, self.bad_note)
            self._store.keep_progress(self._origin, progress, self._read(), apart=self._apart)
            self._forget()

    def reached(self, root: bytes, note: bytes) -> None:
        """Make durable that all of it is the log's."""
        sound = self._state.sound and self.fault is None
        header = self._chain.header if self._chain else None
        state = State(self.size, root, note, header, sound)
        self._store.keep_state(self._origin, state, self._read(), apart=self._apart)
        self._forget()

    def drop(self) -> None:
        """Forget all that was read of this source and nobody vouched for."""
        self._store.drop_progress(self._origin, self._source)

    def _read(self) -> Read:
        return Read(self._source, self._changed, self._headers)

    def _forget(self) -> None:
        self._changed, self._headers = {}, {}

    def _link(self, entry: bytes, note: bytes | None) -> None:
        if self._chain is None:
            return
        before = self._chain.header
        try:
            self._chain.append(entry, note)
        except TlogError as error:
            if error.reason in _NOTE_REASONS:
                # Nobody signed what stands beside an entry: the chain goes on.
                self.bad_note = self.size if self.bad_note is None else self.bad_note
                self._chain.take(parse_entry(entry), leaf_hash(entry))
                return
            self.fault, self._chain = Fault(self.size, entry, before), None
            return
        if self._chain.header is not before:
            self._headers[self.size] = entry
            if len(self._headers) > MOST_HEADERS:
                del self._headers[next(iter(self._headers))]
