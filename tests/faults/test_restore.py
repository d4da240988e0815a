"""A database restored to an earlier state under a newer guard: what is signed there would fork the log."""

import asyncio
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import pytest

from server.storage.log_connection import driver_url
from tests.faults.agency import AT_ONCE, Agency
from tests.faults.register import ENTITY, PERSON
from tests.faults.scene import Replica, Scene, eventually
from tests.faults.told import Told
from tests.postgres import copied_database

pytestmark = [pytest.mark.faults, pytest.mark.hsm]

ALARM: Mapping[str, object] = {
    "level": "critical",
    "event": "ALARM: the database does not extend the last signed tree; nothing is signed",
    "trouble": "FORK_REFUSED",
}


async def test_a_restored_database_is_not_signed_and_the_right_one_still_is(
    scene: Scene, postgres_url: str
) -> None:
    (server,) = await scene.start("before")
    await send(server, 6, scene.told)
    await scene.stop(server)
    with copied_database(postgres_url, scene.url) as short, copied_database(postgres_url, scene.url) as long:
        (server,) = await scene.start("after")
        await send(server, 6, scene.told)
        await scene.balance()
        await scene.stop(server)
        guard = scene.guard.read_bytes()

        # One copy stays behind the guard, one outgrows it with another history.
        (smaller,), (larger,) = await asyncio.gather(
            scene.start("smaller", url=short), scene.start("larger", url=long)
        )
        for replica, url, letters in ((smaller, short, 2), (larger, long, 20)):
            published = await checkpoints(url)
            answers = await send(replica, letters, Told())
            await eventually(functools.partial(replica.said, **ALARM))
            # It goes on taking in, however long that lasts, and still signs nothing.
            answers += await send(replica, 2, Told(), name="later")
            assert answers == [()] * (letters + 2)
            assert await checkpoints(url) == published
            assert scene.guard.read_bytes() == guard
        await scene.stop(smaller, larger)

    assert scene.guard.read_bytes() == guard
    (server,) = await scene.start("right")
    await send(server, 4, scene.told, name="right")
    await scene.repeat_everything()
    await scene.balance()
    assert scene.guard.read_bytes() != guard
    assert not server.said(level="critical")


async def send(replica: Replica, letters: int, told: Told, name: str = "") -> list[Sequence[bytes]]:
    """Submits letters through one replica; returns the receipts of each, of which nobody waits for long."""
    agency = Agency(f"{replica.name}-{name}", [replica], told)
    asked = [agency.letter((PERSON, ENTITY)[number % 2]) for number in range(letters)]
    accepted = [outcome.accepted for outcome in await agency.send(asked, wait=AT_ONCE) if outcome.accepted]
    assert len(accepted) == letters
    return [tuple(receipt.tlog_proof for receipt in each.receipts) for each in accepted]


async def checkpoints(url: str) -> Sequence[Any]:
    """Returns what is published."""
    connection = await asyncpg.connect(driver_url(url))
    try:
        published: Sequence[Any] = await connection.fetch(
            "SELECT size, note FROM log_checkpoints ORDER BY size"
        )
    finally:
        await connection.close()
    return published
