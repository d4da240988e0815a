"""What checking timestamps needs of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

TokenKey = tuple[str, str, int, bytes]
"""Shard, authority, size, and the note's SHA-256."""


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token with what is stored beside it, and the note that it is over.

    Attributes:
        authority: who gave it, by the settings' name.
        note: the stored note of that shard, size and digest; None where there is none.
        noted_at: when that was stored.
    """

    origin: str
    authority: str
    size: int
    note_digest: bytes
    token: bytes
    gen_time: datetime
    stored_at: datetime
    note: bytes | None
    noted_at: datetime | None

    @property
    def key(self) -> TokenKey:
        return self.origin, self.authority, self.size, self.note_digest


class TokenInspection(Protocol):
    """Reads tokens."""

    async def tokens(self, after: TokenKey, limit: int) -> Sequence[StoredToken]:
        """Returns tokens by their keys. Raises `ServiceUnavailable`."""
        ...
