"""From a step of an invented policy's ladder to a mail and a short message, and back: nothing faked."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP
from typer.testing import CliRunner

from namak.evidence import events, notification_policy
from namak.evidence.details_outside import NudgeDetails
from namak.evidence.document import RecordedFact
from namak.evidence.notification_policy import POLICIES as SHIPPED
from namak.evidence.notification_steps import Action
from server.bootstrap_jobs import Handlers
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.cli import ladder_commands
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.forwarding import ForwardedContent, ForwardingTarget, TargetKind
from server.domain.jobs import NUDGE, SEND_NUDGE, SMS_REPORT, Backoff, JobState
from server.domain.ladder import StepState
from server.domain.local_days import stretches
from server.domain.sms import TextKind
from server.gateways.forwarded_mails import ForwardedMails
from server.gateways.smtp import SmtpRoute, SmtpSettings
from server.jurisdictions.am import AM
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.intake import Accepted, Intake
from server.usecases.ladder import DueSteps
from server.usecases.ladder_jobs import JobActions
from server.usecases.nudge_ports import NudgeRoute
from server.usecases.nudge_routes import MailedNudges, TextedNudges
from server.usecases.nudges import NudgeWork
from server.usecases.sms_reports import SmsReportDesk
from server.usecases.texting import Texting
from server.workers.workers import Workers, WorkerSettings
from tests.contracts import examples
from tests.integration.gateways.sms_centre import DEADLINE, Centre, centre_running, link_to
from tests.integration.storage.test_submitting_together import NoHostNames
from tests.integration.workers.test_forwarding import HomeServer, registered
from tests.unit.test_config import GOOD, loaded, place
from tests.unit.usecases.forwarding_world import NAMES
from tests.unit.usecases.nudge_world import NUDGED, PHONE, POLICIES
from tests.unit.usecases.world import MemoryLog, letter

__all__ = ["place"]

SOON = Backoff(40, timedelta(milliseconds=20), 1, timedelta(milliseconds=20))
UNDER_NUDGES = replace(AM, notification_policy=NUDGED.key)


class TomorrowsClock:
    """A clock by which what is due in a day is due."""

    def now(self) -> datetime:
        return SystemClock().now() + timedelta(days=1)


@pytest.fixture
async def uow(module_database_url: str) -> AsyncIterator[SqlUnitOfWork]:
    database = Database(module_database_url, pool_size=6)
    yield SqlUnitOfWork(database)
    await database.dispose()


@pytest.fixture(autouse=True)
def _invented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification_policy, "POLICIES", {**SHIPPED, **POLICIES})


async def reminded(uow: SqlUnitOfWork) -> tuple[Delivery, ForwardingTarget, ForwardingTarget]:
    """Returns a message whose reminder is ordered, to a mailbox with an e-mail address and a phone."""
    sender, address, mailbox, mail = await registered(uow)
    now = SystemClock().now()
    phone = ForwardingTarget(
        examples.new_id(), mailbox.id, TargetKind.PHONE, PHONE, "en", ForwardedContent.NOTICE, now
    )
    intake = Intake(
        uow=uow, clock=SystemClock(), entropy=SystemEntropy(), profile=UNDER_NUDGES, host_names=NoHostNames()
    )
    asked = letter("nudged", sender=address, recipient=mailbox.address)
    (outcome,) = await intake.take_in(intake.asked(sender, [asked]))
    assert isinstance(outcome, Accepted)
    async with uow.writing() as tx:
        await tx.forwarding_targets.add(phone)
        await tx.forwarding_targets.verify(mailbox.id, phone.id, now)
        await tx.commit()
    due = DueSteps(
        uow=uow,
        clock=TomorrowsClock(),
        entropy=SystemEntropy(),
        log=MemoryLog(),
        profile=AM,
        actions=JobActions({Action.NUDGE: NUDGE}),
    )
    assert await due.work_off() == 1
    return outcome.delivery, mail, phone


@dataclass
class Outside:
    """A home server, a centre, and who does the jobs that reach them."""

    home: HomeServer
    centre: Centre
    work: NudgeWork
    handlers: Handlers


async def outside(stack: AsyncExitStack, uow: SqlUnitOfWork) -> Outside:
    home, loop = HomeServer(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(home, loop=loop), "127.0.0.1", 0)
    stack.callback(server.close)
    port = server.sockets[0].getsockname()[1]
    clock, entropy = SystemClock(), SystemEntropy()
    taking = SmsReportDesk(uow=uow, clock=clock, entropy=entropy, told={})
    centre, wire = await stack.enter_async_context(centre_running())
    link = await stack.enter_async_context(link_to(wire.port, taking.take))
    texting = Texting(uow=uow, clock=clock, route=link)
    smtp = SmtpRoute(SmtpSettings("127.0.0.1", port, "none", None, "post.example.am"), None)
    routes: Mapping[TargetKind, NudgeRoute] = {
        TargetKind.EMAIL: MailedNudges(ForwardedMails(NAMES, clock), smtp),
        TargetKind.PHONE: TextedNudges(texting, link=NAMES.link, time_zone=AM.time_zone),
    }
    work = NudgeWork(uow=uow, clock=clock, entropy=entropy, log=None, profile=AM, routes=routes)
    desk = SmsReportDesk(uow=uow, clock=clock, entropy=entropy, told={TextKind.NUDGE: work.reported})
    handlers: Handlers = {
        replace(kind, retries=SOON): handler
        for kind, handler in (
            (NUDGE, work.ask),
            (SEND_NUDGE, work.send),
            (SMS_REPORT, desk.look_at),
        )
    }
    return Outside(home, centre, work, handlers)


async def test_a_step_reaches_mail_and_phone_once_though_both_put_it_off_and_costs_nobody(
    uow: SqlUnitOfWork, module_database_url: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery, *_ = await reminded(uow)
    async with AsyncExitStack() as stack:
        there = await outside(stack, uow)
        there.centre.rule = lambda number: 0x58 if number == 1 else str(number)
        workers = Workers(
            module_database_url,
            there.handlers,
            uow,
            SystemClock(),
            WorkerSettings(poll=timedelta(milliseconds=20)),
        )
        working = asyncio.create_task(workers.run())
        await asyncio.wait_for(there.home.has_taken.wait(), DEADLINE)
        await there.centre.until(lambda each: len(each.taken) == 1)
        assert await there.centre.report(PHONE.removeprefix("+"), "id:2 stat:DELIVRD err:000")
        facts = await recorded(uow, delivery, 3)
        workers.stop()
        await asyncio.wait_for(working, DEADLINE)

    (envelope,) = there.home.taken
    assert there.home.tries == 2
    assert envelope.rcpt_tos == ["ani@example.am"]
    for taken in (envelope.content, there.centre.taken[0].short_message):
        assert isinstance(taken, bytes)
        assert delivery.organisation_name.encode() not in taken
    assert sorted((each.channel, each.step, each.reported_time is not None) for each in facts) == [
        ("EMAIL", "REMINDER", False),
        ("SMS", "REMINDER", False),
        ("SMS", "REMINDER", True),
    ]
    async with uow.reading() as tx:
        (step,) = await tx.ladders.steps_of(delivery.mailbox_id, delivery.id)
        found = await tx.ladders.find(delivery.id)
        left = await tx.jobs.listed(list(JobState), SEND_NUDGE.name, after=0, limit=10)
    assert step.state is StepState.ORDERED
    assert found is not None
    assert found.state is DeliveryState.CONSIGNED
    assert left == []
    async with uow.reading() as tx:
        today = datetime.now(UTC).date()
        days = stretches(today - timedelta(days=1), today + timedelta(days=1), ZoneInfo("UTC"))
        billed = tx.usage.texts(delivery.organisation_id, days, sender=None, sender_address_id=None)
        assert await billed == []
    await asyncio.to_thread(counted_apart, module_database_url, place, monkeypatch)


def counted_apart(url: str, place: Path, patch: pytest.MonkeyPatch) -> None:
    loaded(place, GOOD)
    patch.setenv("NAMAK_DATABASE_URL", url)
    words = ["nudges", "--config", str(place / "namak-server.toml")]
    told = CliRunner().invoke(ladder_commands.ladder, [*words, "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["nudges"] == [
        {"kind": "EMAIL", "state": "SENT", "nudges": 1, "segments": 0},
        {"kind": "PHONE", "state": "DELIVERED", "nudges": 1, "segments": 1},
    ]
    shown = CliRunner().invoke(ladder_commands.ladder, words)
    assert "on nobody's bill" in shown.stdout
    none = CliRunner().invoke(ladder_commands.ladder, [*words, "--from", "2001-01-01", "--to", "2001-01-02"])
    assert "no nudges" in none.stdout
    for wrong in (("--from", "yesterday"), ("--from", "2001-01-02", "--to", "2001-01-01")):
        refused = CliRunner().invoke(ladder_commands.ladder, [*words, *wrong])
        assert refused.exit_code == 1
        assert refused.stderr.count("\n") == 1


async def recorded(uow: SqlUnitOfWork, delivery: Delivery, count: int) -> list[NudgeDetails]:
    """Returns the facts of nudges once there are so many."""
    async with asyncio.timeout(DEADLINE):
        while True:
            async with uow.reading() as tx:
                facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
            told = [each for each in facts if each.event == events.CONSIGNMENT_NOTIFICATION]
            if len(told) >= count:
                found = [RecordedFact.parse(each.data).document.details for each in told]
                return [each for each in found if isinstance(each, NudgeDetails)]
