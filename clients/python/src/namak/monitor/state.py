"""What a monitor remembers: of each log the newest tree that it checked; receipts and mailboxes besides.

One SQLite file in a directory of its own, on the disk when a method returns. What is known of a log only goes
forward; proofs of what went wrong lie beside it as files, each whole, and are never deleted.
"""

import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import EvidenceError
from namak.evidence.mailbox_chain import ChainHead
from namak.evidence.note import parse_note
from namak.evidence.tiles import TileId, root_from_tiles, tile_path

STATE_FILE: Final = "monitor.db"
PROOFS: Final = "proofs"
LOCK_SECONDS: Final = 10.0

_FORMAT: Final = 1
_TABLES: Final = """
CREATE TABLE trees (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, note BLOB NOT NULL, seen_at REAL NOT NULL
);
CREATE TABLE edges (
    origin TEXT NOT NULL, level INTEGER NOT NULL, tile_index INTEGER NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (origin, level)
);
CREATE TABLE receipts (digest BLOB PRIMARY KEY);
CREATE TABLE heads (mailbox TEXT PRIMARY KEY, sequence INTEGER NOT NULL, link BLOB NOT NULL);
"""
_UNSAFE = re.compile(r"[^A-Za-z0-9.-]+")


class StateUnusable(Exception):
    """The state can't be read or written; the text says why."""


class StateMoved(Exception):
    """Another process that uses the same state went on meanwhile: look again."""


@dataclass(frozen=True, slots=True)
class KnownTree:
    """The newest tree of a log that was checked: its note, when it was first seen, in POSIX seconds, and its
    right edge, from which it grows on.
    """

    checkpoint: Checkpoint
    note: bytes
    seen_at: float
    edge: Mapping[TileId, bytes]


