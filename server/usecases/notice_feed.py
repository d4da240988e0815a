"""The post's own feed of public notices: a place like any other for whoever publishes, and pages for whoever
reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from server.usecases.notice_ports import NoticeEntry
from server.usecases.ports import Clock, UnitOfWork

LARGEST_NUMBER: Final = 2**63 - 1
"""No entry has a greater number."""


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of the feed.

    Attributes:
        entries: the newest change first, withdrawn ones among them.
        before: the number before which it begins, None for the first one.
        older: the number before which the next page begins, None on the last one.
        changed_at: when the feed was changed last, on whichever page; before anything was published the
            beginning of the day (UTC), for which all replicas write the same bytes.
    """

    entries: Sequence[NoticeEntry]
    before: int | None
    older: int | None
    changed_at: datetime


class NoticeFeed:
    """Publishes into the feed, and shows it."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, url: str) -> None:
        """`url` is where people read the feed."""
        self._uow = uow
        self._clock = clock
        self._url = url.rstrip("/")

    async def publish(self, notice_id: UUID, document: bytes) -> str:
        """Publishes a document; returns where exactly these bytes can be read."""
        async with self._uow.writing() as tx:
            await tx.notice_entries.put(notice_id, document, self._clock.now())
            await tx.commit()
        return self.address(notice_id)

    def address(self, notice_id: UUID) -> str:
        """Returns where a notice's document is read."""
        return f"{self._url}/{notice_id}.json"

    async def withdraw(self, notice_id: UUID) -> None:
        """Deletes it from the feed."""
        async with self._uow.writing() as tx:
            await tx.notice_entries.withdraw(notice_id, self._clock.now())
            await tx.commit()

    async def page(self, before: int | None, size: int) -> FeedPage:
        """Returns the newest page, or the one that begins before a number."""
        async with self._uow.reading() as tx:
            found = await tx.notice_entries.newest(before=before, limit=size + 1)
            newest = found if before is None else await tx.notice_entries.newest(before=None, limit=1)
        shown = found[:size]
        return FeedPage(
            shown,
            before,
            shown[-1].number if len(found) > len(shown) else None,
            newest[0].changed_at if newest else _day_of(self._clock.now()),
        )

    async def entry(self, notice_id: UUID) -> NoticeEntry | None:
        """Returns an entry: without a document where it was withdrawn, None where there never was one, or it
        is forgotten.
        """
        async with self._uow.reading() as tx:
            return await tx.notice_entries.get(notice_id)


def _day_of(time: datetime) -> datetime:
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
