"""The leader's side of the log's tables: one connection that holds the lock and writes everything."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from namak.evidence.tiles import Extension, TileId
from namak.evidence.tree import EMPTY_ROOT
from server.domain.log_shards import RegisteredShard
from server.storage.log_connection import answering, close, connect
from server.storage.log_registration import SHARDS, register, shard_of
from server.storage.queue_floor import QueueFloor
from server.transparency.ports import Head, HeadMoved, QueuedEntry, Signal

LEADER_LOCK = int.from_bytes(hashlib.sha256(b"namak log leader").digest()[:8], "big", signed=True)
"""Key of the leader's advisory lock, one for all shards: there is one queue."""

# Who waits for the lock reads what the one before left: all of this stands in the locked row.
_LOCK_HEAD = """
SELECT origin, integrated_size, root, published_size, successor, announcement, frozen_at IS NOT NULL
FROM log_heads WHERE origin = $1 FOR UPDATE
"""
_HEADS = """
SELECT origin, integrated_size, root, published_size, successor, announcement, frozen_at IS NOT NULL
FROM log_heads ORDER BY origin
"""
_NEW_HEAD = "INSERT INTO log_heads VALUES ($1, 0, $2, 0) ON CONFLICT DO NOTHING"
_TAKE = """
DELETE FROM log_queue WHERE position = ANY (ARRAY(
    SELECT position FROM log_queue WHERE position > $2 ORDER BY position LIMIT $1
))
RETURNING position, evidence_id, entry, organisation_id
"""
# An announcement waits here once in a shard's life, and only then is the queue searched for one.
_TAKE_UP_TO = """
DELETE FROM log_queue WHERE position = ANY (ARRAY(
    SELECT position FROM log_queue WHERE position > $2 AND position <= (
        SELECT position FROM log_queue WHERE evidence_id = $3
    ) ORDER BY position LIMIT $1
))
RETURNING position, evidence_id, entry, organisation_id
"""
_TAKE_OPENING = """
DELETE FROM log_queue WHERE evidence_id = (SELECT opening FROM log_shards WHERE origin = $1)
RETURNING evidence_id, entry, organisation_id
"""
_WAITING = "SELECT EXISTS (SELECT 1 FROM log_queue WHERE position > $1)"
_TILES = """
SELECT t.level, t.tile_index, t.hashes FROM log_tiles t
JOIN unnest($2::smallint[], $3::bigint[]) AS wanted (level, tile_index) USING (level, tile_index)
WHERE t.origin = $1
"""
# One statement each: every round trip is a turn of a loop that has others to serve.
_APPEND = """
WITH moved AS (
    UPDATE log_heads SET integrated_size = $3, root = $4, frozen_at = $13
    WHERE origin = $1 AND integrated_size = $2 AND frozen_at IS NULL
    RETURNING origin
), entries AS (
    INSERT INTO log_entries (origin, leaf_index, entry, evidence_id, organisation_id)
    SELECT moved.origin, added.*
    FROM moved CROSS JOIN unnest($6::bigint[], $7::bytea[], $8::uuid[], $9::uuid[]) AS added
), tiles AS (
    INSERT INTO log_tiles (origin, level, tile_index, hashes)
    SELECT moved.origin, changed.*
    FROM moved CROSS JOIN unnest($10::smallint[], $11::bigint[], $12::bytea[]) AS changed
    ON CONFLICT (origin, level, tile_index) DO UPDATE SET hashes = excluded.hashes
), tree AS (
    INSERT INTO log_trees (origin, size, root, integrated_at) SELECT origin, $3, $4, $5 FROM moved
)
SELECT count(*) FROM moved
"""
_FREEZE = """
UPDATE log_heads SET frozen_at = $3
WHERE origin = $1 AND integrated_size = $2 AND successor IS NOT NULL AND frozen_at IS NULL
"""
_PUBLISH = """
WITH moved AS (
    UPDATE log_heads SET published_size = $3
    WHERE origin = $1 AND published_size = $2 AND integrated_size >= $3 AND published_size < $3
    RETURNING origin
)
INSERT INTO log_checkpoints (origin, size, note, published_at) SELECT origin, $3, $4, $5 FROM moved
"""
_ONE_ROW = "INSERT 0 1"
_ONE_CHANGED = "UPDATE 1"


