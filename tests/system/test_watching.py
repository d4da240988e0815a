"""Watching over the whole post: what becomes of letters, as it is published, on any replica."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from namak.client import Client
from namak.errors import InvalidRequest, NotAuthenticated, NotPermitted
from namak.evidence.tlog_proof import TlogProof
from namak.v1 import delivery_pb2, evidence_pb2
from tests.system.post import Post, opened, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 60.0
SENDERS = [
    "SubmissionAcceptance",
    "ContentConsignment",
    "ContentAccessTracking",
    "ReadingConfirmed",
    "NotificationEffected",
]


async def taken(replies: AsyncIterator[Any], count: int) -> tuple[list[delivery_pb2.DeliveryFact], Any]:
    """Reads until so many facts came; returns them and the last cursor."""
    facts: list[delivery_pb2.DeliveryFact] = []
    async with asyncio.timeout(PATIENCE):
        async for reply in replies:
            facts += reply.facts
            if len(facts) >= count:
                return facts, reply.cursor
    raise AssertionError("the stream ended")


def names(facts: list[delivery_pb2.DeliveryFact]) -> list[str]:
    return [fact.evidence.event.rpartition("/")[2] for fact in facts]


async def test_both_sides_see_what_becomes_of_a_letter_in_the_order_of_the_log(post: Post) -> None:
    agency, other, citizen = await post.agency(), await post.agency(), await post.citizen()
    async with (
        aclosing(agency.client.deliveries.watch(with_receipts=True)) as sent,
        aclosing(citizen.client.mailbox.watch()) as received,
    ):
        assert not (await anext(sent)).facts
        assert not (await anext(received)).facts
        await other.client.deliveries.submit(other.letter((await post.citizen()).address))
        letter = await opened(agency, citizen)
        cms = signed(citizen.card.signing, letter.statement)
        await citizen.client.mailbox.confirm(letter.delivery_id, letter.statement_id, cms)

        facts, _ = await taken(sent, 5)
        assert names(facts) == SENDERS
        assert {fact.delivery_id for fact in facts} == {letter.delivery_id}
        for fact in facts:
            receipt = TlogProof.parse(fact.receipt.tlog_proof)
            assert (receipt.extra, receipt.index) == (fact.evidence.document, fact.leaf_index)
        facts, _ = await taken(received, 4)
        assert names(facts) == SENDERS[1:]


async def test_a_stream_goes_on_at_the_other_replica(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    there = await post.client(agency.identity, address=(await post.second()).address)
    ids, found = [], []
    cursor = None
    async with aclosing(agency.client.deliveries.watch()) as replies:
        cursor = (await anext(replies)).cursor
    for client in (there, agency.client, there):
        for _ in range(2):
            accepted = await client.deliveries.submit(agency.letter(citizen.address))
            ids += [evidence.evidence_id for evidence in accepted.evidence]
        async with aclosing(client.deliveries.watch(cursor)) as replies:
            facts, cursor = await taken(replies, 4)
        found += [fact.evidence.evidence_id for fact in facts]
    assert found == ids


async def test_watching_is_neither_an_opening_nor_a_sign_in(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    await agency.client.deliveries.submit(agency.letter(citizen.address))
    async with aclosing(citizen.client.mailbox.watch()) as replies:
        end = (await anext(replies)).cursor
    before = await post.records.rows("SELECT count(*) FROM evidence")
    async with aclosing(citizen.client.mailbox.watch(start(end.origin))) as replies:
        await taken(replies, 1)
    assert await post.records.rows("SELECT count(*) FROM evidence") == before
    (message,) = [message async for message in citizen.client.mailbox.messages()]
    assert not message.HasField("opening_time")


async def test_a_stream_ends_on_the_other_replica_when_the_binding_is_revoked(post: Post) -> None:
    agency = await post.agency()
    there = await post.client(agency.identity, address=(await post.second()).address)
    admin = (await post.operator()).admin
    async with aclosing(there.deliveries.watch()) as replies:
        await anext(replies)
        await admin.revoke_certificate(agency.identity.sha256)
        with pytest.raises(NotAuthenticated):
            await read_on(replies)


async def test_a_stream_ends_when_the_holders_card_is_revoked(post: Post) -> None:
    citizen = await post.citizen()
    async with aclosing(citizen.client.mailbox.watch()) as replies:
        await anext(replies)
        await asyncio.to_thread(post.pki.revoke, citizen.card.authentication)
        with pytest.raises(NotAuthenticated):
            await read_on(replies)


async def test_a_person_without_a_mailbox_and_a_cursor_of_nowhere_are_refused(post: Post) -> None:
    agency, stranger = await post.agency(), await post.citizen(mailbox=False)
    with pytest.raises(NotPermitted):
        await first(stranger.client.mailbox.watch())
    checkpoint = await agency.client.evidence.log_status()
    (shard,) = checkpoint.shards
    for origin, index in ((shard.origin, shard.tree_size + 1000), ("log.example/1", 0), ("", 1)):
        with pytest.raises(InvalidRequest):
            await first(agency.client.deliveries.watch(evidence_pb2.LogCursor(origin=origin, index=index)))


async def test_everybody_asks_about_the_log(post: Post) -> None:
    agency, citizen = await post.agency(), await post.citizen()
    await agency.client.deliveries.submit(agency.letter(citizen.address))
    client: Client = citizen.client
    (shard,) = (await client.evidence.log_status()).shards
    assert shard.healthy
    assert shard.HasField("publish_time")
    proof = await client.evidence.consistency_proof(1, shard.tree_size)
    assert proof.second_size == shard.tree_size
    tile = await client.evidence.tile(0, level=0, width=2)
    assert (len(tile.tile), tile.path) == (64, "tile/0/000.p/2")
    entries = await client.evidence.tile(0, width=2)
    assert (len(entries.tile), entries.path) == (68, "tile/entries/000.p/2")


async def read_on(replies: AsyncIterator[Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        async for _ in replies:
            pass


async def first(replies: AsyncIterator[Any]) -> Any:
    return await anext(replies)


def start(origin: str) -> evidence_pb2.LogCursor:
    return evidence_pb2.LogCursor(origin=origin, index=0)
