"""C2SP tlog-tiles: the tree of RFC 6962 cut into tiles of height 8, and roots and proofs computed from them.

A tile is up to 256 consecutive hashes of one level, 8 tree heights apart: hash ``i`` of tile ``n`` at level
``l`` is the root over the leaves from ``(n·256 + i)·256**l`` on, ``256**l`` of them. A partial tile is a
prefix of its wider successor. So a row that was stored for a larger tree serves every smaller one: the
functions here read only hashes of subtrees that are complete at the size asked for.

Everything is pure. First ask which tiles are needed (``tiles_for_…``), fetch those rows, then compute. Rows
that are absent or too narrow raise :class:`MissingTile`, rows of a wrong length :class:`MalformedTile`. Sizes
are below 2**63; an index or size out of range is the caller's mistake and raises :class:`ValueError`.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from namak.evidence.encoding import LIMIT
from namak.evidence.errors import InvalidProof, MalformedTile, MissingTile
from namak.evidence.tree import EMPTY_ROOT, HASH_BYTES, node_hash, split_of, verify_inclusion

HEIGHT = 8
"""Tree heights that one tile spans."""

WIDTH = 256
"""Hashes in a full tile."""

_ALONE = 2
# So few proofs are made and verified one by one: nothing above the leaf is hashed that is not in them.

MAX_LEVEL = 63
"""The highest level that a tile path can name (tlog-tiles, "Merkle Tree")."""


@dataclass(frozen=True, slots=True, order=True)
class TileId:
    """Which tile: its level, 0 for the leaf hashes, and its index within the level."""

    level: int
    index: int


@dataclass(frozen=True, slots=True)
class Extension:
    """A tree after leaves were appended.

    ``changed`` holds every tile that is new or has grown, whole and as wide as ``new_size`` makes it; a tile
    it does not name is as it was.
    """

    new_size: int
    root: bytes
    changed: Mapping[TileId, bytes]


class _Node(NamedTuple):
    """A complete subtree: leaves ``position << height`` up to, but without, ``(position + 1) << height``."""

    height: int
    position: int

    @property
    def tile(self) -> TileId:
        """The tile whose hashes this subtree's root is computed from, or is one of."""
        level, depth = divmod(self.height, HEIGHT)
        return TileId(level, (self.position << depth) // WIDTH)


class _Range(NamedTuple):
    """The leaves from ``first`` up to, but without, ``end``: one hash of a proof."""

    first: int
    end: int


def tile_path(level: int, index: int, width: int) -> str:
    """Returns a tile's path below the log's prefix, such as ``tile/0/x001/x234/067.p/12`` (tlog-tiles)."""
    if not 0 <= level <= MAX_LEVEL or not 0 <= index < LIMIT or not 1 <= width <= WIDTH:
        raise ValueError(f"no tile has level {level}, index {index} and width {width}")
    elements = [f"{index % 1000:03d}"]
    while index := index // 1000:
        elements.insert(0, f"x{index % 1000:03d}")
    partial = f".p/{width}" if width < WIDTH else ""
    return f"tile/{level}/{'/'.join(elements)}{partial}"


def tile_width(tile: TileId, size: int) -> int:
    """Returns how many hashes the tile has in the tree of ``size`` leaves; 0 if it is no part of it."""
    _check_size(size)
    return max(0, min(WIDTH, (size >> HEIGHT * tile.level) - tile.index * WIDTH))


def tiles_of(size: int) -> Iterator[tuple[TileId, int]]:
    """Yields every tile of the tree of ``size`` leaves with its width, by level and index."""
    _check_size(size)
    level = 0
    while hashes := size >> HEIGHT * level:
        for index in range((hashes + WIDTH - 1) // WIDTH):
            yield TileId(level, index), min(WIDTH, hashes - index * WIDTH)
        level += 1


def tiles_for_root(size: int) -> frozenset[TileId]:
    """Returns the tiles that :func:`root_from_tiles` needs: the partial tile of each level that has one."""
    _check_size(size)
    return _tiles_under([_Range(0, size)])


def tiles_for_inclusion(index: int, size: int) -> frozenset[TileId]:
    """Returns the tiles that :func:`inclusion_proof` needs."""
    return _tiles_under(_inclusion_ranges(index, size))


def tiles_for_inclusions(indexes: Collection[int], size: int) -> frozenset[TileId]:
    """Returns the tiles that all these leaves' proofs need together, and at most one more of each level."""
    if indexes and not 0 <= min(indexes) <= max(indexes) < size:
        raise ValueError(f"an index is outside a tree of {size} leaves")
    found = set(tiles_for_root(size)) if indexes else set()
    level, above = 0, {index // WIDTH for index in indexes}
    while above and size >> HEIGHT * level:
        found.update(tile for index in above if tile_width(tile := TileId(level, index), size))
        level, above = level + 1, {index // WIDTH for index in above}
    return frozenset(found)


def tiles_for_consistency(old: int, new: int) -> frozenset[TileId]:
    """Returns the tiles that :func:`consistency_proof` needs."""
    return _tiles_under(_consistency_ranges(old, new))


def tiles_for_extend(size: int) -> frozenset[TileId]:
    """Returns the tiles that :func:`extend` needs: those that grow, which are also those under the root."""
    return tiles_for_root(size)


def root_from_tiles(tiles: Mapping[TileId, bytes], size: int) -> bytes:
    """Returns the root of the tree of ``size`` leaves (RFC 6962, 2.1)."""
    _check_size(size)
    return _root_of_range(tiles, _Range(0, size)) if size else EMPTY_ROOT


def inclusion_proof(tiles: Mapping[TileId, bytes], index: int, size: int) -> list[bytes]:
    """Returns the hashes from the sibling of leaf ``index`` up to the root's child (RFC 6962, 2.1.1)."""
    return [_root_of_range(tiles, leaves) for leaves in _inclusion_ranges(index, size)]


class KnownNodes:
    """Hashes of complete subtrees, which never change in a log that only grows: provers may share them.

    Whoever finds that the log was another one MUST call :meth:`forget`.
    """

    MOST = 200_000

    def __init__(self) -> None:
        self.roots: dict[_Node, bytes] = {}

    def forget(self) -> None:
        """Empties it."""
        self.roots.clear()

    def bound(self) -> None:
        """Empties it once it holds more than :attr:`MOST` hashes; the next proofs are a little slower."""
        if len(self.roots) > self.MOST:
            self.forget()


class InclusionProver:
    """Computes many inclusion proofs from the same tiles, each inner hash once.

    Proofs of a batch share nearly all hashes: this is many times faster than :func:`inclusion_proof`, and
    gives the same.
    """

    def __init__(self, tiles: Mapping[TileId, bytes], known: "KnownNodes | None" = None) -> None:
        """Takes all tiles that ``tiles_for_inclusions`` names for the proofs asked for, and what earlier
        provers of the same log came to know.
        """
        self._tiles = tiles
        self._roots = {} if known is None else known.roots

    def proof(self, index: int, size: int) -> list[bytes]:
        """Returns what :func:`inclusion_proof` does."""
        return [self._root_of_range(leaves) for leaves in _inclusion_ranges(index, size)]

    def verified_proofs(
        self, leaf_hashes: Mapping[int, bytes], size: int, root: bytes
    ) -> dict[int, tuple[bytes, ...]]:
        """Returns the proofs of leaves given by index, each verified against the root, as a stranger will.

        What the paths have in common is hashed and compared once, from the root down, so that a proof costs
        about as much as two hashes where the leaves stand side by side. Raises :class:`InvalidProof` when any
        leaf's proof would not lead from its hash to the root.
        """
        if len(leaf_hashes) <= _ALONE:
            return {index: self._verified(index, size, leaf, root) for index, leaf in leaf_hashes.items()}
        if self._root_of_range(_Range(0, size)) != root:
            raise InvalidProof("the tiles are those of another root")
        found: dict[int, tuple[bytes, ...]] = {}

        def descend(leaves: _Range, root: bytes, indexes: Sequence[int], above: tuple[bytes, ...]) -> None:
            first, end = leaves
            if end - first == 1:
                if leaf_hashes[first] != root:
                    raise InvalidProof(f"leaf {first} is another")
                found[first] = above
                return
            middle = first + split_of(end - first)
            parts = _Range(first, middle), _Range(middle, end)
            left, right = (self._root_of_range(part) for part in parts)
            if node_hash(left, right) != root:
                raise InvalidProof("the tiles contradict one another")
            turn = bisect_left(indexes, middle)
            if turn:
                descend(parts[0], left, indexes[:turn], (right, *above))
            if turn < len(indexes):
                descend(parts[1], right, indexes[turn:], (left, *above))

        descend(_Range(0, size), root, sorted(leaf_hashes), ())
        return found

    def _verified(self, index: int, size: int, leaf: bytes, root: bytes) -> tuple[bytes, ...]:
        path = tuple(self.proof(index, size))
        verify_inclusion(index, size, leaf, path, root)
        return path

    def _root_of_range(self, leaves: _Range) -> bytes:
        length = leaves.end - leaves.first
        if length & (length - 1) == 0:
            # One complete subtree, as nearly all are.
            height = length.bit_length() - 1
            return self._root_of_node(_Node(height, leaves.first >> height))
        *lefts, root = [self._root_of_node(node) for node in _complete_subtrees(leaves)]
        for left in reversed(lefts):
            root = node_hash(left, root)
        return root

    def _root_of_node(self, node: _Node) -> bytes:
        if (root := self._roots.get(node)) is None:
            left = self._roots.get(_Node(node.height - 1, 2 * node.position))
            right = self._roots.get(_Node(node.height - 1, 2 * node.position + 1))
            if left and right and node.height % HEIGHT:
                root = node_hash(left, right)
            else:
                # In one go, its inner hashes unknown still: most are never asked for.
                root = _root_of_node(self._tiles, node)
            self._roots[node] = root
        return root


def consistency_proof(tiles: Mapping[TileId, bytes], old: int, new: int) -> list[bytes]:
    """Returns the hashes that show the tree of ``old`` leaves to begin that of ``new`` (RFC 6962, 2.1.2).

    Empty for ``old`` 0, where there is nothing to show, and for ``old`` equal to ``new``.
    """
    return [_root_of_range(tiles, leaves) for leaves in _consistency_ranges(old, new)]


def extend(tiles: Mapping[TileId, bytes], size: int, new_leaf_hashes: Sequence[bytes]) -> Extension:
    """Appends leaves to the tree of ``size`` leaves, whose :func:`tiles_for_extend` are in ``tiles``.

    Reads and writes only tiles that change. Hashes of ``tiles`` beyond ``size`` are ignored and overwritten,
    so that the outcome depends on nothing but the tree of ``size`` and the leaves.
    """
    new_size = size + len(new_leaf_hashes)
    _check_size(size)
    _check_size(new_size)
    if any(len(leaf) != HASH_BYTES for leaf in new_leaf_hashes):
        raise ValueError(f"a leaf hash is not {HASH_BYTES} bytes long")
    changed: dict[TileId, bytes] = {}
    level, appended = 0, b"".join(new_leaf_hashes)
    while appended:
        first, width = divmod(size >> HEIGHT * level, WIDTH)
        row = _hashes(tiles, TileId(level, first), 0, width) + appended if width else appended
        appended = b""
        for offset in range(0, len(row), WIDTH * HASH_BYTES):
            tile = row[offset : offset + WIDTH * HASH_BYTES]
            changed[TileId(level, first + offset // (WIDTH * HASH_BYTES))] = tile
            if len(tile) == WIDTH * HASH_BYTES:
                appended += _fold(tile)
        level += 1
    return Extension(new_size, root_from_tiles({**tiles, **changed}, new_size), changed)


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    """The leaves under each hash of an inclusion proof: PATH of RFC 6962, 2.1.1, from the leaf up."""
    _check_size(size)
    if not 0 <= index < size:
        raise ValueError(f"index {index} is outside a tree of {size} leaves")
    siblings: list[_Range] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + split_of(end - first)
        if index < middle:
            siblings.append(_Range(middle, end))
            end = middle
        else:
            siblings.append(_Range(first, middle))
            first = middle
    return siblings[::-1]


def _consistency_ranges(old: int, new: int) -> list[_Range]:
    """The leaves under each hash of a consistency proof: SUBPROOF of RFC 6962, 2.1.2, shared node first."""
    _check_size(old)
    _check_size(new)
    if old > new:
        raise ValueError(f"a tree of {new} leaves does not extend one of {old}")
    if old in (0, new):
        return []
    siblings: list[_Range] = []
    first, end = 0, new
    while end != old:
        middle = first + split_of(end - first)
        if old <= middle:
            siblings.append(_Range(middle, end))
            end = middle
        else:
            siblings.append(_Range(first, middle))
            first = middle
    if first:
        # A shared node that is not the whole old tree is unknown to the verifier and must be sent.
        siblings.append(_Range(first, end))
    return siblings[::-1]


def _complete_subtrees(leaves: _Range) -> list[_Node]:
    """The largest complete subtrees that make up a range of a proof or a whole tree, from the left.

    Such a range begins at a multiple of the largest power of two in its length, so the lengths only shrink.
    """
    nodes: list[_Node] = []
    first = leaves.first
    while first < leaves.end:
        height = (leaves.end - first).bit_length() - 1
        nodes.append(_Node(height, first >> height))
        first += 1 << height
    return nodes


def _tiles_under(ranges: Sequence[_Range]) -> frozenset[TileId]:
    return frozenset(node.tile for leaves in ranges for node in _complete_subtrees(leaves))


def _root_of_range(tiles: Mapping[TileId, bytes], leaves: _Range) -> bytes:
    *lefts, root = [_root_of_node(tiles, node) for node in _complete_subtrees(leaves)]
    for left in reversed(lefts):
        root = node_hash(left, root)
    return root


def _root_of_node(tiles: Mapping[TileId, bytes], node: _Node) -> bytes:
    depth = node.height % HEIGHT
    return _fold(_hashes(tiles, node.tile, (node.position << depth) % WIDTH, 1 << depth))


def _hashes(tiles: Mapping[TileId, bytes], tile: TileId, first: int, count: int) -> bytes:
    """Returns ``count`` consecutive hashes of a tile, joined."""
    row = tiles.get(tile)
    if row is None:
        raise MissingTile(f"tile {tile.index} of level {tile.level} is missing")
    if len(row) % HASH_BYTES or not 1 <= len(row) // HASH_BYTES <= WIDTH:
        raise MalformedTile(f"tile {tile.index} of level {tile.level} has {len(row)} bytes")
    if len(row) < (first + count) * HASH_BYTES:
        width = len(row) // HASH_BYTES
        raise MissingTile(
            f"tile {tile.index} of level {tile.level} is {width} hashes wide, needed are {first + count}"
        )
    return row[first * HASH_BYTES : (first + count) * HASH_BYTES]


# The same subtrees stand at the right edge of one tree and the next.
@lru_cache(maxsize=128)
def _fold(row: bytes) -> bytes:
    """Returns the root over joined hashes whose number is a power of two."""
    pair = 2 * HASH_BYTES
    while len(row) > HASH_BYTES:
        row = b"".join(
            hashlib.sha256(b"\x01" + row[offset : offset + pair]).digest()
            for offset in range(0, len(row), pair)
        )
    return row


def _check_size(size: int) -> None:
    if not 0 <= size < LIMIT:
        raise ValueError(f"tree size {size} is not between 0 and 2**63 - 1")
