"""The directory of the demo: one demo at a time, one server left up, one earlier demo kept."""

import contextlib
import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from scripts.story import belonging
from server.storage.embedded import end_abandoned
from server.storage.embedded_place import EmbeddedPostgresFailed, remove


class InUse(Exception):
    """Another demo runs in this directory, or a program that is no demo's uses what is in it."""


@dataclass(frozen=True)
class Place:
    """Where a demo's world is; `directory` itself may not be there yet."""

    directory: Path

    @property
    def earlier(self) -> Path:
        """Where the demo before this one was moved, if it came to receipts."""
        return self.directory.with_name(f"{self.directory.name}-earlier")

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other demos out. Raises `InUse`."""
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        # The system lets go of the lock however this process ends, and no server inherits it.
        with self.directory.with_name(f"{self.directory.name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InUse("another demo runs here; wait for its end, or interrupt it") from error
            yield

    def clear(self) -> None:
        """Makes room for a new world; the receipts of the one before are kept, with all around them."""
        if not self.directory.exists():
            return
        if (self.directory / "receipts").is_dir():
            remove(self.earlier)
            self.directory.rename(self.earlier)
        else:
            remove(self.directory)

    def marking(self) -> AbstractContextManager[None]:
        """Marks the programs that are started meanwhile as this demo's."""
        return belonging.marking(self.directory)

    def end(self) -> bool:
        """Ends all that a demo has running here, however it ended itself: the server, those beside it, their
        PostgreSQL. Returns whether there was anything.

        Raises `InUse`.
        """
        ended = belonging.end_marked(self.directory)
        try:
            # Last: whoever started it stops it, unless that was killed.
            return end_abandoned(self.directory / "database") or ended
        except EmbeddedPostgresFailed as failed:
            raise InUse(str(failed)) from failed
