"""A caller that leaves in the middle of a call: neighbours notice nothing, its request has one outcome."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from namak.client import Patience
from namak.errors import DeadlineExceeded
from server.storage.log_connection import driver_url
from tests.faults.agency import LONG_TRY, Agency
from tests.faults.register import ENTITY, PERSON
from tests.faults.scene import PATIENCE_SECONDS, Scene, eventually

pytestmark = [pytest.mark.faults, pytest.mark.hsm]

HURRIED = Patience(total=3.0, first_pause=60.0)
"""One try of 1.5 s, time enough to get in and too little to get out."""

_HOLD = """
SELECT 1 FROM mailbox_heads JOIN mailboxes ON mailboxes.id = mailbox_id WHERE address = $1
FOR UPDATE OF mailbox_heads
"""
_WAITING = """
SELECT count(*) FROM pg_locks
WHERE NOT granted AND waitstart < clock_timestamp() - interval '0.7 seconds'
"""
# Longer than what a group waits for a lock: after that each call is tried alone, but for those who have left.
_TAKEN_IN = "SELECT count(*) FROM claims WHERE request_id LIKE 'leaver-%'"


@dataclass
class HeldMailbox:
    """A mailbox into which nothing can be laid now."""

    connection: Any

    async def waits(self, transactions: int) -> bool:
        """Whether so many transactions wait for it, and go on waiting."""
        return bool(await self.connection.fetchval(_WAITING) >= transactions)


async def taken_in(url: str) -> int:
    """Returns how many of the leavers' letters were taken in."""
    connection = await asyncpg.connect(driver_url(url))
    try:
        return int(await connection.fetchval(_TAKEN_IN))
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def mailbox_held(url: str, address: str) -> AsyncIterator[HeldMailbox]:
    """Holds a mailbox's lock, as a slow neighbour would."""
    connection = await asyncpg.connect(driver_url(url))
    try:
        async with connection.transaction():
            assert await connection.fetchval(_HOLD, address) == 1
            yield HeldMailbox(connection)
    finally:
        await connection.close()


async def test_callers_who_leave_in_the_middle_disturb_nobody(scene: Scene) -> None:
    scene.patience = LONG_TRY
    (server,) = await scene.start("one")
    agency = Agency("leaver", scene.replicas, scene.told)
    cancelled, late = agency.letter(PERSON), agency.letter(PERSON)
    batch = [agency.letter(PERSON), agency.letter(PERSON)]
    async with scene.sending("neighbour", recipients=[ENTITY]):
        await scene.more_answers(3)
        async with mailbox_held(scene.url, PERSON) as held:
            alone = asyncio.create_task(server.client.deliveries.submit(cancelled))
            together = asyncio.create_task(server.client.deliveries.submit_many(batch))
            await eventually(lambda: held.waits(2))
            alone.cancel()
            together.cancel()
            async with scene.client(server.process.address, HURRIED) as client:
                with pytest.raises(DeadlineExceeded):
                    await client.deliveries.submit(late)
            # What no transaction had taken when its caller left is dropped, and counts for nothing.
            taken = 4 if await held.waits(3) else 3
            # Whoever has nothing to do with that mailbox is answered while it is held.
            await scene.more_answers(3)
            assert await taken_in(scene.url) == 0
        left = await asyncio.gather(alone, together, return_exceptions=True)
        assert [type(each) for each in left] == [asyncio.CancelledError] * 2
        # A commit under way belongs to nobody who waits for it.
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await taken_in(scene.url) < taken:
                await scene.more_answers(1)
    assert scene.told.failures == []
    for letters in ([cancelled], [late], batch):
        assert all(outcome.accepted for outcome in await agency.send(letters))
    await scene.repeat_everything()
    await scene.balance()
