"""What time-stamping needs of storage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from server.usecases.records import ReceiptTimestamp


@dataclass(frozen=True, slots=True)
class LogTimestamp:
    """An RFC 3161 token over a checkpoint's note.

    Attributes:
        origin, size: the checkpoint.
        authority: who gave it, by the settings' name.
        note_digest: SHA-256 of the note, signatures included: of the witnessed one where there are witnesses.
        token: DER.
        gen_time: the time that it tells.
        stored_at: when it was stored, by our clock.
    """

    origin: str
    size: int
    authority: str
    note_digest: bytes
    token: bytes
    gen_time: datetime
    stored_at: datetime


class LogTimestamps(Protocol):
    """Keeps tokens; every replica reads them. Methods raise `ServiceUnavailable`."""

    async def keep(self, timestamp: LogTimestamp) -> None:
        """Stores one; where this authority's over this note is stored already, that stays."""
        ...

    async def newest(self, origin: str) -> Mapping[str, LogTimestamp]:
        """Returns the one over the largest tree of a shard, of each authority that gave any."""
        ...


@dataclass(frozen=True, slots=True)
class TimestampedTree:
    """A checkpoint with all tokens over exactly this note, in the order of their authorities' names.

    `witnessed` tells whether the note is one that the quorum of witnesses cosigned.
    """

    origin: str
    size: int
    note: bytes
    witnessed: bool
    timestamps: tuple[ReceiptTimestamp, ...]


class TimestampedTrees(Protocol):
    """Finds stamped checkpoints; every replica reads them. Methods raise `ServiceUnavailable`."""

    async def first_over(
        self, origin: str, index: int, authorities: int, *, witnessed: bool
    ) -> TimestampedTree | None:
        """Returns the smallest tree that has a leaf and tokens of so many authorities, among the witnessed
        checkpoints, or among those that the log alone signed.
        """
        ...
