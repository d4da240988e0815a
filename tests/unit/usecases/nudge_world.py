"""A world under an invented policy, whose first step nudges: the ladder is data, and no shipped one does."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from namak.evidence import events
from namak.evidence.calendars import NO_WAIT, Counted, Span
from namak.evidence.details_outside import NudgeDetails, NudgeFailureDetails
from namak.evidence.document import RecordedFact
from namak.evidence.notification_steps import Action, Since, SinceStep, Step, Wait
from namak.evidence.policy_rules import NotificationPolicy, Rule
from server.domain.deliveries import Delivery
from server.domain.forwarding import ForwardedContent, TargetKind
from server.domain.jobs import NUDGE, SEND_CODE, SEND_NUDGE, SMS_REPORT, JobKind, RunningJob
from server.domain.ladder import StepState
from server.domain.nudges import Nudge
from server.domain.sms import Alphabet, DeliveryReport, TextKind
from server.gateways.forwarded_mails import ForwardedMails
from server.jurisdictions.am import AM
from server.usecases.forwarding import OfTarget
from server.usecases.ladder import DueSteps
from server.usecases.ladder_desk import LadderDesk
from server.usecases.ladder_jobs import JobActions
from server.usecases.nudge_ports import NudgeRoute
from server.usecases.nudge_records import NudgeRecords
from server.usecases.nudge_routes import MailedNudges, TextedNudges
from server.usecases.nudges import NudgeWork
from server.usecases.returned_mails import ReturnedMails
from server.usecases.returned_nudges import ReturnedNudges
from server.usecases.sms_reports import SmsReportDesk
from server.usecases.texting import Texting
from tests.unit.usecases.forwarding_world import NAMES, Forwarding

PHONE = "+37491123456"
DAY = timedelta(days=1)
_CONSIGNED = Since(events.CONTENT_CONSIGNMENT)

NUDGED = NotificationPolicy(
    name="am-nudged",
    version=1,
    rules=(
        Rule("INVENTED-READ", events.READING_CONFIRMED, (events.CONTENT_CONSIGNMENT,)),
        Rule("INVENTED-POSTED", events.LETTER_POSTED, (events.CONTENT_CONSIGNMENT,), Span(7)),
    ),
    steps=(
        Step(
            "REMINDER",
            Action.NUDGE,
            Wait(_CONSIGNED, Span(1, Counted.ELAPSED)),
            unless=(events.CONTENT_ACCESS_TRACKING,),
        ),
        Step("LETTER", Action.LETTER, Wait(SinceStep("REMINDER"), Span(2, Counted.ELAPSED))),
        Step("AFTER-FAILURE", Action.NOTICE, Wait(Since(events.CONSIGNMENT_NOTIFICATION_FAILURE), NO_WAIT)),
    ),
)
POLICIES: Mapping[str, NotificationPolicy] = {NUDGED.key: NUDGED}


class Nudging(Forwarding):
    """A scene whose messages are under that policy, and whose ladder nudges."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.submissions = self.new_submissions(profile=replace(AM, notification_policy=NUDGED.key))
        self.forwarding = self.forwarding_by(frozenset(TargetKind))
        texting = Texting(uow=self.uow, clock=self.clock, route=self.sms)
        self.routes: dict[TargetKind, NudgeRoute] = {
            TargetKind.EMAIL: MailedNudges(ForwardedMails(NAMES, self.clock), self.mail),
            TargetKind.PHONE: TextedNudges(texting, link=NAMES.link, time_zone=AM.time_zone),
        }
        self.nudges = NudgeWork(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=AM,
            routes=self.routes,
        )
        actions = JobActions({Action.NUDGE: NUDGE})
        self.due = DueSteps(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=AM,
            actions=actions,
        )
        self.ladder = LadderDesk(uow=self.uow, clock=self.clock, actions=actions)
        records = NudgeRecords(uow=self.uow, clock=self.clock, entropy=self.entropy, log=self.log, profile=AM)
        mailed = ReturnedNudges(uow=self.uow, clock=self.clock, records=records)
        self.returned_mails = ReturnedMails([self.returned, mailed])
        self.reports = SmsReportDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            told={TextKind.COPY: self.work.reported, TextKind.NUDGE: self.nudges.reported},
        )

    async def run(self, kind: JobKind, *, attempt: int = 1, keep: bool = False) -> int:
        """Does the jobs of a kind; returns how many there were."""
        handlers = {NUDGE: self.nudges.ask, SEND_NUDGE: self.nudges.send}
        if kind not in handlers:
            return await super().run(kind, attempt=attempt, keep=keep)
        jobs = [job for job in self.uow.committed.jobs.values() if job.kind == kind.name]
        for job in jobs:
            is_last = attempt >= kind.retries.attempts
            await handlers[kind](RunningJob(job.id, job.arguments, attempt, is_last))
            if not keep:
                self.uow.committed.jobs.pop(job.id)
        return len(jobs)

    async def phone(self, language: str = "hy") -> UUID:
        """Returns a verified phone."""
        target = await self.add(
            PHONE, kind=TargetKind.PHONE, content=ForwardedContent.NOTICE, language=language
        )
        await self.run(SEND_CODE)
        code = re.search(r"\d{6}", self.texted())
        assert code is not None
        await self.forwarding.verify_target(OfTarget(self.ani, None, target, code=code.group()))
        self.sms.taken.clear()
        return target

    def texted(self) -> str:
        """Returns what the phone shows."""
        pieces = [segment for _, segment in self.sms.taken]
        octets = b"".join(each.octets[6 if each.has_header else 0 :] for each in pieces)
        return octets.decode("utf-16-be" if pieces[0].alphabet is Alphabet.UCS2 else "latin-1")

    async def reminded(self) -> Delivery:
        """Returns a message whose reminder is due and ordered; copies are no concern of these tests."""
        delivery = await self.sent()
        self.uow.committed.jobs.clear()
        self.mail.sent.clear()
        self.clock.move(DAY)
        await self.due.work_off()
        return delivery

    async def report(self, segment_id: str, failure: str = "") -> None:
        await self.reports.take(DeliveryReport(segment_id, PHONE, failure))
        await self.run(SMS_REPORT)

    def asked(self) -> list[Nudge]:
        return sorted(self.uow.committed.nudges.values(), key=lambda each: (each.attempt, each.kind))

    def step(self, delivery: Delivery, name: str = "REMINDER") -> tuple[StepState, str | None]:
        taken = self.uow.committed.ladder_steps[delivery.mailbox_id, delivery.id, name]
        return taken.state, taken.reason

    def told(self) -> list[tuple[str, str, str | None, str | None, bool]]:
        """Returns what was recorded of nudges: event, channel, step, cause, and whether a network said so."""
        found = []
        for fact in self.uow.committed.queue:
            details = RecordedFact.parse(fact.data).document.details if fact.delivery_id else None
            if isinstance(details, NudgeDetails | NudgeFailureDetails):
                found.append(
                    (
                        fact.event.name,
                        details.channel,
                        details.step,
                        getattr(details, "cause", None),
                        details.reported_time is not None,
                    )
                )
        return found
