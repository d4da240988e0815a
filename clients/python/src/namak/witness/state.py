"""What a witness remembers, in one SQLite file: the logs' keys, and of each log the newest tree that it saw.

Everything hangs on this file never going back. It is written in transactions that are on the disk when they
return, takes the one write lock before it looks, and so serves several processes, too. A copy of it that is
put back later is a rollback: whoever restores one must give the witness a new key.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from namak.evidence.errors import MalformedKey
from namak.evidence.note import Verifier
from namak.evidence.tree import HASH_BYTES

STATE_FILE: Final = "witness.db"
"""Its name within the witness's directory."""

LOCK_SECONDS: Final = 5.0
"""How long another process may hold the write lock: it needs milliseconds."""

MAX_FORKS: Final = 100
"""So many forks are kept; whoever shows one more has shown enough."""

LATEST: Final = 253_402_300_800
"""The beginning of the year 10000 in POSIX seconds: no cosignature was made after it."""

_FORMAT: Final = 1
_TABLES: Final = """
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    name TEXT NOT NULL,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    token TEXT
);
CREATE TABLE log_keys (
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    PRIMARY KEY (origin, public_key)
);
CREATE TABLE trees (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32),
    time INTEGER NOT NULL CHECK (time > 0),
    note BLOB NOT NULL,
    cosigned BLOB
);
CREATE TABLE forks (
    origin TEXT NOT NULL,
    size INTEGER NOT NULL,
    note BLOB NOT NULL,
    recorded_note BLOB NOT NULL,
    time INTEGER NOT NULL,
    PRIMARY KEY (origin, size, note)
);
"""


class StateUnusable(Exception):
    """The state can't be read or written; the text says why."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the witness is: its name, its public key, and where a token holds the key, as text, if one does."""

    name: str
    public_key: bytes
    token: str | None


@dataclass(frozen=True, slots=True)
class Tree:
    """The newest tree of a log that the witness recorded.

    ``time`` is that of the newest cosignature, in POSIX seconds. ``note`` is the checkpoint as the log signed
    it, and ``cosigned`` the newest one that has our cosignature: of this tree, or, where that one got away
    unsigned, of the one before.
    """

    origin: str
    size: int
    root: bytes
    time: int
    note: bytes
    cosigned: bytes | None


