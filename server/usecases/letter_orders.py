"""Orders letters on paper: sets them, and keeps them for print houses (BOX-11)."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from server.domain.letter_orders import LetterOrder
from server.domain.paper_letters import PaperLetter
from server.domain.tracking_numbers import TrackingNumbers
from server.usecases.letter_ports import LetterPrinter
from server.usecases.ports import Clock, Entropy, UnitOfWork


@dataclass(frozen=True, slots=True)
class WantedLetter:
    """A letter that is to be printed.

    Attributes:
        mailbox_id, delivery_id: the delivery it belongs to: what print houses report are facts of it.
        step: what for; once a delivery. A step of the delivery's ladder, or another name in the form of
            those (`[A-Z][A-Z0-9-]*`) that no policy has.
        by_ladder: whether it is a step of the ladder: such a letter is for a recipient who is not notified
            yet, and is cancelled once they are. Others are cancelled only with a withdrawal.
        paper: makes what is printed, address and all, with the post's number that it gets. Raises
            `NotPrintable`.
    """

    mailbox_id: UUID
    delivery_id: UUID
    step: str
    by_ladder: bool
    paper: Callable[[str], PaperLetter]


class LetterOrders:
    """Orders letters: a letter is made outside any transaction, and stored with its PDF in one."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        printer: LetterPrinter,
        numbers: TrackingNumbers,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._printer = printer
        self._numbers = numbers

    async def order(self, wanted: WantedLetter) -> LetterOrder | None:
        """Orders a letter once: where it was ordered before, or at the same moment by somebody else, that
        order is returned. None where it is not needed: the message was withdrawn, or, of a ladder's letter,
        its recipient notified. MUST NOT be called inside a transaction.

        Raises:
            NotPrintable: it can't be printed whole; nothing is kept.
            PrintingEnded: another try may do.
            NumbersUsedUp: the post must allot another range of numbers.
            ServiceUnavailable.
        """
        async with self._uow.reading() as tx:
            earlier = await tx.letter_orders.of_step(wanted.mailbox_id, wanted.delivery_id, wanted.step)
            if earlier is not None:
                return earlier
            ordinal = await tx.letter_orders.next_ordinal()
        paper = wanted.paper(self._numbers.numbered(ordinal))
        made = await self._printer.render(paper)
        async with self._uow.writing() as tx:
            # Locked, so that it is not notified or withdrawn before the letter is there.
            delivery = await tx.deliveries.lock(wanted.mailbox_id, wanted.delivery_id)
            if delivery is None:
                return None
            order = LetterOrder(
                id=self._entropy.new_id(),
                mailbox_id=wanted.mailbox_id,
                delivery_id=wanted.delivery_id,
                step=wanted.step,
                by_ladder=wanted.by_ladder,
                ordered_at=self._clock.now(),
                tracking=paper.tracking,
                file=made.digest,
                file_size=len(made.pdf),
                pages=made.pages,
            )
            if not order.is_needed(delivery.state):
                return None
            if await tx.letter_orders.add(order, made.pdf):
                await tx.commit()
                return order
            return await tx.letter_orders.of_step(wanted.mailbox_id, wanted.delivery_id, wanted.step)
