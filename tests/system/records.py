"""What the database holds: counted, waited for, and changed past the server where no rpc can yet."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

TABLES = (
    "organisations",
    "domains",
    "sender_addresses",
    "certificate_bindings",
    "administrators",
    "administrative_acts",
    "mailboxes",
    "mailbox_links",
    "claims",
    "refusals",
    "deliveries",
    "parts",
    "openings",
    "statements",
    "confirmations",
    "evidence",
    "revocation_lists",
)
_COUNTS = "SELECT " + ", ".join(f"(SELECT count(*) FROM {name}) AS {name}" for name in TABLES)
_SECONDS = 60.0


class Records:
    """A connection to the post's database beside the server's own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, url: str) -> AsyncIterator[Self]:
        engine = create_async_engine(url, poolclass=NullPool)
        try:
            yield cls(engine)
        finally:
            await engine.dispose()

    async def rows(self, statement: str, **values: Any) -> Sequence[Any]:
        """Returns what a query finds, or what a command returns; commits."""
        async with self._engine.begin() as connection:
            result = await connection.execute(text(statement), values)
            return result.all() if result.returns_rows else ()

    async def counts(self) -> dict[str, int]:
        """Returns how many rows each table has, at one moment."""
        (row,) = await self.rows(_COUNTS)
        return dict(row._mapping)

    @contextlib.asynccontextmanager
    async def grow_by(self, **expected: int) -> AsyncIterator[None]:
        """Asserts that within the block exactly so many rows were added to these tables, and none to any
        other; without arguments: that nothing was stored.
        """
        before = await self.counts()
        yield
        after = await self.counts()
        added = {name: after[name] - before[name] for name in TABLES if after[name] != before[name]}
        assert added == expected, f"{added} instead of {expected}"

    @contextlib.asynccontextmanager
    async def grow_by_a_refusal(self) -> AsyncIterator[None]:
        """Asserts that within the block exactly one rejection was recorded, under its request id."""
        async with self.grow_by(claims=1, refusals=1, evidence=1):
            yield

    async def evidence(self, evidence_id: str) -> tuple[str, bytes]:
        """Returns the event's URI and the stored bytes of one piece of evidence."""
        ((event, document),) = await self.rows(
            "SELECT event, document FROM evidence WHERE id = CAST(:id AS uuid)", id=evidence_id
        )
        return event, document

    async def set_mailbox_state(self, address: str, state: str) -> None:
        """Suspends or closes a mailbox."""
        changed = await self.rows(
            "UPDATE mailboxes SET state = :state WHERE address = :address RETURNING id",
            state=state,
            address=address,
        )
        assert len(changed) == 1

    async def all_logged(self) -> None:
        """Waits until all evidence stands under a published checkpoint; each piece must be there exactly
        once, by its own digest.
        """
        async with asyncio.timeout(_SECONDS):
            while await self._unlogged():  # noqa: ASYNC110 - the database has no event of its own
                await asyncio.sleep(0.02)
        entries = await self.rows("SELECT evidence_id, entry FROM log_entries ORDER BY leaf_index")
        evidence = await self.rows("SELECT id, entry FROM evidence")
        assert len(entries) == len(evidence)
        assert dict(entries) == dict(evidence)
        indexes = [index for (index,) in await self.rows("SELECT leaf_index FROM log_entries ORDER BY 1")]
        assert indexes == list(range(len(indexes)))

    async def _unlogged(self) -> bool:
        ((waiting, behind),) = await self.rows(
            "SELECT (SELECT count(*) FROM log_queue),"
            " (SELECT coalesce(sum(integrated_size - published_size), 0) FROM log_heads)"
        )
        return bool(waiting or behind)

    @contextlib.asynccontextmanager
    async def holding(self, query: str, **values: Any) -> AsyncIterator[None]:
        """Holds the locks that a query takes, as another transaction of the server would, for the length of
        the block.
        """
        async with self._engine.begin() as connection:
            found = await connection.execute(text(query), values)
            assert found.all()
            yield

    async def somebody_waits(self) -> None:
        """Waits until a transaction of the database waits for a lock."""
        waiting = (
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        async with asyncio.timeout(_SECONDS):
            while not await self.rows(waiting):  # noqa: ASYNC110 - the database has no event of its own
                await asyncio.sleep(0.01)
