"""Proofs that share their inner hashes are those of the definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.errors import MissingTile
from namak.evidence.tiles import InclusionProver, extend, inclusion_proof, tiles_for_inclusion
from namak.evidence.tree import leaf_hash, verify_inclusion

LEAVES = [leaf_hash(index.to_bytes(8, "big")) for index in range(1500)]


@given(st.integers(min_value=1, max_value=len(LEAVES)), st.data())
def test_gives_what_single_proofs_are(size: int, data: st.DataObject) -> None:
    tree = extend({}, 0, LEAVES[:size])
    indexes = data.draw(st.lists(st.integers(min_value=0, max_value=size - 1), min_size=1, max_size=20))
    wanted = {tile for index in indexes for tile in tiles_for_inclusion(index, size)}
    prover = InclusionProver({tile: tree.changed[tile] for tile in wanted})
    for index in indexes:
        proof = prover.proof(index, size)
        assert proof == inclusion_proof(tree.changed, index, size)
        verify_inclusion(index, size, LEAVES[index], proof, tree.root)


def test_ignores_what_a_wider_row_holds_beyond_the_size() -> None:
    smaller, larger = extend({}, 0, LEAVES[:300]), extend({}, 0, LEAVES)
    prover = InclusionProver(larger.changed)
    for index in range(300):
        verify_inclusion(index, 300, LEAVES[index], prover.proof(index, 300), smaller.root)


def test_says_which_tile_is_missing() -> None:
    with pytest.raises(MissingTile):
        InclusionProver({}).proof(0, 2)
