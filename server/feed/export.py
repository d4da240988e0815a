"""Writes the whole feed into a directory, for a web server of files alone.

Each file is there whole or not at all. Documents come before the pages that lead to them, and the first page
comes last, so that a reader in the middle of it is not led to what is not there. What was withdrawn is
deleted in the end. Nothing else in the directory is touched.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from server.feed.channel import MEDIA_TYPES, document_name, document_named, page_named
from server.feed.pages import FeedPages
from server.usecases.notice_feed import FeedPage

_UNFINISHED = ".unfinished"


@dataclass(frozen=True, slots=True)
class Exported:
    """How many files were written, and how many deleted; those that were the same already were left."""

    written: int
    deleted: int


async def export(pages: FeedPages, directory: Path) -> Exported:
    """Writes the feed as it is now, page by page.

    Raises:
        OSError: a file can't be written.
        ServiceUnavailable: the database does not answer; the directory is as far as it came.
    """
    _make(directory)
    keep: set[str] = set()
    first = page = await pages.entries(None)
    written = 0
    while True:
        for entry in page.entries:
            if entry.document is not None:
                name = document_name(entry.notice_id)
                keep.add(name)
                written += _write(directory / name, entry.document)
        if page is not first:
            written += _write_page(pages, page, directory, keep)
        if page.older is None:
            break
        page = await pages.entries(page.older)
    written += _write_page(pages, first, directory, keep)
    return Exported(written, _delete(directory, keep, pages.channel.languages))


def _make(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)


def _write_page(pages: FeedPages, page: FeedPage, directory: Path, keep: set[str]) -> int:
    """Writes a page in all languages and forms."""
    written = 0
    for language in pages.channel.languages:
        for form in MEDIA_TYPES:
            name, content = pages.written(page, language, form)
            keep.add(str(name))
            written += _write(directory / str(name), content)
    return written


def _write(path: Path, content: bytes) -> bool:
    """Writes a file whole, unless it says so already."""
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        pass
    unfinished = path.with_name(path.name + _UNFINISHED)
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return True


def _delete(directory: Path, keep: set[str], languages: tuple[str, ...]) -> int:
    count = 0
    for path in directory.iterdir():
        name = path.name.removesuffix(_UNFINISHED)
        is_ours = page_named(name, languages) is not None or document_named(name) is not None
        if is_ours and path.name not in keep:
            path.unlink()
            count += 1
    return count
