"""What senders' short messages ask of the storage. `server.usecases.ports` says what holds of all."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from server.domain.sender_sms import SenderSms, SmsFilter, SmsState


class SenderTexts(Protocol):
    """Senders' short messages, by identifier."""

    async def add(self, texts: Sequence[SenderSms]) -> None: ...

    async def take_room(self, sender_address_id: UUID, day: date, texts: int, *, limit: int) -> bool:
        """Counts so many texts of a sender address on a local day, and lets nobody else count of it until the
        transaction ends; False, and nothing, where they would be more than the limit. Who counts for several
        addresses does so in the order of their identifiers, with mailboxes locked before.
        """
        ...

    async def get(self, sms_id: UUID) -> SenderSms | None: ...

    async def under(self, organisation_id: UUID, request_id: str) -> Sequence[SenderSms]:
        """Returns those of one request, in the order in which they were added."""
        ...

    async def listed(
        self,
        organisation_id: UUID,
        sender_address_id: UUID | None,
        wanted: SmsFilter,
        *,
        before: UUID | None,
        limit: int,
    ) -> Sequence[SenderSms]:
        """Lists an organisation's (or one address's) by descending identifier, below the given one."""
        ...

    async def move(self, sms: SenderSms, to: SmsState, *, why: str, at: datetime, evidence_id: UUID) -> bool:
        """Moves one on, and adds the evidence of it; False when it was in another state than the given one's
        (compare-and-set).
        """
        ...

    async def forget_words(self, before: datetime, *, limit: int) -> int:
        """Forgets the words of those that were accepted before then, so many at most; returns how many."""
        ...


class SenderSmsTransaction(Protocol):
    """The part of a transaction that deals with senders' short messages."""

    @property
    def sender_texts(self) -> SenderTexts: ...
