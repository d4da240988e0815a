"""Shows how far a check is: in place on a terminal, now and then elsewhere, on standard error."""

import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from server.fsck.findings import Part, Progress

_SHOWN_SECONDS: Final = 0.2
_TOLD_SECONDS: Final = 5.0
_CLEARED: Final = "\r\x1b[K"


class FsckProgress:
    """Tells of long checks, and nothing of a short one where nobody looks on."""

    def __init__(self, stream: TextIO | None = None, now: Callable[[], float] = time.monotonic) -> None:
        """Takes where to, standard error by default, and a clock in seconds that nobody sets."""
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._now = now
        self._told = now()
        self._part: Part | None = None
        self._began, self._before = self._told, 0
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        """Shows it, if it is time to."""
        now = self._now()
        if progress.part is not self._part:
            self._part, self._began, self._before = progress.part, now, progress.done
        if now - self._told < (_SHOWN_SECONDS if self._terminal else _TOLD_SECONDS):
            return
        self._told = now
        line = _line(progress, progress.done - self._before, now - self._began)
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


def _line(progress: Progress, lately: int, seconds: float) -> str:
    whole = "" if not progress.whole else f" of {progress.whole:,}"
    rate = f", {lately / seconds:,.0f}/s" if seconds > 0 and lately else ""
    return f"{progress.part}: {progress.done:,}{whole} {progress.what}{rate}"
