"""Tiles: every root and proof computed from them is that of the definition."""

from collections.abc import Mapping
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.errors import MalformedTile, MissingTile
from namak.evidence.tiles import (
    TileId,
    consistency_proof,
    extend,
    inclusion_proof,
    root_from_tiles,
    tile_path,
    tile_width,
    tiles_for_consistency,
    tiles_for_extend,
    tiles_for_inclusion,
    tiles_for_root,
    tiles_of,
)
from namak.evidence.tree import EMPTY_ROOT, leaf_hash, node_hash, verify_consistency, verify_inclusion

SMALL = 600
LARGE = 65_536 + 300
NEAR_LARGE = st.one_of(
    st.integers(min_value=65_530, max_value=65_540),
    st.integers(min_value=1, max_value=LARGE),
    st.sampled_from([255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_281, LARGE]),
)


@cache
def leaf(index: int) -> bytes:
    return leaf_hash(b"entry %d" % index)


@cache
def defined_root(first: int, end: int) -> bytes:
    """MTH(D[first:end]) word for word from RFC 6962, 2.1; remembered, since ranges recur."""
    if first == end:
        return EMPTY_ROOT
    if end - first == 1:
        return leaf(first)
    split = 1
    while split * 2 < end - first:
        split *= 2
    return node_hash(defined_root(first, first + split), defined_root(first + split, end))


def defined_path(index: int, first: int, end: int) -> list[bytes]:
    """PATH(m, D[n]) word for word from RFC 6962, 2.1.1."""
    if end - first == 1:
        return []
    split = 1
    while split * 2 < end - first:
        split *= 2
    middle = first + split
    if index < middle:
        return [*defined_path(index, first, middle), defined_root(middle, end)]
    return [*defined_path(index, middle, end), defined_root(first, middle)]


