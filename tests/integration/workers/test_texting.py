"""From a submission to a short message over a real centre that has its moods, and back: nothing faked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from server.bootstrap_machine import SystemClock, SystemEntropy
from server.domain.forwarding import ForwardingTarget, Result, TargetKind
from server.domain.jobs import SEND_COPY, SMS_REPORT, SPREAD, Backoff, JobKind, JobState
from server.domain.sms import TextKind
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.forwarded_mail import ForwardingWork
from server.usecases.sms_reports import SmsReportDesk
from server.usecases.texted_copies import TextedCopies
from server.usecases.texting import Texting
from server.workers.workers import Workers, WorkerSettings
from tests.integration.gateways.sms_centre import DEADLINE, Centre, centre_running, link_to
from tests.integration.workers.test_forwarding import registered, submitted

PHONE = "+37491123456"
SOON = Backoff(40, timedelta(milliseconds=20), 1, timedelta(milliseconds=20))


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=6)
    yield SqlUnitOfWork(database)
    await database.dispose()


def soon(kind: JobKind) -> JobKind:
    return replace(kind, retries=SOON)


async def test_a_notice_reaches_its_phone_though_the_centre_throttles_and_drops_its_link(
    uow: SqlUnitOfWork, module_database_url: str
) -> None:
    sender, address, mailbox, target = await registered(uow, TargetKind.PHONE, PHONE)
    clock, entropy = SystemClock(), SystemEntropy()
    taking = SmsReportDesk(uow=uow, clock=clock, entropy=entropy, told={})
    async with centre_running() as (centre, wire), link_to(wire.port, taking.take, timeout=2.0) as link:
        texting = Texting(uow=uow, clock=clock, route=link)
        phones = TextedCopies(texting, entropy, link="https://post.example.am", time_zone=AM.time_zone)
        work = ForwardingWork(
            uow=uow, clock=clock, entropy=entropy, log=None, profile=AM, routes={TargetKind.PHONE: phones}
        )
        desk = SmsReportDesk(uow=uow, clock=clock, entropy=entropy, told={TextKind.COPY: work.reported})
        # The first is told to come later, the next are left without an answer until the link is dropped.
        centre.rule = lambda number: 0x58 if number == 1 else None
        delivery = await submitted(uow, sender, address, mailbox)
        workers = Workers(
            module_database_url,
            {
                soon(SPREAD): work.spread,
                soon(SEND_COPY): work.send_copy,
                soon(SMS_REPORT): desk.look_at,
            },
            uow,
            clock,
            WorkerSettings(poll=timedelta(milliseconds=20)),
        )
        working = asyncio.create_task(workers.run())
        await centre.until(lambda each: len(each.open) >= 1 and len(each.asked) >= 3)
        await wire.cut()
        centre.open.clear()
        centre.rule = lambda number: format(number, "X")
        await wire.lay()
        await until_told(uow, target, Result.SENT)
        await report_backwards(centre)
        await until_told(uow, target, Result.DELIVERED)
        await until_done(uow)
        workers.stop()
        await asyncio.wait_for(working, DEADLINE)

    async with uow.reading() as tx:
        facts = await tx.evidence.of_delivery(mailbox.id, delivery.id)
        found = await tx.forwarding_targets.get(mailbox.id, target.id)
    assert [fact.event.name for fact in facts][2:] == ["ConsignmentNotification", "ConsignmentNotification"]
    assert found is not None
    assert found.last is not None
    assert found.last.result is Result.DELIVERED
    assert {event.short_message[5] for event in centre.taken} == {1, 2}
    assert (
        len({event.short_message[3] for event in centre.asked}) == 1
    )  # one text, however often it was tried


async def report_backwards(centre: Centre) -> None:
    """Reports all segments, the last one first and each twice, with decimal numbers for hexadecimal ones; one
    that came over the old link, and whose answer nobody got, too.
    """
    numbers = [number for number, event in enumerate(centre.asked, 1) if event in centre.taken]
    for number in [*reversed(numbers), *numbers]:
        assert await centre.report(PHONE.removeprefix("+"), f"id:{number:010} stat:DELIVRD err:000")


async def until_told(uow: SqlUnitOfWork, target: ForwardingTarget, result: Result) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            async with uow.reading() as tx:
                found = await tx.forwarding_targets.get(target.mailbox_id, target.id)
            if found is not None and found.last is not None and found.last.result is result:
                return


async def until_done(uow: SqlUnitOfWork) -> None:
    async with asyncio.timeout(DEADLINE):
        while True:
            async with uow.reading() as tx:
                if not await tx.jobs.listed(list(JobState), None, after=0, limit=10):
                    return
