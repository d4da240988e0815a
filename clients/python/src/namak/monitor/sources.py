"""Where a monitor reads a log: a directory, a web server, or the post itself."""

import asyncio
import os
import stat
import urllib.error
from collections.abc import Collection, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from namak.evidence.note import MAX_NOTE_BYTES
from namak.evidence.succession import MAX_BYTES, SUCCESSOR_FILE
from namak.evidence.tiles import WIDTH, TileId, tile_path, tile_width
from namak.evidence.tree import HASH_BYTES
from namak.monitor.limited_http import TOO_LONG, in_time

SECONDS: Final = 20.0
"""How long one file may take to come, however it comes."""

ENTRY_BYTES: Final = 32
"""Each entry is a SHA-256 (docs/tiles.md)."""
BUNDLE_BYTES: Final = WIDTH * (2 + ENTRY_BYTES)
"""In a bundle each entry stands behind its length in two bytes (C2SP tlog-tiles)."""

_AT_ONCE = 8
_GONE = (404, 410)


class SourceUnreached(Exception):
    """The log can't be read now; the text says why."""


class NotShown(Exception):
    """The log does not show what it signed; the text says what is missing or wrong."""


class Source(Protocol):
    """Where a log is read. Methods raise :class:`SourceUnreached`."""

    @property
    def name(self) -> str:
        """What people know it by."""
        ...

    async def checkpoint(self) -> bytes | None:
        """Returns the newest checkpoint, or more bytes than one may have; None where there is none."""
        ...

    async def tile(self, tile: TileId, width: int) -> bytes | None:
        """Returns a tile of exactly this width, whatever it holds; None where there is none."""
        ...

    async def entries(self, index: int, width: int) -> bytes | None:
        """Returns a bundle of exactly so many entries, whatever it holds; None where there is none."""
        ...

    async def successor(self) -> bytes | None:
        """Returns the receipt that leads to the next shard, or more bytes than one may have; None where there
        is none.
        """
        ...

    def at_successor(self, origin: str, successor: str) -> "Source | None":
        """Returns where the shard after this one, ``origin``, is read; None where that can't be told."""
        ...


