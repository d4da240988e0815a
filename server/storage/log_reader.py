"""Reads the published log, on every replica."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import parse_note
from namak.evidence.tiles import TileId
from server.domain.refusals import ServiceUnavailable
from server.storage.log_connection import CONNECT_SECONDS, answering, connecting, driver_url
from server.transparency.ports import Leaf
from server.usecases.records import PublishedCheckpoint

COMMAND_SECONDS = 10.0
"""How long one query may take."""

_LEAVES = """
SELECT evidence_id, origin, leaf_index, entry FROM log_entries WHERE evidence_id = ANY($1::uuid[])
"""
_NEWEST = """
SELECT c.origin, c.size, c.note FROM log_heads h
JOIN log_checkpoints c ON c.origin = h.origin AND c.size = h.published_size
WHERE h.origin = ANY($1::text[])
"""
_TILES = """
SELECT t.origin, t.level, t.tile_index, t.hashes FROM log_tiles t
JOIN unnest($1::text[], $2::smallint[], $3::bigint[]) AS wanted (origin, level, tile_index)
USING (origin, level, tile_index)
"""


class PostgresLogReader:
    """A `LogReader` with a few connections of its own, made when needed."""

    def __init__(self, url: str, *, connections: int) -> None:
        """Takes the database's URL and how many connections it may hold."""
        self._url = url
        self._connections = connections
        self._pool: Any = None
        self._making = asyncio.Lock()

    async def leaves(self, evidence_ids: Collection[UUID]) -> Sequence[Leaf]:
        """See `LogReader`."""
        rows = await self._rows(_LEAVES, list(evidence_ids))
        return [
            Leaf(UUID(int=row["evidence_id"].int), row["origin"], row["leaf_index"], row["entry"])
            for row in rows
        ]

    async def newest(self, origins: Collection[str]) -> Mapping[str, PublishedCheckpoint]:
        """See `LogReader`."""
        found = {}
        for row in await self._rows(_NEWEST, list(origins)):
            root = Checkpoint.parse(parse_note(row["note"]).text).root
            found[row["origin"]] = PublishedCheckpoint(row["origin"], row["size"], root, row["note"])
        return found

    async def tiles(self, wanted: Collection[tuple[str, TileId]]) -> Mapping[tuple[str, TileId], bytes]:
        """See `LogReader`."""
        columns = (
            [origin for origin, _ in wanted],
            [tile.level for _, tile in wanted],
            [tile.index for _, tile in wanted],
        )
        rows = await self._rows(_TILES, *columns)
        return {(row["origin"], TileId(row["level"], row["tile_index"])): row["hashes"] for row in rows}

    async def close(self) -> None:
        """Closes the connections, not waiting for queries under way."""
        if self._pool is not None:
            self._pool.terminate()

    async def _rows(self, statement: str, *values: object) -> Sequence[Any]:
        try:
            return await self._fetch(statement, *values)
        except ServiceUnavailable:
            # The connection may have died in the pool, unnoticed: a reading statement may be repeated.
            return await self._fetch(statement, *values)

    async def _fetch(self, statement: str, *values: object) -> Sequence[Any]:
        with connecting():
            pool = await self._opened()
            connection = await pool.acquire()
        try:
            with answering():
                rows: Sequence[Any] = await connection.fetch(statement, *values)
                return rows
        finally:
            with answering():
                await pool.release(connection)

    async def _opened(self) -> Any:
        async with self._making:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    driver_url(self._url),
                    min_size=0,
                    max_size=self._connections,
                    timeout=CONNECT_SECONDS,
                    command_timeout=COMMAND_SECONDS,
                    server_settings={"application_name": "namak log reader"},
                    reset=_nothing_to_undo,
                )
        return self._pool


async def _nothing_to_undo(_connection: Any) -> None:
    """Leaves a connection as it is: single statements that read leave nothing behind, and the usual clean-up
    would cost a round trip for each.
    """
