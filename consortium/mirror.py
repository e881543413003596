"""A mirror: another operator's log, followed into a folder of static files, everything in it checked.

Each checkpoint has to be signed by the log and, where the policy demands it, cosigned by its quorum. Up to it
every entry, every note and every header is checked, the tree is built anew from the entries, and the tiles
that the source serves have to be those of that tree. Then it is published in the folder (`consortium.folder`
says in which order). Whoever reads the mirror reads what the operator had said, with the operator's own
signature, whether or not the operator is still there.

What was read before a crash, or before the source went away, is read from the folder when it goes on, and
checked as if the source had sent it just now: nobody has vouched for it yet.

A checkpoint that contradicts the one that stands is refused, and both are kept: they are evidence. One that
is older and of the same log is nothing: a cache has it, or whoever wants the mirror to stop. Of a note's
lines a policy that knows witnesses keeps those that it verified, since a false one in a witness's name would
make the note useless to whoever knows that witness; a mirror that knows the log's key only keeps what it is
given.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

from consortium.errors import ConsortiumError, FolderError, Reason, SourceError
from consortium.folder import Folder
from consortium.growing import Growing
from consortium.source import (
    Bundle,
    FolderSource,
    Source,
    bundles,
    fetch_consistency,
    nodes_of,
    notes_path,
)
from tlog import (
    EMPTY_ROOT,
    BlockHeader,
    Checkpoint,
    Follower,
    Frontier,
    Policy,
    TileId,
    TlogError,
    VerificationError,
    leaf_hash,
    node_reader,
    open_by_policy,
    open_pending,
    tree_root,
    verify_consistency,
)
from tlog.errors import Reason as TlogReason
from tlog.merkle import HASH_OCTETS, nodes_for_root
from tlog.note import only_lines_of
from tlog.tiles import (
    TILE_WIDTH,
    entries_path,
    entry_bundle,
    parse_entry_bundle,
    tile_path,
    tile_width,
    tiles_for_append,
    tiles_for_nodes,
)


class ContradictionError(ConsortiumError):
    """Two checkpoints of one log that do not go together, both signed; kept as evidence at `place`, unless
    more than enough is kept already."""

    def __init__(self, reason: Reason, detail: str, place: Path | None) -> None:
        super().__init__(reason, detail)
        self.place = place


@dataclass(frozen=True)
class Held:
    """What stands in the folder: the note, what it says, and where the log goes on from there."""

    note: bytes = b""
    origin: str = ""
    size: int = 0
    root: bytes = EMPTY_ROOT
    cosigned: int = 0
    header: BlockHeader | None = None
    edge: Mapping[TileId, bytes] = field(default_factory=dict)


async def load(folder: Path, note: bytes, policy: Policy) -> Held:
    """Return what stands in a folder under a note; FolderError FOLDER_INVALID.

    The quorum is not asked for again: a policy may have become stricter since. What is read is the right edge
    of the tree, and has to give the checkpoint's root; `consortium.checking` reads everything.
    """
    try:
        checkpoint, cosignatures = open_pending(note, policy)
        source, size = FolderSource(folder), checkpoint.size
        edge = {each: await source.tile(each, tile_width(each, size)) for each in tiles_for_append(size)}
        if Frontier.load(size, node_reader(edge.__getitem__)).root() != checkpoint.root:
            raise FolderError(Reason.FOLDER_INVALID, "the tiles do not give the root of the checkpoint")
        header = await _last_header(source, size) if size else None
    except (TlogError, SourceError) as error:
        raise FolderError(Reason.FOLDER_INVALID, f"what stands in {folder} is no mirror: {error}") from None
    return Held(note, checkpoint.origin, size, checkpoint.root, len(cosignatures), header, edge)


async def _last_header(source: Source, size: int) -> BlockHeader:
    """Return the header that ends a log, once it is seen to be the leaf of the tree."""
    index, before = divmod(size - 1, TILE_WIDTH)
    last = parse_entry_bundle(await source.entries(index, before + 1), before + 1)[-1]
    leaf = (await source.tile(TileId(0, index), before + 1))[-HASH_OCTETS:]
    header = BlockHeader.parse(last)
    if leaf_hash(last) != leaf or header.size != size:
        raise VerificationError(TlogReason.BLOCK_INVALID, "the last entry is not the header of the tree")
    return header


class Mirror:
    """Follows one log into a folder. A call that fails leaves what is published as it was."""

    def __init__(self, folder: Folder, policy: Policy, held: Held) -> None:
        self._folder, self._policy, self._held = folder, policy, held

    @classmethod
    async def opened(cls, folder: Folder, policy: Policy) -> "Mirror":
        """Return the mirror in a folder, empty if the folder is; FolderError FOLDER_INVALID.

        An empty one becomes that of the first log of the policy that its source gives.
        """
        note = folder.note()
        return cls(folder, policy, await load(folder.path, note, policy) if note is not None else Held())

    @property
    def held(self) -> Held:
        """What stands in the folder."""
        return self._held

    async def update(self, source: Source, progress: Callable[[int], None] = lambda _: None) -> bool:
        """Bring the mirror to the source's checkpoint; tell whether anything is new.

        `progress` gets the number of entries so far. Raises SourceError; MalformedError and VerificationError
        of what the source gave; ContradictionError LOG_FORKED; FolderError STORE_FAILED.
        """
        note = await source.checkpoint()
        checkpoint, cosignatures = open_by_policy(note, self._policy)
        if self._policy.demands_witnesses:
            signers = (*self._policy.logs_of(checkpoint.origin), *(each.witness for each in cosignatures))
            note = only_lines_of(note, signers)
        held, cosigned = self._held, len(cosignatures)
        if held.note and checkpoint.origin != held.origin:
            # Two logs of one policy contradict each other in everything, and that is evidence of nothing.
            raise VerificationError(TlogReason.ORIGIN_UNKNOWN, f"the folder is of the log {held.origin}")
        if checkpoint.size > held.size:
            await self._check_extends(source, note, checkpoint)
            growth = await self._read(source, checkpoint, progress)
            await asyncio.to_thread(self._publish, note, growth)
            self._held = growth.held(note, checkpoint, cosigned)
            return True
        if checkpoint.size < held.size or checkpoint.root != held.root:
            raise await self._contradiction(note, checkpoint)
        unchecked = not self._policy.demands_witnesses and note != held.note
        if held.note and cosigned <= held.cosigned and not unchecked:
            return False
        # The same tree that more witnesses have seen, or the checkpoint of a log that is empty still.
        self._folder.publish(note)
        self._held = replace(held, note=note, origin=checkpoint.origin, cosigned=cosigned)
        return True

    async def _check_extends(self, source: Source, note: bytes, checkpoint: Checkpoint) -> None:
        """Check a larger checkpoint by the source's tiles before anything else is read of it."""
        held = self._held
        if not held.size:
            return
        proof = await fetch_consistency(source, held.size, checkpoint.size)
        try:
            verify_consistency(held.size, checkpoint.size, proof, held.root, checkpoint.root)
        except VerificationError:
            self._folder.suspect(held.note, note)  # at once: the source may not be there a second time
            tiles = tiles_for_nodes(nodes_for_root(held.size))
            other = tree_root(held.size, await nodes_of(source, checkpoint.size, tiles))
            # Tiles that hash to the signed root with another past in them convict the log; any others say
            # only that the source serves wrong tiles, and raise the same error again.
            verify_consistency(held.size, checkpoint.size, proof, other, checkpoint.root)
            detail = f"the log of {checkpoint.size} entries does not begin with the {held.size} held here"
            place = self._folder.convict(held.note, note)
            raise ContradictionError(Reason.LOG_FORKED, detail, place) from None

    async def _contradiction(self, note: bytes, checkpoint: Checkpoint) -> ConsortiumError:
        """Return what a checkpoint is that is not larger and not the same: an older one, or of a fork."""
        held, size = self._held, checkpoint.size
        own = FolderSource(self._folder.path)
        known = tree_root(size, await nodes_of(own, size, tiles_for_nodes(nodes_for_root(size))))
        if known == checkpoint.root:
            detail = f"the source shows {size} entries of the log, {held.size} are held here"
            return SourceError(Reason.LOG_ROLLED_BACK, detail)
        place = self._folder.convict(held.note, note)
        return ContradictionError(Reason.LOG_FORKED, f"the log has another root at {size} entries", place)

    async def _read(
        self, source: Source, checkpoint: Checkpoint, progress: Callable[[int], None]
    ) -> "_Growth":
        """Read up to a checkpoint, first with what an earlier attempt has left, then without."""
        staged = _Staged(FolderSource(self._folder.path), source)
        try:
            return await self._read_from(staged, checkpoint, progress)
        except TlogError:
            self._folder.drop_beyond(self._held.size)
            if not staged.used:
                raise
        try:
            return await self._read_from(source, checkpoint, progress)
        except TlogError:
            self._folder.drop_beyond(self._held.size)
            raise

    async def _read_from(
        self, source: Source, checkpoint: Checkpoint, progress: Callable[[int], None]
    ) -> "_Growth":
        growth = _Growth(self._held)
        async with aclosing(bundles(source, self._held.size, checkpoint.size)) as coming:
            async for bundle in coming:
                await self._check_known(bundle)
                full = growth.bundle(bundle)
                await _check_tiles(source, full)
                await asyncio.to_thread(self._keep, bundle, full)
                progress(growth.follower.size)
        growth.follower.check(checkpoint)
        await _check_tiles(source, growth.partial())
        return growth

    async def _check_known(self, bundle: Bundle) -> None:
        """Check that what comes again of a bundle is what is held of it."""
        if not bundle.offset:
            return
        own, offset = FolderSource(self._folder.path), bundle.offset
        entries = entry_bundle(bundle.entries[:offset])
        notes = entry_bundle([each or b"" for each in bundle.notes[:offset]])
        if (entries, notes) != (
            await own.entries(bundle.index, offset), await own.notes(bundle.index, offset)
        ):  # fmt: skip
            detail = f"bundle {bundle.index} begins otherwise than it did"
            raise VerificationError(TlogReason.CONSISTENCY_INVALID, detail)

    def _keep(self, bundle: Bundle, full: Mapping[TileId, bytes]) -> None:
        """Write what is full of a bundle; what is not will be written once the checkpoint is reached."""
        if len(bundle.entries) == TILE_WIDTH:
            self._write_bundle(bundle)
        for tile, octets in full.items():
            self._folder.write(tile_path(tile.level, tile.index), octets)

    def _write_bundle(self, bundle: Bundle) -> None:
        width = len(bundle.entries)
        self._folder.write(entries_path(bundle.index, width), entry_bundle(bundle.entries))
        notes = entry_bundle([each or b"" for each in bundle.notes])
        self._folder.write(notes_path(bundle.index, width), notes)

    def _publish(self, note: bytes, growth: "_Growth") -> None:
        if growth.last is not None and len(growth.last.entries) < TILE_WIDTH:
            self._write_bundle(growth.last)
        for tile, octets in growth.partial().items():
            path = tile_path(tile.level, tile.index, len(octets) // HASH_OCTETS)
            self._folder.write(path, octets)
        self._folder.publish(note)
        self._folder.prune(self._held.size, growth.follower.size)


class _Growth(Growing):
    """A log on its way from what is held to a checkpoint."""

    def __init__(self, held: Held) -> None:
        hashes = Frontier.load(held.size, node_reader(held.edge.__getitem__)).hashes
        super().__init__(Follower(held.size, hashes, held.header), held.edge)
        self.last: Bundle | None = None

    def bundle(self, bundle: Bundle) -> dict[TileId, bytes]:
        """Take a bundle in once it is checked; return the tiles that it makes full."""
        full = self.take(*bundle.new)
        self.last = bundle
        return full

    def held(self, note: bytes, checkpoint: Checkpoint, cosigned: int) -> Held:
        """Return what is held once it is published."""
        header = self.follower.header
        return Held(note, checkpoint.origin, checkpoint.size, checkpoint.root, cosigned, header, self.edge)


class _Staged:
    """The source, but for what an earlier attempt has left in the folder."""

    def __init__(self, folder: FolderSource, source: Source) -> None:
        self._folder, self._source = folder, source
        self.used = False

    async def checkpoint(self) -> bytes:
        return await self._source.checkpoint()

    async def tile(self, tile: TileId, width: int) -> bytes:
        return await self._source.tile(tile, width)

    async def entries(self, index: int, width: int) -> bytes:
        return await self._kept(self._folder.entries, index, width) or await self._source.entries(
            index, width
        )

    async def notes(self, index: int, width: int) -> bytes:
        return await self._kept(self._folder.notes, index, width) or await self._source.notes(index, width)

    async def _kept(self, read: Callable[[int, int], Awaitable[bytes]], index: int, width: int) -> bytes:
        """Return a full bundle that is there; partial ones are made anew for each checkpoint."""
        if width < TILE_WIDTH:
            return b""
        try:
            found = await read(index, width)
        except SourceError:
            return b""
        self.used = True
        return found


async def _check_tiles(source: Source, tiles: Mapping[TileId, bytes]) -> None:
    """Check that a source serves the tiles that its entries give; VerificationError CONSISTENCY_INVALID."""
    for tile, octets in tiles.items():
        if await source.tile(tile, len(octets) // HASH_OCTETS) != octets:
            detail = f"the tile {tile.level}/{tile.index} is not what the log's entries give"
            raise VerificationError(TlogReason.CONSISTENCY_INVALID, detail)
