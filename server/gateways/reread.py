"""Values that are made of files, and made anew once a file changes: keys, authorities, tokens."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class Reread(Generic[T]):
    """What is made of files, made anew once one of them changed. Safe from several threads."""

    def __init__(self, make: Callable[[], T], *files: Path | None) -> None:
        self._make = make
        self._files = [file for file in files if file is not None]
        self._made: tuple[Sequence[tuple[int, int, int]], T] | None = None
        self._lock = threading.Lock()

    def value(self) -> T:
        """Raises OSError, ValueError: a file can't be used."""
        with self._lock:
            stats = [file.stat() for file in self._files]
            seen = [(stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats]
            if self._made is None or self._made[0] != seen:
                self._made = (seen, self._make())
            return self._made[1]
