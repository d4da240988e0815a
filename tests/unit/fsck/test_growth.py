"""Entries and tiles that differ: a recorded root tells which of them were changed."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.tiles import WIDTH, TileId
from namak.evidence.tree import HASH_BYTES
from server.fsck.growth import Growth
from server.fsck.kinds import Kind
from server.fsck.walk import Block, TreeWalk

SIZE = 2 * WIDTH + 88
TREES = (100, 300, 550, SIZE)

Flaws = list[tuple[Kind, str]]


def hashed(text: str) -> bytes:
    return sha256(text.encode()).digest()


LEAVES = [hashed(f"leaf {index}") for index in range(SIZE)]


def roots() -> dict[int, bytes]:
    walk = TreeWalk()
    found: dict[int, bytes] = {}
    for begin in range(0, SIZE, WIDTH):
        block = Block.of(LEAVES[begin : begin + WIDTH])
        found |= {size: walk.root(block, size - begin) for size in TREES if begin < size <= begin + WIDTH}
        if block.full:
            walk.grow(block)
    return found


ROOTS = roots()
UPPER = Block.of(
    [Block.of(LEAVES[begin : begin + WIDTH]).levels[-1][0] for begin in range(0, 2 * WIDTH, WIDTH)]
).tile


def flaws_of(
    entries: Mapping[int, bytes],
    tiles: Mapping[int, bytes],
    recorded: Mapping[int, bytes] = ROOTS,
    upper: bytes = UPPER,
) -> Flaws:
    """Checks the log of which these leaves are otherwise in the entries, and these in the tiles."""
    told: Flaws = []

    def found(kind: Kind, where: str) -> None:
        told.append((kind, where))

    growth = Growth(TreeWalk(), found)
    for begin in range(0, SIZE, WIDTH):
        end = min(begin + WIDTH, SIZE)
        tile = b"".join(tiles.get(index, LEAVES[index]) for index in range(begin, end))
        growth.take([entries.get(index, LEAVES[index]) for index in range(begin, end)], tile)
        for size in TREES:
            if begin < size <= end and not growth.has_root(size, recorded[size]):
                found(Kind.ROOT_WRONG, f"tree of {size} leaves")
        if end - begin == WIDTH:
            assert growth.grow() == {}
    for tile_id, given_ in growth.partial().items():
        assert tile_id == TileId(1, 0)
        growth.check(tile_id, given_, upper)
    growth.end()
    return told


def place_of(index: int) -> str:
    return f"0/{index // WIDTH}, hash {index % WIDTH}"


def changed(places: Sequence[int], by: str = "other") -> dict[int, bytes]:
    return {index: hashed(f"{by} {index}") for index in places}


INDEXES = st.integers(0, SIZE - 1)


def test_a_sound_log_has_no_flaws() -> None:
    assert flaws_of({}, {}) == []


@given(st.sets(INDEXES, min_size=1, max_size=5))
def test_changed_entries_are_told_each_and_nothing_that_follows_from_them(places: set[int]) -> None:
    told = flaws_of(changed([*places]), {})

    assert sorted(told) == sorted((Kind.LEAF_WRONG, f"leaf {index}") for index in places)


@given(st.sets(INDEXES, min_size=1, max_size=5))
def test_changed_tiles_are_told_by_their_first_wrong_hash_after_each_root(places: set[int]) -> None:
    told = flaws_of({}, changed([*places]))

    assert {kind for kind, _ in told} == {Kind.TILE_WRONG}
    first: dict[int, int] = {}
    for index in sorted(places):
        first.setdefault(index // WIDTH, index % WIDTH)
    assert {f"tile {place_of(tile * WIDTH + place)}" for tile, place in first.items()} <= {
        where for _, where in told
    }


@given(INDEXES, INDEXES)
def test_entries_and_tiles_that_were_changed_apart_are_both_found(one: int, other: int) -> None:
    told = flaws_of(changed([one]), changed([other], by="another"))

    if any(min(one, other) < size <= max(one, other) for size in TREES):
        expected = [(Kind.LEAF_WRONG, f"leaf {one}"), (Kind.TILE_WRONG, f"tile {place_of(other)}")]
        assert sorted(told) == sorted(expected)
    else:
        # No root is that of either side, and nothing may be written anew from the other one.
        assert {kind for kind, _ in told} == {Kind.TILE_DISPUTED, Kind.ROOT_WRONG}
        assert (Kind.TILE_DISPUTED, f"tile {place_of(one)}") in told or one // WIDTH == other // WIDTH


@given(INDEXES, st.sampled_from(TREES[:-1]))
def test_a_changed_root_leaves_it_to_the_next_one(index: int, size: int) -> None:
    recorded = {**ROOTS, size: hashed("other")}

    assert flaws_of({}, {}, recorded) == [(Kind.ROOT_WRONG, f"tree of {size} leaves")]
    told = flaws_of(changed([index]), {}, recorded)
    assert sorted(told) == sorted(
        [(Kind.LEAF_WRONG, f"leaf {index}"), (Kind.ROOT_WRONG, f"tree of {size} leaves")]
    )


@given(INDEXES)
def test_where_all_agree_but_the_roots_the_roots_are_told(index: int) -> None:
    """An entry and its tile changed alike: what is recorded of the tree, and signed, is otherwise."""
    both = changed([index])
    told = flaws_of(both, both)

    wrong = [(Kind.ROOT_WRONG, f"tree of {size} leaves") for size in TREES if size > index]
    upper = [(Kind.TILE_WRONG, f"tile 1/0, hash {index // WIDTH}")] if index < 2 * WIDTH else []
    assert told == [*wrong, *upper]


@pytest.mark.parametrize("index", [5, WIDTH + 200])
def test_a_tile_above_is_compared_with_the_side_that_is_right(index: int) -> None:
    wrong = hashed("x") + UPPER[HASH_BYTES:]

    told = flaws_of(changed([index]), {}, upper=wrong)

    assert told == [(Kind.LEAF_WRONG, f"leaf {index}"), (Kind.TILE_WRONG, "tile 1/0, hash 0")]


def test_what_a_narrow_tile_lacks_is_not_in_question() -> None:
    told: Flaws = []
    growth = Growth(TreeWalk(), lambda kind, where: told.append((kind, where)))
    wrong = hashed("x") + LEAVES[1]

    growth.take(LEAVES[:100], wrong)

    assert growth.has_root(100, ROOTS[100])
    assert told == [(Kind.TILE_WRONG, "tile 0/0, hash 0")]
