"""A post under the ladder whose notices are published in a place that a test holds in its hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from namak.evidence import events
from namak.evidence.details_outside import NoticeDetails
from namak.evidence.document import EvidenceDocument
from namak.evidence.notification_steps import Action
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.domain.jobs import PUBLISH_NOTICE, WITHDRAW_NOTICE, JobFailed, JobState, RunningJob
from server.domain.notices import Notice
from server.domain.profile import Profile
from server.domain.state_records import EntityRecord, EntityState, PersonRecord, PersonState
from server.jurisdictions.am import AM
from server.usecases.ladder import DueSteps
from server.usecases.ladder_jobs import JobActions
from server.usecases.notice_desk import NoticeDesk
from server.usecases.notice_names import HolderNames
from server.usecases.notice_sweep import NoticeSweep
from server.usecases.notices import NoticeWork
from tests.fakes.notice_place import FakeNoticePlace
from tests.fakes.state_registers import FakeStateRegisters
from tests.unit.usecases.world import ANI, ENTITY_ADDRESS, World

UNDER_LADDER = replace(AM, notification_policy="am-2025@2")
# The world begins on 22 November 2026, 03:42 in Yerevan.
NOTICE_DUE = datetime(2026, 12, 2, 20, tzinfo=UTC)
PUBLISHED = datetime(2026, 12, 3, 9, tzinfo=UTC)
DEADLINE = datetime(2026, 12, 10, 20, tzinfo=UTC)
DAY = timedelta(days=1)
NAME = "Անի Գրիգորյան"


class NoticeWorld:
    """The post; `run` does the one job of a kind that waits, as a worker would."""

    def __init__(self, profile: Profile = UNDER_LADDER) -> None:
        self.world = World()
        self.world.submissions = self.world.new_submissions(profile=profile)
        self.uow, self.clock, self.log = self.world.uow, self.world.clock, self.world.log
        self.place = FakeNoticePlace()
        self.registers = FakeStateRegisters()
        self.registers.show_person(PersonRecord(ANI, NAME, PersonState.ALIVE, None, ""))
        entity = ENTITY_ADDRESS.partition("@")[0]
        self.registers.show_entity(EntityRecord(entity, "«Նամակ» ՍՊԸ", EntityState.REGISTERED, None, "", ()))
        self.work = self.worker()
        self.sweep = NoticeSweep(uow=self.uow, clock=self.clock)
        self.desk = NoticeDesk(uow=self.uow, clock=self.clock)
        self.due = DueSteps(
            uow=self.uow,
            clock=self.clock,
            entropy=self.world.entropy,
            log=self.log,
            profile=AM,
            actions=JobActions({Action.NOTICE: PUBLISH_NOTICE}),
        )

    def worker(self) -> NoticeWork:
        return NoticeWork(
            uow=self.uow,
            clock=self.clock,
            entropy=self.world.entropy,
            log=self.log,
            profile=AM,
            place=self.place,
            names=HolderNames(self.uow, self.registers),
        )

    async def ordered(self, **to: str) -> Delivery:
        """Returns a delivery whose notice is due, and its job deferred, at ten o'clock of that day."""
        delivery = await self.world.delivered(**to)
        self.clock.time = NOTICE_DUE
        await self.due.work_off()
        self.clock.time = PUBLISHED
        return delivery

    async def run(self, kind: str = PUBLISH_NOTICE.name, *, is_last: bool = False) -> str | None:
        """Does the oldest job of a kind; returns why it failed, or None: then it is deleted."""
        async with self.uow.reading() as tx:
            job, *_ = await tx.jobs.listed([JobState.WAITING], kind, after=0, limit=10)
        handler = self.work.publish if kind == PUBLISH_NOTICE.name else self.work.withdraw
        try:
            await handler(RunningJob(job.id, job.arguments, 1, is_last))
        except JobFailed as failed:
            if is_last or failed.for_good:
                self.uow.committed.jobs[job.id] = replace(job, state=JobState.DEAD)
            return failed.reason
        del self.uow.committed.jobs[job.id]
        return None

    async def withdraw(self) -> str | None:
        """Does the job that takes a notice back."""
        return await self.run(WITHDRAW_NOTICE.name)

    @property
    def waiting(self) -> list[str]:
        """The kinds of the jobs there are."""
        return [job.kind for job in self.uow.committed.jobs.values()]

    @property
    def notice(self) -> Notice:
        (notice,) = self.uow.committed.notices.values()
        return notice

    def facts(self, delivery: Delivery) -> list[Fact]:
        found = [e for e in self.uow.committed.evidence.values() if e.delivery_id == delivery.id]
        return sorted(found, key=lambda fact: (fact.recorded_at, fact.id))

    def published(self, delivery: Delivery) -> tuple[datetime, NoticeDetails]:
        """Returns the one NoticePublished: when, and what it holds."""
        (fact,) = [fact for fact in self.facts(delivery) if fact.event == events.NOTICE_PUBLISHED]
        details = EvidenceDocument.parse(fact.data).details
        assert isinstance(details, NoticeDetails)
        return fact.recorded_at, details
