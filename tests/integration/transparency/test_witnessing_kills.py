"""A server that is killed while its checkpoints are witnessed: all are in the end, by one history."""

import asyncio
import contextlib
import hashlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import UUID

from structlog.testing import capture_logs

from namak.evidence.note import parse_note
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from server.gateways.witnesses import HttpWitnesses
from server.storage.log import log_storage
from server.transparency.service import TransparencyService
from tests import forking
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, WallClock, World, eventually
from tests.integration.transparency.test_witnessed import ours, strict
from tests.integration.transparency.witnessing_process import Moment, terms

WAITS = "SELECT count(*) FROM pg_locks WHERE relation = 'log_witnessed'::regclass AND NOT granted"
WITNESSED = "SELECT size, note FROM log_witnessed WHERE origin = $1 ORDER BY size"


@contextlib.asynccontextmanager
async def victim(world: World, policy: Path, moment: Moment) -> AsyncIterator[forking.Forked]:
    key = world.directory / "key"
    key.write_bytes(world.secret)
    # It ends with its input.
    theirs, mine = os.pipe()
    module = "tests.integration.transparency.witnessing_process"
    process = forking.start(
        module, world.ledger.url, world.directory, key, policy, moment.value, given=theirs
    )
    os.close(theirs)
    try:
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        os.close(mine)


@contextlib.asynccontextmanager
async def storing_takes_long(world: World) -> AsyncIterator[None]:
    """Holds up whoever writes witnessed checkpoints; yields once somebody does."""
    connection = await world.ledger.connect()
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE log_witnessed IN SHARE MODE")
            yield
    finally:
        await connection.close()


async def killed(world: World, policy: Path, moment: Moment) -> None:
    """Runs a server until it is killed at that moment."""
    async with contextlib.AsyncExitStack() as stack:
        if moment is Moment.STORING:
            await stack.enter_async_context(storing_takes_long(world))
        process = await stack.enter_async_context(victim(world, policy, moment))
        if moment is Moment.STORING:
            await eventually(lambda: _waits(world))
            process.kill()
        assert await asyncio.to_thread(process.wait, PATIENCE_SECONDS) == -signal.SIGKILL


async def _waits(world: World) -> bool:
    return bool(await world.ledger.value(WAITS))


async def gone_on(world: World, policy: bytes, facts: Mapping[UUID, bytes]) -> None:
    """Asserts that the next server gives each fact a receipt that the quorum witnessed."""
    client = HttpWitnesses(seconds=PATIENCE_SECONDS)
    service = TransparencyService(
        *([world.shard()], log_storage(world.ledger.url)), clock=WallClock(), witnesses=terms(policy, client)
    )
    await service.start()
    verifiers = TlogPolicy.parse(f"log {world.shard().vkey}\n".encode() + policy)
    try:
        for fact_id, document in facts.items():
            receipt = await service.witnessed.receipt(
                fact_id, document, wait_seconds=PATIENCE_SECONDS, reply_by=float("inf")
            )
            assert receipt is not None
            proof = TlogProof.parse(receipt.tlog_proof)
            assert proof.verify(hashlib.sha256(document).digest(), verifiers).quorum_met
    finally:
        await service.stop(5.0)
        await client.close()


async def test_killed_at_any_moment_it_goes_on_and_every_leaf_is_witnessed(
    world: World, tmp_path: Path
) -> None:
    shard, policy = world.shard(), tmp_path / "policy"
    async with ours(tmp_path / "w", shard) as (first, at_first), strict(shard) as (second, at_second):
        policy.write_text(
            f"witness a {first} {at_first}\nwitness b {second} {at_second}\ngroup both all a b\nquorum both\n"
        )
        stored_by_victim = {}
        for moment in Moment:
            facts = await world.ledger.record(3)
            before = len(await world.ledger.rows(WITNESSED, ORIGIN))
            await killed(world, policy, moment)
            if moment is not Moment.STORING:
                # What the killed one had told the database comes about later, if at all.
                stored_by_victim[moment] = len(await world.ledger.rows(WITNESSED, ORIGIN)) - before
            with capture_logs() as logs:
                await gone_on(world, policy.read_bytes(), facts)
            assert [line for line in logs if line["log_level"] in ("error", "critical")] == [], moment
        assert stored_by_victim == {each: int(each is Moment.STORED) for each in stored_by_victim}
        # The witnesses saw one history of all that was ever signed: they refuse any other.
        facts = dict(await world.ledger.record(1))
        await gone_on(world, policy.read_bytes(), {**world.ledger.recorded, **facts})

    verifiers = TlogPolicy.parse(f"log {shard.vkey}\n".encode() + policy.read_bytes())
    rows = await world.ledger.rows(WITNESSED, ORIGIN)
    assert [row["size"] for row in rows] == [3, 6, 9, 12, 15, 16]
    for row in rows:
        checked = verifiers.check(row["note"])
        assert checked.checkpoint.size == row["size"]
        assert len(parse_note(row["note"]).signatures) == 3
    await world.ledger.check_complete(ORIGIN)
