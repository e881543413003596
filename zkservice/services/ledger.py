"""LedgerService: the log that everybody can audit. All of it is public; nothing here changes anything."""

from collections.abc import AsyncIterator
from typing import Any, Final

from tlog.errors import InputError
from tlog.merkle import HASH_OCTETS
from tlog.tiles import TILE_WIDTH, TileId, tile_width
from zkproto.v1 import ledger_pb2 as pb
from zkproto.v1.ledger_pb2_grpc import LedgerServiceServicer
from zkservice.anchoring import Anchoring
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import page_size
from zkservice.receipts import read_consistency, read_inclusion
from zkservice.services import log_keys
from zkservice.storage import anchors, ledger

_DEFAULT_PAGE: Final = 100
_MAX_PAGE: Final = 1000
_PAGE_OCTETS: Final = 2 << 20
"""A page ends before it grows beyond this, whatever its count."""
_MAX_TILES: Final = 64


class LedgerService(LedgerServiceServicer):
    """Answers by the published checkpoint only."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def GetCheckpoint(self, request: pb.GetCheckpointRequest, context: Any) -> Any:
        """The newest published checkpoint, the newest anchored one, their key, and how anchoring goes."""
        anchored = self._context.anchored.newest
        return pb.GetCheckpointResponse(
            checkpoint=self._context.sequencer.published.checkpoint,
            verifier_key=self._context.verifier_key,
            anchored=anchored.checkpoint if anchored is not None else b"",
            next_verifier_key=str(self._context.log_keys.following or ""),
            witnessing=_witnessing(self._context.anchoring),
        )

    async def GetInclusionProof(self, request: pb.GetInclusionProofRequest, context: Any) -> Any:
        """The proof that an entry is in the tree of a given size."""
        size = self._size(request.tree_size, "tree_size")
        index = request.entry_index
        if not 0 <= index < size:
            detail = f"the tree has the entries 0 to {size - 1}"
            raise ServiceError(ServiceReason.RANGE_INVALID, detail, field="entry_index")
        hashes = await self._context.database.read(lambda connection: read_inclusion(connection, index, size))
        return pb.GetInclusionProofResponse(entry_index=index, tree_size=size, hashes=hashes)

    async def GetConsistencyProof(self, request: pb.GetConsistencyProofRequest, context: Any) -> Any:
        """The proof that one tree is the beginning of another."""
        second = self._size(request.second_size, "second_size")
        first = request.first_size
        if not 0 < first <= second:
            detail = f"the older tree has 1 to {second} entries"
            raise ServiceError(ServiceReason.RANGE_INVALID, detail, field="first_size")
        hashes = await self._context.database.read(
            lambda connection: read_consistency(connection, first, second)
        )
        return pb.GetConsistencyProofResponse(first_size=first, second_size=second, hashes=hashes)

    def _size(self, asked: int, field: str) -> int:
        published = self._context.sequencer.published.size
        if not 0 <= asked <= published:
            detail = f"the published tree has {published} entries"
            raise ServiceError(ServiceReason.RANGE_INVALID, detail, field=field)
        return asked or published

    async def ListEntries(self, request: pb.ListEntriesRequest, context: Any) -> Any:
        """Entries by range, in order of their index."""
        size = page_size(request.page_size, _DEFAULT_PAGE, _MAX_PAGE)
        if request.start_index < 0:
            raise ServiceError(ServiceReason.RANGE_INVALID, "an index is not negative", field="start_index")
        listing = f"entries from {request.start_index}"
        after = self._context.pages.take(listing, request.page_token)
        start = int(after) + 1 if after else request.start_index
        published = self._context.sequencer.published.size
        limit = min(size, max(published - start, 0))
        rows = await self._context.database.read(lambda connection: ledger.entries(connection, start, limit))
        page, octets = pb.ListEntriesResponse(), 0
        for index, entry, note in rows:
            octets += len(entry) + len(note or b"")
            if octets > _PAGE_OCTETS and page.entries:
                break
            page.entries.add(index=index, entry=entry, holder_note=note or b"")
        if page.entries and page.entries[-1].index + 1 < published:
            page.next_page_token = self._context.pages.give(listing, str(page.entries[-1].index))
        return page

    async def ReadTiles(self, request: pb.ReadTilesRequest, context: Any) -> Any:
        """Tiles of the tree, whole as the tree of a size has them: a part would tell which entry is meant."""
        size = self._size(request.tree_size, "tree_size")
        if not 0 < len(request.tiles) <= _MAX_TILES:
            detail = f"a call asks for 1 to {_MAX_TILES} tiles"
            raise ServiceError(ServiceReason.RANGE_INVALID, detail, field="tiles")
        asked = [_tile(each, size, f"tiles[{place}]") for place, each in enumerate(request.tiles)]
        tiles = await self._context.database.read(lambda connection: ledger.read_tiles(connection, asked))
        octets = [tiles(each)[: tile_width(each, size) * HASH_OCTETS] for each in asked]
        return pb.ReadTilesResponse(tiles=octets, tree_size=size)

    async def ListAnchoredCheckpoints(self, request: pb.ListAnchoredCheckpointsRequest, context: Any) -> Any:
        """Anchored checkpoints by range, in order of their size."""
        limit = page_size(request.page_size, _DEFAULT_PAGE, _MAX_PAGE)
        if request.start_size < 0:
            raise ServiceError(ServiceReason.RANGE_INVALID, "a size is not negative", field="start_size")
        listing = f"anchored checkpoints from {request.start_size}"
        after = self._context.pages.take(listing, request.page_token)
        start = int(after) + 1 if after else request.start_size
        found = await self._context.database.read(lambda each: anchors.listed(each, start, limit + 1))
        page, octets = pb.ListAnchoredCheckpointsResponse(), 0
        for place, state in enumerate(found):
            octets += len(state.checkpoint)
            if place == limit or (octets > _PAGE_OCTETS and place):
                page.next_page_token = self._context.pages.give(listing, str(found[place - 1].size))
                break
            page.checkpoints.append(state.checkpoint)
        return page

    async def ListLogKeys(self, request: pb.ListLogKeysRequest, context: Any) -> Any:
        """The keys that the log has had, oldest first, with the proofs of its changes."""
        return await self._context.database.read(log_keys.listed)

    async def WatchCheckpoints(
        self, request: pb.WatchCheckpointsRequest, context: Any
    ) -> AsyncIterator[pb.WatchCheckpointsResponse]:
        """Stream the newest checkpoint and then every one that comes after it, published or anchored."""
        with self._context.watching.stream("checkpoints", anybodys=True):
            source = self._context.anchored if request.anchored else self._context.sequencer
            state = await source.next_after(-1)
            while True:
                yield pb.WatchCheckpointsResponse(checkpoint=state.checkpoint)
                state = await source.next_after(state.size)


def _witnessing(anchoring: Anchoring | None) -> pb.Witnessing | None:
    """Return how the asking goes. What a fault's detail says may name the operators' machines: it is logged
    and not told."""
    if anchoring is None:
        return None
    told = pb.Witnessing(late=anchoring.lateness.late, asks=anchoring.asks)
    if anchoring.asks:
        told.quorum_missing = anchoring.pending
        for name, fault in sorted(anchoring.faults.items()):
            told.faults.add(witness=name, kind=pb.WitnessFault.Kind.Value(f"KIND_{fault.kind.name}"))
    return told


def _tile(asked: pb.Tile, size: int, field: str) -> TileId:
    """Return the tile that is asked for; ServiceError RANGE_INVALID unless the tree has it just so wide."""
    try:
        tile = TileId(asked.level, asked.index)
    except InputError as error:
        raise ServiceError(ServiceReason.RANGE_INVALID, error.detail, field=field) from None
    width = tile_width(tile, size)
    if not width or width != (asked.width or TILE_WIDTH):
        detail = (
            f"in a tree of {size} entries it has {width} hashes" if width else "the tree has no such tile"
        )
        raise ServiceError(ServiceReason.RANGE_INVALID, detail, field=field)
    return tile
