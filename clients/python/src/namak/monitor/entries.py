"""Whether the entries that a log shows are those whose hashes stand in its tiles (C2SP tlog-tiles)."""

import asyncio
from collections.abc import Mapping

from namak.evidence.tiles import WIDTH, TileId
from namak.evidence.tree import HASH_BYTES, leaf_hash
from namak.monitor.sources import ENTRY_BYTES, Source, entries_path

_LENGTH = ENTRY_BYTES.to_bytes(2, "big")
_RECORD_BYTES = len(_LENGTH) + ENTRY_BYTES

_AT_ONCE = 8


async def wrong_entries(source: Source, rows: Mapping[TileId, bytes]) -> str:
    """Returns what is wrong with the entries below these tiles of level 0; nothing where nothing is.

    Raises SourceUnreached.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(tile: TileId, row: bytes) -> str:
        width = len(row) // HASH_BYTES
        path = entries_path(tile.index, width)
        async with gate:
            bundle = await source.entries(tile.index, width)
            if bundle is None and width < WIDTH:
                full = await source.entries(tile.index, WIDTH)
                bundle = None if full is None else full[: width * _RECORD_BYTES]
        if bundle is None:
            return f"{path} is not there"
        return "" if _gives(bundle, row) else f"{path} holds other entries than those that were signed"

    tasks = [asyncio.ensure_future(one(tile, row)) for tile, row in sorted(rows.items())]
    try:
        found = [await task for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return next(filter(None, found), "")


def _gives(bundle: bytes, row: bytes) -> bool:
    """Whether the hashes of a bundle's entries are a tile's."""
    if len(bundle) // _RECORD_BYTES * HASH_BYTES != len(row) or len(bundle) % _RECORD_BYTES:
        return False
    records = [bundle[at : at + _RECORD_BYTES] for at in range(0, len(bundle), _RECORD_BYTES)]
    return all(each.startswith(_LENGTH) for each in records) and row == b"".join(
        leaf_hash(each.removeprefix(_LENGTH)) for each in records
    )
