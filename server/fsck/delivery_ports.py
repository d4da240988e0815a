"""What checking deliveries needs of the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

DeliveryKey = tuple[UUID, UUID]
"""A mailbox and a delivery in it."""


class StoredFact(NamedTuple):
    """A piece of evidence and what stands beside it; `event` is a URI."""

    id: UUID
    event: str
    document: bytes
    recorded_at: datetime


class StoredConfirmation(NamedTuple):
    """That a reading was confirmed, by which signature (SHA-256 of the CMS) and evidence."""

    cms_digest: bytes
    evidence_ids: Collection[UUID]


class StoredDelivery(NamedTuple):
    """A delivery's row, its evidence in the order of recording, and what was stored of its holder's acts.

    Attributes:
        linked: whether a link of its mailbox's chain has it, at its place.
        openings: the evidence that each opening names.
    """

    mailbox_id: UUID
    id: UUID
    sender: str
    recipient: str
    notification_policy: str
    submitted_at: datetime
    state: str
    notified_at: datetime | None
    withdrawn_at: datetime | None
    linked: bool
    facts: Sequence[StoredFact]
    openings: Collection[UUID]
    confirmations: Sequence[StoredConfirmation]


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Deliveries by mailbox and identifier, and evidence up to there whose deliveries are not there.

    Attributes:
        until: how far it goes; None where nothing is behind it.
        strays: each with the mailbox and the delivery that it names.
    """

    deliveries: Sequence[StoredDelivery]
    strays: Sequence[tuple[DeliveryKey, UUID]]
    until: DeliveryKey | None


class DeliveryInspection(Protocol):
    """Reads deliveries with their evidence. All raise `ServiceUnavailable`."""

    async def page(self, after: DeliveryKey, limit: int) -> DeliveryPage:
        """Returns what is behind a delivery, all as of one moment; at most so many deliveries, and fewer
        where they have much evidence.
        """
        ...

    async def published_lists(self, digests: Collection[bytes]) -> Collection[bytes]:
        """Returns those of the revocation lists (by SHA-256) that are there."""
        ...
