"""Timestamped receipts are given to who asks for them, and to nobody else."""

import asyncio
from dataclasses import replace

import pytest

from server.domain.refusals import (
    ResourceNotPermitted,
    ServiceUnavailable,
    TimestampsNotOffered,
    WitnessesNotOffered,
)
from server.usecases.evidence import GetReceipt
from tests.unit.usecases.test_showing_evidence import fact, world
from tests.unit.usecases.world import World

__all__ = ["world"]


async def asking(world: World) -> GetReceipt:
    await world.delivered()
    return GetReceipt(world.agency, fact(world, "ContentConsignment").id, 1.5, timestamped=True)


async def test_who_wants_a_timestamped_receipt_gets_no_other(world: World) -> None:
    asked = await asking(world)
    world.timestamped.active = True
    assert await world.evidence.receipt(asked) is None
    world.timestamped.stamped.add(asked.evidence_id)
    receipt = await world.evidence.receipt(asked)
    assert receipt is not None
    assert [each.authority for each in receipt.timestamps] == ["tsa"]
    assert world.timestamped.waited == [1.5, 1.5]
    with pytest.raises(ResourceNotPermitted):
        await world.evidence.receipt(replace(asked, caller=world.bob))


async def test_nobody_else_is_given_one_or_waits_for_it(world: World) -> None:
    asked = await asking(world)
    world.timestamped.active = True
    world.timestamped.stamped.add(asked.evidence_id)
    receipt = await world.evidence.receipt(replace(asked, timestamped=False))
    assert receipt is not None
    assert (receipt.timestamps, world.timestamped.waited) == ((), [])


async def test_where_nobody_stamps_only_what_was_stamped_before_is_had(world: World) -> None:
    asked = await asking(world)
    with pytest.raises(TimestampsNotOffered):
        await world.evidence.receipt(asked)
    with pytest.raises(ResourceNotPermitted):
        await world.evidence.receipt(replace(asked, caller=world.bob))
    world.timestamped.stamped.add(asked.evidence_id)
    receipt = await world.evidence.receipt(asked)
    assert receipt is not None
    assert receipt.timestamps


async def test_where_there_are_no_witnesses_nobody_waits_for_a_receipt_with_both(world: World) -> None:
    asked = replace(await asking(world), witnessed=True)
    world.timestamped.active = True
    world.timestamped.stamped.add(asked.evidence_id)
    with pytest.raises(WitnessesNotOffered):
        await world.evidence.receipt(asked)
    assert world.timestamped.waited == [0.0]
    world.witnessed.active = True
    assert await world.evidence.receipt(asked) is None
    world.timestamped.witnessed.add(asked.evidence_id)
    receipt = await world.evidence.receipt(asked)
    assert receipt is not None
    assert receipt.witnessed
    assert receipt.timestamps
    assert world.timestamped.waited == [0.0, 1.5, 1.5]


async def test_a_log_that_does_not_answer_in_time_has_no_timestamped_receipt_yet(world: World) -> None:
    asked = await asking(world)
    world.timestamped.away = True
    with pytest.raises(ServiceUnavailable):
        await world.evidence.receipt(asked)
    too_late = asyncio.get_running_loop().time() - 1
    assert await world.evidence.receipt(replace(asked, reply_by=too_late)) is None