def defined_growth(old: int, first: int, end: int, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) word for word from RFC 6962, 2.1.2."""
    if old == end:
        return [] if known else [defined_root(first, end)]
    split = 1
    while split * 2 < end - first:
        split *= 2
    middle = first + split
    if old <= middle:
        return [*defined_growth(old, first, middle, known), defined_root(middle, end)]
    return [*defined_growth(old, middle, end, False), defined_root(first, middle)]


@cache
def tiles_up_to(size: int) -> Mapping[TileId, bytes]:
    """Every tile of the tree of ``size`` leaves, each as wide as that tree makes it."""
    return extend({}, 0, [leaf(index) for index in range(size)]).changed


def cut_to(size: int, wanted: frozenset[TileId], source: Mapping[TileId, bytes]) -> dict[TileId, bytes]:
    """Only the tiles asked for, each cut to the width that the tree of ``size`` leaves gives it."""
    return {tile: source[tile][: 32 * tile_width(tile, size)] for tile in wanted}


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 0, 1, "tile/0/000.p/1"),
        (1, 999, 255, "tile/1/999.p/255"),
        (0, 1000, 256, "tile/0/x001/000"),
        (2, 1_234_067, 256, "tile/2/x001/x234/067"),
        (63, 1_234_067, 12, "tile/63/x001/x234/067.p/12"),
        (0, 1_000_000_000, 256, "tile/0/x001/x000/x000/000"),
    ],
)
def test_paths_are_spelled_as_the_standard_says(level: int, index: int, width: int, path: str) -> None:
    assert tile_path(level, index, width) == path


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_there_is_no_path_of_a_tile_that_cannot_be(level: int, index: int, width: int) -> None:
    with pytest.raises(ValueError, match="no tile"):
        tile_path(level, index, width)


def test_a_tree_of_70000_has_the_tiles_that_the_standard_lists() -> None:
    tiles = dict(tiles_of(70_000))
    assert [width for tile, width in tiles.items() if tile.level == 0] == [256] * 273 + [112]
    assert [width for tile, width in tiles.items() if tile.level == 1] == [256, 17]
    assert [width for tile, width in tiles.items() if tile.level == 2] == [1]
    assert len(tiles) == 274 + 2 + 1
    assert dict(tiles_of(256)) == {TileId(0, 0): 256, TileId(1, 0): 1}
    assert dict(tiles_of(0)) == {}


@given(size=NEAR_LARGE)
def test_widths_agree_with_the_list_of_tiles(size: int) -> None:
    listed = dict(tiles_of(size))
    assert {tile: tile_width(tile, size) for tile in listed} == listed
    last = max(tile.index for tile in listed if tile.level == 0)
    assert tile_width(TileId(0, last + 1), size) == 0


def test_every_small_root_is_the_defined_one() -> None:
    everything = tiles_up_to(SMALL)
    for size in range(SMALL + 1):
        exact = cut_to(size, tiles_for_root(size), everything)
        assert root_from_tiles(exact, size) == defined_root(0, size)
        assert root_from_tiles(everything, size) == defined_root(0, size), "from wider tiles"


def test_one_leaf_at_a_time_gives_every_small_tree() -> None:
    tiles: dict[TileId, bytes] = {}
    for size in range(SMALL):
        step = extend(cut_to(size, tiles_for_extend(size), tiles), size, [leaf(size)])
        tiles.update(step.changed)
        assert step.new_size == size + 1
        assert step.root == defined_root(0, size + 1)
    assert tiles == tiles_up_to(SMALL)


@given(size=st.integers(min_value=0, max_value=SMALL), more=st.integers(min_value=0, max_value=SMALL))
def test_extending_gives_the_defined_tree_and_names_only_what_changed(size: int, more: int) -> None:
    new_size = size + more
    before, after = tiles_up_to(size), tiles_up_to(new_size)
    # The stored rows may already be wider, as after a crash between storing tiles and counting them.
    for known in (cut_to(size, tiles_for_extend(size), before), tiles_up_to(2 * SMALL)):
        step = extend(known, size, [leaf(index) for index in range(size, new_size)])
        assert (step.new_size, step.root) == (new_size, defined_root(0, new_size))
        assert step.changed == {tile: row for tile, row in after.items() if before.get(tile) != row}


@given(data=st.data(), size=st.integers(min_value=1, max_value=SMALL))
def test_small_inclusion_proofs_are_the_defined_ones(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(min_value=0, max_value=size - 1))
    check_inclusion(index, size, tiles_up_to(SMALL))


@given(data=st.data(), new=st.integers(min_value=1, max_value=SMALL))
def test_small_consistency_proofs_are_the_defined_ones(data: st.DataObject, new: int) -> None:
    check_consistency(data.draw(st.integers(min_value=1, max_value=new)), new, tiles_up_to(SMALL))


@given(data=st.data(), size=NEAR_LARGE)
def test_large_proofs_are_the_defined_ones(data: st.DataObject, size: int) -> None:
    everything = tiles_up_to(LARGE)
    assert root_from_tiles(everything, size) == defined_root(0, size)
    check_inclusion(data.draw(st.integers(min_value=0, max_value=size - 1)), size, everything)
    check_consistency(data.draw(st.integers(min_value=1, max_value=size)), size, everything)


@given(size=NEAR_LARGE.filter(lambda size: size < LARGE), more=st.integers(min_value=1, max_value=300))
def test_extending_a_large_tree_needs_only_its_partial_tiles(size: int, more: int) -> None:
    everything = tiles_up_to(LARGE)
    new_size = min(LARGE, size + more)
    known = cut_to(size, tiles_for_extend(size), everything)
    step = extend(known, size, [leaf(index) for index in range(size, new_size)])
    assert step.root == defined_root(0, new_size)
    for tile, row in step.changed.items():
        assert row == everything[tile][: 32 * tile_width(tile, new_size)]
    assert len(known) <= 3
    assert len(step.changed) <= 2 + 2 + 1 + 1


def check_inclusion(index: int, size: int, everything: Mapping[TileId, bytes]) -> None:
    needed = tiles_for_inclusion(index, size)
    path = inclusion_proof(cut_to(size, needed, everything), index, size)
    assert path == defined_path(index, 0, size)
    assert inclusion_proof(everything, index, size) == path, "from wider tiles"
    assert len(needed) <= 2 * 3
    verify_inclusion(index, size, leaf(index), path, defined_root(0, size))


def check_consistency(old: int, new: int, everything: Mapping[TileId, bytes]) -> None:
    path = consistency_proof(cut_to(new, tiles_for_consistency(old, new), everything), old, new)
    assert path == defined_growth(old, 0, new, True)
    assert consistency_proof(everything, old, new) == path, "from wider tiles"
    verify_consistency(old, defined_root(0, old), new, defined_root(0, new), path)


def test_nothing_is_needed_where_there_is_nothing_to_show() -> None:
    assert root_from_tiles({}, 0) == EMPTY_ROOT
    assert tiles_for_root(0) == tiles_for_extend(0) == tiles_for_consistency(0, 9) == frozenset()
    assert tiles_for_inclusion(0, 1) == frozenset()
    assert consistency_proof({}, 0, 9) == consistency_proof({}, 9, 9) == inclusion_proof({}, 0, 1) == []
    assert extend({}, 0, []).changed == {}


def test_a_huge_tree_needs_one_tile_of_each_level() -> None:
    needed = tiles_for_inclusion(2**62 + 12_345, 2**63 - 1)
    assert {tile.level for tile in needed} == set(range(8))
    assert len(needed) <= 16


def test_says_which_tile_is_missing() -> None:
    with pytest.raises(MissingTile, match="tile 1 of level 0"):
        root_from_tiles({TileId(1, 0): bytes(32)}, 257)


def test_refuses_a_tile_that_is_too_narrow() -> None:
    with pytest.raises(MissingTile, match="2 hashes wide, needed are 3"):
        root_from_tiles({TileId(0, 0): bytes(64)}, 3)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 257 * 32])
def test_refuses_a_tile_of_another_length(length: int) -> None:
    with pytest.raises(MalformedTile):
        root_from_tiles({TileId(0, 0): bytes(length)}, 1)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (0, 2**63)])
def test_there_is_no_inclusion_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="tree"):
        inclusion_proof({}, index, size)


@pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 1), (1, 2**63)])
def test_there_is_no_consistency_proof_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="tree"):
        consistency_proof({}, old, new)


def test_refuses_leaves_that_are_no_hashes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        extend({}, 0, [b"entry"])
