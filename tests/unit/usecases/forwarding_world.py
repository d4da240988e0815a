"""A world whose people have messages forwarded."""

import re
from dataclasses import replace
from uuid import UUID

from namak.evidence.document import RecordedFact
from server.domain.deliveries import Delivery
from server.domain.delivery_reports import ReportedFailure
from server.domain.forwarding import ForwardedContent, Result, TargetKind
from server.domain.jobs import SEND_CODE, SEND_COPY, SMS_REPORT, SPREAD, JobKind, RunningJob
from server.domain.sms import TextKind
from server.gateways.forwarded_mails import ForwardedMails, MailNames
from server.jurisdictions.am import AM
from server.usecases.administration import Administration
from server.usecases.copy_records import RESULT_EVENTS
from server.usecases.forwarded_mail import ForwardingWork
from server.usecases.forwarding import AddTarget, ForwardingDesk, OfTarget
from server.usecases.forwarding_ports import MailNotSent
from server.usecases.mailed_copies import MailedCopies
from server.usecases.returned_copies import ReturnedCopies
from server.usecases.sms_reports import SmsReportDesk
from server.usecases.texted_copies import TextedCopies
from server.usecases.texting import Texting
from tests.fakes.mail import FakeMailRoute
from tests.fakes.sms import FakeSmsRoute
from tests.unit.usecases.delegation_world import Scene

NAMES = MailNames(
    sender="no-reply@post.example.am",
    sender_name="Պաշտոնական փոստ",
    domain="post.example.am",
    bounces="bounces@post.example.am",
    link="https://post.example.am",
    time_zone=AM.time_zone,
)
HOME = "ani@example.am"
BUSY, REFUSED = MailNotSent("BUSY", for_good=False), MailNotSent("REFUSED", for_good=True)


class Forwarding(Scene):
    """A scene whose people have messages forwarded."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.mail = FakeMailRoute()
        self.sms = FakeSmsRoute()
        self.forwarding = self.forwarding_by(frozenset({TargetKind.EMAIL}))
        self.work = ForwardingWork(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=AM,
            routes={
                TargetKind.EMAIL: MailedCopies(ForwardedMails(NAMES, self.clock), self.mail),
                TargetKind.PHONE: TextedCopies(
                    Texting(uow=self.uow, clock=self.clock, route=self.sms),
                    self.entropy,
                    link=NAMES.link,
                    time_zone=AM.time_zone,
                ),
            },
        )
        self.returned = ReturnedCopies(
            uow=self.uow, clock=self.clock, entropy=self.entropy, log=self.log, profile=AM
        )
        self.reports = SmsReportDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            told={TextKind.COPY: self.work.reported},
        )

    def forwarding_by(self, sends: frozenset[TargetKind]) -> ForwardingDesk:
        return ForwardingDesk(
            administration=Administration(
                uow=self.uow, clock=self.clock, entropy=self.entropy, wake_log=self.log.wake, profile=AM
            ),
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            profile=AM,
            sends=sends,
        )

    async def add(
        self,
        address: str = HOME,
        *,
        content: ForwardedContent = ForwardedContent.WHOLE,
        language: str = "hy",
        request_id: str = "",
        **changes: object,
    ) -> UUID:
        self.requests += 1
        command = AddTarget(
            by=self.ani,
            request_id=request_id or f"f-{self.requests}",
            mailbox=None,
            kind=TargetKind.EMAIL,
            address=address,
            content=content,
            language=language,
        )
        return (await self.forwarding.add_target(replace(command, **changes))).id  # type: ignore[arg-type]

    async def verified(self, address: str = HOME, **chosen: object) -> UUID:
        target = await self.add(address, **chosen)  # type: ignore[arg-type]
        await self.run(SEND_CODE)
        await self.forwarding.verify_target(OfTarget(self.ani, None, target, code=self.code()))
        return target

    def text(self) -> str:
        return str(self.mail.sent[-1].message.get_content()).replace("\r\n", "\n")

    def code(self) -> str:
        found = re.search(r"^\d{6}$", self.text(), re.MULTILINE)
        assert found is not None
        return found.group()

    async def run(self, kind: JobKind, *, attempt: int = 1, keep: bool = False) -> int:
        """Does the jobs of a kind; returns how many there were."""
        handlers = {
            SEND_CODE: self.work.send_code,
            SPREAD: self.work.spread,
            SEND_COPY: self.work.send_copy,
            SMS_REPORT: self.reports.look_at,
        }
        jobs = [job for job in self.uow.committed.jobs.values() if job.kind == kind.name]
        for job in jobs:
            is_last = attempt >= kind.retries.attempts
            await handlers[kind](RunningJob(job.id, job.arguments, attempt, is_last))
            if not keep:
                self.uow.committed.jobs.pop(job.id)
        return len(jobs)

    async def sent(self) -> Delivery:
        self.requests += 1
        return await self.delivered(f"s-{self.requests}")

    async def came_back(self, token: UUID, cause: str = "NO_SUCH_ADDRESS") -> bool:
        """Has it reported that a copy was not delivered; tells whether that was recorded."""
        return await self.returned.failed(token, ReportedFailure(cause, "5.1.1", "no such user")) is not None

    def results(self) -> list[tuple[str, str | None]]:
        wanted = set(RESULT_EVENTS.values())
        found = [fact.data for fact in self.uow.committed.queue if fact.event in wanted]
        documents = [RecordedFact.parse(data).document for data in found]
        return [(document.event.name, getattr(document.details, "cause", None)) for document in documents]

    async def last(self) -> tuple[Result, str] | None:
        (target,) = await self.forwarding.list_targets(self.ani, None)
        return None if target.last is None else (target.last.result, target.last.why)
