"""Tells of messages what is known of the paper that they came on, from the evidence itself."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from namak.evidence.details_paper import PaperDetails
from namak.evidence.document import EvidenceDocument
from server.domain.deliveries import MessageView
from server.domain.paper_desk import PAPER_DESK_ID
from server.usecases.ports import Transaction


async def with_paper(
    tx: Transaction, mailbox_id: UUID, messages: Sequence[MessageView]
) -> Sequence[MessageView]:
    """Returns messages of one mailbox, those that came on paper with what is known of it.

    It stands in the evidence and nowhere else; who gets no such letters pays nothing for it.
    """
    came = [each.delivery.id for each in messages if each.delivery.organisation_id == PAPER_DESK_ID]
    if not came:
        return messages
    facts = await tx.evidence.received_on_paper(mailbox_id, came)
    known: dict[UUID, PaperDetails] = {}
    for delivery_id, fact in facts.items():
        details = EvidenceDocument.parse(fact.data).details
        if isinstance(details, PaperDetails):
            known[delivery_id] = details
    return [replace(each, paper=known.get(each.delivery.id)) for each in messages]
