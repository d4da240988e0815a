"""What jobs do with senders' short messages: send them, and record what becomes of each."""

from uuid import UUID

from server.domain import evidence_building
from server.domain.facts import Fact
from server.domain.jobs import JobFailed, RunningJob
from server.domain.profile import Profile
from server.domain.sender_sms import SenderSms, SmsState
from server.domain.sms import TextKind
from server.domain.sms_evidence import sms_delivered, sms_failed, sms_sent
from server.usecases.ports import Clock, Entropy, Log, UnitOfWork
from server.usecases.sms_ports import SmsNotSent
from server.usecases.stamps import Stamps
from server.usecases.texting import OutgoingText, Texting


class SenderSmsWork:
    """Does the jobs of senders' short messages. Nothing of it touches a delivery."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        log: Log | None,
        profile: Profile,
        texting: Texting,
    ) -> None:
        """`log` is told of new evidence; a process without one leaves that to the leader's own rounds."""
        self._uow = uow
        self._clock = clock
        self._log = log
        self._stamps = Stamps(profile, entropy)
        self._texting = texting

    async def send(self, job: RunningJob) -> None:
        """Sends one, and records what became of it. Run again after that was recorded it does nothing."""
        sms_id = job.arguments["sms"]
        assert isinstance(sms_id, UUID)
        async with self._uow.reading() as tx:
            sms = await tx.sender_texts.get(sms_id)
        if sms is None or sms.state is not SmsState.ACCEPTED:
            return
        if sms.text is None:
            await self._record(sms, SmsState.FAILED, "TOO_LATE", reported=False)
            return
        try:
            await self._texting.send(OutgoingText(sms.id, TextKind.SENDER, sms.phone, sms.text))
        except SmsNotSent as failure:
            if not failure.for_good and not job.is_last:
                raise JobFailed(failure.reason) from None
            await self._record(sms, SmsState.FAILED, failure.reason, reported=False)
        else:
            await self._record(sms, SmsState.SENT, "", reported=False)

    async def reported(self, text_id: UUID, failure: str) -> bool:
        """Records what a phone's network reported; the first report counts. False while it is not recorded
        as sent.
        """
        async with self._uow.reading() as tx:
            sms = await tx.sender_texts.get(text_id)
        if sms is None or sms.state is not SmsState.SENT:
            return sms is None or sms.state is not SmsState.ACCEPTED
        await self._record(sms, SmsState.FAILED if failure else SmsState.DELIVERED, failure, reported=True)
        return True

    async def _record(self, sms: SenderSms, to: SmsState, why: str, *, reported: bool) -> None:
        async with self._uow.writing() as tx:
            known = await tx.evidence.get([sms.acceptance_id, *sms.later_evidence])
            fact = self._fact(sms, to, why, list(known.values()), reported=reported)
            at = fact.recorded_at
            if not await tx.sender_texts.move(sms, to, why=why, at=at, evidence_id=fact.id):
                return
            await tx.evidence.record([fact])
            await tx.commit()
        if self._log is not None:
            self._log.wake()

    def _fact(self, sms: SenderSms, to: SmsState, why: str, known: list[Fact], *, reported: bool) -> Fact:
        stamp = self._stamps.at(evidence_building.recording_time(self._clock.now(), known))
        accepted = next(fact for fact in known if fact.id == sms.acceptance_id)
        match to:
            case SmsState.SENT:
                return sms_sent(stamp, accepted)
            case SmsState.DELIVERED:
                return sms_delivered(stamp, accepted)
        return sms_failed(stamp, accepted, why, stamp.recorded_at if reported else None)
