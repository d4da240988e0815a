"""Writes what is published of a shard into a directory: only what is new, and never what does not fit."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from namak.evidence import EvidenceError
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import Verifier, parse_note
from namak.evidence.succession import SUCCESSOR_FILE
from namak.evidence.tiles import (
    HEIGHT,
    WIDTH,
    Extension,
    TileId,
    extend,
    root_from_tiles,
    tile_width,
    tiles_for_root,
)
from namak.evidence.tree import HASH_BYTES, leaf_hash
from server.tiles.directory import ExportRefused, TileDirectory
from server.tiles.paths import TileFile
from server.tiles.published import PublishedTiles, ShownCheckpoint, bundle
from server.transparency.guard import verified
from server.transparency.ports import LogReader

_BATCH: Final = 32 * WIDTH
# Entries that are read, hashed and written at a time.
_FULL: Final = WIDTH * HASH_BYTES


def untold(done: int, of: int) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What the directory holds now, in leaves; how many of them are new, and how many files."""

    size: int
    new: int
    files: int


class TileExport:
    """Brings a directory up to date, as often as it is asked.

    It hashes the entries itself, from where the directory's own checkpoint ends: so what it writes gives the
    root of the checkpoint that it writes last, whatever the database says.
    """

    def __init__(
        self,
        log: PublishedTiles,
        reader: LogReader,
        directory: TileDirectory,
        verifier: Verifier,
        *,
        again: bool = False,
        progress: Callable[[int, int], None] = untold,
    ) -> None:
        """Takes the shard, its key, and the directory, which MUST be held meanwhile.

        Args:
            again: the first time, go through all of the log, and write what is missing.
            progress: is told how many of the leaves are there, of how many.
        """
        self._log = log
        self._reader = reader
        self._directory = directory
        self._verifier = verifier
        self._again = again
        self._progress = progress

    async def run(self) -> Exported | None:
        """Writes what is new, the checkpoint last, then what leads to the next shard; returns None where
        nothing is published.

        Raises:
            ExportRefused: the directory holds another log, a larger tree or another one; what is published is
                not signed by the log; or files are there that say something else.
            ServiceUnavailable: the database does not answer, or contradicts itself; alarmed.
            OSError: files can't be read or written.
        """
        note = await asyncio.to_thread(self._directory.checkpoint)
        found = None if note is None else self._own(note)
        shown = await self._log.checkpoint(at_least=0 if found is None else found.size)
        if shown is None:
            if found is not None:
                raise self._larger(found, 0)
            return None
        self._check_signed(shown)
        if found is not None:
            await self._check_follows(found, shown.checkpoint)
        start = 0 if found is None or self._again else found.size
        files = await self._write(start, shown.checkpoint)
        if files or note != shown.note:
            await asyncio.to_thread(self._directory.publish, shown.note)
        receipt = await self._log.successor()
        if receipt is not None:
            await asyncio.to_thread(self._directory.keep, SUCCESSOR_FILE, receipt)
        self._again = False
        return Exported(shown.checkpoint.size, shown.checkpoint.size - (found.size if found else 0), files)

    async def sweep(self, keep_seconds: float) -> int:
        """Deletes partial tiles whose full ones are there for so long. Raises OSError."""
        return await asyncio.to_thread(self._directory.sweep, time.time() - keep_seconds)

    def _own(self, note: bytes) -> Checkpoint:
        try:
            return verified(note, self._verifier).checkpoint
        except EvidenceError as error:
            held = _origin_of(note)
            if held not in ("", self._log.origin):
                raise ExportRefused(
                    f"{self._directory.path} holds the shard {held}, and a directory is one shard's: give"
                    f" {self._log.origin} one of its own, or go on with the other by --origin {held}"
                ) from None
            raise ExportRefused(
                f"{self._directory.path}: its checkpoint is not one of {self._log.origin}: {error.detail}"
            ) from None

    def _check_signed(self, shown: ShownCheckpoint) -> None:
        try:
            verified(shown.note, self._verifier)
        except EvidenceError as error:
            raise ExportRefused(
                f"{self._log.origin}: the published checkpoint is not signed by the log: {error.detail}"
            ) from None

    async def _check_follows(self, found: Checkpoint, shown: Checkpoint) -> None:
        if shown.size < found.size:
            raise self._larger(found, shown.size)
        try:
            root = await self._log.root(found.size)
        except EvidenceError as error:
            raise self._log.contradicted(type(error).__name__, size=found.size) from None
        if root != found.root:
            raise ExportRefused(
                f"{self._directory.path} holds another tree of {found.size} leaves of {self._log.origin},"
                " signed by the log: it forked, or the database was put back"
            )

    def _larger(self, found: Checkpoint, size: int) -> ExportRefused:
        return ExportRefused(
            f"{self._directory.path} holds {found.size} leaves of {self._log.origin}, and only {size} are"
            " published: the database was put back"
        )

    async def _write(self, start: int, tree: Checkpoint) -> int:
        """Writes the tiles and bundles from a leaf on up to the tree's end; returns how many were missing."""
        size, written = start, 0
        edge = dict(await self._stored(tiles_for_root(start)))
        while size < tree.size:
            first = size - size % WIDTH
            end = min(first + _BATCH, tree.size)
            entries = await self._reader.entries(self._log.origin, first, end - first)
            if len(entries) != end - first:
                raise self._log.contradicted("entries are missing", first=first, end=end)
            grown = extend(edge, size, [leaf_hash(entry) for entry in entries[size - first :]])
            await self._check_stored(grown)
            bundles = {
                TileFile(TileId(0, (first + offset) // WIDTH), WIDTH, entries=True).path: bundle(
                    entries[offset : offset + WIDTH]
                )
                for offset in range(0, len(entries) - len(entries) % WIDTH, WIDTH)
            }
            full = {
                TileFile(tile, WIDTH).path: row for tile, row in grown.changed.items() if len(row) == _FULL
            }
            written += await asyncio.to_thread(self._directory.write, {**bundles, **full})
            edge.update(grown.changed)
            size = end
            edge = {tile: edge[tile] for tile in tiles_for_root(size)}
            self._progress(size, tree.size)
        if root_from_tiles(edge, tree.size) != tree.root:
            raise self._log.contradicted("the entries do not give the published root", size=tree.size)
        return written + await asyncio.to_thread(self._directory.write, await self._partial(edge, tree.size))

    async def _partial(self, edge: Mapping[TileId, bytes], size: int) -> Mapping[str, bytes]:
        """Returns the tree's partial tiles, and its partial bundle."""
        files: dict[str, bytes] = {}
        level = 0
        while hashes := size >> HEIGHT * level:
            tile = TileId(level, hashes // WIDTH)
            if width := tile_width(tile, size):
                files[TileFile(tile, width).path] = edge[tile][: width * HASH_BYTES]
            level += 1
        if width := size % WIDTH:
            entries = await self._reader.entries(self._log.origin, size - width, width)
            if len(entries) != width:
                raise self._log.contradicted("entries are missing", first=size - width, end=size)
            files[TileFile(TileId(0, size // WIDTH), width, entries=True).path] = bundle(entries)
        return files

    async def _check_stored(self, grown: Extension) -> None:
        """Before anything is written: what the entries give is what was stored when the leader signed."""
        stored = await self._stored(grown.changed)
        for tile, row in grown.changed.items():
            if not stored.get(tile, b"").startswith(row):
                raise self._log.contradicted(
                    "the entries do not give the stored tile", level=tile.level, index=tile.index
                )

    async def _stored(self, wanted: "frozenset[TileId] | Mapping[TileId, bytes]") -> Mapping[TileId, bytes]:
        rows = await self._reader.tiles({(self._log.origin, tile) for tile in wanted})
        return {tile: row for (_, tile), row in rows.items()}


def _origin_of(note: bytes) -> str:
    """Returns the shard that a checkpoint says it is of, whoever signed it; empty where it is none."""
    try:
        return Checkpoint.parse(parse_note(note).text).origin
    except EvidenceError:
        return ""
