"""What confirming by phone asks of the storage. `server.usecases.ports` says what holds of all."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.phone_confirmations import PhoneConfirmation, PhoneEnding


class PhoneConfirmations(Protocol):
    """Questions to phones, and what became of them. The first that is said of one counts, for ever."""

    async def add(self, confirmation: PhoneConfirmation) -> None:
        """Adds one whose outcome is open."""
        ...

    async def get(self, confirmation_id: UUID) -> PhoneConfirmation | None: ...

    async def keep(self, confirmation_id: UUID, cms: bytes) -> bool:
        """Keeps what the phone signed; returns False, changing nothing, when the outcome was known before. Of
        two at the same moment one is told True, once the other is through.
        """
        ...

    async def end(self, confirmation_id: UUID, ending: PhoneEnding) -> bool:
        """Keeps how it ended without a signature; returns what `keep` returns."""
        ...

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Deletes those that expired before then and hold no signature; returns how many."""
        ...

    async def forget_signed(self, before: datetime, *, limit: int) -> int:
        """Deletes those that expired before then and hold a signature; returns how many."""
        ...


class PhoneTransaction(Protocol):
    """What confirming by phone has in a transaction (`server.usecases.ports.Transaction`)."""

    @property
    def phone_confirmations(self) -> PhoneConfirmations: ...
