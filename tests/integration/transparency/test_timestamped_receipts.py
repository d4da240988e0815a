"""Timestamped receipts of the running log: real authorities, a real database, and `openssl` to verify."""

import asyncio
import contextlib
import hashlib
import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from namak.evidence.tlog_proof import TlogProof
from server.domain.refusals import EvidenceCorrupt
from server.storage.log import log_storage
from server.storage.log_connection import driver_url
from server.storage.log_timestamps import _FIRST_WITNESSED_OVER
from server.transparency.ports import WitnessedTree
from server.transparency.service import TransparencyService
from server.transparency.timestamp_link import TimestampTerms
from server.transparency.timestamp_ports import LogTimestamp
from server.transparency.witness_link import WitnessTerms
from server.usecases.records import LoggedReceipt
from tests.integration.timestamps.authority import OpensslAuthority
from tests.integration.transparency.conftest import (
    ORIGIN,
    PATIENCE_SECONDS,
    WallClock,
    World,
    eventually,
    verify_receipt,
)
from tests.integration.transparency.test_timestamps import needs_openssl, stamped_by
from tests.integration.transparency.test_witnessed import witnesses


@contextlib.asynccontextmanager
async def running(
    world: World, timestamps: TimestampTerms | None, witnessing: WitnessTerms | None = None
) -> AsyncIterator[TransparencyService]:
    storage = log_storage(world.ledger.url)
    service = TransparencyService(
        [world.shard()], storage, clock=WallClock(), witnesses=witnessing, timestamps=timestamps
    )
    await service.start()
    try:
        yield service
    finally:
        await service.stop(5.0)


async def timestamped(
    service: TransparencyService,
    facts: Mapping[UUID, bytes],
    *,
    wait: float = PATIENCE_SECONDS,
    only_witnessed: bool = False,
) -> LoggedReceipt | None:
    evidence_id, document = next(iter(facts.items()))
    return await service.timestamped.receipt(
        evidence_id,
        document,
        wait_seconds=wait,
        reply_by=math.inf,
        witnessed=only_witnessed,
    )


@needs_openssl
async def test_a_timestamped_receipt_comes_by_itself_on_every_replica(world: World, tmp_path: Path) -> None:
    authority = OpensslAuthority.made(tmp_path / "tsa")
    async with (
        stamped_by(authority) as terms,
        witnesses(world, tmp_path / "w") as (witnessing, policy),
        running(world, terms, witnessing) as first,
        running(world, terms, witnessing) as second,
    ):
        for service in (first, second):
            facts = await world.ledger.record(3)
            receipt = await timestamped(service, facts)
            assert receipt is not None
            assert receipt.witnessed
            proof = TlogProof.parse(receipt.tlog_proof)
            (token,) = receipt.timestamps
            assert token.authority == "court"
            # Over exactly the bytes with which the receipt ends.
            assert authority.verifies(token.token, proof.checkpoint)
            assert proof.extra is not None
            assert proof.verify(hashlib.sha256(proof.extra).digest(), policy).quorum_met
            assert abs((token.gen_time - datetime.now(UTC)).total_seconds()) < 60
            # Later ones change nothing.
            again = await timestamped(service, facts, wait=0)
            assert again == receipt
            with pytest.raises(EvidenceCorrupt):
                await timestamped(first, {next(iter(facts)): b"another document"})


@needs_openssl
async def test_as_many_authorities_are_wanted_as_the_settings_say(world: World, tmp_path: Path) -> None:
    authority = OpensslAuthority.made(tmp_path / "tsa")
    async with stamped_by(authority) as terms:
        (known,) = terms.authorities
        absent = replace(known, name="absent", url=f"{known.url}/absent")
        one = replace(terms, authorities=(known, absent))
        both = replace(terms, authorities=(known, replace(known, name="bar")), quorum=2)
        facts = await world.ledger.record(3)
        async with running(world, one) as service:
            receipt = await timestamped(service, facts)
            assert receipt is not None
            assert not receipt.witnessed

            async def told() -> bool:
                states = (await service.stamping.states([ORIGIN]))[ORIGIN]
                found = [(each.authority, each.size, each.trouble) for each in states]
                return found == [("absent", 0, "AUTHORITY_REFUSES"), ("court", 3, None)]

            await eventually(told)
            assert [each.authority for each in receipt.timestamps] == ["court"]
            assert await timestamped(service, facts, wait=0, only_witnessed=True) is None
        async with running(world, replace(one, quorum=2)) as service:
            assert await timestamped(service, facts, wait=0) is None
        more = await world.ledger.record(3)
        async with running(world, both) as service:
            receipt = await timestamped(service, more)
            assert receipt is not None
            assert [each.authority for each in receipt.timestamps] == ["bar", "court"]
            verify_receipt(receipt, next(iter(more.values())), world.shard().verifier)
        # Nobody waits where nobody stamps, and what was stamped before stays.
        late = await world.ledger.record(3)
        async with running(world, None) as service, asyncio.timeout(PATIENCE_SECONDS):
            assert not service.timestamped.active
            assert await timestamped(service, late, wait=3600) is None
            receipt = await timestamped(service, facts, wait=3600)
            assert receipt is not None


