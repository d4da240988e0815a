"""Identifiers: UUIDs of version 7 (RFC 9562, 5.7), which sort by the time of their making."""

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from server.domain.fields import Malformed

OPERATOR_ID: Final = UUID(int=0)
"""Owns the request ids of administrative requests."""

ID_MARGIN: Final = timedelta(hours=1)
"""An identifier is made before the time that its resource says of itself, and locks may be waited for in
between. An hour is far more than all such waits may last.
"""

_SPELLING = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_RANDOM_BITS = 74
_VERSION = 7 << 76
_VARIANT = 0b10 << 62


class MonotonicIds:
    """Makes identifiers, each greater than the one before, whatever the clock does.

    The order holds within one process; between processes it holds as far as their clocks agree. Safe to call
    from any thread.
    """

    def __init__(self, milliseconds: Callable[[], int], random: Callable[[int], bytes]) -> None:
        """Takes the Unix time in milliseconds and a source of unpredictable bytes, which gets how many are
        wanted.
        """
        self._milliseconds = milliseconds
        self._random = random
        self._lock = threading.Lock()
        self._last_time = 0
        self._last_tail = 0

    def new_id(self) -> UUID:
        """Returns the next identifier.

        Within one millisecond the 74 bits of the tail are counted up by a random step (RFC 9562, 6.2, method
        2): the order stays, and the next one can't be guessed from the last.
        """
        with self._lock:
            now = self._milliseconds()
            if now > self._last_time:
                # The top bit stays free, so that a millisecond never runs out of numbers.
                self._last_time = now
                self._last_tail = self._bits(_RANDOM_BITS - 1)
            else:
                self._last_tail += 1 + self._bits(32)
                if self._last_tail >> _RANDOM_BITS:
                    self._last_time += 1
                    self._last_tail = self._bits(_RANDOM_BITS - 1)
            head, tail = self._last_tail >> 62, self._last_tail & ((1 << 62) - 1)
            return UUID(int=self._last_time << 80 | _VERSION | head << 64 | _VARIANT | tail)

    def _bits(self, count: int) -> int:
        return int.from_bytes(self._random((count + 7) // 8), "big") & ((1 << count) - 1)


def parse_id(text: str) -> UUID:
    """Returns the UUID that `text` writes in the form 8-4-4-4-12, or raises `Malformed`."""
    if not _SPELLING.fullmatch(text):
        raise Malformed("NOT_A_UUID", "must be a UUID, for example 0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5d")
    return UUID(text)


def first_id(at: datetime) -> UUID:
    """Returns a bound below every identifier that is made at a time or later, and above all before its
    millisecond.
    """
    return UUID(int=max(int(at.timestamp() * 1000), 0) << 80)


def moved(identifier: UUID, by: timedelta) -> UUID:
    """Returns the `first_id` of a time so much after the making of an identifier (before, if negative)."""
    milliseconds = (identifier.int >> 80) + by // timedelta(milliseconds=1)
    return UUID(int=min(max(milliseconds, 0), (1 << 48) - 1) << 80)
