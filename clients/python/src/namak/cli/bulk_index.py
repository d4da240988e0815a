"""What a list has named before: exact, for any number of lines, in bounded memory."""

import hashlib
import sqlite3
from collections.abc import Sequence
from types import TracebackType
from typing import Self

_CACHE_KIB = 32 * 1024


class Index:
    """A set of texts, each with the line that named it first.

    It lies in a temporary database of SQLite, which keeps 32 MiB of it in memory and the rest in a file
    without a name that goes with the process. Texts stand in it by 128 bits of their SHA-256. A context
    manager.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"PRAGMA cache_size = -{_CACHE_KIB}",
            "CREATE TABLE named (key BLOB PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID",
            "BEGIN",
        ):
            self._database.execute(statement)
        self._cursor = self._database.cursor()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    @property
    def cache_kib(self) -> int:
        """How much of it SQLite keeps in memory at most, in KiB."""
        return -int(self._cursor.execute("PRAGMA cache_size").fetchone()[0])

    def first_lines(self, kind: str, named: Sequence[tuple[str, int]]) -> Sequence[int]:
        """Returns, for each text and line, the line that named the text first: this one if none did before.

        ``kind`` keeps texts of different kinds apart. Many at once cost a fraction of one after the other.
        """
        keys = [(_key(kind, text), line) for text, line in named]
        self._cursor.executemany("INSERT OR IGNORE INTO named VALUES (?, ?)", keys)
        if self._cursor.rowcount == len(keys):
            return [line for _text, line in named]
        return [
            int(self._cursor.execute("SELECT line FROM named WHERE key = ?", (key,)).fetchone()[0])
            for key, _line in keys
        ]

    def __contains__(self, kind_and_text: tuple[str, str]) -> bool:
        found = self._cursor.execute("SELECT 1 FROM named WHERE key = ?", (_key(*kind_and_text),)).fetchone()
        return found is not None


def _key(kind: str, text: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{text}".encode()).digest()[:16]
