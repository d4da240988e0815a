"""The whole post goes over to another shard of its log: calls and streams go on, and nobody notices."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from namak.client import Client
from namak.client.watching import beginning
from namak.evidence.note import vkey
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.tlog_proof import TlogProof
from server.bootstrap_log import shard_rotation
from server.dev.world import ORIGIN, World
from server.domain.administration import CommandLine
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.rotation import AnnounceShard
from tests.postgres import copied_database, database_called
from tests.system.post import RECEIPTS, Agency, Citizen, Post, running_post

NEXT = "log.e-citizen.am/2027"
LABEL = "namak-log-2027"
PATIENCE = 60.0
LETTERS = 12
FACTS = 2 * (2 * LETTERS + 1)


def settings_of_the_next_shard(world: World, directory: Path) -> str:
    token = world.log_token
    return (
        f'\n[log.next]\norigin = "{NEXT}"\nguard = "{directory / "2027.note"}"\n'
        f'\n[log.next.key]\nmodule = "{token.module}"\ntoken = "{token.label}"\nlabel = "{LABEL}"\n'
        f'pin_file = "{token.pin_file}"\nsofthsm_config = "{token.configuration}"\n'
    )


async def announce(post: Post, key: str) -> None:
    """Announces the next shard, as the command does."""
    database = Database(post.database_url, pool_size=2)
    try:
        rotation = shard_rotation(post.servers[0].settings, SqlUnitOfWork(database))
        await rotation.announce(AnnounceShard(CommandLine(), "rotate-2027", ORIGIN, NEXT, key))
    finally:
        await database.dispose()


async def watched(client: Client) -> list[Any]:
    """Watches from the beginning until all the letters' facts came."""
    facts: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        async with aclosing(client.deliveries.watch(beginning(), with_receipts=True)) as replies:
            async for reply in replies:
                facts += reply.facts
                if len(facts) >= FACTS:
                    return facts
    raise AssertionError("the stream ended")


async def send(client: Client, agency: Agency, citizen: Citizen, under_way: asyncio.Event) -> list[bytes]:
    """Sends letters, one after the other; returns the receipts that came with the answers."""
    receipts: list[bytes] = []
    for number in range(LETTERS):
        if number == LETTERS // 3:
            under_way.set()
        accepted = await client.deliveries.submit(agency.letter(citizen.address), max_receipt_wait=RECEIPTS)
        assert len(accepted.receipts) == 2
        receipts += [receipt.tlog_proof for receipt in accepted.receipts]
    return receipts


@pytest.mark.hsm
async def test_calls_and_streams_go_on_while_the_log_goes_over_to_another_shard(
    world: World, postgres_url: str, template_database: str, tmp_path: Path
) -> None:
    key = vkey(NEXT, world.log_token.generate_log_key(LABEL))
    policy = TlogPolicy.parse(f"log {world.log_vkey}\nlog {key}\nquorum none\n".encode())
    more = settings_of_the_next_shard(world, tmp_path)
    with copied_database(postgres_url, database_called(postgres_url, template_database)) as url:
        async with running_post(world, url, tmp_path / "2026.note", more_settings=more) as post:
            second = await post.start()
            agency, citizen = await post.agency(), await post.citizen()
            there = await post.client(agency.identity, address=second.address)
            streams = [asyncio.create_task(watched(client)) for client in (agency.client, there)]
            under_way = asyncio.Event()
            sending = [
                asyncio.create_task(send(client, agency, citizen, under_way))
                for client in (agency.client, there)
            ]
            await asyncio.wait_for(under_way.wait(), PATIENCE)
            await announce(post, key)
            receipts = [receipt for sent in await asyncio.gather(*sending) for receipt in sent]
            last = await there.deliveries.submit(agency.letter(citizen.address), max_receipt_wait=RECEIPTS)
            receipts += [receipt.tlog_proof for receipt in last.receipts]
            told = list(await asyncio.gather(*streams))
            # Who comes after the rotation is shown what was before it, too.
            told.append(await watched(agency.client))
            status = await agency.client.evidence.log_status()
            former = await agency.client.evidence.checkpoint(ORIGIN)
    origins = [policy.check(TlogProof.parse(receipt).checkpoint).checkpoint.origin for receipt in receipts]
    assert (len(origins), set(origins), origins[-1]) == (FACTS, {ORIGIN, NEXT}, NEXT)
    for facts in told:
        assert len({fact.evidence.document for fact in facts}) == len(facts) == FACTS
        for fact in facts:
            policy.check(TlogProof.parse(fact.receipt.tlog_proof).checkpoint)
    assert [(shard.origin, shard.successor) for shard in status.shards] == [(NEXT, ""), (ORIGIN, NEXT)]
    assert status.shards[1].HasField("freeze_time")
    end = policy.check(former.checkpoint).checkpoint
    assert (end.origin, end.size) == (ORIGIN, status.shards[1].tree_size)
