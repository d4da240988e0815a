"""What everybody may see of the log: its shards, its tiles, its entries."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import parse_note
from namak.evidence.tiles import TileId
from namak.evidence.tree import EMPTY_ROOT
from server.domain.outages import EvidenceDebt
from server.transparency.ports import LogReader, WitnessedTrees
from server.transparency.shard import Shard
from server.transparency.tile_cache import TileCache
from server.usecases.log_ports import ShardState

_TILES_KEPT = 128


class ShardsInPublic:
    """Implements `PublicLog`; any replica serves it, leading or not.

    It keeps tiles of its own: who walks through the whole log must not drive out those that receipts need.
    """

    def __init__(
        self,
        shards: Sequence[Shard],
        reader: LogReader,
        witnessed: WitnessedTrees,
        *,
        healthy: Callable[[], bool],
    ) -> None:
        """Takes the shards, the current one first, and what tells whether the log runs well."""
        self._witnessed = witnessed
        self._vkeys = {shard.origin: shard.vkey for shard in shards}
        self._reader = reader
        self._tiles = TileCache(reader, tiles=_TILES_KEPT)
        self._healthy = healthy

    @property
    def current(self) -> str:
        """The origin of the current shard."""
        return next(iter(self._vkeys))

    async def states(self) -> Sequence[ShardState]:
        """See `PublicLog`."""
        # The witnessed ones first: what is witnessed meanwhile is published.
        witnessed = await self._witnessed.newest(self._vkeys)
        rows = await self._reader.shards(self._vkeys)
        # Counted after the shards: what moves from the queue into the log meanwhile is missed, not doubled.
        queued = await self._reader.queued()
        healthy = self._healthy()
        states = []
        for origin, vkey in self._vkeys.items():
            row = rows.get(origin)
            integrated = 0 if row is None else row.integrated_size
            waiting = 0 if row is None else row.integrated_size - row.published_size
            waiting += queued if origin == self.current else 0
            size = 0 if row is None else row.published_size
            seen = witnessed.get(origin)
            seen_size = 0 if seen is None else seen.size
            states.append(
                ShardState(
                    origin=origin,
                    vkey=vkey,
                    size=size,
                    root=b"" if row is None or row.note is None else _root(row.note),
                    published_at=None if row is None else row.published_at,
                    pending=waiting,
                    healthy=healthy,
                    witnessed_size=seen_size,
                    witnessed_at=None if seen is None else seen.witnessed_at,
                    unwitnessed=max(0, size - seen_size) + waiting,
                    unwitnessed_since=await self._waiting_since(origin, seen_size),
                    integrated_size=integrated,
                )
            )
        return states

    async def debts(self) -> Sequence[EvidenceDebt]:
        """See `Debts`. What was recorded and has no leaf yet counts for the current shard."""
        witnessed = await self._witnessed.newest(self._vkeys)
        debts = []
        for origin in self._vkeys:
            size = witnessed[origin].size if origin in witnessed else 0
            debts.append(EvidenceDebt(origin, size, await self._waiting_since(origin, size)))
        return debts

    async def _waiting_since(self, origin: str, witnessed_size: int) -> datetime | None:
        """Returns since when the oldest that is beyond a witnessed tree waits."""
        since = await self._witnessed.integrated_beyond(origin, witnessed_size)
        if since is None and origin == self.current:
            since = await self._reader.oldest_queued()
        return since

    async def published(self, origin: str) -> tuple[int, bytes] | None:
        """See `PublicLog`."""
        wanted = origin or self.current
        row = (await self._reader.shards([wanted])).get(wanted)
        if row is not None and row.note is not None:
            return row.published_size, _root(row.note)
        return (0, EMPTY_ROOT) if row is not None or wanted in self._vkeys else None

    async def tiles(self, origin: str, wanted: Collection[TileId]) -> Mapping[TileId, bytes]:
        """See `PublicLog`."""
        found = await self._tiles.tiles({(origin, tile) for tile in wanted})
        return {tile: row for (_, tile), row in found.items()}

    async def entries(self, origin: str, first: int, count: int) -> Sequence[bytes]:
        """See `PublicLog`."""
        return await self._reader.entries(origin, first, count)

    def forget(self) -> None:
        """See `PublicLog`."""
        self._tiles.forget()


def _root(note: bytes) -> bytes:
    return Checkpoint.parse(parse_note(note).text).root
