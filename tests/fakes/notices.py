"""Public notices and the entries of the feed in memory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.notices import Ending, Notice, NoticeState, ending_of
from server.usecases.notice_ports import NoticeEntry
from tests.fakes.state import State


class FakeNotices:
    """Notices of one transaction."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._notices = state.notices

    async def add(self, notice: Notice) -> Notice:
        for each in self._notices.values():
            if (each.mailbox_id, each.delivery_id, each.step) == (
                notice.mailbox_id,
                notice.delivery_id,
                notice.step,
            ):
                return each
        self._notices[notice.id] = notice
        return notice

    async def get(self, notice_id: UUID) -> Notice | None:
        return self._notices.get(notice_id)

    async def lock(self, notice_id: UUID) -> Notice | None:
        return self._notices.get(notice_id)

    async def change(self, notice: Notice) -> None:
        missing = None in (notice.document, notice.place, notice.deadline, notice.published_at)
        self._state.require(notice.state is not NoticeState.PUBLISHED or not missing, "ck_notices_published")
        self._notices[notice.id] = notice

    async def lock_ended(self, now: datetime, *, limit: int) -> Sequence[tuple[Notice, Ending]]:
        found: list[tuple[Notice, Ending]] = []
        needless: list[tuple[Notice, Ending]] = []
        for notice in self._notices.values():
            if notice.state is NoticeState.FAILED and notice.document is not None:
                why = ending_of(self._state.deliveries[notice.mailbox_id, notice.delivery_id])
                needless += [] if why is None else [(notice, why)]
            if notice.state is not NoticeState.PUBLISHED or notice.deadline is None:
                continue
            delivery = self._state.deliveries[notice.mailbox_id, notice.delivery_id]
            ending = Ending.OVER if notice.deadline <= now else ending_of(delivery)
            if ending is not None:
                found.append((notice, ending))
        return (found or needless)[:limit]

    async def listed(
        self, states: Collection[NoticeState], *, after: UUID | None, limit: int
    ) -> Sequence[Notice]:
        found = [
            replace(notice, document=None)
            for key, notice in sorted(self._notices.items())
            if notice.state in states and (after is None or key > after)
        ]
        return found[:limit]


class FakeNoticeEntries:
    """Entries of the feed."""

    def __init__(self, state: State) -> None:
        self._entries = state.notice_entries

    async def put(self, notice_id: UUID, document: bytes, at: datetime) -> None:
        entry = self._entries.get(notice_id)
        if entry is not None and entry.document == document:
            return
        since = at if entry is None else entry.published_at
        self._entries[notice_id] = NoticeEntry(notice_id, document, self._next(), since, at)

    async def withdraw(self, notice_id: UUID, at: datetime) -> None:
        entry = self._entries.get(notice_id)
        if entry is not None and entry.document is not None:
            self._entries[notice_id] = replace(entry, document=None, number=self._next(), changed_at=at)

    async def get(self, notice_id: UUID) -> NoticeEntry | None:
        return self._entries.get(notice_id)

    async def newest(self, *, before: int | None, limit: int) -> Sequence[NoticeEntry]:
        found = [each for each in self._entries.values() if before is None or each.number < before]
        return sorted(found, key=lambda each: -each.number)[:limit]

    async def forget(self, before: datetime, *, limit: int) -> int:
        old = [
            key for key, each in self._entries.items() if each.document is None and each.changed_at < before
        ]
        for key in old[:limit]:
            del self._entries[key]
        return len(old[:limit])

    def _next(self) -> int:
        return max((each.number for each in self._entries.values()), default=0) + 1
