"""Receipts and proofs from the log's tables, by the published size."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from tlog.merkle import consistency_proof, inclusion_proof, nodes_for_consistency, nodes_for_inclusion
from tlog.receipt import ReceiptOpening, receipt_file
from tlog.tiles import node_reader, tiles_for_nodes
from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage import ledger


@dataclass(frozen=True)
class Receipt:
    """A receipt file with its place; `octets` holds the opening, which is for holder and verifier only."""

    octets: bytes = field(repr=False)
    entry_index: int
    block_height: int


def read_receipt(connection: Connection, outbox_id: int, opening: ReceiptOpening) -> Receipt:
    """Return the receipt of an integrated entry, always the same: proven in the tree that its block ends."""
    index = ledger.index_of(connection, outbox_id)
    if index is None:
        raise ServiceError(ServiceReason.STORAGE_UNAVAILABLE, "the receipt is not integrated yet")
    block = ledger.block_of(connection, index)
    hashes = read_inclusion(connection, index, block.header.size)
    return Receipt(receipt_file(opening, index, hashes, block.checkpoint), index, block.header.height)


def read_inclusion(connection: Connection, index: int, size: int) -> list[bytes]:
    """Return the inclusion proof of an entry in the tree of a size."""
    tiles = ledger.read_tiles(connection, tiles_for_nodes(nodes_for_inclusion(index, size)))
    return inclusion_proof(index, size, node_reader(tiles))


def read_consistency(connection: Connection, first: int, second: int) -> list[bytes]:
    """Return the consistency proof of two sizes."""
    tiles = ledger.read_tiles(connection, tiles_for_nodes(nodes_for_consistency(first, second)))
    return consistency_proof(first, second, node_reader(tiles))
