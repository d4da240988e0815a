"""A leader that dies or freezes between any two steps: nothing is lost, doubled, or signed twice."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.storage.log_store import LEADER_LOCK
from server.transparency.service import TransparencyService
from server.transparency.steps import Step
from tests import forking
from tests.integration.transparency.conftest import ORIGIN, PATIENCE_SECONDS, World, eventually
from tests.integration.transparency.signers import signed_roots

LOCK_IS_FREE = "SELECT pg_try_advisory_lock($1)"


@contextlib.asynccontextmanager
async def replica_that_gets(what: signal.Signals, step: Step, world: World) -> AsyncIterator[forking.Forked]:
    """Runs a replica in a process that sends itself a signal at a step; it is gone afterwards."""
    key = world.directory / "key"
    key.write_bytes(world.secret)
    arguments = (world.ledger.url, world.directory, key, str(int(what)), step.value)
    # It ends with its input.
    theirs, ours = os.pipe()
    module = "tests.integration.transparency.replica_process"
    process = forking.start(module, *arguments, given=theirs)
    os.close(theirs)
    try:
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        os.close(ours)


async def lock_is_held(world: World) -> bool:
    # Taken at most until this connection closes, which is at once.
    return not await world.ledger.value(LOCK_IS_FREE, LEADER_LOCK)


def frozen(process: forking.Forked) -> bool:
    state = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    return state == "T"


@pytest.mark.parametrize("step", list(Step))
async def test_another_leader_goes_on_after_one_was_killed(step: Step, world: World) -> None:
    facts = dict(await world.ledger.record(5))
    async with replica_that_gets(signal.SIGKILL, step, world) as victim:
        assert await asyncio.to_thread(victim.wait, PATIENCE_SECONDS) == -signal.SIGKILL
    facts.update(await world.ledger.record(5))
    async with world.replica() as service:
        receipts = await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
    assert receipts.keys() == facts.keys()
    world.verify(receipts)
    await world.ledger.check_complete(ORIGIN)
    assert all(len(roots) == 1 for roots in signed_roots(world.journal, ORIGIN).values())
    committed_before_death = step is not Step.INTEGRATED_IN_TRANSACTION
    sizes = [row["size"] for row in await world.ledger.rows("SELECT size FROM log_trees ORDER BY size")]
    # A committed tree is finished as it is; one that was not committed never was.
    assert sizes == ([5, 10] if committed_before_death else [10])
    checkpoints = await world.ledger.rows("SELECT size FROM log_checkpoints ORDER BY size")
    assert [row["size"] for row in checkpoints] == sizes


@pytest.mark.parametrize("step", [Step.INTEGRATED_IN_TRANSACTION, Step.SIGNED, Step.GUARDED])
async def test_a_frozen_leader_loses_the_lock_and_does_no_harm_when_it_thaws(
    step: Step, world: World
) -> None:
    facts = dict(await world.ledger.record(5))
    async with replica_that_gets(signal.SIGSTOP, step, world) as victim:
        await eventually(lambda: frozen(victim))
        async with world.replica() as service:
            facts.update(await world.ledger.record(5))
            receipts = await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
            assert receipts.keys() == facts.keys()
            before = world.guard_path.read_bytes()
            victim.send_signal(signal.SIGCONT)
            late = await world.ledger.record(3)
            more = await service.log.receipts(late, wait_seconds=PATIENCE_SECONDS)
            assert more.keys() == late.keys()
        # The thawed one is a candidate like any other, and leads again once it may.
        last = await world.ledger.record(2)
        await eventually(lambda: published_up_to(world, 15))
        assert victim.poll() is None
    assert world.guard_path.read_bytes() != before
    await world.ledger.check_complete(ORIGIN)
    assert all(len(roots) == 1 for roots in signed_roots(world.journal, ORIGIN).values())
    async with world.replica() as service:
        world.verify(await service.log.receipts({**facts, **late, **last}, wait_seconds=PATIENCE_SECONDS))


async def published_up_to(world: World, size: int) -> bool:
    return bool(await world.ledger.value("SELECT max(published_size) FROM log_heads") == size)


async def test_of_two_replicas_one_leads_and_the_other_takes_over(world: World) -> None:
    async with world.replica() as second:
        async with world.replica() as first:
            await eventually(lambda: first.status.leading or second.status.leading)
            leading, standing_by = (first, second) if first.status.leading else (second, first)
            await assert_serve_both(world, leading, standing_by)
            assert not standing_by.status.leading
        facts = await world.ledger.record(3)
        assert len(await second.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 3
        assert second.status.leading
    assert not await lock_is_held(world)
    await world.ledger.check_complete(ORIGIN)


async def assert_serve_both(world: World, *services: TransparencyService) -> None:
    for service in services:
        facts = await world.ledger.record(4)
        service.log.wake()
        assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 4


async def test_a_leader_whose_connection_is_ended_loses_the_lock_and_stands_again(world: World) -> None:
    async with world.replica() as service:
        await eventually(lambda: service.status.leading)
        assert await lock_is_held(world)
        assert await world.ledger.terminate("namak log leader") == 1
        facts = await world.ledger.record(3)
        assert len(await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)) == 3
        assert service.status.leading
    await world.ledger.check_complete(ORIGIN)
