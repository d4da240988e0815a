"""Reads the log's rows in ranges, for who checks all of them: one connection, that can only read."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final, Self
from uuid import UUID

from namak.evidence.tiles import HEIGHT, MAX_LEVEL, TileId
from namak.evidence.tree import HASH_BYTES
from server.fsck.ports import EvidenceStep, LoggedEvidence, ShardEnd, StoredNote
from server.storage.log_connection import answering, close, connect
from server.transparency.ports import Head

COMMAND_SECONDS: Final = 600.0
"""How long one statement may take: ranges are short, but a machine may be busy."""

_COUNTED: Final = 100_000
# Rows that are too many are counted so far.
_TABLES: Final = (
    *("log_heads", "log_entries", "log_tiles", "log_trees", "log_checkpoints", "log_witnessed"),
    "log_rewitnessed",
)

_HEAD = "SELECT integrated_size, root, published_size FROM log_heads WHERE origin = $1"
_END_TILES = """
SELECT t.level, t.tile_index, t.hashes
FROM unnest($2::smallint[], $3::bigint[]) AS last (level, tile_index)
CROSS JOIN LATERAL (
    SELECT * FROM log_tiles
    WHERE origin = $1 AND level = last.level AND tile_index >= last.tile_index ORDER BY tile_index LIMIT 1000
) t
"""
_ENTRIES = """
SELECT count(*), string_agg(entry, '' ORDER BY leaf_index) FROM log_entries
WHERE origin = $1 AND leaf_index >= $2 AND leaf_index < $3
"""
_ENTRY_ROWS = """
SELECT leaf_index, entry FROM log_entries WHERE origin = $1 AND leaf_index >= $2 AND leaf_index < $3
"""
_TILES = """
SELECT tile_index, hashes FROM log_tiles
WHERE origin = $1 AND level = $2 AND tile_index >= $3 AND tile_index < $4
"""
_TREES = "SELECT size, root FROM log_trees WHERE origin = $1 AND size > $2 AND size <= $3 ORDER BY size"
# OFFSET: evidence is looked up leaf by leaf, whatever the statistics say.
_LOGGED = """
SELECT l.leaf_index, l.entry, l.evidence_id, e.document, e.entry AS digest FROM log_entries l
LEFT JOIN LATERAL (SELECT document, entry FROM evidence WHERE id = l.evidence_id OFFSET 0) e ON true
WHERE l.origin = $1 AND l.leaf_index >= $2 AND l.leaf_index < $3
"""
_LOGGED_AT = """
SELECT l.leaf_index, l.entry, l.evidence_id, e.document, e.entry AS digest FROM log_entries l
LEFT JOIN LATERAL (SELECT document, entry FROM evidence WHERE id = l.evidence_id OFFSET 0) e ON true
WHERE l.origin = $1 AND l.leaf_index = ANY ($2)
"""
_FIRST_EVIDENCE = "SELECT id FROM evidence ORDER BY id LIMIT 1"
_LAST_EVIDENCE = "SELECT id FROM evidence ORDER BY id DESC LIMIT 1"
_STEP = "SELECT id FROM evidence WHERE id > $1 AND id <= $2 ORDER BY id OFFSET $3 LIMIT 1"
_UNLOGGED = """
SELECT e.id FROM evidence e WHERE e.id > $1 AND e.id <= $2 AND NOT EXISTS (
    SELECT FROM log_entries l WHERE l.evidence_id = e.id AND l.evidence_id > $1 AND l.evidence_id <= $2
)
"""
_TWICE = """
SELECT evidence_id FROM log_entries WHERE evidence_id > $1 AND evidence_id <= $2
GROUP BY evidence_id HAVING count(*) > 1
"""
_UNQUEUED = """
SELECT wanted.id FROM unnest($1::uuid[]) AS wanted (id)
WHERE EXISTS (SELECT FROM evidence e WHERE e.id = wanted.id)
AND NOT EXISTS (SELECT FROM log_entries l WHERE l.evidence_id = wanted.id)
AND NOT EXISTS (SELECT FROM log_queue q WHERE q.evidence_id = wanted.id)
"""
_QUEUE = """
SELECT q.position, q.evidence_id, q.entry, e.document,
    EXISTS (SELECT FROM log_entries l WHERE l.evidence_id = q.evidence_id) AS logged
