"""From a ladder's step to a notice in a gazette and its fact, over PostgreSQL and HTTP: nothing faked but the
clock.
"""

import asyncio
import hashlib
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from namak.evidence import events
from namak.evidence.details_outside import NoticeDetails
from namak.evidence.document import EvidenceDocument
from namak.evidence.notification_steps import Action
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.domain.caller import Connection, Sender
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.jobs import PUBLISH_NOTICE, WITHDRAW_NOTICE, Backoff, JobFailed, JobState, RunningJob
from server.domain.notices import NoticeState, read_document
from server.domain.senders import BindingRole, CertificateBinding, ContractState
from server.domain.state_records import PersonRecord, PersonState
from server.gateways.notice_site import NoticeSite, Site
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.intake import Accepted, Intake
from server.usecases.ladder import DueSteps
from server.usecases.ladder_jobs import JobActions
from server.usecases.notice_names import HolderNames
from server.usecases.notice_sweep import NoticeSweep
from server.usecases.notices import NoticeWork
from server.workers.workers import Workers, WorkerSettings
from tests.contracts import examples
from tests.fakes.state_registers import FakeStateRegisters
from tests.gazette_server import GazetteServer, gazette_serving, with_status
from tests.integration.storage.test_submitting_together import NoHostNames
from tests.unit.usecases.notice_world import UNDER_LADDER
from tests.unit.usecases.world import FixedClock, MemoryLog, letter

AT_ONCE = Backoff(9, timedelta(milliseconds=10), 1, timedelta(milliseconds=10))
DEADLINE = 60.0
NAME = "Անի </title><script>alert(1)</script>"


class Post:
    """A post whose clock stands where the test puts it, and a gazette."""

    def __init__(self, uow: SqlUnitOfWork, gazette: GazetteServer) -> None:
        self.uow, self.gazette = uow, gazette
        self.clock, self.entropy = FixedClock(), SystemEntropy()
        self.registers = FakeStateRegisters()
        self.work = NoticeWork(
            uow=uow,
            clock=self.clock,
            entropy=self.entropy,
            log=None,
            profile=AM,
            place=NoticeSite(Site(gazette.url, gazette.url, connect_seconds=60, seconds=60)),
            names=HolderNames(uow, self.registers),
        )
        self.due = DueSteps(
            uow=uow,
            clock=self.clock,
            entropy=self.entropy,
            log=MemoryLog(),
            profile=AM,
            actions=JobActions({Action.NOTICE: PUBLISH_NOTICE}),
        )
        self.sweep = NoticeSweep(uow=uow, clock=self.clock)

    async def ordered(self) -> Delivery:
        """Returns a delivery whose notice is due, and its job deferred."""
        organisation = replace(examples.organisation(), contract_state=ContractState.IN_FORCE)
        address = replace(examples.address(organisation), networks=(ipaddress.ip_network("127.0.0.1/32"),))
        mailbox, now = examples.mailbox(), self.clock.now()
        digest = hashlib.sha256(organisation.id.bytes).digest()
        bound = CertificateBinding(
            digest, BindingRole.SENDER, organisation.id, None, now + timedelta(days=99), now, None
        )
        async with self.uow.writing() as tx:
            await tx.organisations.add(organisation)
            await tx.sender_addresses.add(address)
            await tx.bindings.add(bound, organisation.id.bytes)
            await tx.mailboxes.add(mailbox)
            await tx.commit()
        self.registers.show_person(PersonRecord(mailbox.holder_number, NAME, PersonState.ALIVE, None, ""))
        sender = Sender(Connection(digest, ipaddress.ip_address("127.0.0.1")), organisation.id, None, ())
        intake = Intake(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            profile=UNDER_LADDER,
            host_names=NoHostNames(),
        )
        asked = letter("notice", sender=address.address, recipient=mailbox.address)
        (outcome,) = await intake.take_in(intake.asked(sender, [asked]))
        assert isinstance(outcome, Accepted)
        self.clock.move(timedelta(days=11))
        await self.due.work_off()
        return outcome.delivery

    async def facts(self, delivery: Delivery) -> list[tuple[datetime, NoticeDetails]]:
        async with self.uow.reading() as tx:
            facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
        found = []
        for fact in facts:
            if fact.event == events.NOTICE_PUBLISHED:
                details = EvidenceDocument.parse(fact.data).details
                assert isinstance(details, NoticeDetails)
                found.append((fact.recorded_at, details))
        return found

    async def state(self, delivery: Delivery) -> DeliveryState:
        async with self.uow.writing() as tx:
            found = await tx.deliveries.lock(delivery.mailbox_id, delivery.id)
        assert found is not None
        return found.state