class PostgresLeaderSessions:
    """Opens sessions that PostgreSQL ends by itself when their owner falls silent."""

    def __init__(self, url: str, *, silence_seconds: float) -> None:
        """Takes the database's URL and after how long a silence a session is ended."""
        milliseconds = str(round(silence_seconds * 1000))
        self._url = url
        self._silence_seconds = silence_seconds
        self._settings = {
            "application_name": "namak log leader",
            # A frozen leader must lose its lock, whatever it was doing when it froze.
            "idle_session_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
            "statement_timeout": milliseconds,
            # One whose machine or network is gone, too: these work on TCP and are ignored on local sockets.
            "tcp_user_timeout": milliseconds,
            "tcp_keepalives_idle": "1",
            "tcp_keepalives_interval": "1",
            "tcp_keepalives_count": "2",
            # What is signed must be on disk first, whatever the server's default is.
            "synchronous_commit": "on",
            "default_transaction_isolation": "read committed",
            # All is asked for by key. A plan made while a table was small must not walk a large one.
            "enable_seqscan": "off",
        }

    async def open(self) -> "PostgresLeaderSession":
        """See `LeaderSessions`."""
        connection = await connect(self._url, command_seconds=self._silence_seconds, settings=self._settings)
        return PostgresLeaderSession(connection)


class PostgresLeaderSession:
    """A `LeaderSession` on one connection."""

    def __init__(self, connection: Any, floor: QueueFloor | None = None) -> None:
        """Takes a connection of its own."""
        self._connection = connection
        self._turn = asyncio.Lock()
        self._floor = floor or QueueFloor()

    async def try_lead(self) -> bool:
        """See `LeaderSession`."""
        return bool(await self._value("SELECT pg_try_advisory_lock($1)", LEADER_LOCK))

    async def ping(self) -> None:
        """See `LeaderSession`."""
        await self._value("SELECT 1")

    async def heads(self) -> Sequence[Head]:
        """See `LeaderSession`."""
        async with self._turn:
            with answering():
                rows = await self._connection.fetch(_HEADS)
        return [_head(row) for row in rows]

    async def shards(self) -> Sequence[RegisteredShard]:
        """See `LeaderSession`."""
        async with self._turn:
            with answering():
                rows = await self._connection.fetch(SHARDS)
        return [shard_of(row) for row in rows]

    async def register(self, shards: Sequence[RegisteredShard], at: datetime) -> None:
        """See `LeaderSession`."""
        async with self._turn:
            with answering():
                async with self._connection.transaction():
                    await register(self._connection, shards, at)

    async def tiles(self, origin: str, wanted: Collection[TileId]) -> Mapping[TileId, bytes]:
        """See `LeaderSession`."""
        async with self._turn:
            return await _tiles(self._connection, origin, wanted)

    async def waiting(self) -> bool:
        """See `LeaderSession`."""
        return bool(await self._value(_WAITING, self._floor.position))

    @contextlib.asynccontextmanager
    async def integration(self) -> AsyncIterator["PostgresIntegration"]:
        """See `LeaderSession`."""
        async with self._turn:
            with answering():
                await self._floor.look(self._connection)
            async with PostgresIntegration(self._connection, self._floor) as integration:
                yield integration

    async def publish(self, head: Head, note: bytes, at: datetime) -> None:
        """See `LeaderSession`."""
        sizes = (head.published_size, head.integrated_size)
        async with self._turn:
            with answering():
                added = await self._connection.execute(_PUBLISH, head.origin, *sizes, note, at)
        if added != _ONE_ROW:
            raise HeadMoved

    async def announce(self) -> None:
        """See `LeaderSession`."""
        await self._value("SELECT pg_notify($1, '')", Signal.PUBLISHED.value)

    async def close(self) -> None:
        """See `LeaderSession`."""
        await close(self._connection)

    async def _value(self, statement: str, *values: object) -> Any:
        async with self._turn:
            with answering():
                return await self._connection.fetchval(statement, *values)


