"""Submissions, the deliveries they become, and how far those have come."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class DeliveryState(StrEnum):
    """How far a delivery has come; a view of its facts that only moves forward."""

    CONSIGNED = "CONSIGNED"
    NOTIFIED = "NOTIFIED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class PartInfo:
    """A part without its content. `digest` is the SHA-256 of the content, `size` its length in bytes."""

    name: str
    media_type: str
    size: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message, with its content, which is never altered (POST-10)."""

    info: PartInfo
    content: bytes


@dataclass(frozen=True, slots=True)
class Submission:
    """One message to one recipient, as a sender asks for it; the addresses are in canonical form."""

    request_id: str
    sender: str
    recipient: str
    subject: str
    parts: tuple[Part, ...]

    def digest(self) -> bytes:
        """Returns the SHA-256 over the domain fields that makes two submissions under one request id equal.

        Every field is preceded by its length, so that no two different submissions give the same bytes. It
        is never taken
        over protobuf bytes, which are not canonical (log-and-receipt.md, section 5).
        """
        digest = hashlib.sha256(b"namak-submission/1\x00")
        fields = [self.sender.encode(), self.recipient.encode(), self.subject.encode()]
        for part in self.parts:
            fields += [part.info.name.encode(), part.info.media_type.encode(), part.info.digest]
        for field in fields:
            digest.update(len(field).to_bytes(8, "big"))
            digest.update(field)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class Delivery:
    """An accepted submission: one message in one mailbox.

    `sequence` is its place in the mailbox, from 1. `notified_at` is when the notification policy's effect
    came about, `withdrawn_at` when its sender withdrew it; a delivery has at most one of the two.
    """

    id: UUID
    mailbox_id: UUID
    organisation_id: UUID
    sender_address_id: UUID
    organisation_code: str
    organisation_name: str
    sender: str
    recipient: str
    subject: str
    parts: tuple[PartInfo, ...]
    notification_policy: str
    sequence: int
    submitted_at: datetime
    state: DeliveryState = DeliveryState.CONSIGNED
    notified_at: datetime | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageView:
    """A delivery as its holder sees it in a list."""

    delivery: Delivery
    opened_at: datetime | None
    confirmed_at: datetime | None
