"""What operators see of public notices, and decide about them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from uuid import UUID

from namak.evidence.notification_policy import policy_named
from server.domain.deliveries import Delivery
from server.domain.jobs import PUBLISH_NOTICE, WITHDRAW_NOTICE, Job, StoredJob
from server.domain.notices import UNPUBLISHED, Ending, Notice, NoticeState, ending_of
from server.usecases.notices import take_back
from server.usecases.ports import Clock, Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class NoticeView:
    """A notice, its delivery, and the job that tries, or tried last; None where it is done."""

    notice: Notice
    delivery: Delivery
    job: StoredJob | None


class Decision(Enum):
    """What came of an operator's wish."""

    DONE = auto()
    NO_NOTICE = auto()
    NOT_NOW = auto()
    """In the state that it is in there is nothing to do."""
    EFFECT_GOES_ON = auto()
    """It is recorded as published, and the recipient will count as notified though nobody can read it any
    more; that must be wished expressly.
    """


class NoticeDesk:
    """Shows notices; has one tried again, or taken back."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def listed(
        self, states: Collection[NoticeState], *, after: UUID | None, limit: int
    ) -> Sequence[Notice]:
        """Lists notices in these states by identifier."""
        async with self._uow.reading() as tx:
            return await tx.notices.listed(states, after=after, limit=limit)

    async def show(self, notice_id: UUID) -> NoticeView | None:
        """Returns one; None where there is none."""
        async with self._uow.writing() as tx:  # to look at it under its lock; nothing is written
            notice = await tx.notices.get(notice_id)
            if notice is None:
                return None
            delivery = await _locked_delivery(tx, notice)
            job = None if notice.job_id is None else await tx.jobs.get(notice.job_id)
        return NoticeView(notice, delivery, job)

    async def retry(self, notice_id: UUID) -> Decision:
        """Has one that failed, or that can't be taken back, tried again at once."""
        async with self._uow.writing() as tx:
            notice = await tx.notices.get(notice_id)
            if notice is None:
                return Decision.NO_NOTICE
            delivery = await _locked_delivery(tx, notice)
            notice = await tx.notices.lock(notice_id)
            assert notice is not None
            if notice.state not in (NoticeState.FAILED, NoticeState.WITHDRAWING):
                return Decision.NOT_NOW
            revived = notice.job_id is not None and await tx.jobs.revive(notice.job_id, self._clock.now())
            if notice.state is NoticeState.FAILED:
                if not revived:
                    # The operator discarded the dead letter.
                    await tx.jobs.defer([_publication(notice, delivery)])
                await tx.notices.change(replace(notice, state=NoticeState.WAITING))
            elif not revived:
                await tx.jobs.defer([Job(WITHDRAW_NOTICE, {"notice": notice.id})])
            await tx.commit()
        return Decision.DONE

    async def withdraw(self, notice_id: UUID, *, despite_effect: bool) -> Decision:
        """Takes one back, or stops it before it is published.

        One that is recorded as published notifies its recipient when its time is over, whether or not it can
        be read then: what was recorded is true and stays. So that is refused unless it is wished expressly,
        or the delivery needs no notice any more.
        """
        async with self._uow.writing() as tx:
            notice = await tx.notices.get(notice_id)
            if notice is None:
                return Decision.NO_NOTICE
            delivery = await _locked_delivery(tx, notice)
            notice = await tx.notices.lock(notice_id)
            assert notice is not None
            if notice.state is NoticeState.PUBLISHED:
                if ending_of(delivery) is None and not despite_effect:
                    return Decision.EFFECT_GOES_ON
                await take_back(tx, notice, Ending.OPERATOR)
            elif notice.state not in UNPUBLISHED:
                return Decision.NOT_NOW
            elif notice.document is not None:
                # It was handed over, and nobody knows whether it is there.
                await take_back(tx, notice, Ending.OPERATOR)
            else:
                ended = replace(
                    notice,
                    state=NoticeState.NOT_NEEDED,
                    reason=None,
                    ending=Ending.OPERATOR,
                    ended_at=self._clock.now(),
                )
                await tx.notices.change(ended)
            await tx.commit()
        return Decision.DONE


async def _locked_delivery(tx: Transaction, notice: Notice) -> Delivery:
    delivery = await tx.deliveries.lock(notice.mailbox_id, notice.delivery_id)
    if delivery is None:
        raise LookupError("a notice's delivery is not there")
    return delivery


def _publication(notice: Notice, delivery: Delivery) -> Job:
    steps = [step.id for step in policy_named(delivery.notification_policy).steps]
    about = {"mailbox": notice.mailbox_id, "delivery": notice.delivery_id}
    return Job(PUBLISH_NOTICE, {**about, "step": steps.index(notice.step)})
