"""What everybody may see of the log: its shards, its tiles, its entries."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import parse_note
from namak.evidence.tiles import TileId
from namak.evidence.tree import EMPTY_ROOT
from server.domain.outages import EvidenceDebt
from server.transparency.ports import LogReader, ShardInLine, WitnessedTree, WitnessedTrees
from server.transparency.shard_directory import ShardDirectory
from server.transparency.tile_cache import TileCache
from server.usecases.log_ports import ShardState

_TILES_KEPT = 128


class ShardsInPublic:
    """Implements `PublicLog`; any replica serves it, leading or not.

    It keeps tiles of its own: who walks through the whole log must not drive out those that receipts need.
    """

    def __init__(
        self,
        directory: ShardDirectory,
        reader: LogReader,
        witnessed: WitnessedTrees,
        *,
        healthy: Callable[[], bool],
        leading: Callable[[], bool] = lambda: False,
    ) -> None:
        """Takes which shards there are, and what tells whether the log runs well, and is led here."""
        self._leading = leading
        self._witnessed = witnessed
        self._directory = directory
        self._reader = reader
        self._tiles = TileCache(reader, tiles=_TILES_KEPT)
        self._healthy = healthy
        # Of shards that ended and are witnessed to their end: nothing will ever change.
        self._settled: dict[str, EvidenceDebt] = {}

    @property
    def current(self) -> str:
        """The origin of the current shard."""
        return self._directory.current

    @property
    def leading(self) -> bool:
        """See `PublicLog`."""
        return self._leading()

    async def states(self) -> Sequence[ShardState]:
        """See `PublicLog`."""
        line = [*reversed(await self._directory.refresh())]
        current, origins = line[0].origin, [shard.origin for shard in line]
        # The witnessed ones first: what is witnessed meanwhile is published.
        witnessed = await self._witnessed.newest(origins)
        rows = await self._reader.shards(origins)
        # Counted after the shards: what moves from the queue into the log meanwhile is missed, not doubled.
        queued = await self._reader.queued()
        healthy = self._healthy()
        states = []
        for shard in line:
            origin = shard.origin
            row = rows.get(origin)
            integrated = 0 if row is None else row.integrated_size
            waiting = 0 if row is None else row.integrated_size - row.published_size
            waiting += queued if origin == current else 0
            size = 0 if row is None else row.published_size
            seen = witnessed.get(origin)
            seen_size = 0 if seen is None else seen.size
            waiting_since = await self._waiting_since(origin, seen_size, current=origin == current)
            states.append(
                ShardState(
                    origin=origin,
                    vkey=self._directory.vkey(origin),
                    size=size,
                    root=b"" if row is None or row.note is None else _root(row.note),
                    published_at=None if row is None else row.published_at,
                    pending=waiting,
                    healthy=healthy,
                    witnessed_size=seen_size,
                    witnessed_at=None if seen is None else seen.witnessed_at,
                    unwitnessed=max(0, size - seen_size) + waiting,
                    unwitnessed_since=waiting_since,
                    integrated_size=integrated,
                    successor=shard.successor,
                    announcement=shard.announcement,
                    frozen_at=shard.frozen_at,
                    given_up=shard.given_up,
                    relogged=shard.relogged,
                    owed_since=None if _of_before_witnesses(shard, seen_size) else waiting_since,
                )
            )
        return states

    async def debts(self) -> Sequence[EvidenceDebt]:
        """See `Debts`. What was recorded and has no leaf yet counts for the current shard.

        A shard that ended before this log knew of announcements counts only if it ever had witnesses.
        """
        line = [*reversed(self._directory.line)]
        open_ = [shard for shard in line if shard.origin not in self._settled]
        witnessed = await self._witnessed.newest([shard.origin for shard in open_])
        for shard in open_:
            size = witnessed[shard.origin].size if shard.origin in witnessed else 0
            witnessed_to_its_end = size == self._directory.ended(shard.origin)
            if witnessed_to_its_end or _of_before_witnesses(shard, size):
                self._settled[shard.origin] = EvidenceDebt(shard.origin, size, None)
        return [
            self._settled.get(shard.origin)
            or await self._debt(shard.origin, witnessed, current=shard is line[0])
            for shard in line
        ]

    async def _debt(
        self, origin: str, witnessed: Mapping[str, WitnessedTree], *, current: bool
    ) -> EvidenceDebt:
        size = witnessed[origin].size if origin in witnessed else 0
        return EvidenceDebt(origin, size, await self._waiting_since(origin, size, current=current))

    async def _waiting_since(self, origin: str, witnessed_size: int, *, current: bool) -> datetime | None:
        """Returns since when the oldest that is beyond a witnessed tree waits."""
        since = await self._witnessed.integrated_beyond(origin, witnessed_size)
        if since is None and current:
            since = await self._reader.oldest_queued()
        return since

    async def published(self, origin: str) -> tuple[int, bytes] | None:
        """See `PublicLog`."""
        wanted = origin or self.current
        row = (await self._reader.shards([wanted])).get(wanted)
        if row is not None and row.note is not None:
            return row.published_size, _root(row.note)
        return (0, EMPTY_ROOT) if row is not None or self._directory.get(wanted) is not None else None

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


def _of_before_witnesses(shard: ShardInLine, witnessed_size: int) -> bool:
    """Whether a shard ended before this log knew of announcements, and never had witnesses."""
    return shard.frozen and shard.announcement is None and not witnessed_size


def _root(note: bytes) -> bytes:
    return Checkpoint.parse(parse_note(note).text).root
