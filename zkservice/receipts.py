"""Receipts and proofs from the log's tables, by the published size."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import Connection

from tlog.builder import Batch
from tlog.merkle import (
    NodeReader,
    consistency_proof,
    inclusion_proof,
    nodes_for_consistency,
    nodes_for_inclusion,
)
from tlog.proof_file import ProofFile
from tlog.receipt import ReceiptOpening, receipt_file
from tlog.tiles import Tiles, node_reader, tiles_for_nodes
from zkservice.storage import ledger
from zkservice.storage.ledger import Block


@dataclass(frozen=True)
class Place:
    """Where an entry stands: its index and the block that took it in, with the nodes that prove it there."""

    index: int
    block: Block
    node: NodeReader = field(repr=False)

    def proof(self) -> bytes:
        """Return the proof file of an entry that everybody may see, in the tree that its block ends."""
        hashes = inclusion_proof(self.index, self.block.header.size, self.node)
        return ProofFile(self.index, tuple(hashes), self.block.checkpoint).to_bytes()

    def receipt(self, opening: ReceiptOpening) -> bytes:
        """Return the entry's receipt file: always the same, proven in the tree that its block ends.

        It holds the opening, which is for holder and verifier only.
        """
        hashes = inclusion_proof(self.index, self.block.header.size, self.node)
        return receipt_file(opening, self.index, hashes, self.block.checkpoint)


def places_of(batch: Batch, before: Tiles, checkpoint: bytes) -> list[Place]:
    """Return the places of a new block's entries, whose proofs share what they have in common.

    `before` are the tiles that the block was built on; with those that it changed they hold every node.
    """
    block = Block(batch.header, checkpoint)
    node = cache(node_reader(lambda tile: batch.changed_tiles.get(tile) or before(tile)))
    return [Place(batch.first_index + offset, block, node) for offset in range(batch.header.count)]


def read_place(connection: Connection, outbox_id: int) -> Place | None:
    """Return where an outbox row's entry stands; None if its block is not published yet."""
    index = ledger.index_of(connection, outbox_id)
    if index is None:
        return None
    return place_of(connection, index, ledger.block_of(connection, index))


def read_places(connection: Connection, outbox_ids: Sequence[int]) -> dict[int, Place]:
    """Return where the entries of outbox rows stand, of those whose blocks are published.

    What is read for them is read at once, since they often share a block.
    """
    indexes = ledger.indexes_of(connection, outbox_ids)
    if not indexes:
        return {}
    blocks = ledger.blocks_of(connection, list(indexes.values()))
    nodes = {
        node for index in indexes.values() for node in nodes_for_inclusion(index, blocks[index].header.size)
    }
    node = cache(node_reader(ledger.read_tiles(connection, tiles_for_nodes(nodes))))
    return {row: Place(index, blocks[index], node) for row, index in indexes.items()}


def place_within(connection: Connection, index: int, size: int) -> Place:
    """Return where an entry stands, proven in the tree of a published size that a block ends."""
    return place_of(connection, index, ledger.block_of(connection, size - 1))


def place_of(connection: Connection, index: int, block: Block) -> Place:
    """Return where an entry stands, proven in the tree that a block ends; the block may be a later one."""
    tiles = ledger.read_tiles(connection, tiles_for_nodes(nodes_for_inclusion(index, block.header.size)))
    return Place(index, block, node_reader(tiles))


def read_inclusion(connection: Connection, index: int, size: int) -> list[bytes]:
    """Return the inclusion proof of an entry in the tree of a size."""
    tiles = ledger.read_tiles(connection, tiles_for_nodes(nodes_for_inclusion(index, size)))
    return inclusion_proof(index, size, node_reader(tiles))


def read_consistency(connection: Connection, first: int, second: int) -> list[bytes]:
    """Return the consistency proof of two sizes."""
    tiles = ledger.read_tiles(connection, tiles_for_nodes(nodes_for_consistency(first, second)))
    return consistency_proof(first, second, node_reader(tiles))