class State:
    """The open state. For one thread at a time; several processes may share it."""

    def __init__(self, directory: Path) -> None:
        """Opens it, or makes it where there is none. Raises :class:`StateUnusable`."""
        self.directory = directory
        path = directory / STATE_FILE
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise StateUnusable(f"{directory}: {problem.strerror}") from None
        with _told(path):
            self._connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
            self._connection.execute("PRAGMA synchronous = FULL")
        with self._writing():
            ((found,),) = self._connection.execute("PRAGMA user_version")
            if found == 0:
                for statement in _TABLES.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {_FORMAT}")
        if found not in (0, _FORMAT):
            self.close()
            raise StateUnusable(f"{path} is no state of this version's")

    def close(self) -> None:
        """Closes it."""
        self._connection.close()

    def tree(self, origin: str) -> KnownTree | None:
        """Returns what is known of a log. Raises :class:`StateUnusable`, also where it was damaged."""
        with self._writing():
            rows = self._connection.execute(
                "SELECT note, seen_at FROM trees WHERE origin = ?", (origin,)
            ).fetchall()
            edges = self._connection.execute(
                "SELECT level, tile_index, hashes FROM edges WHERE origin = ?", (origin,)
            ).fetchall()
        if not rows:
            return None
        note, seen_at = rows[0]
        kinds = [[type(each) for each in row] for row in edges]
        if [type(note), type(seen_at)] != [bytes, float] or any(kind != [int, int, bytes] for kind in kinds):
            raise StateUnusable(f"{self.directory}: what is kept of {origin} is damaged")
        edge = {TileId(level, index): hashes for level, index, hashes in edges}
        try:
            checkpoint = Checkpoint.parse(parse_note(note).text)
            if root_from_tiles(edge, checkpoint.size) != checkpoint.root:
                raise StateUnusable(f"{self.directory}: what is kept of {origin} is damaged")
        except EvidenceError as problem:
            raise StateUnusable(f"{self.directory}: what is kept of {origin} is damaged") from problem
        return KnownTree(checkpoint, note, seen_at, edge)

    def size(self, origin: str) -> int:
        """Returns how many leaves are known of a log; 0 for one that is not."""
        with self._writing():
            rows = self._connection.execute("SELECT size FROM trees WHERE origin = ?", (origin,)).fetchall()
        return rows[0][0] if rows else 0

    def advance(self, before: KnownTree | None, tree: KnownTree) -> None:
        """Keeps a tree in place of the one before. Raises :class:`StateMoved`."""
        origin, size = tree.checkpoint.origin, tree.checkpoint.size
        with self._writing():
            rows = self._connection.execute("SELECT note FROM trees WHERE origin = ?", (origin,)).fetchall()
            if rows != ([] if before is None else [(before.note,)]):
                raise StateMoved(origin)
            self._connection.execute(
                "INSERT OR REPLACE INTO trees VALUES (?, ?, ?, ?)", (origin, size, tree.note, tree.seen_at)
            )
            self._connection.execute("DELETE FROM edges WHERE origin = ?", (origin,))
            self._connection.executemany(
                "INSERT INTO edges VALUES (?, ?, ?, ?)",
                [(origin, tile.level, tile.index, row) for tile, row in tree.edge.items()],
            )

    def is_found(self, receipt: bytes) -> bool:
        """Returns whether this receipt was found in its log before."""
        with self._writing():
            digest = hashlib.sha256(receipt).digest()
            found = self._connection.execute("SELECT 1 FROM receipts WHERE digest = ?", (digest,))
            return found.fetchone() is not None

    def found(self, receipt: bytes) -> None:
        """Remembers that a receipt was found in its log, which only grows."""
        with self._writing():
            digest = hashlib.sha256(receipt).digest()
            self._connection.execute("INSERT OR IGNORE INTO receipts VALUES (?)", (digest,))

    def head(self, mailbox: str) -> ChainHead | None:
        """Returns the newest link of a mailbox up to which it was complete."""
        with self._writing():
            rows = self._connection.execute(
                "SELECT sequence, link FROM heads WHERE mailbox = ?", (mailbox,)
            ).fetchall()
        match rows:
            case []:
                return None
            case [(int(sequence), bytes(link))]:
                return ChainHead(sequence, link)
        raise StateUnusable(f"{self.directory}: what is kept of {mailbox} is damaged")

    def complete(self, mailbox: str, head: ChainHead) -> None:
        """Remembers up to where a mailbox is complete; never goes back."""
        with self._writing():
            self._connection.execute(
                "INSERT INTO heads VALUES (?, ?, ?) ON CONFLICT (mailbox) DO UPDATE"
                " SET sequence = excluded.sequence, link = excluded.link"
                " WHERE excluded.sequence > heads.sequence",
                (mailbox, head.sequence, head.link),
            )

    def keep_proof(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Keeps files as a proof under a name, all of them or none, on the disk when it returns; the same
        files again are the same proof.

        Raises :class:`StateUnusable`.
        """
        digest = hashlib.sha256(b"".join(files[each] for each in sorted(files))).hexdigest()[:16]
        place = self.directory / PROOFS / f"{_UNSAFE.sub('_', name)}-{digest}"
        try:
            if not place.exists():
                _keep(place, files)
            # Its name may have been left by one who was killed before it was on the disk.
            _settle(place.parent)
            _settle(self.directory)
        except OSError as problem:
            raise StateUnusable(f"{place}: {problem.strerror}") from None
        return place

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with _told(self.directory / STATE_FILE):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


def tile_files(tiles: Mapping[TileId, bytes]) -> Mapping[str, bytes]:
    """Returns tiles as the files that a proof keeps."""
    return {tile_path(tile.level, tile.index, len(row) // 32): row for tile, row in tiles.items()}


def _keep(place: Path, files: Mapping[str, bytes]) -> None:
    """Writes files below a directory that gets its place once they are on the disk."""
    # Of this process alone: others may keep the same proof now.
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    changed = {unfinished}
    for name, content in files.items():
        path = unfinished / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        changed.update(each for each in path.parents if each.is_relative_to(unfinished))
    for directory in changed:
        _settle(directory)
    try:
        unfinished.rename(place)
    except OSError:
        if not place.exists():
            raise
        # Another process kept it meanwhile.
        shutil.rmtree(unfinished, ignore_errors=True)


def _settle(directory: Path) -> None:
    """Has the names in a directory on the disk."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as problem:
        raise StateUnusable(f"{path}: {problem}") from None
    except UnicodeDecodeError:
        # SQLite quotes what it found in a damaged file, and that is no text.
        raise StateUnusable(f"{path}: it is damaged") from None
