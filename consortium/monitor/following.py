"""Reading a log entry by entry up to a checkpoint, into the monitor's own tree.

The tree is one thing and the chain of headers in it another. Entries that give the root that the log signed
are the ones that it signed, whatever they are; so a chain that is broken is proven by them. Entries that do
not give the root prove nothing, and are the monitor's word: the log serves something else than it signed.
"""

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from consortium.monitor.alarms import Alarms
from consortium.monitor.comparing import Comparing
from consortium.monitor.notes import Seen
from consortium.monitor.store import MonitorStore, State
from consortium.source import Bundle, Source, bundles, fetch_consistency, nodes_of
from tlog import (
    Beginning,
    BlockHeader,
    Follower,
    Frontier,
    Included,
    MalformedError,
    Reason,
    TileId,
    TlogError,
    VerificationError,
    What,
    accusing,
    leaf_hash,
    node_reader,
    parse_entry,
    tree_root,
    verify_consistency,
)
from tlog.merkle import nodes_for_root
from tlog.tiles import TILE_WIDTH, Tiles, append, parse_entry_bundle, tiles_for_nodes

_KEEP_EVERY: Final = 64
"""So many bundles are read between two times that progress is made durable."""
_MOST_COMPARED: Final = 8
_NOTE_REASONS: Final = (Reason.HOLDER_NOTE_MALFORMED, Reason.HOLDER_NOTE_INVALID)


@dataclass(frozen=True)
class _Fault:
    """An entry that does not belong where it stands, with the header before it."""

    index: int
    entry: bytes
    before: BlockHeader | None


class Following:
    """The reading of one log."""

    def __init__(self, origin: str, store: MonitorStore, alarms: Alarms, comparing: Comparing) -> None:
        self._origin, self._store, self._alarms = origin, store, alarms
        self._comparing, self._tree = comparing, comparing.tree

    async def follow(self, source: Source, name: str | None, seen: Seen, now: int) -> bool:
        """Read up to a checkpoint that is larger than the tree; tell whether the tree is there now.

        What is wrong is alarmed. `name` is where the log itself is served; None at a source that is not the
        log's, of which nothing can be said about the log. Raises SourceError for what the source does not
        answer, MalformedError for what cannot be read.
        """
        state = self._store.state(self._origin)
        if not await self._extends(source, name, seen, state, now):
            return False
        if state.read > state.size and await self._read(source, seen, state, now):
            return True
        # Nobody vouched for what was read beyond the checkpoint: it counts for nothing now.
        state = replace(state, read=state.size, read_header=state.header)
        self._store.keep_state(self._origin, state, {})
        if await self._read(source, seen, state, now, name):
            return True
        detail = f"the entries up to {seen.checkpoint.size} do not give the root that it signed"
        self._say(What.MISMATCH, name, detail, state.size, now)
        return False

    async def _read(
        self, source: Source, seen: Seen, state: State, now: int, name: str | None = None
    ) -> bool:
        """Read up to the checkpoint; False if the entries do not give its root, and nothing is kept then."""
        reading, tree = _Reading(self._tree.tile, state), seen.checkpoint
        async with aclosing(bundles(source, state.read, tree.size)) as coming:
            async for bundle in coming:
                reading.take(bundle)
                if reading.taken % _KEEP_EVERY == 0 and reading.fault is None:
                    self._keep(reading, reading.progress(state))
        if reading.root(tree.size) != tree.root:
            return False
        # The hashes first, then the alarm that is made of them, then that it was read: a crash in between
        # reads it again, and alarms once.
        self._keep(reading, state)
        if state.sound:
            await self._judge_chain(source, seen, reading, now)
        if reading.bad_note is not None:
            detail = f"what it serves beside entry {reading.bad_note} is not what the entry commits to"
            self._say(What.NOTE_WRONG, name, detail, reading.bad_note, now)
        sound = state.sound and reading.fault is None
        header = reading.last_header if sound else None
        self._store.keep_headers(self._origin, reading.headers)
        self._keep(reading, State(tree.size, tree.root, seen.note, header, reading.size, header, sound))
        self._comparing.reached(seen, now)
        return True

    async def _extends(self, source: Source, name: str | None, seen: Seen, state: State, now: int) -> bool:
        """Tell whether a checkpoint extends the tree; where it is proven not to, accuse who signed both."""
        if state.note is None or not state.size:
            return True
        tree = seen.checkpoint
        proof = await fetch_consistency(source, state.size, tree.size)
        try:
            verify_consistency(state.size, tree.size, proof, state.root, tree.root)
        except VerificationError:
            pass
        else:
            return True
        accused = False
        for other in self._comparing.newest(_MOST_COMPARED):
            accused |= await self._contradicts(source, seen, other, now)
        if accused:
            self._comparing.forked(seen)
        else:
            detail = f"sizes {state.size} and {tree.size}: it serves no tiles that give the root it signed"
            self._say(What.UNPROVEN_SPLIT, name, detail, state.size, now)
        return False

    async def _contradicts(self, source: Source, seen: Seen, other: Seen, now: int) -> bool:
        """Accuse whoever signed a note that the tree has and a larger one that begins otherwise."""
        first, second = other.checkpoint.size, seen.checkpoint.size
        if not first:
            return False
        proof = await fetch_consistency(source, first, second)
        tiles = tiles_for_nodes(nodes_for_root(first))
        beginning = Beginning(tree_root(first, await nodes_of(source, second, tiles)), tuple(proof))
        keys, witnesses = self._comparing.keys, self._comparing.witnesses
        found = accusing.contradiction(other.note, seen.note, keys, witnesses, beginning)
        return bool([each for each in found if self._alarms.accuse(each, keys, now)])

    async def _judge_chain(self, source: Source, seen: Seen, reading: "_Reading", now: int) -> None:
        fault, size = reading.fault, seen.checkpoint.size
        if fault is None and reading.size == size != reading.covered:
            fault = _Fault(size - 1, reading.last_entry, None)
        if fault is None:
            return
        for entries, beginning in await self._candidates(source, fault, size):
            evidence = accusing.broken_chain(seen.note, self._comparing.keys, entries, beginning)
            if self._alarms.accuse(evidence, self._comparing.keys, now):
                return

    async def _candidates(
        self, source: Source, fault: _Fault, size: int
    ) -> list[tuple[list[Included], Beginning | None]]:
        """Return what may prove a broken chain: the entry alone, with the header before it, with the entry
        before its block, with the root that the tree really has there."""
        at = self._tree.included(fault.index, fault.entry, size)
        found: list[tuple[list[Included], Beginning | None]] = [([at], None)]
        if fault.before is not None:
            before = self._tree.included(fault.before.index, fault.before.to_bytes(), size)
            found.append(([before, at], None))
        header = _header(fault.entry)
        if header is not None and 0 < header.first_index <= fault.index:
            entry = await _entry(source, header.first_index - 1, size)
            found.append(([self._tree.included(header.first_index - 1, entry, size), at], None))
        if fault.index:
            found.append(([at], self._tree.beginning(fault.index, size)))
        return found

    def _keep(self, reading: "_Reading", state: State) -> None:
        self._store.keep_state(self._origin, state, reading.changed)
        reading.changed.clear()

    def _say(self, what: What, name: str | None, detail: str, since: int, now: int) -> None:
        """Say what cannot be proven, once for each place in the log at which it shows."""
        if name is None:
            return
        about = self._comparing.keys[0]
        self._alarms.observe(what, about, name, detail, since=since, now=now)


