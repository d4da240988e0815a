"""The tree that a check grows, against the tiles and roots that the log itself computes."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from namak.evidence.errors import MissingTile
from namak.evidence.tiles import WIDTH, TileId, extend
from namak.evidence.tree import root_of
from server.fsck.walk import Block, TreeWalk, edge_tiles

LEAVES = [hashlib.sha256(b"%d" % index).digest() for index in range(3 * WIDTH)]


def grown(walk: TreeWalk, leaves: Sequence[bytes]) -> dict[TileId, bytes]:
    """Appends whole blocks; returns all tiles above level 0."""
    tiles: dict[TileId, bytes] = {}
    for first in range(0, len(leaves), WIDTH):
        tiles.update(walk.grow(Block.of(leaves[first : first + WIDTH])))
    return {**tiles, **walk.partial()}


@settings(max_examples=40)
@given(st.integers(1, len(LEAVES)))
def test_a_root_is_that_of_the_definition(size: int) -> None:
    first = (size - 1) // WIDTH * WIDTH
    walk = TreeWalk()
    grown(walk, LEAVES[:first])
    assert walk.root(Block.of(LEAVES[first : first + WIDTH]), size - first) == root_of(LEAVES[:size])


def test_tiles_above_and_a_later_begin_are_those_of_the_log() -> None:
    whole, more = 257 * WIDTH, 3 * WIDTH
    leaves = [LEAVES[index % len(LEAVES)] for index in range(whole + more)]
    before, after = (extend({}, 0, leaves[:size]) for size in (whole, whole + more))

    from_start = TreeWalk()
    assert grown(from_start, leaves) == {tile: row for tile, row in after.changed.items() if tile.level}
    assert from_start.root(Block.of(LEAVES[:5]), 5) == extend({}, 0, [*leaves, *LEAVES[:5]]).root

    from_there = TreeWalk(whole, {tile: after.changed[tile] for tile in edge_tiles(whole)})
    assert from_there.partial() == {
        tile: row for tile, row in before.changed.items() if tile in edge_tiles(whole)
    }
    grown(from_there, leaves[whole:])
    block = Block.of(LEAVES[:7])
    assert from_there.root(block, 7) == from_start.root(block, 7)


def test_a_later_begin_needs_the_tiles_before_it() -> None:
    with pytest.raises(MissingTile):
        TreeWalk(2 * WIDTH, {TileId(1, 0): bytes(32)})
