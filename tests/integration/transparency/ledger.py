"""Records facts the way storage does, and reads the log's tables for what must be true of them."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from namak.evidence.tree import leaf_hash, root_of
from server.storage.log_connection import driver_url


@dataclass
class Ledger:
    """One database seen from outside."""

    url: str
    recorded: dict[UUID, bytes] = field(default_factory=dict)

    async def connect(self) -> Any:
        return await asyncpg.connect(driver_url(self.url))

    async def record(self, count: int, at_once: int = 50) -> Mapping[UUID, bytes]:
        """Commits that many queued facts, several a transaction; returns identifiers and documents."""
        facts = {uuid4(): b'{"fact": "' + os.urandom(8).hex().encode() + b'"}' for _ in range(count)}
        rows = [(each, hashlib.sha256(document).digest()) for each, document in facts.items()]
        connection = await self.connect()
        try:
            for first in range(0, count, at_once):
                async with connection.transaction():
                    await connection.executemany(
                        "INSERT INTO log_queue (evidence_id, entry) VALUES ($1, $2)",
                        rows[first : first + at_once],
                    )
        finally:
            await connection.close()
        self.recorded.update(facts)
        return facts

    async def rows(self, statement: str, *values: object) -> Sequence[Any]:
        connection = await self.connect()
        try:
            found: Sequence[Any] = await connection.fetch(statement, *values)
            return found
        finally:
            await connection.close()

    async def value(self, statement: str, *values: object) -> Any:
        return (await self.rows(statement, *values))[0][0]

    async def terminate(self, application: str) -> int:
        """Ends the backends of one kind of connection; returns how many there were."""
        statement = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = $1"
        )
        return len(await self.rows(statement, application))

    async def check(self, origin: str) -> int:
        """Asserts that the shard is one log in which each fact is once; returns its size."""
        entries = await self.rows(
            "SELECT leaf_index, entry, evidence_id FROM log_entries WHERE origin = $1 ORDER BY leaf_index",
            origin,
        )
        assert [row["leaf_index"] for row in entries] == list(range(len(entries)))
        assert len({row["evidence_id"] for row in entries}) == len(entries)
        leaves = [leaf_hash(row["entry"]) for row in entries]
        for row in await self.rows("SELECT size, root FROM log_trees WHERE origin = $1", origin):
            assert row["root"] == root_of(leaves[: row["size"]])
        return len(entries)

    async def check_complete(self, origin: str) -> None:
        """Asserts besides that everything that was recorded is in, and published."""
        size = await self.check(origin)
        logged = await self.rows("SELECT evidence_id, entry FROM log_entries WHERE origin = $1", origin)
        assert {row["evidence_id"]: row["entry"] for row in logged} == {
            each: hashlib.sha256(document).digest() for each, document in self.recorded.items()
        }
        assert await self.value("SELECT count(*) FROM log_queue") == 0
        assert await self.value("SELECT published_size FROM log_heads WHERE origin = $1", origin) == size
