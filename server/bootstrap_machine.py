"""The machine's clock and its randomness."""

import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

from server.domain.ids import MonotonicIds


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Returns the present time, UTC."""
        return datetime.now(UTC)


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
