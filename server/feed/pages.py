"""Makes any file of the feed by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from server.feed import atom, json_feed, web_page
from server.feed.channel import (
    ATOM,
    DOCUMENT_TYPE,
    HTML,
    JSON,
    MEDIA_TYPES,
    Channel,
    PageName,
    document_named,
    page_named,
)
from server.usecases.notice_feed import FeedPage, NoticeFeed

_FORMS: Mapping[str, Callable[[Channel, FeedPage, str], bytes]] = MappingProxyType(
    {ATOM: atom.document, JSON: json_feed.document, HTML: web_page.document}
)


@dataclass(frozen=True, slots=True)
class File:
    """A file of the feed; `older` is the page that follows, if it is a page and one does."""

    content: bytes
    media_type: str
    changed_at: datetime
    older: PageName | None = None


class Withdrawn(Exception):
    """The notice was there, and is no longer."""


class FeedPages:
    """The feed in all its languages and forms."""

    def __init__(self, feed: NoticeFeed, channel: Channel, size: int) -> None:
        """`size` is how many entries stand on a page."""
        self._feed = feed
        self._size = size
        self.channel = channel

    async def file(self, name: str) -> File | None:
        """Returns the file of this name; None where there is none.

        Raises:
            Withdrawn: there was one.
            ServiceUnavailable: the database does not answer.
        """
        if (page := page_named(name, self.channel.languages)) is not None:
            return await self.page(page)
        if (notice_id := document_named(name)) is None:
            return None
        entry = await self._feed.entry(notice_id)
        if entry is None:
            return None
        if entry.document is None:
            raise Withdrawn
        return File(entry.document, DOCUMENT_TYPE, entry.changed_at)

    async def page(self, name: PageName) -> File:
        """Returns a page."""
        page = await self._feed.page(name.before, self._size)
        content = _FORMS[name.form](self.channel, page, name.language)
        older = None if page.older is None else PageName(name.language, name.form, page.older)
        return File(content, MEDIA_TYPES[name.form], page.changed_at, older)

    async def entries(self, before: int | None) -> FeedPage:
        """Returns what stands on a page in every language and form."""
        return await self._feed.page(before, self._size)

    def written(self, page: FeedPage, language: str, form: str) -> tuple[PageName, bytes]:
        """Returns a page's name and content."""
        return PageName(language, form, page.before), _FORMS[form](self.channel, page, language)
