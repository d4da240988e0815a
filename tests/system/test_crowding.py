"""Many at once: overlapping batches to the same mailboxes, over two replicas."""

import asyncio
import itertools
from typing import Any

import pytest

from namak.client.delivery import Outcome
from namak.evidence import mailbox_link
from namak.evidence.details import ConsignmentDetails
from namak.evidence.document import EvidenceDocument
from namak.v1 import delivery_pb2
from tests.system.post import Post

pytestmark = pytest.mark.asyncio(loop_scope="module")

TASKS = 20
MAILBOXES = 20
BATCH = 10


async def test_overlapping_batches_neither_deadlock_nor_break_a_chain(post: Post) -> None:
    agencies = [await post.agency(f"Agency {number}") for number in range(2)]
    replicas = [post.servers[0], await post.second()]
    addresses = [await post.entity() for _ in range(MAILBOXES)]
    clients = {
        (agency.organisation_id, replica.address): await post.client(agency.identity, address=replica.address)
        for agency, replica in itertools.product(agencies, replicas)
    }

    async def send(task: int) -> list[Outcome]:
        """Sends to half of the mailboxes, beginning elsewhere and going the other way than the neighbours."""
        agency, replica = agencies[task % 2], replicas[task // 2 % 2]
        chosen = [addresses[(task + step) % MAILBOXES] for step in range(BATCH)]
        letters: list[delivery_pb2.Submission] = [
            agency.letter(address, request_id=f"task-{task}-{step}")
            for step, address in enumerate(chosen if task % 3 else reversed(chosen))
        ]
        client = clients[agency.organisation_id, replica.address]
        return list(await client.deliveries.submit_many(letters))

    total = TASKS * BATCH
    async with post.records.grow_by(
        claims=total, deliveries=total, parts=total, mailbox_links=total, evidence=2 * total
    ):
        outcomes = list(itertools.chain.from_iterable(await asyncio.gather(*map(send, range(TASKS)))))

    assert [outcome.error for outcome in outcomes if outcome.error] == []
    await post.records.all_logged()
    committed = consigned(outcomes)
    for address in addresses:
        await assert_unbroken(post, address, committed)


def consigned(outcomes: list[Outcome]) -> dict[str, bytes]:
    """Returns the mailbox link that each delivery's evidence commits to."""
    links = {}
    for outcome in outcomes:
        assert outcome.accepted is not None
        document = EvidenceDocument.parse(outcome.accepted.evidence[1].document)
        assert isinstance(document.details, ConsignmentDetails)
        links[str(document.delivery_id)] = document.details.mailbox_link
    return links


async def assert_unbroken(post: Post, address: str, committed: dict[str, bytes]) -> None:
    """Walks the chain of a mailbox by its openings, as its holder could."""
    rows: list[Any] = list(
        await post.records.rows(
            "SELECT l.sequence, l.delivery_id, l.nonce, l.previous, l.link FROM mailbox_links l"
            " JOIN mailboxes m ON m.id = l.mailbox_id WHERE m.address = :address ORDER BY l.sequence",
            address=address,
        )
    )
    assert [row.sequence for row in rows] == list(range(1, TASKS * BATCH // MAILBOXES + 1))
    previous = bytes(mailbox_link.LINK_BYTES)
    for row in rows:
        assert row.previous == previous
        previous = mailbox_link.link(row.nonce, address, row.sequence, row.delivery_id, previous)
        assert row.link == previous == committed[str(row.delivery_id)]
