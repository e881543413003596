"""Roots and proofs against the recursive definitions of RFC 6962, and tiles against the roots."""

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tlog.making import digest, digests, flip, refused
from tlog import (
    EMPTY_ROOT,
    Frontier,
    TileId,
    VerificationError,
    consistency_proof,
    inclusion_proof,
    node_hash,
    node_reader,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tlog.merkle import nodes_for_consistency, nodes_for_inclusion, nodes_for_root, root_from_inclusion
from tlog.tiles import (
    append,
    entries_path,
    entry_bundle,
    parse_entries_path,
    parse_entry_bundle,
    parse_tile,
    parse_tile_path,
    tile_path,
    tile_width,
    tiles_for_append,
    tiles_for_nodes,
)

LARGEST = 300
NO_TILES = dict[TileId, bytes]().__getitem__
quick = settings(max_examples=60, deadline=None)


@cache
def split(n: int) -> int:
    """The largest power of two smaller than n."""
    return max(1 << i for i in range(64) if 1 << i < n)


@cache
def reference_root(begin: int, end: int) -> bytes:
    """MTH of RFC 6962, section 2.1, by the letter."""
    if begin == end:
        return EMPTY_ROOT
    if end - begin == 1:
        return digest(begin)
    k = split(end - begin)
    return node_hash(reference_root(begin, begin + k), reference_root(begin + k, end))


@cache
def reference_path(m: int, begin: int, end: int) -> tuple[bytes, ...]:
    """PATH of RFC 6962, section 2.1.1; `m` counts from `begin`."""
    n = end - begin
    if n == 1:
        return ()
    k = split(n)
    if m < k:
        return (*reference_path(m, begin, begin + k), reference_root(begin + k, end))
    return (*reference_path(m - k, begin + k, end), reference_root(begin, begin + k))


@cache
def reference_subproof(m: int, begin: int, end: int, whole: bool) -> tuple[bytes, ...]:
    """SUBPROOF of RFC 6962, section 2.1.2."""
    n = end - begin
    if m == n:
        return () if whole else (reference_root(begin, end),)
    k = split(n)
    if m <= k:
        return (*reference_subproof(m, begin, begin + k, whole), reference_root(begin + k, end))
    return (*reference_subproof(m - k, begin + k, end, False), reference_root(begin, begin + k))


def node(level: int, index: int) -> bytes:
    return reference_root(index << level, (index + 1) << level)


def strict_node(size: int) -> dict[tuple[int, int], bytes]:
    """Only the complete nodes of a tree of this size."""
    return {
        (level, index): node(level, index)
        for level in range(size.bit_length())
        for index in range(size >> level)
    }


def test_every_inclusion_proof() -> None:
    for size in range(1, LARGEST + 1):
        root = reference_root(0, size)
        for index in range(size):
            proof = inclusion_proof(index, size, node)
            assert tuple(proof) == reference_path(index, 0, size)
            assert root_from_inclusion(digest(index), index, size, proof) == root


def test_every_consistency_proof() -> None:
    for second in range(1, LARGEST + 1):
        for first in range(1, second + 1):
            proof = consistency_proof(first, second, node)
            assert tuple(proof) == reference_subproof(first, 0, second, True)
            verify_consistency(first, second, proof, reference_root(0, first), reference_root(0, second))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100, 255, 256, 257, 300])
def test_roots_and_the_nodes_they_read(size: int) -> None:
    complete = strict_node(size)
    read: list[tuple[int, int]] = []

    def reader(level: int, index: int) -> bytes:
        read.append((level, index))
        return complete[level, index]

    assert tree_root(size, reader) == root_of(digests(size)) == reference_root(0, size)
    assert read == nodes_for_root(size)
    for index in range(0, size, 7):
        read.clear()
        inclusion_proof(index, size, reader)
        assert read == nodes_for_inclusion(index, size)
        read.clear()
        consistency_proof(index, size, reader)
        assert read == nodes_for_consistency(index, size)


