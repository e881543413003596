"""Reading a log entry by entry up to a checkpoint, into the monitor's own tree.

The tree is one thing and the chain of headers in it another. Entries that give the root that the log signed
are the ones that it signed, whatever they are; so a chain that is broken is proven by them. Entries that do
not give the root prove nothing, and are the monitor's word: the log serves something else than it signed.

What is asked of a source has a time. A log signs any size that it likes, and may give each answer just in
time for ever: reading stops when its time is over, is kept, and goes on in the next round. Each source is
read by itself until a checkpoint has the root of what it gave: none spoils what another one gave.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Final

from consortium.errors import Reason, SourceError
from consortium.monitor.alarms import Alarms
from consortium.monitor.comparing import Comparing, Tree
from consortium.monitor.notes import Seen
from consortium.monitor.reading import Reading
from consortium.monitor.states import Fault, State
from consortium.monitor.store import MonitorStore
from consortium.source import Source, bundles, fetch_consistency, nodes_of
from tlog import (
    Beginning,
    BlockHeader,
    Included,
    MalformedError,
    VerificationError,
    What,
    accusing,
    tree_root,
    verify_consistency,
)
from tlog.merkle import nodes_for_root
from tlog.tiles import TILE_WIDTH, parse_entry_bundle, tiles_for_nodes

_KEEP_EVERY: Final = 64
"""So many bundles are read between two times that progress is made durable."""
_MOST_COMPARED: Final = 8


class Following:
    """The reading of one log; `seconds` is the time that each step may take."""

    def __init__(
        self, origin: str, store: MonitorStore, alarms: Alarms, comparing: Comparing, seconds: float
    ) -> None:
        self._origin, self._store, self._alarms = origin, store, alarms
        self._comparing, self._seconds = comparing, seconds

    async def follow(self, source: Source, name: str, seen: Seen, now: int, *, own: bool) -> bool:
        """Read up to a checkpoint that is larger than the tree; tell whether the tree is there now.

        What is wrong is alarmed. `name` is where the source is; of one that is not the log's `own`, nothing
        can be said about the log. Raises SourceError for what the source does not answer, or not in its time,
        MalformedError for what cannot be read.
        """
        about = name if own else None
        async with self._in_time(f"the tiles of {seen.checkpoint.size} entries"):
            if not await self._extends(source, about, seen, self._store.state(self._origin), now):
                return False
        reading = Reading(self._origin, self._store, name, apart=not own)
        if reading.resumed:
            # It may have been read towards another checkpoint, which nobody will ever vouch for.
            if reading.size <= seen.checkpoint.size and await self._read(reading, source, seen, about, now):
                return True
            reading.drop()
            reading = Reading(self._origin, self._store, name, apart=not own)
        if await self._read(reading, source, seen, about, now):
            return True
        reading.drop()
        detail = f"the entries up to {seen.checkpoint.size} do not give the root that it signed"
        self._say(What.MISMATCH, about, detail, self._store.state(self._origin).size, now)
        return False

    async def _read(self, reading: Reading, source: Source, seen: Seen, about: str | None, now: int) -> bool:
        """Read up to the checkpoint; False if the entries do not give its root."""
        size = seen.checkpoint.size
        try:
            async with (
                self._in_time(f"the entries up to {size}"),
                aclosing(bundles(source, reading.size, size)) as coming,
            ):
                async for bundle in coming:
                    reading.take(bundle)
                    if reading.taken % _KEEP_EVERY == 0:
                        reading.keep()
        finally:
            # The hashes first, then the alarm that is made of them, then that the tree has them: a crash in
            # between reads on from here, and alarms once.
            reading.keep()
        if reading.root() != seen.checkpoint.root:
            return False
        await self._judge_chain(source, seen, reading, now)
        if reading.bad_note is not None:
            detail = f"what it serves beside entry {reading.bad_note} is not what the entry commits to"
            self._say(What.NOTE_WRONG, about, detail, reading.bad_note, now)
        reading.reached(seen.checkpoint.root, seen.note)
        self._comparing.reached(seen, now)
        return True

    @asynccontextmanager
    async def _in_time(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except TimeoutError:
            raise SourceError(Reason.TIMED_OUT, f"{what} did not come in {self._seconds:g} seconds") from None

    async def _extends(self, source: Source, about: str | None, seen: Seen, state: State, now: int) -> bool:
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
            self._say(What.UNPROVEN_SPLIT, about, detail, state.size, now)
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

    async def _judge_chain(self, source: Source, seen: Seen, reading: Reading, now: int) -> None:
        fault, size = reading.fault, seen.checkpoint.size
        if reading.open_end:
            fault = Fault(size - 1, reading.last_entry or await _entry(source, size - 1, size), None)
        if fault is None:
            return
        tree = Tree(reading.tile)
        for entries, beginning in await self._candidates(source, tree, fault, size):
            evidence = accusing.broken_chain(seen.note, self._comparing.keys, entries, beginning)
            if self._alarms.accuse(evidence, self._comparing.keys, now):
                return

    async def _candidates(
        self, source: Source, tree: Tree, fault: Fault, size: int
    ) -> list[tuple[list[Included], Beginning | None]]:
        """Return what may prove a broken chain: the entry alone, with the header before it, with the entry
        before its block, with the root that the tree really has there."""
        at = tree.included(fault.index, fault.entry, size)
        found: list[tuple[list[Included], Beginning | None]] = [([at], None)]
        if fault.before is not None:
            before = tree.included(fault.before.index, fault.before.to_bytes(), size)
            found.append(([before, at], None))
        header = _header(fault.entry)
        if header is not None and 0 < header.first_index <= fault.index:
            entry = await _entry(source, header.first_index - 1, size)
            found.append(([tree.included(header.first_index - 1, entry, size), at], None))
        if fault.index:
            found.append(([at], tree.beginning(fault.index, size)))
        return found

    def _say(self, what: What, source: str | None, detail: str, since: int, now: int) -> None:
        """Say what cannot be proven, once for each place in the log at which it shows."""
        if source is not None:
            self._alarms.observe(what, self._comparing.keys[0], source, detail, since=since, now=now)


def _header(entry: bytes) -> BlockHeader | None:
    try:
        return BlockHeader.parse(entry)
    except MalformedError:
        return None


async def _entry(source: Source, index: int, size: int) -> bytes:
    bundle, place = divmod(index, TILE_WIDTH)
    width = min(TILE_WIDTH, size - bundle * TILE_WIDTH)
    return parse_entry_bundle(await source.entries(bundle, width), width)[place]
