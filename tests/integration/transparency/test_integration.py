"""Facts that many connections queue at once come into one log, each exactly once."""

import asyncio

from server.transparency.settings import Pace
from tests.integration.transparency.conftest import ORIGIN, World
from tests.integration.transparency.signers import signed_roots


async def test_thousands_of_facts_from_several_connections_are_in_the_log_exactly_once(world: World) -> None:
    async with world.replica() as service:
        batches = await asyncio.gather(*(world.ledger.record(600, at_once=7) for _ in range(5)))
        service.log.wake()
        for batch in batches:
            receipts = await service.log.receipts(batch, wait_seconds=60)
            assert receipts.keys() == batch.keys()
    await world.ledger.check_complete(ORIGIN)
    assert all(len(roots) == 1 for roots in signed_roots(world.journal, ORIGIN).values())


async def test_a_receipt_convinces_a_stranger(world: World) -> None:
    async with world.replica() as service:
        for count in (1, 2, 255, 300):
            facts = await world.ledger.record(count)
            service.log.wake()
            receipts = await service.log.receipts(facts, wait_seconds=60)
            assert receipts.keys() == facts.keys()
            world.verify(receipts)


async def test_facts_of_one_transaction_stand_in_the_order_of_recording(world: World) -> None:
    async with world.replica() as service:
        facts = await world.ledger.record(40, at_once=40)
        receipts = await service.log.receipts(facts, wait_seconds=60)
    indexes = [receipts[each].leaf_index for each in facts]
    assert indexes == list(range(indexes[0], indexes[0] + 40))


async def test_a_tree_adds_no_more_than_a_batch(world: World) -> None:
    facts = await world.ledger.record(4500, at_once=500)
    async with world.replica(pace=Pace(batch=2000, batch_most=2000)) as service:
        assert len(await service.log.receipts(facts, wait_seconds=60)) == 4500
    sizes = [row["size"] for row in await world.ledger.rows("SELECT size FROM log_trees ORDER BY size")]
    assert sizes == [2000, 4000, 4500]


async def test_the_newest_checkpoint_is_served_by_every_replica(world: World) -> None:
    async with world.replica() as one, world.replica() as other:
        assert await one.log.checkpoint() is None
        facts = await world.ledger.record(3)
        await other.log.receipts(facts, wait_seconds=60)
        checkpoint = await one.log.checkpoint()
        assert checkpoint is not None
        assert checkpoint == await other.log.checkpoint(ORIGIN)
        assert (checkpoint.size, one.log.vkey) == (3, other.log.vkey)
        assert await one.log.checkpoint("log.example.am/1999") is None
