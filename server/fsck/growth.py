"""Grows a shard's tree from its entries and, where tiles differ from these, from the tiles as well.

Entries and tiles say the same twice. Where they differ, a root that was recorded tells which of them are
right: so a changed entry is told as that, and not as a tile that may be written anew from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Final

from namak.evidence.tiles import WIDTH, TileId
from namak.evidence.tree import HASH_BYTES
from server.fsck.kinds import Kind
from server.fsck.walk import Block, TreeWalk

Found = Callable[[Kind, str], None]
"""Takes what is wrong, and where."""


class Side(Enum):
    """What stores the hashes of leaves."""

    ENTRIES = auto()
    TILES = auto()


@dataclass
class Dispute:
    """Entries and tiles that differ, until a root is that of one side.

    Attributes:
        flaws: what is wrong if this side is right.
        right: the side that is; None as long as nobody can say.
    """

    flaws: Mapping[Side, list[tuple[Kind, str]]] = field(default_factory=lambda: {side: [] for side in Side})
    right: Side | None = None

    def add(self, side: Side, kind: Kind, where: str) -> None:
        """Notes what is wrong if this side is right."""
        self.flaws[side].append((kind, where))


@dataclass(frozen=True, slots=True)
class UpperTile:
    """A tile above level 0 as the entries give it, and as the tiles do where they are in dispute."""

    row: bytes
    by_tiles: bytes = b""
    dispute: Dispute | None = None


_NOBODY: Final[Sequence[bytes]] = ()


class Growth:
    """A tree that grows by blocks of leaves; two trees while entries and tiles are in dispute."""

    def __init__(self, walk: TreeWalk, found: Found) -> None:
        """Takes the tree before the first block."""
        self._walk = walk
        self._found = found
        # Leaf hashes of the block, and what is above them.
        self._mine, self._theirs = _NOBODY, _NOBODY
        self._block = self._other_block = Block.of(_NOBODY)
        self._other: TreeWalk | None = None
        self._dispute: Dispute | None = None

    @property
    def size(self) -> int:
        """The leaves of all blocks that it has grown by."""
        return self._walk.size

    def take(self, leaves: Sequence[bytes], stored: bytes | None) -> None:
        """Takes the next block: its leaf hashes by the entries, and its tile as it is stored."""
        self._mine = self._theirs = leaves
        self._block = self._other_block = Block.of(leaves)
        row = self._block.tile
        if stored is None or row.startswith(stored) or stored.startswith(row):
            compare(TileId(0, self.size // WIDTH), row, stored, self._found)
            return
        # What a narrow tile lacks is not in question.
        hashes = stored[: len(row)] + row[len(stored) :]
        self._theirs = [hashes[place : place + HASH_BYTES] for place in range(0, len(row), HASH_BYTES)]
        self._other_block = Block.of(self._theirs)
        if self._dispute is None:
            self._open()

    def has_root(self, size: int, root: bytes) -> bool:
        """Tells whether this is the root of a tree that ends in the block that was taken; settles by it which
        side is right, if it is in dispute.
        """
        width = size - self.size
        mine = self._walk.root(self._block, width)
        if self._dispute is not None and self._other is not None:
            theirs = self._other.root(self._other_block, width)
            if mine != theirs and root in (mine, theirs):
                self._settle(self._dispute, Side.ENTRIES if root == mine else Side.TILES, width)
                return True
        return mine == root

    def grow(self) -> dict[TileId, UpperTile]:
        """Goes on behind the block, which must be full; returns the tiles above that are full by it."""
        self._note(len(self._mine))
        self._mine = self._theirs = _NOBODY
        above = self._walk.grow(self._block)
        if self._other is None:
            return {tile: UpperTile(row) for tile, row in above.items()}
        others = self._other.grow(self._other_block)
        return {tile: UpperTile(row, others[tile], self._dispute) for tile, row in above.items()}

    def partial(self) -> dict[TileId, UpperTile]:
        """Returns the tiles above level 0 that are not full, as wide as the blocks so far make them."""
        rows = self._walk.partial()
        others = rows if self._other is None else self._other.partial()
        return {tile: UpperTile(row, others[tile], self._dispute) for tile, row in rows.items()}

    def check(self, tile: TileId, given: UpperTile, stored: bytes | None) -> None:
        """Compares a tile above level 0 with the one that is stored."""
        dispute = given.dispute
        if dispute is None or dispute.right is Side.ENTRIES:
            compare(tile, given.row, stored, self._found)
        elif dispute.right is Side.TILES:
            compare(tile, given.by_tiles, stored, self._found)
        else:
            compare(tile, given.row, stored, partial(dispute.add, Side.ENTRIES))
            compare(tile, given.by_tiles, stored, partial(dispute.add, Side.TILES))

    def end(self) -> None:
        """Tells what no root settled, behind the last block."""
        if self._dispute is None:
            return
        self._note(len(self._mine))
        for kind, where in self._dispute.flaws[Side.ENTRIES]:
            self._found(Kind.TILE_DISPUTED if kind is Kind.TILE_WRONG else kind, where)
        self._dispute = self._other = None

    def _open(self) -> None:
        self._dispute, self._other = Dispute(), self._walk.copy()

    def _settle(self, dispute: Dispute, right: Side, width: int) -> None:
        """Takes this side's hashes up to the first leaves of the block; what is behind them stays open."""
        self._note(width)
        dispute.right = right
        for kind, where in dispute.flaws[right]:
            self._found(kind, where)
        mine, theirs = self._mine, self._theirs
        if right is Side.TILES and self._other is not None:
            self._walk = self._other
            mine = [*theirs[:width], *mine[width:]]
        self._mine, self._theirs = mine, [*mine[:width], *theirs[width:]]
        self._block, self._other_block = Block.of(self._mine), Block.of(self._theirs)
        self._dispute = self._other = None
        if self._mine != self._theirs:
            self._open()

    def _note(self, width: int) -> None:
        """Notes in which of the block's first leaves the sides differ."""
        if self._dispute is None:
            return
        pairs = zip(self._mine[:width], self._theirs[:width], strict=True)
        differing = [place for place, (mine, theirs) in enumerate(pairs) if mine != theirs]
        if differing:
            where = f"{_name(TileId(0, self.size // WIDTH))}, hash {differing[0]}"
            self._dispute.add(Side.ENTRIES, Kind.TILE_WRONG, where)
        for place in differing:
            self._dispute.add(Side.TILES, Kind.LEAF_WRONG, f"leaf {self.size + place}")


def compare(tile: TileId, row: bytes, stored: bytes | None, found: Found) -> None:
    """Compares what a tile must begin with and what is stored."""
    if stored is None:
        found(Kind.TILE_MISSING, _name(tile))
    elif stored.startswith(row):
        return
    elif row.startswith(stored):
        found(Kind.TILE_NARROW, _name(tile))
    else:
        pairs = range(0, min(len(row), len(stored)), HASH_BYTES)
        place = next(at for at in pairs if row[at : at + HASH_BYTES] != stored[at : at + HASH_BYTES])
        found(Kind.TILE_WRONG, f"{_name(tile)}, hash {place // HASH_BYTES}")


def _name(tile: TileId) -> str:
    return f"tile {tile.level}/{tile.index}"
