"""What jobs of public notices do: publish them, and take them back (LADDER-1).

That a notice was published is recorded once it was, with the digest of exactly what was, and never before: a
site that fails for days delays the fact, and with it the effect, and makes neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Final
from uuid import UUID

import structlog

from namak.evidence import events
from namak.evidence.details_outside import NoticeDetails
from namak.evidence.failures import UnsettledCalendar
from namak.evidence.notification_policy import policy_named
from server.domain import evidence_building
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.jobs import WITHDRAW_NOTICE, Job, JobFailed, RunningJob
from server.domain.notices import (
    UNPUBLISHED,
    Ending,
    Notice,
    NoticeState,
    PublicNotice,
    digest_of,
    ending_of,
    shown_name,
    still_true,
)
from server.domain.profile import Profile
from server.usecases.notice_names import HolderNames
from server.usecases.notice_ports import NoticePlace, NoticeTrouble
from server.usecases.outside_facts import OutsideFacts
from server.usecases.ports import Clock, Entropy, Log, Transaction, UnitOfWork
from server.usecases.stamps import Stamps

_log = structlog.get_logger(__name__)

NO_DEADLINE: Final = "NO_DEADLINE"
"""No effect follows from a publication, by the delivery's policy: a notice would have nothing to say."""
CALENDAR_UNSETTLED: Final = "CALENDAR_UNSETTLED"
"""The days off that the deadline depends on are not known yet."""
DEADLINE_MOVED: Final = "DEADLINE_MOVED"
"""The deadline was another one each time that the notice was public."""

_ROUNDS = 3
_TAKEN_BACK = frozenset({NoticeState.WITHDRAWING, NoticeState.WITHDRAWN})
_UNKNOWN_DIGEST = "0" * 64


class _Outcome(Enum):
    RECORDED = auto()
    AGAIN = auto()
    """What was published is no longer true, or not what is to be there."""
    OVER = auto()


@dataclass(frozen=True, slots=True)
class _Draft:
    notice: Notice
    document: bytes


