"""Those who wait for receipts: they get what there is, in time, and nothing that a stranger would refuse."""

import asyncio
import itertools
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from server.domain.refusals import EvidenceCorrupt
from server.transparency.settings import Pace
from tests.integration.transparency.conftest import PATIENCE_SECONDS, World, eventually


async def test_who_waits_in_vain_gets_what_there_is(world: World) -> None:
    async with world.replica() as service:
        facts = await world.ledger.record(3)
        absent = {uuid4(): b"never recorded"}
        await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
        receipts = await service.log.receipts({**facts, **absent}, wait_seconds=0.2)
        assert receipts.keys() == facts.keys()
        assert await service.log.receipts(absent, wait_seconds=0) == {}
        assert (await service.log.receipts(facts, wait_seconds=0)).keys() == facts.keys()
        assert await service.log.receipts({}, wait_seconds=PATIENCE_SECONDS) == {}


async def test_cancelling_one_who_waits_leaves_the_others(world: World) -> None:
    signer = world.signer()
    signer.away = True
    async with world.replica(world.shard(signer), pace=Pace(retry_longest=0.2)) as service:
        facts = await world.ledger.record(30)
        waiting = [
            asyncio.create_task(service.log.receipts({each: document}, wait_seconds=PATIENCE_SECONDS))
            for each, document in facts.items()
        ]
        await signer.refused.wait()
        for task in waiting[::3]:
            task.cancel()
        signer.away = False
        done = await asyncio.gather(*waiting, return_exceptions=True)
    for number, outcome in enumerate(done):
        if number % 3 == 0:
            assert isinstance(outcome, asyncio.CancelledError)
        else:
            assert not isinstance(outcome, BaseException)
            assert len(outcome) == 1
            world.verify(outcome)


async def test_every_replica_serves_those_who_wait_at_it(world: World) -> None:
    async with world.replica() as one, world.replica() as other:
        facts = await world.ledger.record(40)
        services = itertools.cycle([one, other])
        one.log.wake()
        outcomes = await asyncio.gather(
            *(
                service.log.receipts({each: document}, wait_seconds=PATIENCE_SECONDS)
                for service, (each, document) in zip(services, facts.items(), strict=False)
            )
        )
    for outcome in outcomes:
        world.verify(outcome)
    assert {each for outcome in outcomes for each in outcome} == facts.keys()


async def test_a_document_that_was_altered_gets_no_receipt_but_an_alarm(world: World) -> None:
    async with world.replica() as service:
        facts = await world.ledger.record(3)
        await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
        altered = next(iter(facts))
        with capture_logs() as logs, pytest.raises(EvidenceCorrupt) as refused:
            await service.log.receipts({altered: facts[altered] + b" "}, wait_seconds=0)
        assert refused.value.metadata == {"evidence": str(altered)}
    alarms = [entry for entry in logs if entry["log_level"] == "critical"]
    assert [entry["evidence_id"] for entry in alarms] == [str(altered)]


async def test_a_tile_that_was_altered_gives_no_wrong_receipt(world: World) -> None:
    async with world.replica() as service:
        facts = await world.ledger.record(3, at_once=3)
        receipts = await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
        connection = await world.ledger.connect()
        # The third leaf's hash: its own proof does not need it, the others' do.
        await connection.execute(
            "UPDATE log_tiles SET hashes = set_byte(hashes, 64, get_byte(hashes, 64) # 1)"
        )
        await connection.close()
        # Who has verified the others' hashes before still gives out what is right; who has not must not.
        assert await service.log.receipts(facts, wait_seconds=0) == receipts
        async with world.replica() as other:
            for each, receipt in receipts.items():
                asked = {each: facts[each]}
                if receipt.leaf_index == 2:
                    assert await other.log.receipts(asked, wait_seconds=0) == {each: receipt}
                else:
                    with pytest.raises(EvidenceCorrupt):
                        await other.log.receipts(asked, wait_seconds=0)


async def test_those_who_wait_are_woken_by_the_signal_long_before_they_look_by_themselves(
    world: World,
) -> None:
    pace = Pace(receipt_poll=10 * PATIENCE_SECONDS)
    async with world.replica(pace=pace) as service:
        await eventually(lambda: service.status.leading)
        for _ in range(3):
            facts = await world.ledger.record(2)
            service.log.wake()
            receipts = await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
            assert receipts.keys() == facts.keys()


async def test_those_who_wait_look_by_themselves_when_signals_are_lost(world: World) -> None:
    async with world.replica(pace=Pace(receipt_poll=0.05)) as service:
        facts = await world.ledger.record(2)
        # Nobody wakes the leader, which polls.
        receipts = await service.log.receipts(facts, wait_seconds=PATIENCE_SECONDS)
        assert receipts.keys() == facts.keys()
