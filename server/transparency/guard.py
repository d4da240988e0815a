"""The guard: the last signed note, kept outside the database.

A database that was restored to an earlier state would let a leader sign a second tree of a size it has signed
before, which is a fork: two histories, each with a good signature. The guard is what remembers when the
database forgets. All replicas of a shard that run on one machine share one file.
"""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from namak.evidence import EvidenceError
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.note import MAX_NOTE_BYTES, Verifier, open_note, parse_note
from namak.evidence.tiles import TileId, root_from_tiles, tiles_for_root
from server.transparency.ports import Head
from server.transparency.troubles import (
    ForkRefused,
    GuardDamaged,
    GuardMissing,
    GuardUnreachable,
    TreeCorrupt,
)

LOCK_WAIT_SECONDS = 2.0
"""How long another process may hold the file's lock: it needs microseconds, unless it is frozen."""

_LOCK_RETRY_SECONDS = 0.01


class GuardMoved(Exception):
    """Another process advanced the guard since it was read: look again."""


class GuardOfAnother(Exception):
    """What lies at the guard's place is another shard's checkpoint, and may be all that is known of it."""

    def __init__(self, origin: str) -> None:
        super().__init__(origin)
        self.origin = origin


@dataclass(frozen=True, slots=True)
class SignedTree:
    """A checkpoint and the note that says it, whose signature has been verified.

    Two are equal when they say the same of the tree, whatever other signatures their notes carry.
    """

    checkpoint: Checkpoint
    note: bytes = field(compare=False)


class Guard(Protocol):
    """Keeps the last signed note of one shard; never goes backwards."""

    async def read(self) -> SignedTree | None:
        """Returns what is kept; None if nothing ever was.

        Raises:
            GuardDamaged: what is kept is no note of this log with a good signature.
            GuardUnreachable: the place can't be read.
        """
        ...

    async def advance(self, seen: SignedTree | None, tree: SignedTree) -> None:
        """Keeps `tree`, durably, in place of `seen`.

        Raises:
            GuardMoved: neither `seen` nor `tree` is what is kept.
            GuardDamaged, GuardUnreachable: as for `read`; nothing was changed, as far as anyone can tell.
        """
        ...


def verified(note: bytes, verifier: Verifier) -> SignedTree:
    """Returns the tree of a note of this log. Raises `EvidenceError` unless the log's key signed it."""
    parsed = parse_note(note)
    open_note(parsed, [verifier])
    checkpoint = Checkpoint.parse(parsed.text)
    if checkpoint.origin != verifier.name:
        raise _OtherLog("the note is another log's")
    return SignedTree(checkpoint, note)


class _OtherLog(EvidenceError):
    """A good signature over another log's checkpoint."""


def tiles_to_check(guarded: SignedTree | None, head: Head) -> frozenset[TileId]:
    """Returns the tiles that `check_extends` needs."""
    wanted = tiles_for_root(head.integrated_size)
    if guarded is None or guarded.checkpoint.size > head.integrated_size:
        return wanted
    return wanted | tiles_for_root(guarded.checkpoint.size)


def check_extends(guarded: SignedTree | None, head: Head, tiles: Mapping[TileId, bytes]) -> None:
    """Checks that the committed tree of `head` may be signed: it is what its tiles say, and extends the
    guarded one.

    Raises:
        GuardMissing: nothing is guarded although something was published.
        ForkRefused: the tree is smaller than the guarded one, or does not begin with it.
        TreeCorrupt: the tiles do not give the tree's root.
    """
    if guarded is None:
        if head.published_size:
            raise GuardMissing(origin=head.origin, published_size=head.published_size)
    elif head.integrated_size < guarded.checkpoint.size:
        raise _fork(guarded.checkpoint, head, "the tree is smaller")
    if _root(tiles, head.integrated_size) != head.root:
        raise TreeCorrupt(origin=head.origin, size=head.integrated_size, root=head.root.hex())
    if guarded is not None and _root(tiles, guarded.checkpoint.size) != guarded.checkpoint.root:
        raise _fork(guarded.checkpoint, head, "the tree begins differently")


def _fork(guarded: Checkpoint, head: Head, cause: str) -> ForkRefused:
    return ForkRefused(
        origin=head.origin,
        cause=cause,
        guarded_size=guarded.size,
        guarded_root=guarded.root.hex(),
        size=head.integrated_size,
        root=head.root.hex(),
    )


