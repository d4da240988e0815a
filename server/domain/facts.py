"""Facts: what happened, as evidence (docs/receipts.md)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from namak.evidence.events import Event


@dataclass(frozen=True, slots=True)
class Fact:
    """One piece of evidence and where it belongs.

    `data` are the document's exact bytes; `entry` is their SHA-256, the log's entry. `owner_id` is the
    mailbox for facts about
    a delivery and the organisation for refused submissions and for administrative acts on its things, so that
    storage keeps all of one owner together; acts on what is no organisation's are the operator's.
    """

    id: UUID
    event: Event
    owner_id: UUID
    organisation_id: UUID
    delivery_id: UUID | None
    recorded_at: datetime
    data: bytes
    entry: bytes
