"""Grows a tree block by block from its first leaf, or from any block on, and knows every root on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from namak.evidence.errors import MissingTile
from namak.evidence.tiles import WIDTH, TileId
from namak.evidence.tree import HASH_BYTES, node_hash

BLOCK_HEIGHT = 8
"""A block is what one tile of level 0 covers."""


@dataclass(frozen=True, slots=True)
class Block:
    """Up to 256 leaves: the hashes of all complete subtrees among them, by height."""

    levels: Sequence[Sequence[bytes]]

    @classmethod
    def of(cls, leaf_hashes: Sequence[bytes]) -> "Block":
        """Hashes what is above these leaves."""
        levels, level = [leaf_hashes], leaf_hashes
        while len(level) > 1:
            level = [
                sha256(b"\x01" + left + right).digest()
                for left, right in zip(level[::2], level[1::2], strict=False)
            ]
            levels.append(level)
        return cls(levels)

    @property
    def tile(self) -> bytes:
        """The tile of level 0."""
        return b"".join(self.levels[0])

    @property
    def full(self) -> bool:
        """Whether it has all its leaves."""
        return len(self.levels[0]) == WIDTH

    def subtrees(self, width: int) -> list[bytes]:
        """Returns the complete subtrees that make up the first leaves, the largest first."""
        found, first = [], 0
        for height in reversed(range(BLOCK_HEIGHT + 1)):
            if width >> height & 1:
                found.append(self.levels[height][first >> height])
                first += 1 << height
        return found


def edge_tiles(size: int) -> dict[TileId, int]:
    """Returns the last tile of each level of the tree, with its width; full ones are left out."""
    found, level, hashes = {}, 0, size
    while hashes:
        if width := hashes % WIDTH:
            found[TileId(level, hashes // WIDTH)] = width
        level, hashes = level + 1, hashes // WIDTH
    return found


class TreeWalk:
    """A tree of whole blocks that grows by a block at a time; it keeps a few hashes of each level only."""

    def __init__(self, size: int = 0, edge: Mapping[TileId, bytes] | None = None) -> None:
        """Begins at a multiple of 256 leaves.

        Args:
            size: the leaves before.
            edge: the stored tiles that :func:`edge_tiles` names for them: what is before is taken from there.

        Raises:
            MissingTile: one of them is absent or too narrow.
        """
        self.size = size
        self._rows: dict[int, bytearray] = {}
        self._peaks: list[tuple[int, bytes]] = []
        for tile, width in sorted(edge_tiles(size).items(), key=lambda each: -each[0].level):
            row = (edge or {}).get(tile, b"")[: width * HASH_BYTES]
            if len(row) < width * HASH_BYTES:
                raise MissingTile(f"tile {tile.index} of level {tile.level} is missing or too narrow")
            self._rows[tile.level] = bytearray(row)
            hashes = [row[place : place + HASH_BYTES] for place in range(0, len(row), HASH_BYTES)]
            block = Block.of(hashes)
            heights = [height for height in reversed(range(BLOCK_HEIGHT)) if width >> height & 1]
            above = (tile.level - 1) * BLOCK_HEIGHT
            self._peaks += zip((above + height for height in heights), block.subtrees(width), strict=True)

    def copy(self) -> "TreeWalk":
        """Returns the same tree, to grow otherwise."""
        other = TreeWalk()
        other.size = self.size
        other._rows = {level: bytearray(row) for level, row in self._rows.items()}
        other._peaks = [*self._peaks]
        return other

    def root(self, block: Block, width: int) -> bytes:
        """Returns the root of the tree so far and the block's first leaves, one at least."""
        *lefts, root = block.subtrees(width)
        for left in reversed(lefts):
            root = node_hash(left, root)
        for _, left in reversed(self._peaks):
            root = node_hash(left, root)
        return root

    def grow(self, block: Block) -> dict[TileId, bytes]:
        """Appends a full block; returns the tiles above level 0 that are full by it."""
        height, peak = 0, block.levels[BLOCK_HEIGHT][0]
        self.size += WIDTH
        full: dict[TileId, bytes] = {}
        level, root = 1, peak
        while True:
            row = self._rows.setdefault(level, bytearray())
            row += root
            if len(row) < WIDTH * HASH_BYTES:
                break
            tile = bytes(row)
            full[TileId(level, (self.size >> BLOCK_HEIGHT * (level + 1)) - 1)] = tile
            row.clear()
            hashes = [tile[place : place + HASH_BYTES] for place in range(0, len(tile), HASH_BYTES)]
            root = Block.of(hashes).levels[BLOCK_HEIGHT][0]
            level += 1
        while self._peaks and self._peaks[-1][0] == height:
            peak = node_hash(self._peaks.pop()[1], peak)
            height += 1
        self._peaks.append((height, peak))
        return full

    def partial(self) -> dict[TileId, bytes]:
        """Returns the tiles above level 0 that are not full, as wide as the blocks so far make them."""
        return {
            TileId(level, (self.size >> BLOCK_HEIGHT * level) // WIDTH): bytes(row)
            for level, row in self._rows.items()
            if row
        }