@pytest.fixture
async def post(module_database_url: str) -> AsyncIterator[Post]:
    database = Database(module_database_url, pool_size=6)
    async with gazette_serving() as gazette:
        yield Post(SqlUnitOfWork(database), gazette)
    await database.dispose()


async def test_a_site_that_answers_500_for_days_gets_the_notice_in_the_end_and_one_fact_comes_of_it(
    post: Post,
) -> None:
    delivery = await post.ordered()
    async with post.uow.reading() as tx:
        (job,) = await tx.jobs.listed([JobState.WAITING], PUBLISH_NOTICE.name, after=0, limit=9)
    post.gazette.behaviour, began, tries = with_status(500), post.clock.now(), 0
    retries = PUBLISH_NOTICE.retries

    while post.clock.now() < began + timedelta(days=7):
        tries += 1
        with pytest.raises(JobFailed, match="FAILED") as failed:
            await post.work.publish(
                RunningJob(job.id, job.arguments, tries, retries.wait(tries, 0.5) is None)
            )
        wait = retries.wait(tries, 0.5)
        assert wait is not None, "a week is no reason to give up"
        assert not failed.value.for_good
        post.clock.move(wait)
        assert await post.facts(delivery) == []
    post.gazette.behaviour = None
    await post.work.publish(RunningJob(job.id, job.arguments, tries + 1, False))

    assert tries > 50
    ((document),) = post.gazette.entries.values()
    ((at, details),) = await post.facts(delivery)
    assert at == post.clock.now()
    assert details.file == hashlib.sha256(document).hexdigest()
    said, _ = read_document(document)
    assert (said.delivery_id, said.recipient) == (delivery.id, NAME)
    assert await post.state(delivery) is DeliveryState.CONSIGNED
    post.clock.time = said.deadline.astimezone(UTC) - timedelta(microseconds=1)
    await post.due.work_off()
    assert await post.state(delivery) is DeliveryState.CONSIGNED
    post.clock.move(timedelta(microseconds=1))
    await post.due.work_off()
    assert await post.state(delivery) is DeliveryState.NOTIFIED


async def test_workers_publish_it_though_answers_are_lost_and_take_it_back_when_it_is_over(
    post: Post, module_database_url: str
) -> None:
    delivery = await post.ordered()
    # The gazette takes it, and answers 502.
    post.gazette.behaviour, post.gazette.late = with_status(502), True
    workers = Workers(
        module_database_url,
        {
            replace(PUBLISH_NOTICE, retries=AT_ONCE): post.work.publish,
            replace(WITHDRAW_NOTICE, retries=AT_ONCE): post.work.withdraw,
        },
        post.uow,
        SystemClock(),
        WorkerSettings(poll=timedelta(milliseconds=20)),
    )
    working = asyncio.create_task(workers.run())

    async def until(state: NoticeState, reason: str | None) -> None:
        async with asyncio.timeout(DEADLINE):
            while True:
                async with post.uow.reading() as tx:
                    found = await tx.notices.listed([state], after=None, limit=99)
                if any(each.delivery_id == delivery.id and each.reason == reason for each in found):
                    return

    await until(NoticeState.WAITING, "FAILED")
    assert len(post.gazette.entries) == 1
    assert await post.facts(delivery) == []
    post.gazette.behaviour = None
    await until(NoticeState.PUBLISHED, None)
    assert len(await post.facts(delivery)) == 1
    (document,) = post.gazette.entries.values()

    post.clock.time = read_document(document)[0].deadline.astimezone(UTC)
    await post.sweep.work_off()
    await until(NoticeState.WITHDRAWN, None)
    workers.stop()
    await asyncio.wait_for(working, DEADLINE)
    assert post.gazette.entries == {}
    assert len(await post.facts(delivery)) == 1