class _Reading:
    """Entries on their way into the tree, and the chain as far as it holds."""

    def __init__(self, tile: Tiles, state: State) -> None:
        self._tile, self.size, self.taken = tile, state.read, 0
        self.changed = dict[TileId, bytes]()
        self.headers = dict[int, bytes]()
        self.fault: _Fault | None = None
        self.bad_note: int | None = None
        self.last_entry = b""
        hashes = Frontier.load(state.read, node_reader(self._stored)).hashes
        self._chain = Follower(state.read, hashes, state.read_header) if state.sound else None

    @property
    def covered(self) -> int:
        """How many entries a header covers, as far as the chain holds."""
        return self._chain.covered if self._chain else self.size

    @property
    def last_header(self) -> BlockHeader | None:
        """The last header of a chain that holds."""
        return self._chain.header if self._chain else None

    def root(self, size: int) -> bytes:
        """The root at a size that was read."""
        return tree_root(size, node_reader(self._stored))

    def progress(self, state: State) -> State:
        """The state with what has been read by now and is vouched for by nothing yet."""
        return replace(state, read=self.size, read_header=self.last_header)

    def take(self, bundle: Bundle) -> None:
        """Take what is new of a bundle into the tree, and into the chain while that holds."""
        entries, notes = bundle.entries[bundle.offset :], bundle.notes[bundle.offset :]
        leaves = [leaf_hash(each) for each in entries]
        self.changed |= append(self.size, leaves, self._stored)
        for entry, note in zip(entries, notes, strict=True):
            self._link(entry, note)
            self.size += 1
        self.last_entry = entries[-1] if entries else self.last_entry
        self.taken += 1

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
            self.fault, self._chain = _Fault(self.size, entry, before), None
            return
        if self._chain.header is not before:
            self.headers[self.size] = entry

    def _stored(self, tile: TileId) -> bytes:
        return self.changed.get(tile) or self._tile(tile)


def _header(entry: bytes) -> BlockHeader | None:
    try:
        return BlockHeader.parse(entry)
    except MalformedError:
        return None


async def _entry(source: Source, index: int, size: int) -> bytes:
    bundle, place = divmod(index, TILE_WIDTH)
    width = min(TILE_WIDTH, size - bundle * TILE_WIDTH)
    return parse_entry_bundle(await source.entries(bundle, width), width)[place]
