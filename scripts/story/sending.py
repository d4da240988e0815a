"""The agency submits, and what is wrong is refused."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from namak.client import Client, compose, read_part
from namak.client.delivery import Outcome
from namak.client.receipts import save_receipt
from namak.errors import NamakError
from namak.v1 import delivery_pb2, sender_admin_pb2
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
    wrong = _Wrong(stage, read_part(files[0]))
    refused = [
        await wrong.submission(
            f"submits as {SENDER} from 127.0.0.2", post.agency_elsewhere, "NETWORK_NOT_PERMITTED"
        ),
        await wrong.submission(
            "submits as duty@police.am, another organisation's address",
            post.agency,
            "SENDER_NOT_PERMITTED",
            sender="duty@police.am",
        ),
        await wrong.submission(
            f"submits to {NOBODY}, which nobody has", post.agency, "MAILBOX_UNKNOWN", recipient=NOBODY
        ),
    ]
    admin, elsewhere_id = post.operator.admin, registered.sender_elsewhere_id
    await stage.step(
        "operator",
        f"suspends {SENDER_ELSEWHERE}",
        admin.suspend_sender_address(elsewhere_id),
        _suspended_or_active,
    )
    refused.append(
        await wrong.submission(
            f"submits as {SENDER_ELSEWHERE}, now suspended",
            post.agency_elsewhere,
            "SENDER_SUSPENDED",
            sender=SENDER_ELSEWHERE,
        )
    )
    await stage.step(
        "operator",
        f"resumes {SENDER_ELSEWHERE}",
        admin.resume_sender_address(elsewhere_id),
        _suspended_or_active,
    )
    await wrong.caller(
        "stranger", "submits with a certificate that is bound to nobody", post.stranger, "CERTIFICATE_UNBOUND"
    )
    await wrong.caller("citizen", "tries to submit", post.citizen, "ROLE_NOT_PERMITTED")
    await _keep_receipts(stage, post, refused)


@dataclass(frozen=True)
class _Wrong:
    """Submissions that are refused, of one letter."""

    stage: Stage
    part: delivery_pb2.Part

    async def submission(
        self, words: str, client: Client, reason: str, *, sender: str = SENDER, recipient: str = PERSON
    ) -> NamakError:
        """One of the agency's, which is known, so that the refusal is evidence."""
        letter = compose(sender=sender, recipient=recipient, subject=SUBJECT, parts=[self.part])
        return await self.stage.refused(
            "agency", words, client.deliveries.submit(letter), reason, evidence=True
        )

    async def caller(self, who: str, words: str, client: Client, reason: str) -> None:
        """One of somebody who may submit nothing."""
        letter = compose(sender=SENDER, recipient=PERSON, subject=SUBJECT, parts=[self.part])
        await self.stage.refused(who, words, client.deliveries.submit(letter), reason, evidence=False)


def _suspended_or_active(address: sender_admin_pb2.SenderAddress) -> str:
    return "suspended" if address.suspended else "active"


async def _keep_receipts(stage: Stage, post: Post, refused: Sequence[NamakError]) -> None:
    receipts = await stage.step(
        "agency",
        "fetches the receipts of its refused submissions",
        asyncio.gather(*(post.agency.evidence.receipt(refusal.evidence_id or "") for refusal in refused)),
        lambda receipts: f"{len(receipts)} receipts",
    )
    for receipt in receipts:
        save_receipt(receipt, post.receipts, 1)
