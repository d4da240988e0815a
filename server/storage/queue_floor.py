"""From where the leader reads the queue, so that it does not walk over what it has taken already.

Rows that were taken stay in the table, and in its index, for as long as somebody holds an older snapshot (a
backup, say). Reading from the beginning would then become slower with every entry.
"""

import time
from collections.abc import Callable
from typing import Any

LOOK_SECONDS = 1.0
"""How often it is looked whether the floor may rise."""

# Whoever adds to the queue holds this lock from before its rows get their positions until they are visible.
_WRITERS = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'log_queue'::regclass AND mode = 'RowExclusiveLock'
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND pid IS DISTINCT FROM pg_backend_pid()
"""
_NEWEST = "SELECT pg_sequence_last_value(pg_get_serial_sequence('log_queue', 'position')::regclass)"


class QueueFloor:
    """A position at or below which no entry is, nor can come any more.

    Positions are given out in order but become visible in any order: a transaction that is long under way
    brings low ones late. Each of them is in the log's hands all the same, and before what came after it:

    1. some entries up to a position are taken; whoever adds to the queue then is noted;
    2. once none of those is at it any more, nobody is left who has a position below that one;
    3. once, after that, everything visible has been taken, the floor rises to that position.

    It belongs to one session, which alone takes entries; another session begins from nothing.
    """

    def __init__(
        self, *, look_seconds: float = LOOK_SECONDS, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._look_seconds = look_seconds
        self._monotonic = monotonic
        self._looked_at = -look_seconds
        self._highest = 0
        self._next: int | None = None
        self._writers: frozenset[str] = frozenset()
        self._settled = False
        self.position = 0
        """Entries are to be taken from above it."""

    async def look(self, connection: Any) -> None:
        """Takes a look, if it is time. MUST be called outside any transaction, and not while one takes."""
        now = self._monotonic()
        if now - self._looked_at < self._look_seconds:
            return
        self._looked_at = now
        newest = await connection.fetchval(_NEWEST)
        if (newest or 0) < self._highest:
            # Somebody had the positions begin anew.
            self._highest, self._next, self.position = 0, None, 0
        if self._next is None and self._highest > self.position:
            self._next = self._highest
            self._writers = await self._adding(connection)
            self._settled = not self._writers
        elif self._next is not None and not self._settled:
            self._settled = self._writers.isdisjoint(await self._adding(connection))

    def taken(self, highest: int, *, everything: bool) -> None:
        """Notes that entries up to this position were taken, and that it is committed.

        `everything` says that all that was visible above the floor was taken.
        """
        self._highest = max(self._highest, highest)
        if self._next is not None and self._settled and everything:
            self.position, self._next = self._next, None

    async def _adding(self, connection: Any) -> frozenset[str]:
        return frozenset(row[0] for row in await connection.fetch(_WRITERS))
