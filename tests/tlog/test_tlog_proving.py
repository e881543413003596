import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlog.errors import InputError
from tlog.merkle import leaf_hash, root_of, verify_inclusion
from tlog.proving import ProvingFrontier

LEAVES = [leaf_hash(bytes([number % 256, number // 256])) for number in range(600)]


@given(st.integers(0, 600), st.sets(st.integers(0, 599), max_size=12), st.integers(0, 600))
def test_every_kept_leaf_is_proven_in_the_tree_as_it_is(size: int, kept: set[int], stop: int) -> None:
    """Also if the state was stored and taken up in the middle."""
    tree = ProvingFrontier()
    for index, leaf in enumerate(LEAVES[:size]):
        if index == stop:
            tree = ProvingFrontier(tree.size, tree.hashes, tree.paths)
        tree.append(leaf, keep=index in kept)
    assert (tree.size, tree.root()) == (size, root_of(LEAVES[:size]))
    for index in kept:
        if index < size:
            verify_inclusion(LEAVES[index], index, size, tree.proof(index), tree.root())
        else:
            with pytest.raises(InputError):
                tree.proof(index)


def test_a_state_that_is_none_is_refused() -> None:
    hashes = LEAVES[:2]
    bad: list[dict[int, list[bytes]]] = [{5: []}, {0: []}, {0: [bytes(31)]}, {-1: []}]
    for paths in bad:
        with pytest.raises(InputError):
            ProvingFrontier(3, hashes, paths)
    with pytest.raises(InputError):
        ProvingFrontier(3, hashes[:1])
