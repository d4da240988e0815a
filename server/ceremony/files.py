"""Files of a ceremony: their room is taken before a key is made, and nothing is ever written over."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

_ROOM: Final = 256 * 1024
"""Octets taken on the disk: several times what the longest protocol has."""

_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})


class NewFile:
    """A file that will be there once it is written as a whole, and has its room on the disk before that.

    Until then another file beside it has the room, so that nothing half-written is ever taken for a protocol,
    and a ceremony that was killed does not stand in the way of the next one.
    """

    def __init__(self, path: Path) -> None:
        """Takes the room. Raises OSError: the file is there, can't be made, or the disk is full."""
        self.path = path
        if path.exists() or path.is_symlink():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        self._place = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
        try:
            self._file = os.open(self._place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except OSError as problem:
            problem.filename = str(path)
            raise
        try:
            os.posix_fallocate(self._file, 0, _ROOM)
        except OSError as problem:
            self.close()
            problem.filename = str(path)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, content: bytes) -> None:
        """Writes all that the file holds, to the disk, and gives it its name. Raises OSError."""
        _write(self._file, content)
        try:
            self.path.hardlink_to(self._place)
        except OSError as problem:
            if problem.errno not in _NO_LINKS:
                raise
            # A stick, most likely: its file systems know no links.
            file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            try:
                _write(file, content)
            finally:
                os.close(file)

    def close(self) -> None:
        """Lets go of the room."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._place.unlink(missing_ok=True)


def _write(file: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]
    os.ftruncate(file, len(content))
    os.fsync(file)


@contextlib.contextmanager
def alone(pin_file: Path) -> Iterator[None]:
    """Keeps other ceremonies with the same token out, on this machine, as long as it is held.

    Raises BlockingIOError: another one goes on; OSError: the file can't be read.
    """
    # Not to wait for what is no file.
    file = os.open(pin_file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise BlockingIOError(
                problem.errno, "another ceremony with this token goes on", str(pin_file)
            ) from problem
        yield
    finally:
        os.close(file)
