"""What forwarding asks of the storage, and of what sends. `server.usecases.ports` says what holds of all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.deliveries import Delivery, PartInfo
from server.domain.forwarding import (
    CopyState,
    ForwardedContent,
    ForwardedCopy,
    ForwardingTarget,
    TargetResult,
    VerificationCode,
)
from server.domain.mailboxes import Mailbox


class ForwardingTargets(Protocol):
    """Targets by mailbox. Who adds, verifies, changes or removes one has locked the mailbox; jobs have not:
    what they change is changed on conditions.
    """

    async def of_mailbox(self, mailbox_id: UUID) -> Sequence[ForwardingTarget]:
        """Returns the targets of a mailbox in the order in which they were added."""
        ...

    async def verified_of(self, mailbox_ids: Collection[UUID]) -> Sequence[ForwardingTarget]:
        """Returns the verified targets of some mailboxes, those of each in the order in which they were
        added.
        """
        ...

    async def get(self, mailbox_id: UUID, target_id: UUID) -> ForwardingTarget | None: ...

    async def add(self, target: ForwardingTarget) -> None: ...

    async def remove(self, mailbox_id: UUID, target_id: UUID) -> None: ...

    async def change(self, target: ForwardingTarget) -> None:
        """Keeps what is forwarded to a target, and its language; nothing else of it."""
        ...

    async def set_code(self, target_id: UUID, code: VerificationCode) -> bool:
        """Keeps the code that is sent, in place of the one before; False, and nothing, where the target is
        verified or gone.
        """
        ...

    async def count_wrong_try(self, target_id: UUID, code: VerificationCode) -> bool:
        """Takes a try from this code; False, and nothing, where another has replaced it, or none is left."""
        ...

    async def verify(self, mailbox_id: UUID, target_id: UUID, at: datetime) -> None:
        """Marks a target as verified, its code as used, and the mailbox as one that has such targets."""
        ...

    async def refresh_mark(self, mailbox_id: UUID) -> None:
        """Marks the mailbox by whether it has verified targets; whoever lays a message into it reads the
        mark.
        """
        ...

    async def code_in_the_way(
        self, mailbox_id: UUID, address: str, *, since: datetime, most: int
    ) -> datetime | None:
        """Returns None while fewer than ``most`` codes were asked for after ``since``, for the mailbox as to
        the address from whichever mailbox. Else returns when that one was asked for which must not count any
        more before there are fewer of both.
        """
        ...

    async def count_code(self, mailbox_id: UUID, address: str, at: datetime) -> None:
        """Counts a code that was asked for."""
        ...

    async def forget_codes(self, before: datetime, *, limit: int) -> int:
        """Forgets that codes were asked for before then, so many at most; returns how many."""
        ...

    async def set_last(self, target_id: UUID, last: TargetResult) -> None:
        """Keeps what became of the last nudge or code, unless something later is kept; of a target that is
        gone, nothing. How many copies failed in a row stays what it was, whatever is given.
        """
        ...

    async def set_all_last(self, last: Mapping[UUID, TargetResult]) -> None:
        """Keeps what became of the last copy to many targets, by their identifiers, with how many failed in a
        row; else as `set_last`.
        """
        ...


class ForwardedCopies(Protocol):
    """Copies of messages, by delivery and target."""

    async def add(self, copies: Sequence[ForwardedCopy]) -> Sequence[ForwardedCopy]:
        """Adds those that are new; returns them."""
        ...

    async def get(self, delivery_id: UUID, target_id: UUID) -> ForwardedCopy | None: ...

    async def move(self, copy: ForwardedCopy, to: CopyState, content: ForwardedContent | None = None) -> bool:
        """Moves a copy on, and keeps what it carried where that is said; False when it was in another state
        than the given one's (compare-and-set).
        """
        ...

    async def move_all(
        self, changes: Sequence[tuple[ForwardedCopy, CopyState, ForwardedContent]]
    ) -> Collection[UUID]:
        """Does the same for different copies with one statement; returns the tokens of those that moved."""
        ...

    async def of_deliveries(self, delivery_ids: Collection[UUID]) -> Sequence[ForwardedCopy]:
        """Returns all copies of some messages."""
        ...

    async def by_token(self, token: UUID) -> ForwardedCopy | None: ...

    async def failed_before(self, copies: Collection[ForwardedCopy]) -> Mapping[UUID, int]:
        """Returns by their tokens how many copies to the same target failed in a row before each of these, as
        far as the `LOOKED_BACK` messages before it tell. One that was not sent, or not yet, says nothing.
        """
        ...


class ForwardingTransaction(Protocol):
    """The part of a transaction that deals with forwarding."""

    @property
    def forwarding_targets(self) -> ForwardingTargets: ...
    @property
    def forwarded_copies(self) -> ForwardedCopies: ...


class NotSent(Exception):
    """What was to be sent was not taken.

    Attributes:
        reason: why, a word: REFUSED, BUSY, UNREACHABLE, TLS_FAILED, TOO_LARGE.
        for_good: whether sending it again is of no use.
    """

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good


class MailNotSent(NotSent):
    """A mail was not taken."""


class MailRoute(Protocol):
    """Sends mail."""

    @property
    def size_limit(self) -> int:
        """How many octets a mail may have."""
        ...

    async def send(self, message: bytes, *, bounces_to: str, to: str) -> None:
        """Hands one mail over, signed for the post's domain. When it returns, another server answers for it.

        Raises:
            MailNotSent.
        """
        ...


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as a copy carries it; `parts` are empty for a notice, and `too_large` says that they had to
    be.
    """

    delivery: Delivery
    parts: Sequence[tuple[PartInfo, bytes]] = ()
    too_large: bool = False

    @property
    def content(self) -> ForwardedContent:
        """What the copy carries, whatever its target asked for."""
        return ForwardedContent.WHOLE if self.parts else ForwardedContent.NOTICE


class CopyRoute(Protocol):
    """Sends codes and copies to targets of one kind."""

    @property
    def channel(self) -> str:
        """What evidence calls it: EMAIL or SMS."""
        ...

    @property
    def parts_limit(self) -> int | None:
        """How many octets the parts of a message may have that a copy carries; None where none does."""
        ...

    async def send_code(self, target: ForwardingTarget, mailbox: Mailbox, code: str) -> None:
        """Sends a code. Raises NotSent."""
        ...

    async def send_copy(self, target: ForwardingTarget, copy: ForwardedCopy, letter: Letter) -> None:
        """Sends a copy. When it returns, somebody else answers for it. Raises NotSent."""
        ...


class MailComposer(Protocol):
    """Writes mails."""

    def code(self, target: ForwardingTarget, mailbox: Mailbox, code: str) -> bytes:
        """Returns the mail that carries a code to a target."""
        ...

    def copy(self, target: ForwardingTarget, copy: ForwardedCopy, letter: Letter) -> bytes:
        """Returns the mail that carries a copy: the same one, by its Message-ID, whenever it is written."""
        ...

    def bounces_to(self, token: UUID | None) -> str:
        """Returns the envelope's sender: where a copy's bounces come back to; none for what has no token."""
        ...
