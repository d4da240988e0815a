"""What checking deliveries needs of the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

DeliveryKey = tuple[UUID, UUID]
"""A mailbox and a delivery in it."""


class StoredFact(NamedTuple):
    """A piece of evidence and what stands beside it; `event` is a URI.

    Attributes:
        organisation_id: whose bill it is on.
        digest: the SHA-256 that stands beside it.
        origin, leaf_index, entry: its leaf, if it has one and that was asked for.
        owner_id, delivery_id: the mailbox and the delivery that it is of.
    """

    id: UUID
    event: str
    document: bytes
    recorded_at: datetime
    organisation_id: UUID | None = None
    digest: bytes = b""
    origin: str | None = None
    leaf_index: int = -1
    entry: bytes | None = None
    owner_id: UUID | None = None
    delivery_id: UUID | None = None


class StoredConfirmation(NamedTuple):
    """That a reading was confirmed, by which signature (SHA-256 of the CMS) and evidence."""

    cms_digest: bytes
    evidence_ids: Collection[UUID]


class StoredDelivery(NamedTuple):
    """A delivery's row, its evidence in the order of recording, and what was stored of its holder's acts.

    Attributes:
        linked: whether a link of its mailbox's chain has it, at its place.
        openings: the evidence that each opening names.
        sequence: its place in the mailbox.
        nonce, previous, link: of its link, empty where there is none.
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
    sequence: int = 0
    nonce: bytes = b""
    previous: bytes = b""
    link: bytes = b""


class StoredBox(NamedTuple):
    """A mailbox: its address, its head (0 and nothing where there is none), and its first and last link."""

    id: UUID
    address: str
    sequence: int
    link: bytes
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Deliveries by mailbox and identifier, and evidence up to there whose deliveries are not there.

    Attributes:
        until: how far it goes; None where nothing is behind it.
        strays: each with the mailbox and the delivery that it names.
        boxes: the mailboxes from that of the page before to the last, if they were asked for.
    """

    deliveries: Sequence[StoredDelivery]
    strays: Sequence[tuple[DeliveryKey, StoredFact]]
    until: DeliveryKey | None
    boxes: Sequence[StoredBox] = ()


class DeliveryInspection(Protocol):
    """Reads deliveries with their evidence. All raise `ServiceUnavailable`."""

    async def page(
        self, after: DeliveryKey, limit: int, *, leaves: bool = False, boxes: bool = False
    ) -> DeliveryPage:
        """Returns what is behind a delivery, all as of one moment; at most so many deliveries, and fewer
        where they have much evidence. With the leaves of the evidence, and with the mailboxes, if asked.
        """
        ...

    async def mailboxes_among(self, identifiers: Collection[UUID]) -> Collection[UUID]:
        """Returns those that are mailboxes."""
        ...

    async def has_odd_evidence(self) -> bool:
        """Tells whether there is evidence of no delivery whose identifier others have too, or an acceptance
        of no delivery: all that going through deliveries would not meet.
        """
        ...

    async def published_lists(self, digests: Collection[bytes]) -> Collection[bytes]:
        """Returns those of the revocation lists (by SHA-256) that are there."""
        ...