class PostgresIntegration:
    """An `Integration`: one transaction."""

    def __init__(self, connection: Any, floor: QueueFloor) -> None:
        """Takes a connection that is in no transaction, and from where to take entries."""
        self._connection = connection
        self._floor = floor
        self._taken: tuple[int, bool] | None = None
        self._transaction = connection.transaction()
        self._open = False

    async def __aenter__(self) -> Self:
        with answering():
            await self._transaction.start()
        self._open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open and not self._connection.is_closed():
            with answering():
                await self._transaction.rollback()

    async def head(self, origin: str) -> Head:
        """See `Integration`."""
        with answering():
            row = await self._connection.fetchrow(_LOCK_HEAD, origin)
            if row is None:
                await self._connection.execute(_NEW_HEAD, origin, EMPTY_ROOT)
                row = await self._connection.fetchrow(_LOCK_HEAD, origin)
        return _head(row)

    async def take_opening(self, origin: str) -> Sequence[QueuedEntry]:
        """See `Integration`."""
        with answering():
            rows = await self._connection.fetch(_TAKE_OPENING, origin)
        return [_queued(row) for row in rows]

    async def take(self, limit: int, *, up_to: UUID | None = None) -> Sequence[QueuedEntry]:
        """See `Integration`."""
        with answering():
            if up_to is None:
                rows = await self._connection.fetch(_TAKE, limit, self._floor.position)
            else:
                rows = await self._connection.fetch(_TAKE_UP_TO, limit, self._floor.position, up_to)
        rows.sort(key=_position)
        if rows:
            self._taken = (_position(rows[-1]), up_to is None and len(rows) < limit)
        return [_queued(row) for row in rows]

    async def tiles(self, origin: str, wanted: Collection[TileId]) -> Mapping[TileId, bytes]:
        """See `Integration`."""
        return await _tiles(self._connection, origin, wanted)

    async def append(
        self,
        head: Head,
        entries: Sequence[QueuedEntry],
        extension: Extension,
        at: datetime,
        *,
        frozen: bool = False,
    ) -> None:
        """See `Integration`."""
        old, new = head.integrated_size, extension.new_size
        with answering():
            moved = await self._connection.fetchval(
                _APPEND,
                *(head.origin, old, new, extension.root, at),
                range(old, new),
                [each.entry for each in entries],
                [each.evidence_id for each in entries],
                [each.organisation_id for each in entries],
                *_columns(extension.changed),
                list(extension.changed.values()),
                at if frozen else None,
            )
        if moved != 1:
            raise HeadMoved

    async def freeze(self, head: Head, at: datetime) -> None:
        """See `Integration`."""
        with answering():
            changed = await self._connection.execute(_FREEZE, head.origin, head.integrated_size, at)
        if changed != _ONE_CHANGED:
            raise HeadMoved

    async def commit(self) -> None:
        """See `Integration`."""
        self._open = False
        with answering():
            await self._transaction.commit()
        if self._taken is not None:
            highest, everything = self._taken
            self._floor.taken(highest, everything=everything)


async def _tiles(connection: Any, origin: str, wanted: Collection[TileId]) -> Mapping[TileId, bytes]:
    with answering():
        rows = await connection.fetch(_TILES, origin, *_columns(wanted))
    return {TileId(row["level"], row["tile_index"]): row["hashes"] for row in rows}


def _head(row: Any) -> Head:
    origin, size, root, published_size, successor, announcement, frozen = row
    evidence_id = None if announcement is None else _uuid(announcement)
    return Head(origin, size, root, published_size, successor, evidence_id, frozen)


def _queued(row: Any) -> QueuedEntry:
    return QueuedEntry(_uuid(row["evidence_id"]), row["entry"], row["organisation_id"])


def _columns(tiles: Collection[TileId]) -> tuple[list[int], list[int]]:
    return [tile.level for tile in tiles], [tile.index for tile in tiles]


def _position(row: Any) -> int:
    position: int = row["position"]
    return position


def _uuid(value: Any) -> UUID:
    # asyncpg gives a subclass of its own, which does not compare with every UUID.
    return UUID(int=value.int)
