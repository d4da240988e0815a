"""What public notices ask of the storage, and of the place where they are published. `server.usecases.ports`
says what holds of all.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from server.domain.notices import Ending, Notice, NoticeState


class Notices(Protocol):
    """Public notices, and how far they are. Who changes one has locked it; where the delivery is locked too,
    that comes first.
    """

    async def add(self, notice: Notice) -> Notice:
        """Adds the notice of a step of a delivery; returns the one there is, which is another one where there
        was one before.
        """
        ...

    async def get(self, notice_id: UUID) -> Notice | None: ...

    async def lock(self, notice_id: UUID) -> Notice | None:
        """Returns it, locked until the transaction ends."""
        ...

    async def change(self, notice: Notice) -> None:
        """Stores a locked one as it is now; its identifier, delivery and step stay."""
        ...

    async def lock_ended(self, now: datetime, *, limit: int) -> Sequence[tuple[Notice, Ending]]:
        """Returns published notices whose time is over, or whose delivery was notified or withdrawn, and
        which of these; locked, those left out that others have in hand. Likewise, once there are none of
        these, failed ones that were handed over and whose delivery was notified or withdrawn: nobody knows
        whether they are public.
        """
        ...

    async def listed(
        self, states: Collection[NoticeState], *, after: UUID | None, limit: int
    ) -> Sequence[Notice]:
        """Lists notices in these states by identifier, from after the given one; documents are left out."""
        ...


@dataclass(frozen=True, slots=True)
class NoticeEntry:
    """A notice in the post's own feed.

    Attributes:
        notice_id: which one.
        document: what is published; None once it was withdrawn: then nothing of it is left.
        number: greater than that of every entry that was changed before.
        published_at, changed_at: when it was first published, and changed last.
    """

    notice_id: UUID
    document: bytes | None
    number: int
    published_at: datetime
    changed_at: datetime


class NoticeEntries(Protocol):
    """What the post's own feed shows, the newest change first."""

    async def put(self, notice_id: UUID, document: bytes, at: datetime) -> None:
        """Publishes a document in place of what was published under this identifier. The same one again
        changes nothing.
        """
        ...

    async def withdraw(self, notice_id: UUID, at: datetime) -> None:
        """Deletes the document; of one that is not there, or is withdrawn, nothing."""
        ...

    async def get(self, notice_id: UUID) -> NoticeEntry | None: ...

    async def newest(self, *, before: int | None, limit: int) -> Sequence[NoticeEntry]:
        """Returns the entries with the greatest numbers below the given one, withdrawn ones among them."""
        ...

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes entries that were withdrawn before then; returns how many."""
        ...


class NoticeTransaction(Protocol):
    """The part of a transaction that deals with public notices."""

    @property
    def notices(self) -> Notices: ...
    @property
    def notice_entries(self) -> NoticeEntries: ...


class NoticeTrouble(Exception):
    """A notice could not be published or withdrawn now; whether it was is not known.

    Attributes:
        reason: why, a word in capitals: UNREACHABLE, TIMED_OUT, UNTRUSTED, REFUSED_US, BUSY, FAILED,
            REDIRECTED, REJECTED, CONFLICT, TOO_LARGE, MISCONFIGURED, NOT_READABLE, STILL_READABLE.
        for_good: whether trying again is of no use.
        wait: how long to wait at least.
    """

    def __init__(self, reason: str, *, for_good: bool = False, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good
        self.wait = wait


class NoticePlace(Protocol):
    """Where notices are published. MUST NOT be used inside a transaction."""

    async def publish(self, notice_id: UUID, document: bytes) -> str:
        """Publishes a document in place of what was published under this identifier, and returns where it
        can be read. Done twice it is there once.

        Raises:
            NoticeTrouble.
        """
        ...

    async def withdraw(self, notice_id: UUID) -> None:
        """Takes back what was published under this identifier; what is not there is withdrawn.

        Raises:
            NoticeTrouble.
        """
        ...
