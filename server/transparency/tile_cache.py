"""Keeps full tiles: they never change again, and every receipt needs the same few."""

from collections import OrderedDict
from collections.abc import Collection, Mapping

from namak.evidence.tiles import WIDTH, TileId
from namak.evidence.tree import HASH_BYTES
from server.transparency.ports import LogReader

FULL = WIDTH * HASH_BYTES
"""Bytes of a full tile."""


class TileCache:
    """Reads tiles, the full ones at most once while they are among the last used."""

    def __init__(self, reader: LogReader, *, tiles: int = 1024) -> None:
        """Takes where to read, and how many full tiles (8 KiB each) to keep."""
        self._reader = reader
        self._most = tiles
        self._kept: OrderedDict[tuple[str, TileId], bytes] = OrderedDict()

    async def tiles(self, wanted: Collection[tuple[str, TileId]]) -> Mapping[tuple[str, TileId], bytes]:
        """Returns the rows of these tiles, reading those it does not keep in one query."""
        found = {}
        for key in wanted:
            if (row := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                found[key] = row
        if missing := [key for key in wanted if key not in found]:
            read = await self._reader.tiles(missing)
            self._kept.update((key, row) for key, row in read.items() if len(row) == FULL)
            found.update(read)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found

    def forget(self) -> None:
        """Empties the cache: what it holds has been contradicted."""
        self._kept.clear()
