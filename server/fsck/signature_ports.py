"""What verifying the signatures of confirmations again needs of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

ConfirmationKey = tuple[UUID, UUID]
"""Mailbox and delivery."""


@dataclass(frozen=True, slots=True)
class StoredConfirmation:
    """A confirmation, by its delivery, and one piece of its evidence."""

    key: ConfirmationKey
    evidence_id: UUID | None
    document: bytes | None


class ConfirmationInspection(Protocol):
    """Reads confirmations. All raise `ServiceUnavailable`."""

    async def confirmations(self, after: ConfirmationKey, limit: int) -> Sequence[StoredConfirmation]:
        """Returns the evidence of so many confirmations after this one, by their keys; one that has none is
        there without it.
        """
        ...

    async def list(self, digest: bytes) -> bytes | None:
        """Returns the published revocation list (DER) of this SHA-256."""
        ...
