"""Hashes all entries of a shard again: leaves without gaps, every stored tile, the root of every tree."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from hashlib import sha256
from itertools import cycle
from typing import Final, TypeVar

from namak.evidence.errors import MissingTile
from namak.evidence.tiles import WIDTH, TileId
from namak.evidence.tree import HASH_BYTES
from server.fsck.findings import Kind, Part, Report
from server.fsck.growth import Growth, UpperTile
from server.fsck.ports import LogInspection, ShardEnd
from server.fsck.walk import TreeWalk, edge_tiles

LEAVES_AT_ONCE: Final = 64 * WIDTH

_Row = TypeVar("_Row")


async def prefetched(
    fetch: Sequence[Callable[[int, int], Coroutine[None, None, _Row]]], start: int, end: int, step: int
) -> AsyncIterator[tuple[int, int, _Row]]:
    """Yields what is fetched for each range of at most `step`, in order, fetching the next ones meanwhile: as
    many at a time as there are ways to fetch, each of which fetches one after the other.
    """
    firsts = iter(range(start, end, step))
    waiting: deque[tuple[int, int, asyncio.Task[_Row]]] = deque()

    def begin(way: Callable[[int, int], Coroutine[None, None, _Row]]) -> None:
        if (first := next(firsts, None)) is not None:
            until = min(first + step, end)
            waiting.append((first, until, asyncio.create_task(way(first, until))))

    for way in fetch:
        begin(way)
    ways = cycle(fetch)
    try:
        while waiting:
            first, until, task = waiting.popleft()
            found = await task
            begin(next(ways))
            yield first, until, found
    finally:
        for _, _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, _, task in waiting), return_exceptions=True)


class TreeCheck:
    """Checks one shard's tree as it was when `end` was seen."""

    def __init__(self, log: LogInspection, origin: str, end: ShardEnd, report: Report) -> None:
        self._log = log
        self._origin = origin
        self._end = end
        self._report = report
        self._size = end.head.integrated_size if end.head is not None else 0
        self._edge = {tile.index: row for tile, row in end.tiles.items() if tile.level == 0}

    async def run(self, start: int = 0) -> None:
        """Goes through the leaves, from the block of `start` on; what is before is taken from the tiles.

        Raises ServiceUnavailable.
        """
        self._check_end()
        walk = await self._walk(min(start, self._size) // WIDTH * WIDTH)
        if walk is None:
            return
        growth = Growth(walk, self._found)
        origin, whole = self._origin, self._size
        async for first, until, entries in prefetched([self._fetched], walk.size, whole, LEAVES_AT_ONCE):
            stored = await self._log.tiles(origin, 0, first // WIDTH, (until + WIDTH - 1) // WIDTH)
            roots = await self._log.trees(origin, first, until)
            leaves = await asyncio.to_thread(self._leaf_hashes, entries, first, until, stored)
            above = await asyncio.to_thread(self._grow, growth, leaves, stored, roots)
            for tile, upper in above.items():
                rows = await self._log.tiles(origin, tile.level, tile.index, tile.index + 1)
                self._check(growth, tile, upper, rows.get(tile.index))
            self._report.reached = origin, until
            self._report.done(Part.TREE, "leaves", until - first)
        for tile, upper in growth.partial().items():
            # One at the edge may have grown since, and is looked at as it was then.
            self._check(growth, tile, upper, self._end.tiles.get(tile))
        growth.end()

    def _check_end(self) -> None:
        end = self._end
        if end.head is None:
            self._found(Kind.HEAD_MISSING, "the whole shard")
        elif self._size and end.tree is None:
            self._found(Kind.TREE_MISSING, f"size {self._size}")
        elif end.tree is not None and end.tree != end.head.root:
            self._found(Kind.HEAD_WRONG, f"size {self._size}")
        if end.leaves_beyond:
            self._found(Kind.LEAF_BEYOND, f"from index {self._size} on", end.leaves_beyond)
        if end.trees_beyond:
            self._found(Kind.TREE_BEYOND, f"over size {self._size}", end.trees_beyond)
        last = edge_tiles(self._size)
        for tile, row in end.tiles.items():
            if tile not in last:
                self._found(Kind.TILE_BEYOND, f"tile {tile.level}/{tile.index}")
            elif len(row) > last[tile] * HASH_BYTES:
                self._found(Kind.TILE_WIDE, f"tile {tile.level}/{tile.index}")

    async def _walk(self, start: int) -> TreeWalk | None:
        edge = {}
        for tile in edge_tiles(start):
            found = await self._log.tiles(self._origin, tile.level, tile.index, tile.index + 1)
            edge.update({TileId(tile.level, index): row for index, row in found.items()})
        try:
            return TreeWalk(start, edge)
        except MissingTile as missing:
            self._found(Kind.TILE_MISSING, f"before leaf {start}: {missing.detail}")
            return None

    async def _fetched(self, first: int, end: int) -> Sequence[tuple[int, bytes]] | bytes:
        return await self._log.entries(self._origin, first, end)

    def _leaf_hashes(
        self,
        entries: Sequence[tuple[int, bytes]] | bytes,
        first: int,
        end: int,
        stored: Mapping[int, bytes],
    ) -> list[bytes]:
        if isinstance(entries, bytes):
            return [
                sha256(b"\x00" + entries[place : place + HASH_BYTES]).digest()
                for place in range(0, len(entries), HASH_BYTES)
            ]
        known = dict(entries)
        leaves = []
        for index in range(first, end):
            if (entry := known.get(index)) is not None:
                leaves.append(sha256(b"\x00" + entry).digest())
                continue
            self._found(Kind.LEAF_MISSING, f"leaf {index}")
            # Its hash is still in the tile, so that what comes behind can be checked.
            block, place = divmod(index, WIDTH)
            hashed = stored.get(block, b"")[place * HASH_BYTES : (place + 1) * HASH_BYTES]
            leaves.append(hashed if len(hashed) == HASH_BYTES else bytes(HASH_BYTES))
        return leaves

    def _grow(
        self,
        growth: Growth,
        leaves: Sequence[bytes],
        stored: Mapping[int, bytes],
        roots: Sequence[tuple[int, bytes]],
    ) -> dict[TileId, UpperTile]:
        """Appends leaves; returns the tiles above that are full by them."""
        above: dict[TileId, UpperTile] = {}
        waiting = deque(roots)
        for offset in range(0, len(leaves), WIDTH):
            some = leaves[offset : offset + WIDTH]
            tile, end = TileId(0, growth.size // WIDTH), growth.size + len(some)
            is_full = len(some) == WIDTH
            growth.take(some, (stored if is_full else self._edge).get(tile.index))
            self._report.checked["tiles"] += 1
            while waiting and waiting[0][0] <= end:
                size, root = waiting.popleft()
                if not growth.has_root(size, root):
                    self._found(Kind.ROOT_WRONG, f"tree of {size} leaves")
                self._report.checked["trees"] += 1
            if (
                end == self._size
                and self._end.head is not None
                and not growth.has_root(end, self._end.head.root)
            ):
                self._found(Kind.HEAD_WRONG, f"size {end}")
            if is_full:
                above.update(growth.grow())
        return above

    def _check(self, growth: Growth, tile: TileId, given: UpperTile, stored: bytes | None) -> None:
        self._report.checked["tiles"] += 1
        growth.check(tile, given, stored)

    def _found(self, kind: Kind, where: str, count: int = 1) -> None:
        self._report.found(Part.TREE, kind, f"{self._origin} {where}", count)
