"""The directory of the demo: one demo at a time, one server left up, one earlier demo kept."""

import contextlib
import fcntl
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class InUse(Exception):
    """Another demo runs in this directory."""


@dataclass(frozen=True)
class Place:
    """Where a demo's world is; `directory` itself may not be there yet."""

    directory: Path

    @property
    def pid(self) -> Path:
        """Holds the process ids of the server that was left up and of its log's witnesses, a line each."""
        return self.directory / "server.pid"

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
            shutil.rmtree(self.earlier, ignore_errors=True)
            self.directory.rename(self.earlier)
        else:
            shutil.rmtree(self.directory)

    def stop_kept(self) -> bool:
        """Stops the server that an earlier demo left up, and its witnesses; returns whether there was one."""
        try:
            pids = [int(line) for line in self.pid.read_text(encoding="ascii").splitlines()]
        except (FileNotFoundError, ValueError):
            return False
        finally:
            self.pid.unlink(missing_ok=True)
        stopped = [pid for pid in pids if self._asked_to_end(pid)]
        for pid in stopped:
            while _runs(pid):
                time.sleep(0.05)
        return bool(stopped)

    def _asked_to_end(self, pid: int) -> bool:
        """Asks a process to end; returns False where it is none of this directory's."""
        try:
            # Process ids are used again.
            if str(self.directory) not in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"):
                return False
            os.kill(pid, signal.SIGTERM)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return True


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
