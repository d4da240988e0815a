"""What checking mailboxes needs of the database."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from namak.evidence.mailbox_chain import ChainHead, Opening

BEHIND_ALL: Final = 2**63 - 1
"""A place behind all of a mailbox."""


@dataclass(frozen=True, slots=True)
class StoredLink:
    """A link with its consignment's bytes, empty where there is none, and what was stored beside it.

    Attributes:
        mailbox_id, address: the mailbox, and its canonical address, empty where the mailbox is not there.
        opening: the link's opening.
        placed: the place that its delivery has; None where the delivery is not there.
        head: the mailbox's head at the moment of reading; None where it has none.
    """

    mailbox_id: UUID
    address: str
    opening: Opening
    placed: int | None
    head: ChainHead | None


class MailboxInspection(Protocol):
    """Reads mailboxes' links; each answer is of one moment. All raise `ServiceUnavailable`."""

    async def links(self, mailbox_id: UUID, after: int, up_to: UUID, limit: int) -> Sequence[StoredLink]:
        """Returns links by mailbox and place, behind a place of a mailbox, up to another mailbox with it."""
        ...

    async def bounds(self, parts: int) -> Sequence[UUID]:
        """Returns mailboxes, in order, between which so many parts lie of about as many links each."""
        ...

    async def headed_without_links(self) -> Collection[UUID]:
        """Returns mailboxes whose head says that there are links, and that have none."""
        ...
