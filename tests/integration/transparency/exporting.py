"""Exports the log into a directory and tells how many leaves are there: `DATABASE VKEY DIRECTORY`.

It does what `namak-server log export` does, without settings and a look at the schema, which cost more.
"""

import asyncio
import sys
from pathlib import Path

from namak.evidence.note import Verifier
from server.bootstrap_tiles import published_tiles
from server.storage.log import log_storage
from server.tiles.directory import TileDirectory
from server.tiles.export import TileExport


async def export(url: str, verifier: Verifier, *paths: Path) -> int:
    """Exports into directories; returns how many leaves the last one holds."""
    storage, size = log_storage(url), 0
    try:
        for path in paths:
            directory = TileDirectory(path)
            with directory.held():
                published = published_tiles(storage, verifier.name)
                done = await TileExport(published, storage.reader, directory, verifier).run()
            size = 0 if done is None else done.size
    finally:
        await storage.reader.close()
    return size


if __name__ == "__main__":
    url_, vkey, place = sys.argv[1:]
    sys.stdout.write(f"{asyncio.run(export(url_, Verifier.parse(vkey), Path(place)))}\n")
