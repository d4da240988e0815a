"""The citizen reads and confirms with the ID card; the agency sees it."""

import asyncio
from collections.abc import Sequence

from namak.client.card import Card, read_pin
from namak.client.confirmation import check_statement, sign_statement
from namak.client.receipts import save_receipts
from namak.config import Connection
from namak.v1 import delivery_pb2, evidence_pb2, mailbox_pb2
from scripts.story import withdrawing
from scripts.story.commanding import Shell
from scripts.story.post import Post
from scripts.story.stage import Stage

FACTS_OF_THE_SENDER = [
    "SubmissionAcceptance",
    "ContentConsignment",
    "ContentAccessTracking",
    "ReadingConfirmed",
    "NotificationEffected",
]


async def reading(stage: Stage, post: Post, shell: Shell) -> str:
    """The citizen lists, opens, downloads, and confirms with the card's signing key."""
    stage.act(
        "The citizen reads and confirms with the ID card",
        "Only the recipient's own signature says that it was read: nobody else can make that up.",
    )
    opened = await _opened(stage, post)
    delivery_id = opened.message.delivery_id
    await withdrawing.too_late(shell, delivery_id)
    await _confirmed(stage, post, opened)
    return delivery_id


async def _opened(stage: Stage, post: Post) -> mailbox_pb2.OpenMessageResponse:
    mailbox = post.citizen.mailbox
    messages = await stage.step(
        "citizen", "lists the mailbox", _listed(post), lambda found: f"{len(found)} messages, none opened"
    )
    delivery_id = messages[-1].delivery_id
    await stage.refused(
        "citizen",
        "asks for a statement before opening",
        mailbox.issue_statement(delivery_id),
        "NOT_OPENED",
        evidence=False,
    )
    await stage.refused(
        "neighbour",
        "tries to open the citizen's message",
        post.other_citizen.mailbox.open(delivery_id),
        "RESOURCE_NOT_PERMITTED",
        evidence=False,
    )
    opened = await stage.step(
        "citizen", "opens the oldest message", mailbox.open(delivery_id), lambda reply: reply.message.subject
    )
    place = post.world.directory / "downloads"
    for number, part in enumerate(opened.parts, start=1):
        await stage.step(
            "citizen",
            f"downloads {part.name}",
            mailbox.download(delivery_id, number, place, expected=part, force=True),
            lambda path: f"{path.stat().st_size:,} bytes, digest checked",
        )
    return opened


async def _confirmed(stage: Stage, post: Post, opened: mailbox_pb2.OpenMessageResponse) -> None:
    mailbox, delivery_id = post.citizen.mailbox, opened.message.delivery_id
    issued = await stage.step(
        "citizen", "asks for the statement to sign", mailbox.issue_statement(delivery_id), lambda _: "issued"
    )
    check_statement(issued, opened)
    for line in issued.statement.decode().splitlines():
        stage.note(line)
    cms = await stage.step(
        "card", "signs the statement with the signing key (PKCS#11)", _signed(post, issued.statement), _bytes
    )
    await stage.step(
        "citizen",
        "confirms the reading",
        mailbox.confirm(delivery_id, issued.statement_id, cms),
        lambda reply: " and ".join(fact.event.rpartition("/")[2] for fact in reply.evidence),
    )


async def _listed(post: Post) -> Sequence[mailbox_pb2.Message]:
    return [message async for message in post.citizen.mailbox.messages()]


async def _signed(post: Post, statement: bytes) -> bytes:
    settings = Connection.load(post.world.directory / "citizen.toml").signing
    if settings is None:
        raise ValueError("the citizen has no card")

    def sign() -> bytes:
        with Card(settings, read_pin(settings) or "") as card:
            return sign_statement(statement, settings, card)

    return await asyncio.to_thread(sign)


def _bytes(data: bytes) -> str:
    return f"CMS, {len(data):,} bytes"


async def outcome(stage: Stage, post: Post, delivery_id: str) -> None:
    """The agency sees that the citizen is properly notified, and why; receipts are saved."""
    stage.act(
        "The agency sees it, and everybody keeps their receipts",
        "From the signature on the citizen is properly notified; receipts prove it without the post.",
    )
    await stage.step("agency", "looks at the delivery", post.agency.deliveries.get(delivery_id), _notified)
    await stage.step("agency", "reads the facts it may see, in order", _facts(post, delivery_id), _in_order)
    await stage.refused(
        "Police",
        "tries to look at the facts of another's delivery",
        _facts_of_another(post, delivery_id),
        "RESOURCE_NOT_PERMITTED",
        evidence=False,
    )
    await stage.step("agency", "saves the receipts of all its deliveries", _save(post), "{} files".format)


async def _facts(post: Post, delivery_id: str) -> Sequence[evidence_pb2.Evidence]:
    return [fact async for fact in post.agency.evidence.facts(delivery_id)]


async def _facts_of_another(post: Post, delivery_id: str) -> Sequence[evidence_pb2.Evidence]:
    return [fact async for fact in post.other_agency.evidence.facts(delivery_id)]


def _notified(delivery: delivery_pb2.Delivery) -> str:
    if delivery.state != delivery_pb2.DELIVERY_STATE_NOTIFIED:
        raise ValueError(f"the state is {delivery_pb2.DeliveryState.Name(delivery.state)}")
    at = delivery.notification_time.ToDatetime().isoformat(sep=" ", timespec="seconds")
    return f"properly notified at {at} UTC, under policy {delivery.notification_policy}"


def _in_order(facts: Sequence[evidence_pb2.Evidence]) -> str:
    names = [fact.event.rpartition("/")[2] for fact in facts]
    if names != FACTS_OF_THE_SENDER:
        raise ValueError(f"the facts are {', '.join(names)}")
    return ", ".join(names)


async def _save(post: Post) -> int:
    saved = 0
    async for delivery in post.agency.deliveries.list():
        async for _ in save_receipts(post.agency.evidence, delivery.delivery_id, post.receipts):
            saved += 1
    return saved
