"""What letters on paper ask of the storage, and of what sets them. `server.usecases.ports` says what holds of
all.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.deliveries import DeliveryState
from server.domain.letter_orders import LetterOrder, LetterReport, LetterState
from server.domain.paper_letters import PaperLetter, PrintReady
from server.domain.print_houses import RegisteredPrintHouse
from server.domain.senders import CertificateBinding


class LetterOrderStore(Protocol):
    """Letters that were ordered, their PDFs, and what was reported of them.

    Who reports on a letter has locked its delivery before the letter; who leases locks letters alone, and
    waits for nobody.
    """

    async def next_ordinal(self) -> int:
        """Returns the next number of letters, from 0. It is never returned again, whatever becomes of the
        transaction.
        """
        ...

    async def add(self, order: LetterOrder, file: bytes) -> bool:
        """Adds a letter with its PDF, which is empty for one that failed; False, and nothing, where there is
        one of this mailbox, delivery and step.
        """
        ...

    async def of_step(self, mailbox_id: UUID, delivery_id: UUID, step: str) -> LetterOrder | None: ...

    async def drop_failed(self, letter_id: UUID) -> None:
        """Deletes a letter that failed, so that another one may be made in its place."""
        ...

    async def get(self, letter_id: UUID) -> LetterOrder | None: ...

    async def standing(self, letter_id: UUID) -> tuple[LetterOrder, DeliveryState] | None:
        """Returns it, with how far its delivery is."""
        ...

    async def lock(self, letter_id: UUID) -> LetterOrder | None:
        """Returns it, locked until the transaction ends."""
        ...

    async def take_waiting(self, now: datetime, *, limit: int) -> Sequence[tuple[LetterOrder, DeliveryState]]:
        """Returns letters that wait and that nobody has leased beyond now, those longest there first, each
        locked, with how far its delivery is; those that another transaction has locked are left out.
        """
        ...

    async def put(self, orders: Sequence[LetterOrder]) -> None:
        """Keeps state and lease of locked letters."""
        ...

    async def read_file(self, letter_id: UUID, offset: int, length: int) -> bytes:
        """Returns so many bytes of a letter's PDF at most; none where there is no more, or no PDF."""
        ...

    async def drop_file(self, letter_id: UUID) -> None:
        """Deletes a letter's PDF."""
        ...

    async def add_report(self, report: LetterReport) -> None: ...

    async def reports(self, letters: Collection[UUID]) -> Mapping[UUID, Sequence[LetterReport]]:
        """Returns what was reported of these letters, each in its order; nothing of letters without any."""
        ...

    async def list_newest(
        self,
        *,
        house_id: UUID | None,
        states: Collection[LetterState],
        delivery_id: UUID | None,
        tracking: str | None = None,
        before: UUID | None,
        limit: int,
    ) -> Sequence[LetterOrder]:
        """Lists by descending identifier: those that this house leased last, or all; in these states, none
        for any; of this delivery, or any; with this number, or any.
        """
        ...


class PrintHouses(Protocol):
    """Print houses. Which certificates are one's, the bindings say."""

    async def add(self, house: RegisteredPrintHouse) -> bool:
        """Adds it; False, and nothing, where there is one of this name."""
        ...

    async def get(self, house_id: UUID) -> RegisteredPrintHouse | None: ...

    async def lock(self, house_id: UUID) -> RegisteredPrintHouse | None:
        """Returns it, locked until the transaction ends."""
        ...

    async def put(self, house: RegisteredPrintHouse) -> None:
        """Keeps the state of a locked one."""
        ...

    async def revoke_certificates(self, house_id: UUID, at: datetime) -> Sequence[CertificateBinding]:
        """Revokes the active certificates of a print house; returns them as they were, in their order."""
        ...

    async def list_newest(self, *, before: UUID | None, limit: int) -> Sequence[RegisteredPrintHouse]:
        """Lists by descending identifier, from before the given one."""
        ...

    async def certificates(self, houses: Collection[UUID]) -> Mapping[UUID, Sequence[CertificateBinding]]:
        """Returns all bindings of these print houses, revoked and expired ones too, the last bound first."""
        ...


class LetterTransaction(Protocol):
    """What letters on paper have in a transaction (`server.usecases.ports.Transaction`)."""

    @property
    def letter_orders(self) -> LetterOrderStore: ...
    @property
    def print_houses(self) -> PrintHouses: ...


class PrintingEnded(RuntimeError):
    """A process died while it set letters; nobody can tell which of those under way it died of."""


class LetterPrinter(Protocol):
    """Sets letters. MUST NOT be asked inside a transaction."""

    async def render(self, letter: PaperLetter) -> PrintReady:
        """Returns the letter print-ready.

        Raises:
            NotPrintable: it can't be printed whole.
            PrintingEnded: another try may do.
        """
        ...
