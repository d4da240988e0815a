"""Makes the letters that ladders order (LADDER-1, BOX-11): the work of jobs."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from namak.evidence.notification_policy import policy_named
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.jobs import JobFailed, RunningJob
from server.domain.ladder import StepState
from server.domain.letter_orders import LetterState
from server.domain.mailboxes import HolderKind, Mailbox
from server.domain.paper_letters import PostalAddress
from server.domain.postal_addresses import postal_address
from server.domain.state_records import Fault, Found, Unavailable
from server.usecases.letter_making import LetterMaking, Purpose
from server.usecases.ports import UnitOfWork
from server.usecases.state_registers import StateRegisters

_FRESH: Final = timedelta(hours=1)
"""People move; what the register said within the hour is what it says."""


class LetterPreparation:
    """Prepares the letters that steps of ladders have ordered."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        making: LetterMaking,
        registers: StateRegisters,
    ) -> None:
        self._uow = uow
        self._making = making
        self._registers = registers

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
        if await self._is_done(delivery, step):
            return

        async def recipient() -> PostalAddress | None:
            return await self._recipient(mailbox, is_last=job.is_last)

        await self._making.make(job, delivery, Purpose(step, by_ladder=True), recipient)

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
        """Returns where to send it, as `Recipient` has it."""
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


def _id(job: RunningJob, name: str) -> UUID:
    value = job.arguments[name]
    assert isinstance(value, UUID)
    return value
