"""Shows how far a check is: in place on a terminal, now and then elsewhere, on standard error."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TextIO

from server.fsck.findings import Part, Progress

_SHOWN_SECONDS: Final = 0.2
_TOLD_SECONDS: Final = 5.0
_CLEARED: Final = "\r\x1b[K"


_FORGOTTEN_SECONDS: Final = 6.0
"""A part of which nothing is heard for so long is checked, or has nothing to tell."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """How far a part is, and from when and where its speed is counted."""

    progress: Progress
    began: float
    before: int
    told: float


class FsckProgress:
    """Tells of long checks, and nothing of a short one where nobody looks on."""

    def __init__(self, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic) -> None:
        """Takes where to, standard error by default, and a clock in seconds that nobody sets."""
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._now = now
        self._told = now()
        self._parts: dict[Part, _Seen] = {}
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        """Shows it, if it is time to."""
        now = self._now()
        # Several processes check side by side, and each tells of its part.
        seen = self._parts.get(progress.part)
        began, before = (now, progress.done) if seen is None else (seen.began, seen.before)
        self._parts[progress.part] = _Seen(progress, began, before, now)
        if now - self._told < (_SHOWN_SECONDS if self._terminal else _TOLD_SECONDS):
            return
        self._told = now
        self._parts = {
            part: each for part, each in self._parts.items() if now - each.told < _FORGOTTEN_SECONDS
        }
        line = "; ".join(_line(each, now) for each in self._parts.values())
        if self._terminal:
            self._stream.write(f"{_CLEARED}{line}")
            self._stream.flush()
            self._shown = True
        else:
            print(line, file=self._stream, flush=True)

    def clear(self) -> None:
        """Takes away what is shown, so that lines can be printed."""
        if self._shown:
            self._stream.write(_CLEARED)
            self._stream.flush()
            self._shown = False


def _line(seen: _Seen, now: float) -> str:
    progress, lately, seconds = seen.progress, seen.progress.done - seen.before, now - seen.began
    whole = "" if not progress.whole else f" of {progress.whole:,}"
    rate = f", {lately / seconds:,.0f}/s" if seconds > 0 and lately else ""
    return f"{progress.part}: {progress.done:,}{whole} {progress.what}{rate}"
