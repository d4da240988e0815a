"""What is published of a shard: its checkpoint, and its tiles up to there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from namak.evidence import EvidenceError
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import parse_note
from namak.evidence.tiles import WIDTH, root_from_tiles, tile_width, tiles_for_root
from namak.evidence.tree import HASH_BYTES
from server.domain.refusals import ServiceUnavailable
from server.tiles.paths import TileFile
from server.transparency.ports import LogReader, WitnessedTrees
from server.transparency.successions import Successions
from server.transparency.tile_cache import TileCache
from server.usecases.ports import Clock

_log = structlog.get_logger(__name__)

WITNESS_WAIT: Final = timedelta(seconds=10)
"""For so long a leaf waits for the witnesses before it is shown without them: whoever follows the log wants
checkpoints that have the quorum, and learns so that there is none.
"""
_TILES_KEPT = 512


@dataclass(frozen=True, slots=True)
class ShownCheckpoint:
    """A published checkpoint, and its note: with the cosignatures of the quorum, where it has them."""

    checkpoint: Checkpoint
    note: bytes


class PublishedTiles:
    """Reads one shard. It keeps full tiles of its own, which many ask for."""

    def __init__(
        self,
        origin: str,
        reader: LogReader,
        witnessed: WitnessedTrees,
        clock: Clock,
        successions: Successions | None = None,
    ) -> None:
        """Takes the shard's origin, where it is read, and who tells of the shard after it."""
        self.origin = origin
        self._reader = reader
        self._witnessed = witnessed
        self._clock = clock
        self._successions = successions
        self._tiles = TileCache(reader, tiles=_TILES_KEPT)
        self._published = 0
        self._sound: Checkpoint | None = None

    async def checkpoint(self, *, at_least: int = 0) -> ShownCheckpoint | None:
        """Returns the newest witnessed checkpoint, or the newest one where witnesses are late or there are
        none; None where nothing is published.

        Args:
            at_least: the size of a tree that was shown already, which the quorum may not have come to yet: no
                smaller one is returned unless that one is gone.

        Raises:
            ServiceUnavailable: the database does not answer, or contradicts what was published; alarmed.
        """
        # The witnessed one first: what is witnessed meanwhile is published.
        witnessed = (await self._witnessed.freshest([self.origin])).get(self.origin)
        newest = (await self._reader.newest([self.origin])).get(self.origin)
        if newest is None:
            return None
        self._published = newest.size
        note = newest.note
        if witnessed is not None and at_least <= witnessed.size <= newest.size:
            since = await self._witnessed.integrated_beyond(self.origin, witnessed.size)
            is_new = since is None or self._clock.now() - since < WITNESS_WAIT
            if witnessed.size == newest.size or is_new:
                note = witnessed.note
        return await self._checked(note)

    async def file(self, wanted: TileFile) -> bytes | None:
        """Returns a tile or bundle of any width up to the published size; None where that is not reached.

        Raises:
            ServiceUnavailable: the database does not answer, or contradicts what was published; alarmed.
        """
        if tile_width(wanted.tile, self._published) < wanted.width:
            row = (await self._reader.shards([self.origin])).get(self.origin)
            self._published = 0 if row is None else row.published_size
        if tile_width(wanted.tile, self._published) < wanted.width:
            return None
        if wanted.entries:
            entries = await self._reader.entries(self.origin, wanted.tile.index * WIDTH, wanted.width)
            if len(entries) == wanted.width:
                return bundle(entries)
        else:
            key = (self.origin, wanted.tile)
            row_bytes = (await self._tiles.tiles([key])).get(key, b"")[: wanted.width * HASH_BYTES]
            if len(row_bytes) == wanted.width * HASH_BYTES:
                return row_bytes
        raise self.contradicted("a tile is narrower than the published tree", path=wanted.path)

    async def successor(self) -> bytes | None:
        """Returns the receipt that leads to the next shard; None while there may be more leaves.

        Raises:
            ServiceUnavailable: the database does not answer, or contradicts what was published; alarmed.
        """
        return None if self._successions is None else await self._successions.receipt(self.origin)

    async def root(self, size: int) -> bytes:
        """Returns the root of the tree of the first `size` leaves by the stored tiles.

        Raises:
            EvidenceError: tiles are missing.
            ServiceUnavailable: the database does not answer.
        """
        rows = await self._tiles.tiles({(self.origin, tile) for tile in tiles_for_root(size)})
        return root_from_tiles({tile: row for (_, tile), row in rows.items()}, size)

    def contradicted(self, cause: str, **fields: str | int) -> ServiceUnavailable:
        """Alarms, forgets what was read, and returns what to raise."""
        self._tiles.forget()
        self._sound = None
        _log.critical("ALARM: the log contradicts itself", origin=self.origin, cause=cause, **fields)
        return ServiceUnavailable("log")

    async def _checked(self, note: bytes) -> ShownCheckpoint:
        """Nobody is shown a checkpoint whose tiles do not give its root."""
        try:
            checkpoint = Checkpoint.parse(parse_note(note).text)
            if checkpoint.origin != self.origin:
                raise self.contradicted("a note of another log is stored")
            if checkpoint != self._sound and await self.root(checkpoint.size) != checkpoint.root:
                raise self.contradicted("the tiles do not give the published root", size=checkpoint.size)
        except EvidenceError as error:
            raise self.contradicted(type(error).__name__) from error
        self._sound = checkpoint
        return ShownCheckpoint(checkpoint, note)


def bundle(entries: Sequence[bytes]) -> bytes:
    """Returns an entry bundle: each entry behind its length in 16 bits (tlog-tiles, "Log entries")."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