@needs_openssl
async def test_once_there_are_witnesses_only_witnessed_receipts_are_stamped(
    world: World, tmp_path: Path
) -> None:
    authority = OpensslAuthority.made(tmp_path / "tsa")
    async with stamped_by(authority) as terms, witnesses(world, tmp_path / "w") as (witnessing, policy):
        async with running(world, terms) as service:
            facts = await world.ledger.record(3)
            receipt = await timestamped(service, facts)
            assert receipt is not None
            assert not receipt.witnessed
        async with running(world, terms, witnessing) as service:
            receipt = await timestamped(service, facts)
            assert receipt is not None
            assert receipt.witnessed
        proof = TlogProof.parse(receipt.tlog_proof)
        assert policy.check(proof.checkpoint).quorum_met
        assert authority.verifies(receipt.timestamps[0].token, proof.checkpoint)


async def test_the_first_stamped_tree_is_found_among_very_many(database_url: str) -> None:
    storage = log_storage(database_url)
    at = datetime.now(UTC)

    async def stamp(size: int, note: bytes, *authorities: str) -> None:
        digest = hashlib.sha256(note).digest()
        for name in authorities:
            await storage.timestamps.keep(LogTimestamp(ORIGIN, size, name, digest, b"token", at, at))

    try:
        for size in (5, 9, 20):
            await storage.witnessed.keep(WitnessedTree(ORIGIN, size, b"note %d" % size, at))
        await stamp(5, b"note 5", "a")
        # Over the log's own note: none of a witnessed tree.
        await stamp(9, b"another", "a", "b")
        await stamp(20, b"note 20", "b", "a")
        found = [
            await storage.timestamped.first_over(ORIGIN, index, number, witnessed=True)
            for index, number in ((0, 1), (4, 1), (5, 1), (0, 2), (20, 1), (0, 3))
        ]
        assert [tree and tree.size for tree in found] == [5, 5, 20, 20, None, None]
        assert found[3] is not None
        assert (found[3].note, found[3].witnessed) == (b"note 20", True)
        assert [each.authority for each in found[3].timestamps] == ["a", "b"]
        assert await storage.timestamped.first_over(ORIGIN, 0, 1, witnessed=False) is None
        assert await storage.timestamped.first_over("other", 0, 1, witnessed=True) is None
        assert await _rows_looked_at(database_url) < 100
    finally:
        await storage.reader.close()


async def _rows_looked_at(database_url: str) -> float:
    """Adds a year's worth of stamped trees, and returns the most rows that any step of the plan took."""
    connection = await asyncpg.connect(driver_url(database_url))
    try:
        await connection.execute(
            f"INSERT INTO log_witnessed SELECT '{ORIGIN}', n, n::text::bytea, now()"
            " FROM generate_series(100, 40000) n"
        )
        await connection.execute(
            "INSERT INTO log_timestamps SELECT origin, name, size, sha256(note), 'x', now(), now()"
            " FROM log_witnessed, unnest(ARRAY['a', 'b', 'c']) name WHERE size >= 100"
        )
        await connection.execute("ANALYZE log_timestamps, log_witnessed")
        plan = await connection.fetch(
            f"EXPLAIN (ANALYZE, TIMING OFF) {_FIRST_WITNESSED_OVER}", ORIGIN, 9000, 2
        )
        text = "\n".join(row[0] for row in plan)
        return max(float(part.split("rows=")[1].split()[0]) for part in text.split("(actual ")[1:])
    finally:
        await connection.close()