def test_numbers_out_of_range() -> None:
    for index, size in [(0, 0), (1, 1), (-1, 2), (0, 2**63), (True, 2), (1.0, 2)]:
        refused("OUT_OF_RANGE", inclusion_proof, index, size, node)
        refused("OUT_OF_RANGE", nodes_for_inclusion, index, size)
    for first, second in [(2, 1), (-1, 1), (1, 2**63), (True, 2)]:
        refused("OUT_OF_RANGE", consistency_proof, first, second, node)
    assert consistency_proof(0, 5, node) == consistency_proof(5, 5, node) == []
    assert root_of([]) == tree_root(0, node) == EMPTY_ROOT
    assert len(nodes_for_inclusion(2**62 + 12345, 2**63 - 1)) < 63 * 63
    refused("OUT_OF_RANGE", Frontier(2**63 - 1, [digest(0)] * 63).append, digest(1))
    refused("INVALID_LENGTH", Frontier, 3, [digest(0)])
    refused("INVALID_LENGTH", root_of, [b"short"])
    refused("INVALID_LENGTH", tree_root, 1, lambda level, index: b"short")
    refused("INVALID_TYPE", root_of, ["a" * 32])


@quick
@given(st.integers(1, LARGEST), st.data())
def test_changed_inclusion_proofs_are_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, root, proof = digest(index), reference_root(0, size), inclusion_proof(index, size, node)
    verify_inclusion(leaf, index, size, proof, root)
    bad: list[tuple[bytes, int, int, Sequence[bytes], bytes]] = [
        (flip(leaf, data.draw(st.integers(0, 255))), index, size, proof, root),
        (leaf, index, size, proof, flip(root, data.draw(st.integers(0, 255)))),
        (leaf, index, size, [*proof, digest(7)], root),
        (leaf, index, size, [leaf, *proof], root),
        (leaf, size, size, proof, root),
        (leaf, -1, size, proof, root),
        (leaf, index, 2**63 + size, proof, root),
    ]
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        bad.append((leaf, other, size, proof, root))
    for at in range(len(proof)):
        changed = flip(proof[at], data.draw(st.integers(0, 255)))
        bad.append((leaf, index, size, [*proof[:at], changed, *proof[at + 1 :]], root))
        bad.append((leaf, index, size, proof[:at] + proof[at + 1 :], root))
        bad.append((leaf, index, size, [*proof[:at], proof[at] + b"\0", *proof[at + 1 :]], root))
    for arguments in bad:
        refused("INCLUSION_INVALID", verify_inclusion, *arguments)


@quick
@given(st.integers(1, LARGEST), st.data())
def test_changed_consistency_proofs_are_refused(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    roots = reference_root(0, first), reference_root(0, second)
    proof = consistency_proof(first, second, node)
    bit = data.draw(st.integers(0, 255))
    bad: list[tuple[int, int, Sequence[bytes], bytes, bytes]] = [
        (first, second, proof, flip(roots[0], bit), roots[1]),
        (first, second, proof, roots[0], flip(roots[1], bit)),
        (first, second, [*proof, digest(3)], *roots),
        (0, second, proof, *roots),
        (0, second, [], EMPTY_ROOT, roots[1]),
        (second + 1, second, proof, *roots),
        (first, second, proof, roots[0][:31], roots[1]),
    ]
    if first != second:
        bad.append((first, second, proof, roots[1], roots[0]))
        bad.append((first, second, [], *roots))
    for at in range(len(proof)):
        bad.append((first, second, [*proof[:at], flip(proof[at], bit), *proof[at + 1 :]], *roots))
        bad.append((first, second, proof[:at] + proof[at + 1 :], *roots))
    for arguments in bad:
        refused("CONSISTENCY_INVALID", verify_consistency, *arguments)


@quick
@given(st.lists(st.integers(0, 500), max_size=6))
def test_tiles_grow_by_batches(batches: list[int]) -> None:
    """Only the right edge is read, and each tile has the width that its tree gives it."""
    stored: dict[TileId, bytes] = {}
    size = 0
    frontier = Frontier()
    for count in batches:
        edge = {tile: stored[tile] for tile in tiles_for_append(size)}
        changed = append(size, digests(size + count)[size:], edge.__getitem__)
        assert all(stored.get(tile, b"") != content for tile, content in changed.items())
        stored |= changed
        frontier.extend(digests(size + count)[size:])
        size += count
        reader = node_reader({tile: stored[tile] for tile in tiles_for_append(size)}.__getitem__)
        assert tree_root(size, reader) == frontier.root() == root_of(digests(size))
        assert Frontier.load(size, reader).root() == frontier.root()
        for tile, content in stored.items():
            assert len(parse_tile(content, tile_width(tile, size))) == len(content) // 32
        assert tile_width(TileId(0, len(stored)), size) == 0


def test_three_levels_of_tiles() -> None:
    size = 256 * 256 + 300
    leaves = digests(size)
    stored = append(0, leaves[: 256 * 256 - 1], NO_TILES)
    stored |= append(256 * 256 - 1, leaves[256 * 256 - 1 :], stored.__getitem__)
    assert {tile.level for tile in stored} == {0, 1, 2}
    read = node_reader(stored.__getitem__)
    root = tree_root(size, read)
    assert root == root_of(leaves)
    for index in (0, 255, 256, 70, 256 * 256 - 1, 256 * 256, size - 1):
        proof = inclusion_proof(index, size, read)
        verify_inclusion(leaves[index], index, size, proof, root)
        needed = tiles_for_nodes(nodes_for_inclusion(index, size))
        few = node_reader({tile: stored[tile] for tile in needed}.__getitem__)
        assert inclusion_proof(index, size, few) == proof
    for first in (1, 255, 256, 257, 65535, 65536, 65537, size):
        older = tree_root(first, read)
        assert older == root_of(leaves[:first])
        verify_consistency(first, size, consistency_proof(first, size, read), older, root)


def test_a_tile_ahead_of_the_size_is_read_up_to_the_size() -> None:
    ahead = append(0, digests(700), NO_TILES)
    assert append(300, digests(400)[300:], ahead.__getitem__) == append(
        300, digests(400)[300:], append(0, digests(300), NO_TILES).__getitem__
    )
    assert tree_root(300, node_reader(ahead.__getitem__)) == root_of(digests(300))


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(32), bytes(65), bytes(8192 + 32)])
def test_tiles_of_another_width(content: bytes) -> None:
    refused("TILE_MALFORMED", append, 2, [digest(0)], lambda tile: content)
    refused("TILE_MALFORMED", node_reader(lambda tile: content), 1, 0)
    refused("TILE_MALFORMED", parse_tile, content, 2)