FROM log_queue q LEFT JOIN evidence e ON e.id = q.evidence_id
WHERE q.position > $1 ORDER BY q.position LIMIT $2
"""
_CHECKPOINTS = """
SELECT c.size, c.note, t.root FROM log_checkpoints c LEFT JOIN log_trees t USING (origin, size)
WHERE c.origin = $1 AND c.size > $2 AND c.size <= $3 ORDER BY c.size LIMIT $4
"""
_COSIGNED = """
SELECT w.size, w.note, t.root, c.size IS NOT NULL AS published FROM log_witnessed w
LEFT JOIN log_trees t USING (origin, size) LEFT JOIN log_checkpoints c USING (origin, size)
WHERE w.origin = $1 AND w.size > $2 ORDER BY w.size LIMIT $3
"""
_RENEWED = """
SELECT w.size, w.note, t.root, c.size IS NOT NULL AS published FROM log_rewitnessed w
LEFT JOIN log_trees t USING (origin, size) LEFT JOIN log_checkpoints c USING (origin, size)
WHERE w.origin = $1
"""
_ROOT = "SELECT root FROM log_trees WHERE origin = $1 AND size = $2"


class PostgresLogInspection:
    """A `LogInspection`. What is behind a shard's end is seen in one snapshot; what is before never changes,
    so no transaction lasts longer than a statement, and vacuum goes on.
    """

    def __init__(self, connection: Any) -> None:
        """Takes a connection of its own."""
        self._connection = connection
        self._turn = asyncio.Lock()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connects. Raises `ServiceUnavailable`."""
        settings = {
            "application_name": "namak log fsck",
            "default_transaction_read_only": "on",
            "jit": "off",
            # All is asked for by key. A plan made while a table was small must not walk a large one.
            "enable_seqscan": "off",
        }
        return cls(await connect(url, command_seconds=COMMAND_SECONDS, settings=settings))

    async def close(self) -> None:
        """Closes the connection."""
        await close(self._connection)

    async def origins(self) -> Sequence[str]:
        """See `LogInspection`."""
        found: set[str] = set()
        for table in _TABLES:
            # From one origin to the next by the key: there are few, and many rows of each.
            statement = f"SELECT min(origin) FROM {table} WHERE origin > $1"  # noqa: S608
            origin = ""
            while (row := (await self.rows(statement, origin))[0][0]) is not None:
                origin = row
                found.add(origin)
        return sorted(found)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Callable[..., Awaitable[Sequence[Any]]]]:
        """Yields what runs statements that all see one moment; it MUST be over soon. Raises
        `ServiceUnavailable`.
        """
        async with self._turn:
            with answering():
                async with self._connection.transaction(isolation="repeatable_read", readonly=True):
                    yield self._connection.fetch

    async def end(self, origin: str) -> ShardEnd:
        """See `LogInspection`."""
        async with self.snapshot() as fetch:
            return await self._end(origin, fetch)

    async def _end(self, origin: str, fetch: Callable[..., Awaitable[Sequence[Any]]]) -> ShardEnd:
        rows = await fetch(_HEAD, origin)
        head = Head(origin, *rows[0]) if rows else None
        size, published = (head.integrated_size, head.published_size) if head is not None else (0, 0)
        levels = range(MAX_LEVEL + 1)
        firsts = [size >> HEIGHT * (level + 1) for level in levels]
        tiles = await fetch(_END_TILES, origin, levels, firsts)
        beyond = {}
        for table, column, from_size in (
            ("log_entries", "leaf_index >=", size),
            ("log_trees", "size >", size),
            ("log_checkpoints", "size >", published),
        ):
            statement = (
                f"SELECT count(*) FROM (SELECT FROM {table}"  # noqa: S608
                f" WHERE origin = $1 AND {column} $2 LIMIT {_COUNTED}) beyond"
            )
            beyond[table] = (await fetch(statement, origin, from_size))[0][0]
        tree = await fetch(_ROOT, origin, size)
        checkpoint = await fetch(_CHECKPOINTS, origin, published - 1, published, 1)
        return ShardEnd(
            head,
            {TileId(row["level"], row["tile_index"]): row["hashes"] for row in tiles},
            beyond["log_entries"],
            beyond["log_trees"],
            beyond["log_checkpoints"],
            tree[0]["root"] if tree else None,
            not published or bool(checkpoint),
        )

    async def entries(self, origin: str, first: int, end: int) -> Sequence[tuple[int, bytes]] | bytes:
        """See `LogInspection`."""
        ((count, joined),) = await self.rows(_ENTRIES, origin, first, end)
        if count == end - first and len(joined) == count * HASH_BYTES:
            return bytes(joined)
        rows = await self.rows(_ENTRY_ROWS, origin, first, end)
        return [(row["leaf_index"], row["entry"]) for row in rows]

    async def tiles(self, origin: str, level: int, first: int, end: int) -> Mapping[int, bytes]:
        """See `LogInspection`."""
        rows = await self.rows(_TILES, origin, level, first, end)
        return {row["tile_index"]: row["hashes"] for row in rows}

    async def trees(self, origin: str, after: int, up_to: int) -> Sequence[tuple[int, bytes]]:
        """See `LogInspection`."""
        return [(row["size"], row["root"]) for row in await self.rows(_TREES, origin, after, up_to)]

    async def logged(self, origin: str, first: int, end: int) -> Sequence[LoggedEvidence]:
        """See `LogInspection`."""
        return [LoggedEvidence._make(row) for row in await self.rows(_LOGGED, origin, first, end)]

    async def logged_at(self, origin: str, indexes: Sequence[int]) -> Sequence[LoggedEvidence]:
        """See `LogInspection`."""
        return [LoggedEvidence._make(row) for row in await self.rows(_LOGGED_AT, origin, list(indexes))]

    async def first_evidence(self) -> UUID | None:
        """See `LogInspection`."""
        rows = await self.rows(_FIRST_EVIDENCE)
        return rows[0]["id"] if rows else None

    async def last_evidence(self) -> UUID | None:
        """See `LogInspection`."""
        rows = await self.rows(_LAST_EVIDENCE)
        return rows[0]["id"] if rows else None

    async def evidence_after(self, position: UUID, last: UUID, limit: int) -> EvidenceStep | None:
        """See `LogInspection`."""
        if position >= last:
            return None
        rows = await self.rows(_STEP, position, last, limit - 1)
        until = rows[0]["id"] if rows else last
        unlogged = [row["id"] for row in await self.rows(_UNLOGGED, position, until)]
        twice = [row["evidence_id"] for row in await self.rows(_TWICE, position, until)]
        return EvidenceStep(until, unlogged, twice)

    async def unqueued(self, evidence_ids: Collection[UUID]) -> Collection[UUID]:
        """See `LogInspection`."""
        return [row["id"] for row in await self.rows(_UNQUEUED, list(evidence_ids))]

    async def queue(self, after: int, limit: int) -> Sequence[tuple[int, UUID, bytes, bytes | None, bool]]:
        """See `LogInspection`."""
        return [tuple(row) for row in await self.rows(_QUEUE, after, limit)]

    async def checkpoints(self, origin: str, after: int, up_to: int, limit: int) -> Sequence[StoredNote]:
        """See `LogInspection`."""
        rows = await self.rows(_CHECKPOINTS, origin, after, up_to, limit)
        return [StoredNote(row["size"], row["note"], row["root"], published=True) for row in rows]

    async def cosigned(self, origin: str, after: int, limit: int) -> Sequence[StoredNote]:
        """See `LogInspection`."""
        return [StoredNote(*row) for row in await self.rows(_COSIGNED, origin, after, limit)]

    async def renewed(self, origin: str) -> StoredNote | None:
        """See `LogInspection`."""
        return next((StoredNote(*row) for row in await self.rows(_RENEWED, origin)), None)

    async def root(self, origin: str, size: int) -> bytes | None:
        """See `LogInspection`."""
        rows = await self.rows(_ROOT, origin, size)
        return rows[0]["root"] if rows else None

    async def rows(self, statement: str, *values: object) -> Sequence[Any]:
        """Runs a statement that reads. Raises `ServiceUnavailable`."""
        async with self._turn:
            with answering():
                found: Sequence[Any] = await self._connection.fetch(statement, *values)
                return found
