"""A directory that a web server of files hands out as a log (C2SP tlog-tiles).

Each file is there whole or not at all, and on the disk before anything that leads to it: first tiles and
bundles, then the checkpoint. Files never change once they are there, but for the checkpoint; so one that
says otherwise is another log's, or damaged, and nothing is written over it.
"""

import fcntl
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from namak.evidence.note import MAX_NOTE_BYTES
from server.tiles.paths import CHECKPOINT

UNFINISHED: Final = ".unfinished"
"""How what is being written is called before it gets its place; there is one writer."""
PARTIALS: Final = ".partials"
"""Which directories of partial tiles there are, a line each."""
FILE_MODE: Final = 0o644
DIRECTORY_MODE: Final = 0o755

_AT_ONCE = 64
# So many files are written before they are settled.
_SETTLERS = 8
_PARTIAL = re.compile(r"tile/(?:\d{1,2}|entries)/(?:x\d{3}/)*\d{3}\.p", re.ASCII)


class ExportRefused(Exception):
    """The directory is left as it is; the text says why."""


def unwatched() -> None:
    """Watches nothing."""


class TileDirectory:
    """One shard's files, for one writer at a time."""

    def __init__(self, path: Path, *, before: Callable[[], None] = unwatched) -> None:
        """`before` is called before each change on the disk, for tests of what a crash there leaves."""
        self.path = path
        self._before = before
        self._changed: set[Path] = set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the directory where it is missing, and keeps other writers out.

        Raises:
            ExportRefused: another process writes there.
            OSError: it can't be made or opened.
        """
        self._make(self.path)
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ExportRefused(f"{self.path}: another export writes there") from None
            for left in self.path.glob(f"{UNFINISHED}*"):
                left.unlink()
            yield
        finally:
            os.close(descriptor)

    def checkpoint(self) -> bytes | None:
        """Returns the checkpoint that is there. Raises OSError."""
        try:
            with (self.path / CHECKPOINT).open("rb") as file:
                return file.read(MAX_NOTE_BYTES + 1)
        except FileNotFoundError:
            return None

    def write(self, files: Mapping[str, bytes]) -> int:
        """Writes those of the files, by path, that are not there; returns how many.

        Raises:
            ExportRefused: one is there, with other content.
            OSError: one can't be written.
        """
        self._record(files)
        missing = {}
        for name, content in files.items():
            path = self.path / name
            if (found := _content(path)) is None:
                missing[path] = content
            elif found != content:
                raise ExportRefused(
                    f"{path} is there and says something else: this is another log's directory, or damaged"
                )
            else:
                # Left by an export that was killed: it is whole, and its name perhaps not on the disk yet.
                self._changed.update(self._above(path))
        left = list(missing.items())
        while left:
            self._place(dict(left[:_AT_ONCE]))
            left = left[_AT_ONCE:]
        return len(missing)

    def publish(self, note: bytes) -> None:
        """Puts the checkpoint there, once all that was written is on the disk. Raises OSError."""
        self._settle()
        self._place({self.path / CHECKPOINT: note})
        self._settle()

    def keep(self, name: str, content: bytes) -> None:
        """Puts a small file there, in place of another content. Raises OSError."""
        path = self.path / name
        if _content(path) != content:
            self._place({path: content})
            self._settle()

    def sweep(self, settled_before: float) -> int:
        """Deletes the partial tiles of tiles whose full ones are there since before that time, in POSIX
        seconds; returns of how many tiles. Raises OSError.
        """
        recorded = self._recorded()
        gone = {name for name in recorded if self._delete(name, settled_before)}
        if gone:
            self._settle()
            left = "".join(f"{name}\n" for name in recorded if name not in gone)
            self._place({self.path / PARTIALS: left.encode()})
            self._settle()
        return len(gone)

    def _recorded(self) -> list[str]:
        """Returns the directories that hold partial tiles, as far as it is known."""
        found = (_content(self.path / PARTIALS) or b"").decode("ascii", "replace").split("\n")
        # What stands after the last newline was cut off by a crash, before anything was written there.
        return [name for name in dict.fromkeys(found[:-1]) if _PARTIAL.fullmatch(name)]

    def _record(self, names: Iterable[str]) -> None:
        """Keeps where partial tiles will be, or nobody would know later which are to be deleted."""
        new = {str(PurePosixPath(name).parent) for name in names if _is_partial(name)} - set(self._recorded())
        if new:
            self._before()
            with (self.path / PARTIALS).open("ab") as file:
                # A line that was cut off is ended, and is none.
                file.write(b"\n" + "".join(f"{name}\n" for name in sorted(new)).encode())
                file.flush()
                os.fsync(file.fileno())
            self._changed.add(self.path)

    def _delete(self, name: str, settled_before: float) -> bool:
        """Deletes one tile's partial tiles; returns whether there are none now."""
        partials = self.path / name
        if not _is_settled(partials.with_suffix(""), settled_before):
            return False
        if partials.is_dir():
            for path in partials.iterdir():
                self._before()
                path.unlink()
            self._before()
            partials.rmdir()
            self._changed.add(partials.parent)
        return True

    def _place(self, files: Mapping[Path, bytes]) -> None:
        """Writes files, has them on the disk, all at once, and only then gives them their places."""
        with ExitStack() as open_files:
            unfinished: dict[Path, Path] = {}
            descriptors = []
            for number, (path, content) in enumerate(files.items()):
                self._make(path.parent)
                unfinished[path] = self.path / f"{UNFINISHED}{number}"
                self._before()
                file = open_files.enter_context(unfinished[path].open("wb"))
                # Whatever the process's mask is: a web server reads it.
                os.fchmod(file.fileno(), FILE_MODE)
                file.write(content)
                file.flush()
                descriptors.append(file.fileno())
            self._before()
            # A disk is asked to settle many files in little more time than one.
            with ThreadPoolExecutor(min(_SETTLERS, len(descriptors))) as settlers:
                deque(settlers.map(os.fsync, descriptors), maxlen=0)
        for path, written in unfinished.items():
            self._before()
            written.replace(path)
            self._changed.add(path.parent)

    def _above(self, path: Path) -> list[Path]:
        """Returns the directories in which a file has to be found, from ours on."""
        return [self.path, *(each for each in path.parents if each.is_relative_to(self.path))]

    def _make(self, path: Path) -> None:
        if path.is_dir():
            return
        self._make(path.parent)
        self._before()
        path.mkdir(exist_ok=True)
        path.chmod(DIRECTORY_MODE)
        self._changed.add(path.parent)

    def _settle(self) -> None:
        """Has the names of what was written on the disk, too."""
        for path in sorted(self._changed):
            self._before()
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._changed.clear()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_partial(name: str) -> bool:
    return ".p/" in name


def _is_settled(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False