def test_arguments_of_tiles() -> None:
    refused("INVALID_LENGTH", append, 0, [b"short"], NO_TILES)
    refused("OUT_OF_RANGE", append, 2**63 - 1, [digest(0)], NO_TILES)
    refused("OUT_OF_RANGE", parse_tile, b"", 0)
    for level, index in [(-1, 0), (64, 0), (0, -1), (0, 2**63)]:
        refused("OUT_OF_RANGE", TileId, level, index)
    for width in (0, 257, -1):
        refused("OUT_OF_RANGE", tile_path, 0, 0, width)


@given(st.integers(0, 63), st.integers(0, 2**63 - 1), st.integers(1, 256))
def test_paths(level: int, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, index, width)) == (TileId(level, index), width)
    assert parse_entries_path(entries_path(index, width)) == (index, width)
    refused("TILE_MALFORMED", parse_entries_path, tile_path(level, index, width))
    refused("TILE_MALFORMED", parse_tile_path, entries_path(index, width))


def test_paths_as_written_in_the_specification() -> None:
    assert tile_path(3, 1234067) == "tile/3/x001/x234/067"
    assert entries_path(5, 44) == "tile/entries/005.p/44"
    for bad in [
        "/tile/0/000",
        "tile/0/00",
        "tile/00/000",
        "tile/64/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/044",
        "tile/0/000.p/",
        "tile/0/000\n",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/" + "x001/" * 20 + "001",
        "tile/-1/000",
        "tile/0/\u0661\u0661\u0661",
        "checkpoint",
        "",
    ]:
        refused("TILE_MALFORMED", parse_tile_path, bad)


@quick
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_entry_bundles(entries: list[bytes]) -> None:
    content = entry_bundle(entries)
    assert parse_entry_bundle(content, len(entries)) == tuple(entries)
    refused("TILE_MALFORMED", parse_entry_bundle, content[:-1], len(entries))
    refused("TILE_MALFORMED", parse_entry_bundle, content + b"\0", len(entries))
    if len(entries) < 256:
        refused("TILE_MALFORMED", parse_entry_bundle, content, len(entries) + 1)


def test_bundles_refused() -> None:
    assert len(entry_bundle([bytes(65535)])) == 65537
    for entries in ([], [bytes(65536)], [b""] * 257):
        refused("INVALID_LENGTH", entry_bundle, entries)


def test_verification_returns_nothing_to_forget() -> None:
    with pytest.raises(VerificationError, match="INCLUSION_INVALID: the proof of leaf 0"):
        verify_inclusion(digest(0), 0, 1, [], digest(1))
