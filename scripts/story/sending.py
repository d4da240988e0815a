"""The agency submits, and what is wrong is refused."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from namak.client import compose, read_part
from namak.client.delivery import Outcome
from namak.client.receipts import save_receipt
from namak.v1 import delivery_pb2
from scripts.story.post import Post
from scripts.story.registering import ENTITY, PERSON, SENDER, SENDER_ELSEWHERE, Registered
from scripts.story.stage import Stage

NOBODY = "4999999999@e-citizen.am"
SUBJECT = "Հարկային ծանուցում"
_RECEIPTS = timedelta(seconds=30)
"""How long to wait for receipts at most: as long as a server does."""


async def submission(stage: Stage, post: Post, files: Sequence[Path]) -> str:
    """The agency submits the files: single, in a batch, and again. Returns a delivery of the batch."""
    stage.act(
        "The agency submits its letters",
        "For each letter the agency gets proof at once: the post took it, and it lies in the mailbox.",
    )
    parts = [read_part(file) for file in files]
    stage.note("files: " + ", ".join(f"{part.name} ({len(part.content):,} bytes)" for part in parts))

    def letter(recipient: str, request_id: str) -> delivery_pb2.Submission:
        return compose(
            sender=SENDER, recipient=recipient, subject=SUBJECT, parts=parts, request_id=request_id
        )

    accepted = await stage.step(
        "agency",
        f"submits them to {PERSON}",
        post.agency.deliveries.submit(letter(PERSON, "demo-0001"), max_receipt_wait=_RECEIPTS),
        _with_receipts,
    )
    await stage.step(
        "agency",
        f"submits them to {ENTITY}",
        post.agency.deliveries.submit(letter(ENTITY, "demo-0002"), max_receipt_wait=_RECEIPTS),
        _with_receipts,
    )
    both = [letter(PERSON, "demo-0003"), letter(ENTITY, "demo-0004")]
    outcomes = await stage.step(
        "agency",
        "submits them to both in one batch",
        post.agency.deliveries.submit_many(both),
        lambda outcomes: f"{_all_accepted(outcomes)} accepted",
    )
    await stage.step(
        "agency",
        "submits the first again, with the same request id",
        post.agency.deliveries.submit(letter(PERSON, "demo-0001")),
        lambda again: _same(accepted, again),
    )
    return next(each.accepted.delivery.delivery_id for each in outcomes if each.accepted is not None)


def _with_receipts(accepted: delivery_pb2.Accepted) -> str:
    if len(accepted.evidence) != 2 or len(accepted.receipts) != 2:
        raise ValueError(
            f"{len(accepted.evidence)} facts and {len(accepted.receipts)} receipts, not two each"
        )
    leaves = ", ".join(str(receipt.leaf_index) for receipt in accepted.receipts)
    return f"accepted, with receipts (entries {leaves} of the log)"


def _all_accepted(outcomes: Sequence[Outcome]) -> int:
    refused = [outcome for outcome in outcomes if outcome.accepted is None]
    if refused:
        raise ValueError(f"{len(refused)} of {len(outcomes)} were refused")
    return len(outcomes)


def _same(first: delivery_pb2.Accepted, again: delivery_pb2.Accepted) -> str:
    if [fact.document for fact in first.evidence] != [fact.document for fact in again.evidence]:
        raise ValueError("the evidence differs")
    if first.delivery.delivery_id != again.delivery.delivery_id:
        raise ValueError("the delivery differs")
    return "the same evidence, byte for byte"


async def refusals(stage: Stage, post: Post, registered: Registered, files: Sequence[Path]) -> None:
    """Wrong submissions are refused, each with its reason; where the caller is identified, with evidence."""
    stage.act(
        "Wrong submissions are refused, and that is evidence too",
        "Nobody sends in another's name; and a sender can prove that a letter was refused, when, and why.",
    )
    part = read_part(files[0])

    def letter(sender: str, recipient: str = PERSON) -> delivery_pb2.Submission:
        return compose(sender=sender, recipient=recipient, subject=SUBJECT, parts=[part])

    refused = [
        await stage.refused(
            "agency",
            f"submits as {SENDER} from 127.0.0.2",
            post.agency_elsewhere.deliveries.submit(letter(SENDER)),
            "NETWORK_NOT_PERMITTED",
            evidence=True,
        ),
        await stage.refused(
            "agency",
            "submits as duty@police.am, another organisation's address",
            post.agency.deliveries.submit(letter("duty@police.am")),
            "SENDER_NOT_PERMITTED",
            evidence=True,
        ),
        await stage.refused(
            "agency",
            f"submits to {NOBODY}, which nobody has",
            post.agency.deliveries.submit(letter(SENDER, NOBODY)),
            "MAILBOX_UNKNOWN",
            evidence=True,
        ),
    ]
    await stage.step(
        "operator",
        f"suspends {SENDER_ELSEWHERE}",
        post.operator.admin.suspend_sender_address(registered.sender_elsewhere_id),
        lambda address: "suspended" if address.suspended else "active",
    )
    refused.append(
        await stage.refused(
            "agency",
            f"submits as {SENDER_ELSEWHERE}, now suspended",
            post.agency_elsewhere.deliveries.submit(letter(SENDER_ELSEWHERE)),
            "SENDER_SUSPENDED",
            evidence=True,
        )
    )
    await stage.step(
        "operator",
        f"resumes {SENDER_ELSEWHERE}",
        post.operator.admin.resume_sender_address(registered.sender_elsewhere_id),
        lambda address: "suspended" if address.suspended else "active",
    )
    await stage.refused(
        "stranger",
        "submits with a certificate that is bound to nobody",
        post.stranger.deliveries.submit(letter(SENDER)),
        "CERTIFICATE_UNBOUND",
        evidence=False,
    )
    await stage.refused(
        "citizen",
        "tries to submit",
        post.citizen.deliveries.submit(letter(SENDER)),
        "ROLE_NOT_PERMITTED",
        evidence=False,
    )
    receipts = await stage.step(
        "agency",
        "fetches the receipts of its refused submissions",
        asyncio.gather(*(post.agency.evidence.receipt(refusal.evidence_id or "") for refusal in refused)),
        lambda receipts: f"{len(receipts)} receipts",
    )
    for receipt in receipts:
        save_receipt(receipt, post.receipts, 1)
