"""A place for public notices in memory; checked by `NoticePlaceContract`."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from server.usecases.notice_ports import NoticeTrouble


async def nothing() -> None:
    """Does nothing."""


class FakeNoticePlace:
    """A place that shows what was published, and fails as a test tells it to.

    Attributes:
        shown: what is public.
        trouble: what every question meets.
        taken_first: whether the place does what it is asked before it fails, as one whose answer is lost.
        after_publishing: runs when something was published, before the answer.
        puts: how often something was published.
    """

    def __init__(self) -> None:
        self.shown: dict[UUID, bytes] = {}
        self.trouble: NoticeTrouble | None = None
        self.taken_first = False
        self.after_publishing: Callable[[], Awaitable[None]] = nothing
        self.puts = 0

    async def publish(self, notice_id: UUID, document: bytes) -> str:
        """See `NoticePlace`."""
        if self.trouble is None or self.taken_first:
            self.shown[notice_id] = document
            self.puts += 1
            await self.after_publishing()
        self._fail()
        return f"https://gazette.example.am/{notice_id}"

    async def withdraw(self, notice_id: UUID) -> None:
        """See `NoticePlace`."""
        self._fail()
        self.shown.pop(notice_id, None)

    async def public(self, notice_id: UUID) -> bytes | None:
        """Returns what anybody can read."""
        return self.shown.get(notice_id)

    def _fail(self) -> None:
        if self.trouble is not None:
            raise self.trouble