class NoticeWork:
    """Does the jobs of public notices."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log | None,
        profile: Profile,
        place: NoticePlace,
        names: HolderNames,
    ) -> None:
        """`log` is told of new evidence; a process without one leaves that to the leader's own rounds."""
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._log = log
        self._profile = profile
        self._stamps = Stamps(profile, entropy)
        self._outside = OutsideFacts(entropy=entropy, profile=profile)
        self._place = place
        self._names = names

    async def publish(self, job: RunningJob) -> None:
        """Publishes a delivery's notice, and records it.

        Run again after it was recorded it does nothing. Where a worker is killed between the publication and
        the record, the next one publishes the same notice again in its own place, and records it once; where
        it is found to be over by then, it is taken back once more, as what the killed one handed over may
        have come after what took it back.
        """
        notice = await self._begun(job)
        if notice is None or await self._taken_back_again(notice.id) or notice.state not in UNPUBLISHED:
            return
        try:
            await self._publish(notice)
        except (JobFailed, NoticeTrouble) as trouble:
            if await self._taken_back_again(notice.id):
                return
            await self._note(notice.id, job, trouble)
            raise JobFailed(trouble.reason, for_good=trouble.for_good, wait=trouble.wait) from None

    async def withdraw(self, job: RunningJob) -> None:
        """Takes a notice back; run again it does nothing."""
        notice_id = _id(job, "notice")
        async with self._uow.reading() as tx:
            notice = await tx.notices.get(notice_id)
        # Also one that was withdrawn: somebody who took long may have published it again since.
        if notice is None or notice.state not in (NoticeState.WITHDRAWING, NoticeState.WITHDRAWN):
            return
        try:
            await self._place.withdraw(notice_id)
        except NoticeTrouble as trouble:
            await self._note(notice_id, job, trouble)
            raise JobFailed(trouble.reason, for_good=trouble.for_good, wait=trouble.wait) from None
        async with self._uow.writing() as tx:
            notice = await tx.notices.lock(notice_id)
            if notice is not None and notice.state is NoticeState.WITHDRAWING:
                ended = replace(notice, state=NoticeState.WITHDRAWN, reason=None, ended_at=self._clock.now())
                await tx.notices.change(ended)
                await tx.commit()

    async def _begun(self, job: RunningJob) -> Notice | None:
        """Returns the notice of the job's step, a new one at the first attempt; None without a delivery."""
        mailbox_id, delivery_id = _id(job, "mailbox"), _id(job, "delivery")
        async with self._uow.writing() as tx:
            delivery = await tx.deliveries.lock(mailbox_id, delivery_id)
            if delivery is None:
                return None
            number = job.arguments["step"]
            assert isinstance(number, int)
            step = policy_named(delivery.notification_policy).steps[number].id
            new = Notice(self._entropy.new_id(), mailbox_id, delivery_id, step, self._clock.now())
            notice = await tx.notices.add(replace(new, job_id=job.id))
            await tx.commit()
        return notice

    async def _taken_back_again(self, notice_id: UUID) -> bool:
        """Has a notice that was handed over, and is over, taken back once more: an attempt to publish it
        whose answer is lost may come through after the site was asked to delete it. Tells whether it is so.
        """
        async with self._uow.writing() as tx:
            notice = await tx.notices.lock(notice_id)
            if notice is None or notice.document is None or notice.state not in _TAKEN_BACK:
                return False
            await take_back(tx, notice, notice.ending or Ending.OPERATOR)
            await tx.commit()
        return True

    async def _publish(self, notice: Notice) -> None:
        async with self._uow.reading() as tx:
            mailbox = await tx.mailboxes.get(notice.mailbox_id)
        if mailbox is None:
            raise LookupError("a delivery has no mailbox")
        name = await self._names.of(mailbox)
        for _ in range(_ROUNDS):
            draft = await self._drawn_up(notice.id, name)
            if draft is None:
                return
            place = await self._place.publish(notice.id, draft.document)
            if await self._record(draft, place) is not _Outcome.AGAIN:
                return
        raise JobFailed(DEADLINE_MOVED)

    async def _drawn_up(self, notice_id: UUID, name: str) -> _Draft | None:
        """Returns what is to be published now, kept before anybody sees it; None where nothing is."""
        async with self._uow.writing() as tx:
            notice, delivery = await self._locked(tx, notice_id)
            if notice.state is NoticeState.PUBLISHED and notice.document is not None:
                # Another run recorded it, and ours may have put something else there since.
                return _Draft(notice, notice.document)
            if notice.state not in UNPUBLISHED:
                return None
            if (ending := ending_of(delivery)) is not None:
                await self._end(tx, notice, ending)
                await tx.commit()
                return None
            facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
            deadline = self._deadline(delivery, notice.step, facts)
            if notice.document and notice.deadline and still_true(notice.deadline, deadline):
                # What was handed over is handed over again, byte for byte, as long as it is true.
                return _Draft(notice, notice.document)
            public = PublicNotice(
                notice.id, delivery.id, name, shown_name(delivery.organisation_name), deadline
            )
            document = public.document(self._profile.languages, self._profile.time_zone)
            drawn = replace(notice, document=document, deadline=deadline)
            await tx.notices.change(drawn)
            await tx.commit()
            return _Draft(drawn, document)

    async def _record(self, draft: _Draft, place: str) -> _Outcome:
        """Records that a draft was published, unless it is not what was to be."""
        async with self._uow.writing() as tx:
            notice, delivery = await self._locked(tx, draft.notice.id)
            if notice.state is NoticeState.PUBLISHED:
                return _Outcome.OVER if notice.document == draft.document else _Outcome.AGAIN
            if notice.state not in UNPUBLISHED:
                # Found to be over while we published: what we did is taken back.
                await take_back(tx, notice, notice.ending or Ending.OPERATOR)
                await tx.commit()
                return _Outcome.OVER
            if notice.document != draft.document or notice.deadline is None:
                return _Outcome.AGAIN
            now, deadline = self._clock.now(), notice.deadline
            if ending_of(delivery) is None:
                facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
                deadline = self._deadline(delivery, notice.step, facts)
                if not still_true(notice.deadline, deadline):
                    return _Outcome.AGAIN
            digest = digest_of(draft.document)
            await self._outside.record(
                tx,
                delivery.mailbox_id,
                delivery.id,
                events.NOTICE_PUBLISHED,
                lambda consignment: NoticeDetails(consignment, step=notice.step, file=digest, place=place),
                now,
            )
            published = replace(
                notice,
                state=NoticeState.PUBLISHED,
                reason=None,
                place=place,
                deadline=deadline,
                published_at=now,
            )
            await tx.notices.change(published)
            await tx.commit()
        if self._log is not None:
            self._log.wake()
        return _Outcome.RECORDED

    def _deadline(self, delivery: Delivery, step: str, facts: Sequence[Fact]) -> datetime:
        """Returns when the effect would come of a publication that were recorded now, by the derivation that
        verifiers use.
        """
        consignment = evidence_building.fact_of(facts, events.CONTENT_CONSIGNMENT).entry.hex()
        stamp = self._stamps.at(evidence_building.recording_time(self._clock.now(), facts))
        details = NoticeDetails(consignment, step=step, file=_UNKNOWN_DIGEST)
        fact = evidence_building.outside(stamp, delivery, events.NOTICE_PUBLISHED, details)
        try:
            effect = evidence_building.effect_carried_by(fact, facts)
        except UnsettledCalendar:
            raise JobFailed(CALENDAR_UNSETTLED) from None
        if effect is None:
            raise JobFailed(NO_DEADLINE, for_good=True)
        return effect.effective_time

    async def _locked(self, tx: Transaction, notice_id: UUID) -> tuple[Notice, Delivery]:
        known = await tx.notices.get(notice_id)
        delivery = None if known is None else await tx.deliveries.lock(known.mailbox_id, known.delivery_id)
        notice = await tx.notices.lock(notice_id)
        if notice is None or delivery is None:
            raise LookupError("a notice, or its delivery, is not there")
        return notice, delivery

    async def _end(self, tx: Transaction, notice: Notice, ending: Ending) -> None:
        """Ends a notice that was not recorded as published."""
        if notice.document is not None:
            # It was handed over once, and nobody knows whether it is there.
            await take_back(tx, notice, ending)
            return
        ended = replace(
            notice, state=NoticeState.NOT_NEEDED, reason=None, ending=ending, ended_at=self._clock.now()
        )
        await tx.notices.change(ended)

    async def _note(self, notice_id: UUID, job: RunningJob, trouble: JobFailed | NoticeTrouble) -> None:
        """Keeps why an attempt failed, where operators look."""
        is_over = job.is_last or trouble.for_good
        async with self._uow.writing() as tx:
            notice = await tx.notices.lock(notice_id)
            if notice is None or notice.state not in (*UNPUBLISHED, NoticeState.WITHDRAWING):
                return
            state = notice.state
            if state in UNPUBLISHED:
                state = NoticeState.FAILED if is_over else NoticeState.WAITING
            await tx.notices.change(replace(notice, state=state, reason=trouble.reason, job_id=job.id))
            await tx.commit()
        if is_over:
            _log.error(
                "a public notice needs an operator",
                notice_id=str(notice_id),
                state=state.value,
                reason=trouble.reason,
            )


async def take_back(tx: Transaction, notice: Notice, ending: Ending) -> None:
    """Has a locked notice taken back."""
    await tx.notices.change(replace(notice, state=NoticeState.WITHDRAWING, reason=None, ending=ending))
    await tx.jobs.defer([Job(WITHDRAW_NOTICE, {"notice": notice.id})])


def _id(job: RunningJob, name: str) -> UUID:
    value = job.arguments[name]
    assert isinstance(value, UUID)
    return value
