"""The log as everybody may ask about it: consistency proofs, tiles, how it is (BOX-6, BOX-7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from namak.evidence.errors import EvidenceError, InvalidProof
from namak.evidence.tiles import (
    WIDTH,
    TileId,
    consistency_proof,
    root_from_tiles,
    tile_path,
    tile_width,
    tiles_for_consistency,
    tiles_for_root,
)
from namak.evidence.tree import HASH_BYTES, verify_consistency
from server.domain.log_standing import Wait, standing
from server.domain.refusals import FieldProblem, InvalidFields, NotFound, ServiceUnavailable
from server.usecases.log_ports import (
    AuthorityState,
    PublicLog,
    ShardState,
    ShardWitnesses,
    TimestampView,
    WitnessView,
)
from server.usecases.outage_ports import OutageView
from server.usecases.ports import Clock

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AskConsistency:
    """Sizes of two trees of a shard, in leaves, neither negative; a second size of 0 is the published one."""

    origin: str
    first_size: int
    second_size: int


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """The hashes that show a smaller tree to begin the one of `second_size` leaves (RFC 6962, 2.1.2)."""

    origin: str
    second_size: int
    hashes: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class AskTile:
    """A tile of 1 to 256 hashes of a level, or of as many entries where there is no level."""

    origin: str
    level: int | None
    index: int
    width: int


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile's bytes as C2SP tlog-tiles writes them, and its path there."""

    data: bytes
    path: str


@dataclass(frozen=True, slots=True)
class LogState:
    """How the log is: its shards, the current one first, how long evidence may wait for witnesses (None where
    nobody witnesses), since when nothing new is accepted because it waited longer (None where it is), and by
    shard how far authorities have stamped it, and witnesses cosigned it; and whether this replica leads it,
    and so knows what troubles those.
    """

    shards: Sequence[ShardState]
    debt_limit: timedelta | None
    outage_began_at: datetime | None
    timestamps: Mapping[str, Sequence[AuthorityState]] = field(default_factory=dict)
    witnesses: Mapping[str, ShardWitnesses] = field(default_factory=dict)
    leading: bool = False


class LogQueries:
    """Answers everybody from what is published, and from nothing else."""

    def __init__(
        self,
        log: PublicLog,
        outages: OutageView,
        timestamps: TimestampView | None = None,
        witnesses: WitnessView | None = None,
        *,
        clock: Clock,
    ) -> None:
        """Without `timestamps`, or `witnesses`, it tells nothing of them."""
        self._log = log
        self._outages = outages
        self._timestamps = timestamps
        self._witnesses = witnesses
        self._clock = clock

    async def consistency(self, command: AskConsistency) -> ConsistencyProof:
        """Returns the proof that one tree begins another; it was verified as a stranger would verify it.

        Raises:
            NotFound: there is no such shard.
            InvalidFields: a size is no published tree's, or the first is the larger one.
            ServiceUnavailable: the database does not answer, or contradicts what was published; alarmed.
        """
        published, published_root = await self._published(command.origin)
        first, second = command.first_size, command.second_size or published
        problems = []
        if second > published:
            problems.append(_beyond("second_size", published))
        if first > min(second, published):
            problems.append(_beyond("first_size", min(second, published)))
        if problems:
            raise InvalidFields(problems)
        origin = command.origin or self._log.current
        wanted = tiles_for_consistency(first, second) | tiles_for_root(first) | tiles_for_root(second)
        tiles = await self._log.tiles(origin, wanted | tiles_for_root(published))
        try:
            hashes = consistency_proof(tiles, first, second)
            roots = [root_from_tiles(tiles, size) for size in (first, second)]
            verify_consistency(first, roots[0], second, roots[1], hashes)
            if root_from_tiles(tiles, published) != published_root:
                raise InvalidProof("the tiles do not give the published root")
        except EvidenceError as error:
            raise self._contradicted(origin, published, type(error).__name__) from error
        return ConsistencyProof(origin, second, hashes)

    async def tile(self, command: AskTile) -> Tile:
        """Returns a tile, full or partial.

        Raises:
            NotFound: there is no such shard, or the published tree does not have that much of the tile.
            ServiceUnavailable: the database does not answer.
        """
        size, _ = await self._published(command.origin)
        origin, level = command.origin or self._log.current, command.level or 0
        tile, width = TileId(level, command.index), command.width
        path = tile_path(level, command.index, width)
        if command.level is None:
            path = f"tile/entries/{path.removeprefix('tile/0/')}"
        if tile_width(tile, size) < width:
            raise NotFound("tile", path)
        if command.level is None:
            entries = await self._log.entries(origin, command.index * WIDTH, width)
            data = b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
            complete = len(entries) == width
        else:
            data = (await self._log.tiles(origin, [tile])).get(tile, b"")[: width * HASH_BYTES]
            complete = len(data) == width * HASH_BYTES
        if not complete:
            raise self._contradicted(origin, size, "a tile is narrower than the published tree")
        return Tile(data, path)

    async def status(self) -> LogState:
        """Returns how the log is.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        outage = self._outages.outage
        began = None if outage is None else outage.began_at
        shards = await self._log.states()
        origins = [shard.origin for shard in shards]
        stamped: Mapping[str, Sequence[AuthorityState]] = {}
        unstamped: Mapping[str, Wait] = {}
        if self._timestamps is not None:
            stamped = await self._timestamps.states(origins)
            unstamped = await self._timestamps.waits(shards)
        witnesses = {} if self._witnesses is None else await self._witnesses.states(origins)
        now = self._clock.now()
        judged = [
            replace(
                shard,
                standing=standing(
                    healthy=shard.healthy,
                    witnesses=_unwitnessed(shard, witnesses.get(shard.origin)),
                    timestamps=unstamped.get(shard.origin),
                    debt_limit=self._outages.limit,
                    now=now,
                ),
            )
            for shard in shards
        ]
        return LogState(judged, self._outages.limit, began, stamped, witnesses, self._log.leading)

    async def _published(self, origin: str) -> tuple[int, bytes]:
        published = await self._log.published(origin)
        if published is None:
            raise NotFound("log shard", origin)
        return published

    def _contradicted(self, origin: str, size: int, cause: str) -> ServiceUnavailable:
        # Tiles that were read before a restore of the database may be another tree's.
        self._log.forget()
        _log.critical("ALARM: the log contradicts itself", origin=origin, size=size, cause=cause)
        return ServiceUnavailable("log")


def _unwitnessed(shard: ShardState, witnesses: ShardWitnesses | None) -> Wait | None:
    if witnesses is None:
        return None
    return Wait(shard.owed_since, witnesses.usual, witnesses.cosigned is not None)


def _beyond(field: str, most: int) -> FieldProblem:
    return FieldProblem(field, "SIZE_OUT_OF_RANGE", f"must be from 0 to {most}")
