"""A feed in memory, with pages of three entries."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest

from server.domain.notices import PublicNotice, shown_name
from server.feed.channel import Channel
from server.feed.pages import FeedPages
from server.jurisdictions.am import AM
from server.usecases.notice_feed import NoticeFeed
from tests.contracts import examples
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.usecases.world import FixedClock

URL = "https://notices.post.example.am/feed"


@dataclass
class FeedWorld:
    """The feed, and who publishes into it."""

    uow: FakeUnitOfWork = field(default_factory=FakeUnitOfWork)
    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        self.feed = NoticeFeed(uow=self.uow, clock=self.clock, url=URL)
        self.pages = FeedPages(self.feed, Channel(URL, AM.operator_name, AM.languages, AM.time_zone), 3)

    async def publish(self, name: str = "Անի Գրիգորյան", sender: str = "Կոմիտե") -> UUID:
        """Publishes a notice; returns its identifier."""
        notice = PublicNotice(
            examples.new_id(), examples.new_id(), shown_name(name), shown_name(sender), self.clock.now()
        )
        await self.feed.publish(notice.id, notice.document(AM.languages, AM.time_zone))
        return notice.id

    async def read(self, name: str) -> bytes:
        """Returns a file of the feed."""
        file = await self.pages.file(name)
        assert file is not None
        return file.content


@pytest.fixture
def world() -> FeedWorld:
    return FeedWorld()
