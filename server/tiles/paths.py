"""What stands at which path below a log's prefix (C2SP tlog-tiles, "APIs")."""

import re
from dataclasses import dataclass
from typing import Final

from namak.evidence.tiles import WIDTH, TileId, tile_path

CHECKPOINT: Final = "checkpoint"
ENTRIES: Final = "tile/entries/"

MEDIA_TYPES: Final = {True: "text/plain; charset=utf-8", False: "application/octet-stream"}
"""By whether it is the checkpoint."""

_HASHES = "tile/0/"
_LONGEST = 120
_TILE = re.compile(
    r"tile/(?P<level>0|[1-9]\d?|entries)/(?P<index>(?:x\d{3}/){0,6}\d{3})(?:\.p/(?P<width>[1-9]\d{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class TileFile:
    """A tile of hashes, or, where `entries` says so, the bundle of entries below the tile of level 0; of 1 to
    256 hashes or entries.
    """

    tile: TileId
    width: int
    entries: bool = False

    @property
    def path(self) -> str:
        """Where it stands."""
        path = tile_path(self.tile.level, self.tile.index, self.width)
        return ENTRIES + path.removeprefix(_HASHES) if self.entries else path


def tile_at(path: str) -> TileFile | None:
    """Returns what stands at a path in its one spelling; None for any other text."""
    match = _TILE.fullmatch(path) if len(path) <= _LONGEST else None
    if match is None:
        return None
    entries = match["level"] == "entries"
    index = int(match["index"].replace("x", "").replace("/", ""))
    width = WIDTH if match["width"] is None else int(match["width"])
    found = TileFile(TileId(0 if entries else int(match["level"]), index), width, entries)
    try:
        # A level beyond 63, a group of noughts before the index, a partial tile that is a full one.
        return found if found.path == path else None
    except ValueError:
        return None
