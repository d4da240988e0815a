"""What telling of witnesses needs of storage."""

from collections.abc import Collection, Mapping
from typing import Protocol


class CosignedNotes(Protocol):
    """Finds what single witnesses cosigned; every replica reads it. Methods raise `ServiceUnavailable`."""

    async def last_with(self, origin: str, starts: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Returns, by the start of a signature's line, the note of the largest witnessed tree of a shard that
        has such a line, among the newest thousand and the one that was cosigned anew.
        """
        ...
