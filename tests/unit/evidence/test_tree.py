"""RFC 6962 trees: known vectors, and proofs that fail once anything in them is changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.errors import InvalidProof
from namak.evidence.tiles import consistency_proof, extend, inclusion_proof
from namak.evidence.tree import (
    EMPTY_ROOT,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The leaves, roots and proofs that implementations of Certificate Transparency test each other with.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
FIRST_OF_EIGHT = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
SIX_TO_EIGHT = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
SIZES = st.integers(min_value=1, max_value=70)


def unhex(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in hashes]


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % index) for index in range(size)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_known_ones(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]


def test_known_proofs_verify() -> None:
    verify_inclusion(0, 8, LEAVES[0], unhex(FIRST_OF_EIGHT), bytes.fromhex(ROOTS[8]))
    old, new = bytes.fromhex(ROOTS[6]), bytes.fromhex(ROOTS[8])
    verify_consistency(6, old, 8, new, unhex(SIX_TO_EIGHT))


def test_known_proofs_are_computed() -> None:
    tiles = extend({}, 0, LEAVES).changed
    assert inclusion_proof(tiles, 0, 8) == unhex(FIRST_OF_EIGHT)
    assert consistency_proof(tiles, 6, 8) == unhex(SIX_TO_EIGHT)


def test_a_node_does_not_pass_for_an_entry() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


@given(size=SIZES, data=st.data())
def test_inclusion_fails_when_anything_is_changed(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    path = inclusion_proof(extend({}, 0, leaves).changed, index, size)
    root = root_of(leaves)
    verify_inclusion(index, size, leaves[index], path, root)

    with pytest.raises(InvalidProof):
        verify_inclusion(index, size, leaf_hash(b"another"), path, root)
    with pytest.raises(InvalidProof):
        verify_inclusion(index, size, leaves[index], path, leaf_hash(b"another"))
    other = data.draw(st.integers(min_value=-1, max_value=2 * size).filter(lambda i: i != index))
    with pytest.raises(InvalidProof):
        verify_inclusion(other, size, leaves[index], path, root)
    for wrong in _changed_paths(path, data):
        with pytest.raises(InvalidProof):
            verify_inclusion(index, size, leaves[index], wrong, root)


@given(old=SIZES, more=st.integers(min_value=1, max_value=70), data=st.data())
def test_consistency_fails_when_anything_is_changed(old: int, more: int, data: st.DataObject) -> None:
    new = old + more
    leaves = leaves_of(new)
    path = consistency_proof(extend({}, 0, leaves).changed, old, new)
    old_root, new_root, other = root_of(leaves[:old]), root_of(leaves), leaf_hash(b"another")
    verify_consistency(old, old_root, new, new_root, path)

    with pytest.raises(InvalidProof):
        verify_consistency(old, other, new, new_root, path)
    with pytest.raises(InvalidProof):
        verify_consistency(old, old_root, new, other, path)
    with pytest.raises(InvalidProof):
        verify_consistency(new, new_root, old, old_root, path)
    for wrong in _changed_paths(path, data):
        with pytest.raises(InvalidProof):
            verify_consistency(old, old_root, new, new_root, wrong)


@given(size=SIZES, index=st.integers(min_value=0, max_value=69))
def test_inclusion_in_a_tree_with_another_past_fails(size: int, index: int) -> None:
    leaves = leaves_of(size)
    index %= size
    path = inclusion_proof(extend({}, 0, leaves).changed, index, size)
    forked = [*leaves[:index], leaf_hash(b"forked"), *leaves[index + 1 :]]
    with pytest.raises(InvalidProof, match="another root"):
        verify_inclusion(index, size, leaves[index], path, root_of(forked))


def test_the_length_of_a_path_must_fit_the_size_even_where_the_hashes_do() -> None:
    first, second, third = LEAVES[:3]
    pair = node_hash(first, second)
    with pytest.raises(InvalidProof, match="too short"):
        verify_inclusion(0, 2, first, [], first)
    with pytest.raises(InvalidProof, match="too short"):
        verify_inclusion(0, 3, first, [second], pair)
    with pytest.raises(InvalidProof, match="too long"):
        verify_inclusion(0, 1, first, [second], pair)
    with pytest.raises(InvalidProof, match="too short"):
        verify_consistency(1, first, 3, pair, [second])
    with pytest.raises(InvalidProof, match="too long"):
        verify_consistency(1, first, 2, node_hash(pair, third), [second, third])


def test_consistency_from_nothing_and_to_itself() -> None:
    root = root_of(LEAVES)
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    verify_consistency(0, EMPTY_ROOT, 8, root, [])
    verify_consistency(8, root, 8, root, [])


@pytest.mark.parametrize(
    ("old_size", "old_root", "new_size", "new_root", "path"),
    [
        (0, LEAVES[0], 8, ROOTS[8], []),
        (0, EMPTY_ROOT, 0, ROOTS[8], []),
        (0, EMPTY_ROOT, 8, ROOTS[8], [LEAVES[0]]),
        (8, LEAVES[0], 8, ROOTS[8], []),
        (8, bytes.fromhex(ROOTS[8]), 8, ROOTS[8], [LEAVES[0]]),
        (6, bytes.fromhex(ROOTS[6]), 8, ROOTS[8], []),
        (4, bytes.fromhex(ROOTS[4]), 8, ROOTS[8], []),
        (-1, bytes.fromhex(ROOTS[4]), 8, ROOTS[8], []),
        (8, bytes.fromhex(ROOTS[8]), 2**63, ROOTS[8], []),
        (6, bytes.fromhex(ROOTS[6])[:31], 8, ROOTS[8], unhex(SIX_TO_EIGHT)),
    ],
)
def test_refuses_consistency_at_the_edges(
    old_size: int, old_root: bytes, new_size: int, new_root: str, path: list[bytes]
) -> None:
    with pytest.raises(InvalidProof):
        verify_consistency(old_size, old_root, new_size, bytes.fromhex(new_root), path)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (0, -1), (0, 2**63)])
def test_refuses_inclusion_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(InvalidProof):
        verify_inclusion(index, size, LEAVES[0], [], LEAVES[0])


def test_refuses_a_path_of_short_hashes() -> None:
    with pytest.raises(InvalidProof, match="32 bytes"):
        verify_inclusion(0, 2, LEAVES[0], [LEAVES[1][:31]], root_of(LEAVES[:2]))


def _changed_paths(path: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """The path a hash longer, and where it has hashes: one shorter at either end, and with one bit turned."""
    changed = [[*path, leaf_hash(b"another")], [leaf_hash(b"another"), *path]]
    if path:
        position = data.draw(st.integers(min_value=0, max_value=len(path) - 1))
        bit = data.draw(st.integers(min_value=0, max_value=255))
        turned = (int.from_bytes(path[position], "big") ^ 1 << bit).to_bytes(32, "big")
        changed += [path[1:], path[:-1], [*path[:position], turned, *path[position + 1 :]]]
    return changed