class State:
    """The open file. For one thread at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """For :meth:`make` and :meth:`open`."""
        self._connection = connection

    @classmethod
    def make(cls, path: Path, identity: Identity) -> "State":
        """Makes the file. Raises :class:`StateUnusable` where there is one."""
        if path.exists():
            raise StateUnusable(f"{path} exists already")
        path.touch(mode=0o600)
        state = cls(_connected(path))
        with state.writing():
            for statement in _TABLES.split(";"):
                state._connection.execute(statement)
            state._connection.execute(f"PRAGMA user_version = {_FORMAT}")
            values = (identity.name, identity.public_key, identity.token)
            state._connection.execute("INSERT INTO identity VALUES (1, ?, ?, ?)", values)
        return state

    @classmethod
    def open(cls, path: Path) -> "State":
        """Opens the file. Raises :class:`StateUnusable`."""
        if not path.is_file():
            raise StateUnusable(f"{path}: there is no witness; make one with `namak-witness init`")
        state = cls(_connected(path))
        try:
            with _told():
                ((found,),) = state._connection.execute("PRAGMA user_version")
            if found != _FORMAT:
                raise StateUnusable(f"{path} is no state of this version's")
        except BaseException:
            state.close()
            raise
        return state

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, which holds the write lock from its beginning; on the disk when it ends."""
        with _told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def identity(self) -> Identity:
        """Returns who the witness is."""
        with _told():
            rows = self._connection.execute("SELECT name, public_key, token FROM identity").fetchall()
        match rows:
            case [(str(name), bytes(public_key), (str() | None) as token)]:
                return Identity(name, public_key, token)
        raise _damaged("who the witness is")

    def add_log(self, origin: str, verifier: Verifier) -> bool:
        """Trusts a key for a log; returns False where it was trusted already.

        Raises :class:`MalformedKey` for one that nobody could tell from another key of the log.
        """
        with self.writing():
            for known in self.keys_of(origin):
                is_alike = (known.name, known.key_id) == (verifier.name, verifier.key_id)
                if is_alike and known.public_key != verifier.public_key:
                    raise MalformedKey("another key of the log has the same name and key id")
            added = self._connection.execute(
                "INSERT INTO log_keys VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (origin, verifier.name, verifier.public_key),
            )
            return added.rowcount == 1

    def remove_log(self, origin: str, verifier: Verifier) -> bool:
        """Trusts a key for a log no more, and returns False where it was not trusted.

        What was recorded of the log stays.
        """
        with self.writing():
            removed = self._connection.execute(
                "DELETE FROM log_keys WHERE origin = ? AND name = ? AND public_key = ?",
                (origin, verifier.name, verifier.public_key),
            )
            return removed.rowcount == 1

    def keys_of(self, origin: str) -> Sequence[Verifier]:
        """Returns the keys that are trusted for a log; none for one that is not followed."""
        return [verifier for _, verifier in self._keys(" WHERE origin = ?", origin)]

    def logs(self) -> Sequence[tuple[str, Verifier]]:
        """Returns the origins and keys of all logs that are followed."""
        return self._keys(" ORDER BY origin, name")

    def _keys(self, which: str, *values: str) -> Sequence[tuple[str, Verifier]]:
        with _told():
            rows = self._connection.execute(f"SELECT origin, name, public_key FROM log_keys{which}", values)  # noqa: S608 - our own words
            found = rows.fetchall()
        return [_key(*row) for row in found]

    def tree(self, origin: str) -> Tree | None:
        """Returns the newest recorded tree of a log."""
        with _told():
            row = self._connection.execute(
                "SELECT origin, size, root, time, note, cosigned FROM trees WHERE origin = ?", (origin,)
            ).fetchone()
        return None if row is None else _tree(*row)

    def origins(self) -> Sequence[str]:
        """Returns the origins of all logs of which a tree was recorded."""
        with _told():
            return [origin for (origin,) in self._connection.execute("SELECT origin FROM trees")]

    def record(self, tree: Tree) -> None:
        """Records a tree in place of the one before, if any; only within :meth:`writing`.

        Raises :class:`StateUnusable` for one that is smaller or earlier: nobody may come here with it.
        """
        recorded = self._connection.execute(
            "INSERT INTO trees VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET"
            " size = excluded.size, root = excluded.root, time = excluded.time, note = excluded.note"
            " WHERE excluded.size >= trees.size AND excluded.time >= trees.time",
            (tree.origin, tree.size, tree.root, tree.time, tree.note, tree.cosigned),
        )
        if recorded.rowcount != 1:
            raise StateUnusable("a tree that was recorded is never taken back")

    def keep_cosigned(self, tree: Tree, cosigned: bytes) -> None:
        """Keeps a cosigned note for those who monitor, unless a newer tree was recorded meanwhile."""
        with self.writing():
            self._connection.execute(
                "UPDATE trees SET cosigned = ? WHERE origin = ? AND size = ? AND time = ?",
                (cosigned, tree.origin, tree.size, tree.time),
            )

    def record_fork(self, tree: Tree, note: bytes, time: int) -> None:
        """Keeps a note that the log signed for another tree of the recorded size: proof against the log."""
        with self.writing():
            self._connection.execute(
                "INSERT INTO forks SELECT ?, ?, ?, ?, ? WHERE (SELECT count(*) FROM forks) < ?"
                " ON CONFLICT DO NOTHING",
                (tree.origin, tree.size, note, tree.note, time, MAX_FORKS),
            )

    def forks(self) -> Sequence[tuple[str, int, bytes, bytes]]:
        """Returns the forks that were shown: origin, size, the note that came, the one recorded before."""
        with _told():
            found = self._connection.execute(
                "SELECT origin, size, note, recorded_note FROM forks ORDER BY time"
            ).fetchall()
        for row in found:
            if [type(each) for each in row] != [str, int, bytes, bytes]:
                raise _damaged("which forks it was shown")
        return [tuple(row) for row in found]


def _key(origin: object, name: object, public_key: object) -> tuple[str, Verifier]:
    match origin, name, public_key:
        case str(), str(), bytes():
            try:
                return origin, Verifier(name, public_key)
            except MalformedKey:
                raise _damaged("the keys of a log") from None
    raise _damaged("the keys of a log")


def _tree(origin: object, size: object, root: object, time: object, note: object, cosigned: object) -> Tree:
    match origin, size, root, time, note, cosigned:
        case str(), int(), bytes(), int(), bytes(), (bytes() | None):
            if size >= 0 and len(root) == HASH_BYTES and 0 < time < LATEST:
                return Tree(origin, size, root, time, note, cosigned)
    raise _damaged("the newest tree of a log")


def _damaged(what: str) -> StateUnusable:
    return StateUnusable(f"the state is damaged: it does not say {what}")


def _connected(path: Path) -> sqlite3.Connection:
    with _told():
        connection = sqlite3.connect(
            path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # What was recorded must outlive a loss of power: a commit waits for the disk.
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StateUnusable(f"the state can't be used: {error}") from error
    except UnicodeDecodeError:
        # SQLite quotes what it found in a damaged file, and that is no text.
        raise StateUnusable("the state can't be used: it is damaged") from None
