"""Proofs that share their inner hashes are those of the definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.errors import InvalidProof, MissingTile
from namak.evidence.tiles import (
    InclusionProver,
    extend,
    inclusion_proof,
    root_from_tiles,
    tiles_for_inclusion,
    tiles_for_inclusions,
    tiles_of,
)
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


@given(st.integers(min_value=1, max_value=len(LEAVES)), st.data())
def test_gives_many_verified_proofs_that_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    larger = extend({}, 0, LEAVES[: data.draw(st.integers(min_value=size, max_value=len(LEAVES)))])
    root = root_from_tiles(larger.changed, size)
    indexes = data.draw(st.sets(st.integers(min_value=0, max_value=size - 1), max_size=40))
    wanted = tiles_for_inclusions(indexes, size)
    assert wanted >= {tile for index in indexes for tile in tiles_for_inclusion(index, size)}
    assert wanted <= {tile for tile, _ in tiles_of(size)}

    prover = InclusionProver({tile: larger.changed[tile] for tile in wanted})
    proofs = prover.verified_proofs({index: LEAVES[index] for index in indexes}, size, root)

    assert proofs == {index: tuple(inclusion_proof(larger.changed, index, size)) for index in indexes}


@given(st.integers(min_value=2, max_value=len(LEAVES)), st.data())
def test_gives_no_proof_that_a_verifier_would_refuse(size: int, data: st.DataObject) -> None:
    tree = extend({}, 0, LEAVES[:size])
    tiles = dict(tree.changed)
    tile = data.draw(st.sampled_from(sorted(tiles)))
    place = data.draw(st.integers(min_value=0, max_value=len(tiles[tile]) - 1))
    tiles[tile] = tiles[tile][:place] + bytes([tiles[tile][place] ^ 1]) + tiles[tile][place + 1 :]
    indexes = data.draw(st.sets(st.integers(min_value=0, max_value=size - 1), min_size=1, max_size=9))

    leaves = {index: LEAVES[index] for index in indexes}
    try:
        proofs = InclusionProver(tiles).verified_proofs(leaves, size, tree.root)
    except InvalidProof:
        return
    for index, proof in proofs.items():
        verify_inclusion(index, size, LEAVES[index], proof, tree.root)


def test_refuses_leaves_that_are_not_in_the_tree() -> None:
    tree = extend({}, 0, LEAVES[:300])
    prover = InclusionProver(tree.changed)

    assert prover.verified_proofs({}, 300, tree.root) == {}
    with pytest.raises(InvalidProof):
        prover.verified_proofs({7: LEAVES[8]}, 300, tree.root)
    with pytest.raises(InvalidProof):
        prover.verified_proofs({7: LEAVES[7]}, 299, tree.root)


def test_says_which_tile_is_missing() -> None:
    with pytest.raises(MissingTile):
        InclusionProver({}).proof(0, 2)
