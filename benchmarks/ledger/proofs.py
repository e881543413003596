"""Inclusion and consistency proofs against the size of the log, out of a database and out of memory.

The tree is real and whole: each leaf has its hash, each tile is made by the tree's own code and stands in
the log's own table, in a database of its own for each size. Entries are left out, since no proof reads them:
ten million would take hours to write as the sequencer writes, and no proof would be another.
"""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any, Final

from sqlalchemy import Connection, event

from benchmarks.results import Row
from tlog.merkle import (
    HASH_OCTETS,
    NodeReader,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tlog.tiles import TileId, Tiles, append, node_reader, tiles_for_append
from zk.bench.measure import Operation, in_turns, quiet, ratio
from zkservice.receipts import read_consistency, read_inclusion
from zkservice.storage import schema_version, tables
from zkservice.storage.database import open_engine
from zkservice.storage.many import insert_many

_PIECE: Final = 1 << 16
_CHANCE: Final = 519
_INTO_TILES: Final = tables.ledger_tile.insert()
Tell = Callable[[int], object]


def make(path: Path, size: int, tell: Tell = lambda _: None) -> None:
    """Make the tiles of a tree of so many leaves, unless the file is there; it is there whole or not."""
    if path.exists():
        return
    new = path.with_suffix(".new")
    for each in (new, *new.parent.glob(f"{new.name}-*")):
        each.unlink(missing_ok=True)
    engine = open_engine(f"sqlite:///{new}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = off"))
    schema_version.require_newest(engine)
    edge: dict[TileId, bytes] = {}
    with engine.connect().execution_options(writing=True) as connection:
        for first in range(0, size, _PIECE):
            end = min(first + _PIECE, size)
            with connection.begin():
                edge = _grow(connection, first, end, edge)
            tell(end)
    engine.dispose()
    with closing(sqlite3.connect(new)) as written:
        written.execute("pragma journal_mode = delete")
    new.replace(path)


def _grow(connection: Connection, first: int, end: int, edge: dict[TileId, bytes]) -> dict[TileId, bytes]:
    """Write what leaves change of the tiles; return those on the right edge."""
    changed = append(first, [_leaf(index) for index in range(first, end)], lambda each: edge.get(each, b""))
    table = tables.ledger_tile
    for each in edge.keys() & changed.keys():
        here = (table.c.level == each.level) & (table.c.index == each.index)
        connection.execute(table.delete().where(here))
    rows: list[tuple[Any, ...]] = [(each.level, each.index, octets) for each, octets in changed.items()]
    insert_many(connection, _INTO_TILES, ("level", "index", "hashes"), rows)
    known = edge | changed
    return {each: known[each] for each in tiles_for_append(end)}


def _leaf(index: int) -> bytes:
    return leaf_hash(index.to_bytes(HASH_OCTETS, "big"))


@contextmanager
def _opened(path: Path) -> Iterator[Connection]:
    """Read as the service reads: in a transaction that sees one state."""
    engine = open_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def measure(path: Path, size: int, rounds: int, check: Operation) -> Row:
    """Measure proofs of entries and sizes by chance, in turns with P; each proof is verified as well."""
    chance = random.Random(_CHANCE)
    indexes = [chance.randrange(size) for _ in range(rounds)]
    firsts = [chance.randrange(1, size) for _ in range(rounds)]
    with _opened(path) as connection, quiet():
        node = node_reader(_in_memory(connection))
        root = tree_root(size, node)
        operations = {
            "stored": _each(
                indexes, lambda index: _read(connection, lambda: read_inclusion(connection, index, size))
            ),
            "memory": _each(indexes, lambda index: inclusion_proof(index, size, node)),
            "verify": _verifying(indexes, size, node, root),
            "consistency": _each(
                firsts, lambda first: _read(connection, lambda: read_consistency(connection, first, size))
            ),
            "verify_consistency": _verifying_consistency(firsts, size, node, root),
        }
        for each in operations.values():
            each()
        units, *taken = in_turns([check, *operations.values()], rounds)
    octets = [HASH_OCTETS * len(inclusion_proof(index, size, node)) for index in indexes]
    consistent = [HASH_OCTETS * len(consistency_proof(first, size, node)) for first in firsts]
    found = {
        name: {"seconds": median(times), "ratio": ratio(times, units)}
        for name, times in zip(operations, taken, strict=True)
    }
    return {
        "operation": "proofs",
        "size": size,
        "rounds": rounds,
        "octets": median(octets),
        "most_octets": max(octets),
        "consistency_octets": median(consistent),
        "file_octets": path.stat().st_size,
        **found,
    }


def _read(connection: Connection, act: Callable[[], object]) -> None:
    with connection.begin() as transaction:
        act()
        transaction.rollback()


def _each(values: Sequence[int], act: Callable[[int], object]) -> Operation:
    """Return what does something with the next value each time."""
    following = cycle(values)
    return lambda: act(next(following))


def _verifying(indexes: Sequence[int], size: int, node: NodeReader, root: bytes) -> Operation:
    made = {index: inclusion_proof(index, size, node) for index in indexes}
    leaves = {index: _leaf(index) for index in indexes}
    return _each(indexes, lambda index: verify_inclusion(leaves[index], index, size, made[index], root))


def _verifying_consistency(firsts: Sequence[int], size: int, node: NodeReader, root: bytes) -> Operation:
    made = {first: consistency_proof(first, size, node) for first in firsts}
    roots = {first: tree_root(first, node) for first in firsts}
    return _each(firsts, lambda first: verify_consistency(first, size, made[first], roots[first], root))


def _in_memory(connection: Connection) -> Tiles:
    """Return all tiles of the database, read once."""
    table = tables.ledger_tile
    place = table.c.index.label("place")
    with connection.begin():
        rows = connection.execute(table.select().with_only_columns(table.c.level, place, table.c.hashes))
        found = {TileId(row.level, row.place): row.hashes for row in rows}
    return lambda tile: found.get(tile, b"")