class FileSource:
    """A directory with the log's files (C2SP tlog-tiles)."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def name(self) -> str:
        """The directory."""
        return str(self._directory)

    async def checkpoint(self) -> bytes | None:
        """See :class:`Source`."""
        return await asyncio.to_thread(self._read, "checkpoint", MAX_NOTE_BYTES)

    async def tile(self, tile: TileId, width: int) -> bytes | None:
        """See :class:`Source`."""
        return await asyncio.to_thread(
            self._read, tile_path(tile.level, tile.index, width), WIDTH * HASH_BYTES
        )

    async def entries(self, index: int, width: int) -> bytes | None:
        """See :class:`Source`."""
        return await asyncio.to_thread(self._read, entries_path(index, width), BUNDLE_BYTES)

    async def successor(self) -> bytes | None:
        """See :class:`Source`."""
        return await asyncio.to_thread(self._read, SUCCESSOR_FILE, MAX_BYTES)

    def at_successor(self, origin: str, successor: str) -> "FileSource | None":
        """See :class:`Source`."""
        name = _beside(self._directory.name, origin, successor)
        return None if name is None else FileSource(self._directory.with_name(name))

    def _read(self, name: str, most: int) -> bytes | None:
        try:
            with open(self._directory / name, "rb", opener=_unblocked) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise SourceUnreached(f"{self._directory / name} is no file")
                return file.read(most + 1)
        except FileNotFoundError:
            if not self._directory.is_dir():
                raise SourceUnreached(f"{self._directory} is not there") from None
            return None
        except OSError as problem:
            raise SourceUnreached(f"{problem.filename}: {problem.strerror}") from None


def entries_path(index: int, width: int) -> str:
    """Returns the path of a bundle of so many entries."""
    return tile_path(0, index, width).replace("tile/0/", "tile/entries/", 1)


def _unblocked(path: str, flags: int) -> int:
    """Opens a file at once: a mirror may hold a pipe, on which nobody ever writes."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class HttpSource:
    """A web server with the log's files (C2SP tlog-tiles), which may be anybody's.

    It is led nowhere else: what a redirection says besides would be read whatever its length.
    """

    def __init__(self, prefix: str, *, seconds: float = SECONDS) -> None:
        """``prefix`` is the log's, with or without a slash at its end."""
        self._prefix = prefix.rstrip("/")
        self._seconds = seconds

    @property
    def name(self) -> str:
        """The prefix."""
        return self._prefix

    async def checkpoint(self) -> bytes | None:
        """See :class:`Source`."""
        return await asyncio.to_thread(self._get, "checkpoint", MAX_NOTE_BYTES)

    async def tile(self, tile: TileId, width: int) -> bytes | None:
        """See :class:`Source`."""
        path = tile_path(tile.level, tile.index, width)
        return await asyncio.to_thread(self._get, path, WIDTH * HASH_BYTES)

    async def entries(self, index: int, width: int) -> bytes | None:
        """See :class:`Source`."""
        return await asyncio.to_thread(self._get, entries_path(index, width), BUNDLE_BYTES)

    async def successor(self) -> bytes | None:
        """See :class:`Source`."""
        return await asyncio.to_thread(self._get, SUCCESSOR_FILE, MAX_BYTES)

    def at_successor(self, origin: str, successor: str) -> "HttpSource | None":
        """See :class:`Source`."""
        parent, _, last = self._prefix.rpartition("/")
        name = _beside(last, origin, successor)
        return None if name is None else HttpSource(f"{parent}/{name}", seconds=self._seconds)

    def _get(self, path: str, most: int) -> bytes | None:
        address = f"{self._prefix}/{path}"
        with in_time(self._seconds) as limited:
            try:
                with limited.opened(address) as answer:
                    content: bytes | None = answer.read(most + 1)
            except urllib.error.HTTPError as refused:
                refused.close()
                if refused.code not in _GONE and not limited.is_over:
                    raise SourceUnreached(f"{address}: status {refused.code}") from None
                content = None
            except (OSError, ValueError, HTTPException) as problem:
                reason = getattr(problem, "reason", problem)
                if isinstance(reason, TimeoutError):
                    # One read took all the time there is: by which clock that is seen first is chance.
                    limited.end()
                if not limited.is_over:
                    cause = str(reason) or type(problem).__name__
                    raise SourceUnreached(f"{self._prefix}: {cause}") from None
                content = None
            if limited.is_over:
                # Whatever came may be cut off.
                raise SourceUnreached(f"{self._prefix}: {TOO_LONG}")
        return content


def _beside(place: str, origin: str, successor: str) -> str | None:
    """Returns what the next shard's place is called, beside one that is called as its own shard is."""
    (parent, _, last), (next_parent, _, name) = origin.rpartition("/"), successor.rpartition("/")
    return name if (parent, last) == (next_parent, place) else None


def source_at(place: str) -> Source | None:
    """Returns the source that a directory, a ``file:`` or an ``http(s):`` address names; None for others."""
    address = urlsplit(place)
    if address.scheme in ("http", "https"):
        usable = address.hostname and not (address.query or address.fragment or address.username)
        return HttpSource(place) if usable else None
    if address.scheme == "file":
        return FileSource(Path(unquote(address.path))) if address.netloc in ("", "localhost") else None
    # One letter before a colon is a drive.
    return FileSource(Path(place)) if len(address.scheme) < 2 else None


async def tiles_from(source: Source, wanted: Collection[TileId], size: int) -> Mapping[TileId, bytes]:
    """Returns tiles of the tree of ``size`` leaves, each as wide as that makes it.

    A partial tile that is gone is cut from the full one (tlog-tiles, "Partial Tiles"). Raises
    :class:`NotShown` where one is missing or has another length.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(tile: TileId) -> tuple[TileId, bytes]:
        width = tile_width(tile, size)
        async with gate:
            row = await source.tile(tile, width)
            if row is None and width < WIDTH:
                full = await source.tile(tile, WIDTH)
                row = None if full is None else full[: width * HASH_BYTES]
        path = tile_path(tile.level, tile.index, width)
        if row is None:
            raise NotShown(f"{path} is not there")
        if len(row) != width * HASH_BYTES:
            raise NotShown(f"{path} has another length than {width * HASH_BYTES} bytes")
        return tile, row

    tasks = [asyncio.ensure_future(one(tile)) for tile in sorted(wanted)]
    try:
        return dict([await task for task in tasks])
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
