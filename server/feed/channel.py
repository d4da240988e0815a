"""What all documents of the feed go by: whose it is, where it is, and what its files are called."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from server.domain.notice_texts import TEXTS, NoticeWords
from server.domain.notices import NoticeText, PublicNotice, read_document
from server.usecases.notice_feed import LARGEST_NUMBER, FeedPage

ATOM: Final = "atom"
JSON: Final = "json"
HTML: Final = "html"
MEDIA_TYPES: Final = {
    ATOM: "application/atom+xml; charset=utf-8",
    JSON: "application/feed+json; charset=utf-8",
    HTML: "text/html; charset=utf-8",
}
"""By form."""
DOCUMENT_TYPE: Final = "application/json; charset=utf-8"

_PAGE = re.compile(
    r"(?P<language>[a-z]{2,3})(?:\.(?P<before>[1-9]\d{0,18}))?\.(?P<form>atom|json|html)", re.ASCII
)
_DOCUMENT = re.compile(r"(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageName:
    """One page in one language and form; `before` is the number before which it begins."""

    language: str
    form: str
    before: int | None = None

    def __str__(self) -> str:
        """The file's name: `hy.atom`, `hy.57.atom`."""
        return ".".join([self.language, *([str(self.before)] if self.before else []), self.form])


def page_named(name: str, languages: Sequence[str]) -> PageName | None:
    """Returns the page of this name; None for what is none."""
    match = _PAGE.fullmatch(name)
    if match is None or match["language"] not in languages:
        return None
    before = int(match["before"]) if match["before"] else None
    if before is not None and before > LARGEST_NUMBER:
        return None
    return PageName(match["language"], match["form"], before)


def document_named(name: str) -> UUID | None:
    """Returns whose document has this name; None for what is none."""
    match = _DOCUMENT.fullmatch(name)
    return UUID(match["id"]) if match else None


def document_name(notice_id: UUID) -> str:
    """Returns the name of the file with a notice's document."""
    return f"{notice_id}.json"


@dataclass(frozen=True, slots=True)
class Channel:
    """The feed.

    Attributes:
        url: where it is read, without a slash at its end.
        post: the post's name.
        languages: in which it is offered; the first governs.
        time_zone: the IANA name of the zone in which people are told times.
    """

    url: str
    post: str
    languages: tuple[str, ...]
    time_zone: str

    def words(self, language: str) -> NoticeWords:
        """Returns the texts around the notices."""
        return TEXTS[language]

    def title(self, language: str) -> str:
        """Returns the feed's title."""
        return TEXTS[language].feed.format(post=self.post)

    def local(self, time: datetime, language: str) -> str:
        """Returns a time as notices of the language write it."""
        return time.astimezone(ZoneInfo(self.time_zone)).strftime(TEXTS[language].time_format)

    def address(self, name: PageName | UUID) -> str:
        """Returns where a page, or a notice's document, is."""
        return f"{self.url}/{document_name(name) if isinstance(name, UUID) else name}"


@dataclass(frozen=True, slots=True)
class ShownNotice:
    """A notice that is public, in one language."""

    notice: PublicNotice
    text: NoticeText
    published_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class GoneNotice:
    """A notice that was withdrawn."""

    notice_id: UUID
    at: datetime


def shown(page: FeedPage, language: str) -> Sequence[ShownNotice | GoneNotice]:
    """Returns what stands on a page, in its order. A notice of another profile, which lacks the language, is
    there in its first one.
    """
    found: list[ShownNotice | GoneNotice] = []
    for entry in page.entries:
        if entry.document is None:
            found.append(GoneNotice(entry.notice_id, entry.changed_at))
            continue
        notice, texts = read_document(entry.document)
        text = next((each for each in texts if each.language == language), texts[0])
        found.append(ShownNotice(notice, text, entry.published_at, entry.changed_at))
    return found


def rfc3339(time: datetime) -> str:
    """Returns a time as Atom and JSON Feed write it."""
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