def _root(tiles: Mapping[TileId, bytes], size: int) -> bytes | None:
    try:
        return root_from_tiles(tiles, size)
    except EvidenceError:
        return None


def _follows(found: Checkpoint, before: Checkpoint) -> bool:
    return found.size > before.size or found == before


class FileGuard:
    """A `Guard` that is a file, replaced as a whole; a second file beside it carries the lock."""

    def __init__(self, path: Path, verifier: Verifier) -> None:
        """Takes the file's place and the log's key, with which what is read is verified."""
        self._path = path
        self._verifier = verifier
        self._read_last: SignedTree | None = None

    async def read(self) -> SignedTree | None:
        """See `Guard`."""
        return await asyncio.to_thread(self._read)

    async def advance(self, seen: SignedTree | None, tree: SignedTree) -> None:
        """See `Guard`."""
        await asyncio.to_thread(self._advance, seen, tree)

    async def replace_unsound(self, tree: SignedTree) -> bool:
        """Keeps `tree` in place of nothing or of a damaged file; returns False where a sound one is kept.

        For a person's decision only (`log adopt-guard`).

        Raises:
            GuardOfAnother: settings mixed up the guards of two shards.
            GuardUnreachable: as for `read`.
        """
        return await asyncio.to_thread(self._replace_unsound, tree)

    def _read(self) -> SignedTree | None:
        # Taken before the file is looked at: another thread of this process may be ahead.
        last = self._read_last
        try:
            with self._path.open("rb") as file:
                # One byte more than a note may have: whatever lies there, no more is read.
                note = file.read(MAX_NOTE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreachable(error) from error
        if last is not None and last.note == note:
            return last
        try:
            found = verified(note, self._verifier)
        except EvidenceError as error:
            raise GuardDamaged(path=str(self._path), cause=type(error).__name__) from error
        if last is not None and not _follows(found.checkpoint, last.checkpoint):
            # Nobody takes it back but who restores a copy, and this process has seen more.
            raise GuardDamaged(path=str(self._path), cause="TakenBack")
        self._read_last = found
        return found

    def _advance(self, seen: SignedTree | None, tree: SignedTree) -> None:
        with self._written(tree) as temporary, self._locked():
            kept = self._read()
            if kept != tree:
                if kept != seen or (kept is not None and tree.checkpoint.size <= kept.checkpoint.size):
                    raise GuardMoved
                temporary.replace(self._path)
        # What it reads next is this, as long as nobody else writes.
        self._read_last = tree
        self._sync_directory()

    def _replace_unsound(self, tree: SignedTree) -> bool:
        with self._written(tree) as temporary, self._locked():
            with contextlib.suppress(GuardDamaged):
                if self._read() is not None:
                    return False
            self._check_not_of_another()
            temporary.replace(self._path)
        self._sync_directory()
        return True

    def _check_not_of_another(self) -> None:
        """Its key is not at hand: that it looks like another shard's guard is enough to leave it alone."""
        try:
            with self._path.open("rb") as file:
                checkpoint = Checkpoint.parse(parse_note(file.read(MAX_NOTE_BYTES + 1)).text)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unreachable(error) from error
        except EvidenceError:
            return
        if checkpoint.origin != self._verifier.name:
            raise GuardOfAnother(checkpoint.origin)

    @contextlib.contextmanager
    def _written(self, tree: SignedTree) -> Iterator[Path]:
        """Writes the note to a file of its own, to the disk: before the lock, which is held for moments."""
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.{id(tree)}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(tree.note)
                file.flush()
                os.fsync(file.fileno())
            yield temporary
        except OSError as error:
            raise self._unreachable(error) from error
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Holds the lock, without which a thawed process could put an older note over a newer one."""
        with self._path.with_name(f"{self._path.name}.lock").open("ab") as lock:
            give_up = time.monotonic() + LOCK_WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > give_up:
                        raise GuardUnreachable(
                            path=str(self._path), cause="locked by a process that does not go on"
                        ) from None
                    time.sleep(_LOCK_RETRY_SECONDS)
            yield

    def _sync_directory(self) -> None:
        try:
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: OSError) -> GuardUnreachable:
        return GuardUnreachable(path=str(self._path), cause=type(error).__name__)
