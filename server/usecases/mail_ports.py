"""What deliveries that came in by mail ask of the storage, of the log, and of what writes mail.
`server.usecases.ports` says what holds of all.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.mail_origins import MailChecks, MailOrigin
from server.usecases.records import LoggedReceipt


class MailOrigins(Protocol):
    """Where deliveries came from that came in by mail."""

    async def add(self, origins: Sequence[tuple[UUID, UUID, MailOrigin]]) -> None:
        """Adds them, in the transaction that accepts; each comes with its mailbox and its delivery."""
        ...

    async def get(self, mailbox_id: UUID, delivery_id: UUID) -> MailOrigin | None: ...

    async def set_checks(self, deliveries: Collection[tuple[UUID, UUID]], checks: MailChecks) -> None:
        """Keeps what was found out about the mail that these deliveries, by mailbox, came with; of those that
        came in otherwise, nothing.
        """
        ...


class MailTransaction(Protocol):
    """The part of a transaction that deals with mail that came in."""

    @property
    def mail_origins(self) -> MailOrigins: ...


class Receipts(Protocol):
    """The log, as far as it gives receipts."""

    async def receipts(
        self, evidence: Mapping[UUID, bytes], *, wait_seconds: float
    ) -> Mapping[UUID, LoggedReceipt]:
        """Returns the receipts that there are after so many seconds; see `server.usecases.ports.Log`."""
        ...


class ReceiptComposer(Protocol):
    """Writes mails that carry receipts."""

    def receipt(
        self, delivery: Delivery, origin: MailOrigin, proved: Sequence[tuple[Fact, LoggedReceipt]]
    ) -> bytes:
        """Returns the mail: the same one, by its Message-ID, whenever it is written."""
        ...
