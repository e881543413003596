"""The Merkle tree over a map, against a map."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ordering.tree import EMPTY, Overlay, prove, proven_root, root, root_of, write

KEYS = st.binary(min_size=1, max_size=3)
MAPS = st.dictionaries(KEYS, st.binary(max_size=4), max_size=40)


def filled(entries: list[tuple[bytes, bytes]]) -> Overlay:
    nodes = Overlay()
    for key, value in entries:
        write(nodes, key, value)
    return nodes


@given(MAPS, st.randoms(use_true_random=False))
def test_the_root_is_one_of_the_map_alone(entries: dict[bytes, bytes], drawn: object) -> None:
    order = list(entries.items())
    earlier = [(key, b"before") for key in entries]
    drawn.shuffle(order)  # type: ignore[attr-defined]
    assert root(filled(order)) == root_of(entries) == root(filled(earlier + order))
    assert root_of({}) == EMPTY


@given(MAPS, KEYS, st.binary(max_size=4))
def test_another_map_has_another_root(entries: dict[bytes, bytes], key: bytes, value: bytes) -> None:
    changed = entries | {key: value}
    assert (root_of(changed) == root_of(entries)) == (changed == entries)


@given(MAPS, KEYS)
def test_what_stands_and_what_does_not_is_proven_and_nothing_else(
    entries: dict[bytes, bytes], key: bytes
) -> None:
    nodes = filled(list(entries.items()))
    proof, top = prove(nodes, key), root(nodes)
    value = entries.get(key)
    assert proven_root(key, value, proof) == top
    for other in (None, b"", b"\x00another"):
        if other != value:
            assert proven_root(key, other, proof) != top
    for other_key in (*entries, b"\x00\x00\x00\x00"):
        if other_key != key and other_key not in entries:
            assert proven_root(other_key, b"", proof) != top
        if other_key != key and other_key in entries:
            assert proven_root(other_key, None, proof) != top


@given(st.dictionaries(KEYS, st.binary(max_size=4), min_size=2, max_size=40), st.data())
def test_a_proof_that_was_changed_leads_elsewhere(entries: dict[bytes, bytes], data: st.DataObject) -> None:
    nodes = filled(list(entries.items()))
    key = data.draw(st.sampled_from(sorted(entries)))
    proof, top = prove(nodes, key), root(nodes)
    at = data.draw(st.integers(0, len(proof.beside) - 1))
    beside = list(proof.beside)
    beside[at] = bytes([beside[at][0] ^ 1]) + beside[at][1:]
    for changed in (
        replace(proof, beside=tuple(beside)),
        replace(proof, beside=proof.beside[:-1]),
        replace(proof, beside=(*proof.beside, EMPTY)),
        replace(proof, beside=proof.beside * 300),
        replace(proof, beside=(b"short", *proof.beside[1:])),
        replace(proof, key=b"", value=b""),
        replace(proof, key=proof.value, value=proof.key),
    ):
        assert proven_root(key, entries[key], changed) != top
        assert proven_root(key, None, changed) != top
