"""Makes the letters that ladders order (LADDER-1, BOX-11): the work of jobs."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from namak.evidence.notification_policy import policy_named
from server.domain.deliveries import Delivery, DeliveryState, Part
from server.domain.jobs import JobFailed, RunningJob
from server.domain.ladder import StepState
from server.domain.letter_orders import LetterOrder, LetterState
from server.domain.mailboxes import HolderKind, Mailbox
from server.domain.paper_letters import NotPrintable, PaperLetter, PostalAddress
from server.domain.postal_addresses import postal_address
from server.domain.profile import Profile
from server.domain.state_records import Fault, Found, Unavailable
from server.domain.tracking_numbers import NumbersUsedUp
from server.usecases.letter_orders import LetterOrders, WantedLetter
from server.usecases.letter_ports import PrintingEnded
from server.usecases.ports import Clock, Entropy, UnitOfWork
from server.usecases.state_registers import StateRegisters

_log = structlog.get_logger(__name__)

NO_POSTAL_ADDRESS: Final = "NO_POSTAL_ADDRESS"
"""Why a letter failed: neither the state's register nor the holder has said where to send it."""
NOT_PRINTABLE: Final = "NOT_PRINTABLE"
"""Why a letter failed: it can't be printed whole. What it is follows, `NOT_PRINTABLE_KIND`."""
PRINTING_ENDED: Final = "PRINTING_ENDED"
"""Why a letter failed: whatever set it died of it, each time."""
NO_TRACKING_NUMBER: Final = "NO_TRACKING_NUMBER"
"""Why a job fails: the numbers that the post allotted are used up."""


@dataclass(frozen=True, slots=True)
class Imprint:
    """What every letter says besides the message.

    Attributes:
        return_lines: the postal address to which undelivered letters go back, below the sender's name.
        portal: where holders read electronically, as it is printed; may be empty.
    """

    return_lines: tuple[str, ...]
    portal: str


class LetterPreparation:
    """Prepares the letters that steps of ladders have ordered."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        orders: LetterOrders,
        registers: StateRegisters,
        profile: Profile,
        imprint: Imprint,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._orders = orders
        self._registers = registers
        self._profile = profile
        self._imprint = imprint

    async def prepare(self, job: RunningJob) -> None:
        """Has the letter of a step made, or the step fail with its reason; the ladder goes on either way.
        Run again it makes no other letter.

        The postal address is the one that the state's register has now, else the holder's own word. A
        register that does not answer is asked again, until the job's last try.

        Raises:
            JobFailed: another try may do.
        """
        mailbox_id, delivery_id = _id(job, "mailbox"), _id(job, "delivery")
        async with self._uow.writing() as tx:  # to look at it under its lock; nothing is written
            mailbox = await tx.mailboxes.get(mailbox_id)
            delivery = await tx.deliveries.lock(mailbox_id, delivery_id)
        if mailbox is None or delivery is None:
            raise JobFailed("NO_DELIVERY", for_good=True)
        if delivery.state is not DeliveryState.CONSIGNED:
            return
        number = job.arguments["step"]
        assert isinstance(number, int)
        step = policy_named(delivery.notification_policy).steps[number].id
        try:
            await self._order(mailbox, delivery, step, is_last=job.is_last)
        except NotPrintable as problem:
            await self._fail(delivery, step, f"{NOT_PRINTABLE}_{problem.problem.value}")
        except NumbersUsedUp:
            raise JobFailed(NO_TRACKING_NUMBER) from None
        except PrintingEnded:
            if not job.is_last:
                raise JobFailed(PRINTING_ENDED) from None
            await self._fail(delivery, step, PRINTING_ENDED)

    async def _order(self, mailbox: Mailbox, delivery: Delivery, step: str, *, is_last: bool) -> None:
        if await self._is_done(delivery, step):
            return
        recipient = await self._recipient(mailbox, is_last=is_last)
        if recipient is None:
            await self._fail(delivery, step, NO_POSTAL_ADDRESS)
            return
        parts = await message_parts(self._uow, delivery)

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
                portal=self._imprint.portal,
                parts=parts,
            )

        await self._orders.order(WantedLetter(mailbox.id, delivery.id, step, by_ladder=True, paper=paper))

    async def _is_done(self, delivery: Delivery, step: str) -> bool:
        """Tells whether the step has its letter, made or failed. One that failed makes room for another once
        the operator has the step carried out again (`server.usecases.ladder_desk`).
        """
        async with self._uow.writing() as tx:
            earlier = await tx.letter_orders.of_step(delivery.mailbox_id, delivery.id, step)
            if earlier is None or earlier.state is not LetterState.FAILED:
                return earlier is not None
            steps = await tx.ladders.steps_of(delivery.mailbox_id, delivery.id)
            if (step, StepState.ORDERED) not in [(each.step, each.state) for each in steps]:
                return True
            await tx.letter_orders.drop_failed(earlier.id)
            await tx.commit()
        return False

    async def _recipient(self, mailbox: Mailbox, *, is_last: bool) -> PostalAddress | None:
        """Returns where to send it; None where nobody has said. Raises `JobFailed`, `NotPrintable`."""
        number, person = mailbox.holder_number, mailbox.holder_kind is HolderKind.PERSON
        ask = self._registers.person if person else self._registers.entity
        answer = await ask(number, no_older_than=_FRESH)
        if isinstance(answer, Found) and answer.record.address.strip():
            return postal_address(answer.record.name, answer.record.address)
        if isinstance(answer, Unavailable) and answer.fault is not Fault.NOT_CONFIGURED and not is_last:
            raise JobFailed(f"REGISTER_{answer.fault.value.upper()}", wait=answer.retry_after)
        async with self._uow.reading() as tx:
            holder = await tx.holders.get(mailbox.id)
        if holder is None:
            return None
        data = holder.data
        said = data.residence if person else data.legal_address or data.actual_address
        return postal_address(data.name, said) if said.strip() else None

    async def _fail(self, delivery: Delivery, step: str, reason: str) -> None:
        """Has the step fail, and a letter that failed stand where the operator looks for it."""
        failed = LetterOrder(
            id=self._entropy.new_id(),
            mailbox_id=delivery.mailbox_id,
            delivery_id=delivery.id,
            step=step,
            by_ladder=True,
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
            await tx.ladders.fail(delivery.mailbox_id, delivery.id, step, reason)
            await tx.commit()
        _log.error(
            "a step of a ladder failed",
            delivery_id=str(delivery.id),
            step=step,
            action="letter",
            reason=reason,
        )


_FRESH: Final = timedelta(hours=1)
# People move; what the register said within the hour is what it says.


async def message_parts(uow: UnitOfWork, delivery: Delivery) -> tuple[Part, ...]:
    """Returns a message's parts with their content, one after the other, each in a transaction of its own."""
    parts = []
    for number in range(1, len(delivery.parts) + 1):
        async with uow.reading() as tx:
            part = await tx.deliveries.read_part(delivery.mailbox_id, delivery.id, number)
        if part is None:
            raise LookupError("a part of a delivery is not there")
        parts.append(Part(*part))
    return tuple(parts)


def _id(job: RunningJob, name: str) -> UUID:
    value = job.arguments[name]
    assert isinstance(value, UUID)
    return value
