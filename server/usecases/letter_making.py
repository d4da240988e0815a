"""Has letters on paper made of messages, whatever they are wanted for, or keeps why one can't be made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from server.domain.deliveries import Delivery, Part
from server.domain.jobs import JobFailed, RunningJob
from server.domain.letter_orders import LetterOrder, LetterState
from server.domain.paper_letters import NotPrintable, PaperLetter, PostalAddress
from server.domain.profile import Profile
from server.domain.tracking_numbers import NumbersUsedUp
from server.usecases.letter_orders import LetterOrders, WantedLetter
from server.usecases.letter_ports import PrintingEnded
from server.usecases.ports import Clock, Entropy, UnitOfWork

_log = structlog.get_logger(__name__)

NO_POSTAL_ADDRESS: Final = "NO_POSTAL_ADDRESS"
"""Why a letter failed: nobody has said where to send it."""
NOT_PRINTABLE: Final = "NOT_PRINTABLE"
"""Why a letter failed: it can't be printed whole. What it is follows, `NOT_PRINTABLE_KIND`."""
PRINTING_ENDED: Final = "PRINTING_ENDED"
"""Why a letter failed: whatever set it died of it, each time."""
NO_TRACKING_NUMBER: Final = "NO_TRACKING_NUMBER"
"""Why a job fails: the numbers that the post allotted are used up."""

Recipient = Callable[[], Awaitable[PostalAddress | None]]
"""Finds where a letter goes; None where nobody has said. Raises `JobFailed`, `NotPrintable`."""


@dataclass(frozen=True, slots=True)
class Imprint:
    """What every letter says besides the message.

    Attributes:
        return_lines: the postal address to which undelivered letters go back, below the sender's name.
        portal: where holders read electronically, as it is printed; may be empty.
    """

    return_lines: tuple[str, ...]
    portal: str


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a letter is wanted for.

    Attributes:
        step: once a delivery: see `WantedLetter`.
        by_ladder: whether that is a step of its ladder, which fails with the letter.
        is_answer: whether it answers somebody who has no mailbox.
    """

    step: str
    by_ladder: bool
    is_answer: bool = False


class LetterMaking:
    """Makes letters."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        orders: LetterOrders,
        profile: Profile,
        imprint: Imprint,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._orders = orders
        self._profile = profile
        self._imprint = imprint

    async def make(self, job: RunningJob, delivery: Delivery, purpose: Purpose, recipient: Recipient) -> None:
        """Has a message's letter made, once, or keeps why it can't be. Does nothing where it is not needed
        any more.

        Raises:
            JobFailed: another try may do.
        """
        try:
            address = await recipient()
            if address is not None:
                await self._order(delivery, purpose, address)
                return
            reason = NO_POSTAL_ADDRESS
        except NotPrintable as problem:
            reason = f"{NOT_PRINTABLE}_{problem.problem.value}"
        except NumbersUsedUp:
            raise JobFailed(NO_TRACKING_NUMBER) from None
        except PrintingEnded:
            if not job.is_last:
                raise JobFailed(PRINTING_ENDED) from None
            reason = PRINTING_ENDED
        await self._fail(delivery, purpose, reason)

    async def _order(self, delivery: Delivery, purpose: Purpose, recipient: PostalAddress) -> None:
        parts = await self._parts(delivery)

        def paper(tracking: str) -> PaperLetter:
            return PaperLetter(
                delivery_id=delivery.id,
                tracking=tracking,
                languages=self._profile.languages,
                sender=PostalAddress(delivery.organisation_name, self._imprint.return_lines),
                recipient=recipient,
                mailbox=delivery.recipient,
                subject=delivery.subject,
                accepted_at=delivery.submitted_at,
                time_zone=self._profile.time_zone,
                policy=delivery.notification_policy,
                portal="" if purpose.is_answer else self._imprint.portal,
                parts=parts,
                is_answer=purpose.is_answer,
            )

        await self._orders.order(
            WantedLetter(
                delivery.mailbox_id, delivery.id, purpose.step, by_ladder=purpose.by_ladder, paper=paper
            )
        )

    async def _parts(self, delivery: Delivery) -> tuple[Part, ...]:
        async with self._uow.reading() as tx:
            parts = await tx.deliveries.read_parts(delivery.mailbox_id, delivery.id)
        if len(parts) != len(delivery.parts):
            raise LookupError("a part of a delivery is not there")
        return tuple(Part(*part) for part in parts)

    async def _fail(self, delivery: Delivery, purpose: Purpose, reason: str) -> None:
        """Has a letter that failed stand where the operator, and an answer's writer, look for it; and with it
        the ladder's step.
        """
        failed = LetterOrder(
            id=self._entropy.new_id(),
            mailbox_id=delivery.mailbox_id,
            delivery_id=delivery.id,
            step=purpose.step,
            by_ladder=purpose.by_ladder,
            ordered_at=self._clock.now(),
            tracking="",
            file=b"",
            file_size=0,
            pages=0,
            state=LetterState.FAILED,
            reason=reason,
        )
        async with self._uow.writing() as tx:
            now = await tx.deliveries.lock(delivery.mailbox_id, delivery.id)
            if now is None or not failed.is_needed(now.state) or not await tx.letter_orders.add(failed, b""):
                return
            if purpose.by_ladder:
                await tx.ladders.fail(delivery.mailbox_id, delivery.id, purpose.step, reason)
            await tx.commit()
        _log.error(
            "a step of a ladder failed" if purpose.by_ladder else "an answer on paper failed",
            delivery_id=str(delivery.id),
            step=purpose.step,
            action="letter",
            reason=reason,
        )
