"""Mailboxes and the chain of commitments to what was laid into them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class HolderKind(StrEnum):
    """Whose a mailbox is (POST-3, POST-4)."""

    PERSON = "PERSON"
    ENTITY = "ENTITY"


class MailboxState(StrEnum):
    """Whether a mailbox receives; what lies in it can be read in every state."""

    OPEN = "OPEN"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox. `holder_number` is what stands before the `@`: a person's number or an entity's code.

    `confirmed_at` is when its holder first confirmed their profile by a signature (BOX-9), None before that.
    `forwards` is whether it has verified forwarding targets (POST-6).
    """

    id: UUID
    address: str
    holder_kind: HolderKind
    holder_number: str
    state: MailboxState
    opened_at: datetime
    confirmed_at: datetime | None = None
    forwards: bool = False


@dataclass(frozen=True, slots=True)
class MailboxHead:
    """The end of a mailbox's chain: sequence of the newest delivery (0 for none), and its link (32 bytes)."""

    sequence: int
    link: bytes


@dataclass(frozen=True, slots=True)
class MailboxLink:
    """The opening of one link of the chain; only the holder ever gets it (docs/receipts.md)."""

    mailbox_id: UUID
    sequence: int
    delivery_id: UUID
    nonce: bytes
    previous: bytes
    link: bytes
