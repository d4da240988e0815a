"""How the log went over from one shard to the next, for whoever asks at a terminal."""

from datetime import datetime
from typing import NamedTuple

from server.storage.log_store import LEADER_LOCK
from server.storage.reading_pool import ReadingPool

_CONNECTIONS = 1
_FIRST = """
SELECT size, note, published_at FROM log_checkpoints WHERE origin = $1 ORDER BY size LIMIT 1
"""
# A lock by one key of 64 bits stands there in two halves (PostgreSQL's documentation, pg_locks).
_LEADS = """
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32 | objid::bigint) = $1
)
"""


class FirstCheckpoint(NamedTuple):
    """The first checkpoint that was published of a shard."""

    size: int
    note: bytes
    published_at: datetime


class PostgresLogTurns:
    """Reads what only a ceremony asks for, over a connection of its own."""

    def __init__(self, url: str) -> None:
        """Takes the database's URL; connects when asked."""
        self._pool = ReadingPool(url, connections=_CONNECTIONS, application="namak key ceremony")

    async def first_checkpoint(self, origin: str) -> FirstCheckpoint | None:
        """Returns the first checkpoint of a shard; None where none is published."""
        rows = await self._pool.rows(_FIRST, origin)
        return FirstCheckpoint(*rows[0]) if rows else None

    async def is_led(self) -> bool:
        """Tells whether a server leads the log."""
        rows = await self._pool.rows(_LEADS, LEADER_LOCK)
        return bool(rows[0][0])

    async def close(self) -> None:
        """Closes the connection."""
        await self._pool.close()
