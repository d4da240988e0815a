"""The machine's clock and its randomness; in a development world a clock that can be put forward."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from server.domain.ids import MonotonicIds


class AheadOfTime:
    """By how much this process's clocks are ahead of the machine's: nothing, but in a development world.

    There a file says it in seconds, and all programs of the world go by it (`namak-server dev later`).
    """

    def __init__(self) -> None:
        self._file: Path | None = None
        self._read = -1
        self._by = timedelta(0)

    def follow(self, file: Path | None) -> None:
        """Goes by a file from now on, which need not be there; by none: not ahead."""
        self._file, self._read, self._by = file, -1, timedelta(0)

    def now(self) -> timedelta:
        """Returns by how much. The file is read again when it changes."""
        if self._file is None:
            return self._by
        try:
            changed = self._file.stat().st_mtime_ns
            if changed != self._read:
                self._by, self._read = ahead_by(self._file), changed
        except OSError:
            pass  # not written yet: nobody has put the clock forward
        return self._by


AHEAD = AheadOfTime()


def ahead_by(file: Path) -> timedelta:
    """Returns what a file says. Raises OSError."""
    return timedelta(seconds=float(file.read_text(encoding="ascii")))


class SystemClock:
    """The machine's clock; in a development world as far ahead of it as that world is."""

    def now(self) -> datetime:
        """Returns the present time, UTC."""
        return datetime.now(UTC) + AHEAD.now()


class SystemEntropy:
    """The operating system's randomness."""

    def __init__(self) -> None:
        self._ids = MonotonicIds(lambda: time.time_ns() // 1_000_000, secrets.token_bytes)

    def new_id(self) -> UUID:
        """Returns a new identifier, greater than all that were made here before."""
        return self._ids.new_id()

    def random(self, count: int) -> bytes:
        """Returns unpredictable bytes."""
        return secrets.token_bytes(count)
