"""The ladder from the submission to the effect: gRPC, PostgreSQL and the log as they are, on a clock that the
test moves (LADDER-1).

The letters begin weeks ago and come up to the present, so that nothing is proven of the future.
"""

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from namak.client import compose, compose_part
from namak.evidence import events
from namak.evidence.notification_policy import AM_2025_LADDER
from namak.evidence.report import Outcome, Report, Verdict
from namak.evidence.simulation import ImaginedFact, Kind, imagined, timeline
from namak.evidence.times import format_time
from namak.v1 import delivery_pb2, letter_pb2
from server import bootstrap, bootstrap_desks, bootstrap_letters, bootstrap_notices
from server.bootstrap_ladder import climbing
from server.bootstrap_notices import taking_notices_back
from server.cli import ladder_commands
from server.dev.world import World
from server.domain.deliveries import Delivery
from server.domain.jobs import PUBLISH_NOTICE, JobState
from server.domain.ladder import StepState, TakenStep
from server.domain.notices import read_document
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests import forking
from tests.faults.scene import eventually
from tests.gazette_server import GazetteServer, gazette_serving, with_status
from tests.system.post import Agency, Citizen, Post, running_post
from tests.system.print_houses import PRINTING, PrintHouse, fonts_missing, live
from tests.system.receipts import events_of, receipts_of, saved, verified
from tests.system.test_sign_in_by_card import Portal

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]

POLICY: Final = AM_2025_LADDER.key
LONG_AGO: Final = timedelta(days=-30)
DAYS_DOWN: Final = 3
"""For so long the gazette answers 500."""
WHY_NO_LETTER: Final = "NOT_CONFIGURED" if fonts_missing() else "NO_POSTAL_ADDRESS"
"""Why people get none of whom nobody knows where they live."""


class MovedClock:
    """The post's clock: as far from the machine's as it was moved last."""

    def __init__(self) -> None:
        self.by = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by

    def move_to(self, moment: datetime) -> None:
        self.by = moment - datetime.now(UTC)


@dataclass
class Ladder:
    """A post with a clock to move, and what is written in its tables."""

    post: Post
    clock: MovedClock
    uow: SqlUnitOfWork
    agency: Agency

    async def submitted(self, citizen: Citizen) -> delivery_pb2.Delivery:
        letter = compose(
            sender=self.agency.sender,
            recipient=citizen.address,
            subject="Ծանուցում",
            parts=[compose_part("letter.txt", b"letter")],
            notification_policy=POLICY,
        )
        accepted = await self.agency.client.deliveries.submit(letter)
        assert accepted.delivery.notification_policy == POLICY
        return accepted.delivery

    async def stored(self, delivery: delivery_pb2.Delivery) -> Delivery:
        async with self.uow.reading() as tx:
            found = await tx.ladders.find(UUID(delivery.delivery_id))
        assert found is not None
        return found

    async def steps(self, delivery: delivery_pb2.Delivery) -> Sequence[TakenStep]:
        stored = await self.stored(delivery)
        async with self.uow.reading() as tx:
            return await tx.ladders.steps_of(stored.mailbox_id, stored.id)

    async def notice_was_tried(self, times: int) -> None:
        """Waits until the job that publishes the notice failed so often, and waits for its time."""

        async def failed() -> bool:
            async with self.uow.reading() as tx:
                jobs = await tx.jobs.listed([JobState.WAITING], PUBLISH_NOTICE.name, after=0, limit=9)
            return [job.attempts for job in jobs] == [times]

        await eventually(failed)

    async def tried_again(self) -> None:
        """Has the time of the notice's job come: jobs wait by the database's clock, which nobody moves."""
        await self.post.records.rows(
            "UPDATE jobs.procrastinate_jobs SET scheduled_at = now() WHERE task_name = :name",
            name=PUBLISH_NOTICE.name,
        )

    async def looked_past(self, delivery: delivery_pb2.Delivery, moment: datetime) -> None:
        """Moves the clock past a moment, and waits until what was due of a delivery then was done."""
        self.clock.move_to(moment + timedelta(seconds=1))
        stored = await self.stored(delivery)

        async def nothing_due() -> bool:
            async with self.uow.reading() as tx:
                looked_at = await tx.ladders.looked_at(stored.mailbox_id, stored.id)
            return looked_at is None or looked_at > moment

        await eventually(nothing_due)

    def settings(self) -> Path:
        return self.post.world.write_settings("ladder-operator", database_url=self.post.database_url)


@pytest.fixture(scope="module")
def clock() -> Iterator[MovedClock]:
    """The clock of every post that starts while this module's tests run, which looks often what is due."""
    clock = MovedClock()
    with pytest.MonkeyPatch.context() as patch:
        for module in (bootstrap_desks, bootstrap_letters, bootstrap_notices):
            patch.setattr(module, "SystemClock", lambda: clock)
        patch.setattr(bootstrap, "taking_notices_back", functools.partial(taking_notices_back, seconds=0.1))
        patch.setattr(bootstrap, "climbing", functools.partial(climbing, seconds=0.05))
        yield clock


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gazette() -> AsyncIterator[GazetteServer]:
    async with gazette_serving() as gazette:
        yield gazette


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    clock: MovedClock,
    gazette: GazetteServer,
) -> AsyncIterator[Post]:
    """A post on the clock that is moved, which has letters and notices, and does its jobs itself."""
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    printing = "" if fonts_missing() else PRINTING
    outside = f'{printing}\n[notices]\nsite_url = "{gazette.url}"\n[jobs]\nin_server = "yes"\n'
    async with running_post(
        world, module_database_url, guard / "checkpoint.note", more_settings=outside
    ) as post:
        yield post


@pytest_asyncio.fixture(loop_scope="module")
async def ladder(post: Post, clock: MovedClock) -> AsyncIterator[Ladder]:
    clock.by = timedelta(0)
    database = Database(post.database_url, pool_size=2)
    agency = await post.agency()
    admin = (await post.operator()).admin
    await admin.set_notification_policies(agency.organisation_id, ["am-2015@1", POLICY])
    yield Ladder(post, clock, SqlUnitOfWork(database), agency)
    clock.by = timedelta(0)
    await database.dispose()


def due(accepted: datetime, *facts: ImaginedFact) -> Mapping[str, datetime]:
    """Returns when steps and the effect come, as the policy is played for facts that are only imagined."""
    given = [ImaginedFact(events.CONTENT_CONSIGNMENT, accepted), *facts]
    played = timeline(AM_2025_LADDER, imagined(given, AM_2025_LADDER, "namak:am:1"))
    return {
        entry.step or entry.kind.value: entry.at for entry in played if entry.kind in (Kind.STEP, Kind.EFFECT)
    }


@pytest.mark.skipif(fonts_missing(), reason="needs Debian's fonts-noto-core")
async def test_who_never_looks_is_notified_by_the_notice_and_a_stranger_comes_to_the_same(
    ladder: Ladder, gazette: GazetteServer, tmp_path: Path
) -> None:
    ladder.clock.by = LONG_AGO
    citizen = await ladder.post.citizen()
    await live(ladder.post, citizen)
    house = await PrintHouse.at(ladder.post, "Print House No. 1", ladder.clock.now)
    delivery = await ladder.submitted(citizen)
    accepted = (await ladder.stored(delivery)).submitted_at
    expected = due(accepted)

    # The letter is printed and posted, and comes back.
    await ladder.looked_past(delivery, expected["LETTER"])
    letter = await house.leased()
    await house.print(letter, tmp_path / "letters")
    ladder.clock.move_to(expected["LETTER"] + timedelta(hours=9))
    await house.report(letter, letter_pb2.LetterPosted(tracking_number=letter.tracking_number))
    ladder.clock.move_to(expected["LETTER"] + timedelta(days=5))
    await house.report(letter, letter_pb2.LetterReturned(cause="NOT_FOUND"))

    # The gazette is down when the notice is due, and for days.
    gazette.behaviour = with_status(500)
    await ladder.looked_past(delivery, expected["NOTICE"])
    steps = await ladder.steps(delivery)
    assert [(step.step, step.due_at) for step in steps] == [
        (name, expected[name]) for name in ("LETTER", "NOTICE")
    ]
    for day in range(1, DAYS_DOWN + 1):
        await ladder.notice_was_tried(day)
        ladder.clock.move_to(expected["NOTICE"] + timedelta(days=day))
        await ladder.tried_again()
    await ladder.notice_was_tried(DAYS_DOWN + 1)
    assert "NoticePublished" not in await events_of(ladder.agency.client, delivery.delivery_id)
    gazette.behaviour = None
    await ladder.tried_again()
    await eventually(lambda: bool(gazette.entries))
    ((document),) = gazette.entries.values()

    async def is_recorded() -> bool:
        return "NoticePublished" in await events_of(ladder.agency.client, delivery.delivery_id)

    await eventually(is_recorded)
    receipts = await receipts_of(ladder.agency.client, delivery.delivery_id)
    times = fact_times(verified(ladder.post.world, receipts))
    assert times["NoticePublished"] >= expected["NOTICE"] + timedelta(days=DAYS_DOWN)
    effective = due(accepted, ImaginedFact(events.NOTICE_PUBLISHED, times["NoticePublished"]))["effect"]
    assert effective < datetime.now(UTC)
    said, _ = read_document(document)
    assert (said.delivery_id, said.deadline) == (UUID(delivery.delivery_id), effective)
    await ladder.looked_past(delivery, effective - timedelta(hours=2))
    assert (await ladder.agency.client.deliveries.get(delivery.delivery_id)).state == (
        delivery_pb2.DELIVERY_STATE_CONSIGNED
    )
    await ladder.looked_past(delivery, effective)

    stored = await ladder.stored(delivery)
    assert stored.notified_at == effective
    assert await events_of(ladder.agency.client, delivery.delivery_id) == [
        *("SubmissionAcceptance", "ContentConsignment", "LetterPrinted", "LetterPosted", "LetterReturned"),
        *("NoticePublished", "NotificationEffected"),
    ]
    receipts = await receipts_of(ladder.agency.client, delivery.delivery_id)
    report = verified(ladder.post.world, receipts)
    assert report.verdict is Verdict.VALID
    judged = next(file for file in report.files if file.name == "NotificationEffected")
    passed = {check.name for check in judged.checks if check.outcome is Outcome.PASSED}
    assert {"derivation", "lapse"} <= passed

    sender = ladder.post.world.write_client("ladder", ladder.agency.identity, ladder.post.address)
    files = saved(tmp_path, receipts)
    assert (await namak(sender, "verify", *files))["verdict"] == "VALID"
    told = [
        word
        for name, at in fact_times(report).items()
        if name not in ("SubmissionAcceptance", "NotificationEffected")
        for word in ("--fact", f"{name}@{format_time(at)}")
    ]
    played = await namak(sender, "policy", "simulate", POLICY, *told)
    assert played["outcome"]["since"] == format_time(effective)
    # Its time is over, so it is taken back.
    await eventually(lambda: not gazette.entries)


async def test_a_sign_in_in_the_middle_stops_the_ladder(ladder: Ladder) -> None:
    citizen = await ladder.post.citizen()
    ladder.clock.by = timedelta(days=-5)
    delivery = await ladder.submitted(citizen)
    expected = due((await ladder.stored(delivery)).submitted_at)
    await ladder.looked_past(delivery, expected["LETTER"])
    ladder.clock.by = timedelta(0)

    portal = await Portal.at(ladder.post, f"portal-{delivery.delivery_id[:8]}")
    await portal.enter(citizen)
    await ladder.looked_past(delivery, expected["NOTICE"] + timedelta(days=30))

    assert [step.step for step in await ladder.steps(delivery)] == ["LETTER"]
    assert await events_of(ladder.agency.client, delivery.delivery_id) == [
        *("SubmissionAcceptance", "ContentConsignment", "HolderSignedIn", "NotificationEffected")
    ]


async def test_the_operator_sees_failed_steps_and_is_told_why_one_is_not_carried_out(ladder: Ladder) -> None:
    ladder.clock.by = timedelta(days=-5)
    delivery = await ladder.submitted(await ladder.post.citizen())
    await ladder.looked_past(delivery, due((await ladder.stored(delivery)).submitted_at)["LETTER"])
    name = delivery.delivery_id

    async def has_failed() -> bool:
        return [step.state for step in await ladder.steps(delivery)] == [StepState.FAILED]

    await eventually(has_failed)

    failed = json.loads((await operator(ladder, "failed", "--json", "--limit", "9999")).stdout)
    assert ("LETTER", "FAILED", WHY_NO_LETTER) in [
        (each["step"], each["state"], each["reason"]) for each in failed if each["delivery"] == name
    ]
    assert name in (await operator(ladder, "failed")).stdout
    shown = json.loads((await operator(ladder, "show", name, "--json")).stdout)
    assert [(each["step"], (each["taken"] or {}).get("state")) for each in shown["steps"]] == [
        ("LETTER", "FAILED"),
        ("NOTICE", None),
    ]
    assert shown["looked_at"] == shown["steps"][1]["due_at"]
    told = (await operator(ladder, "show", name)).stdout
    assert "policy: am-2025@2" in told
    assert WHY_NO_LETTER in told
    refused = await operator(ladder, "retry", name, "LETTER", "--dry-run", code=1)
    assert "nothing is configured that carries the action out" in refused.stderr
    for words in (("show", "nothing"), ("show", str(UUID(int=7))), ("retry", name, "letter")):
        assert (await operator(ladder, *words, code=1)).stderr.count("\n") == 1


def fact_times(report: Report) -> Mapping[str, datetime]:
    """Returns when the facts of receipts were recorded, by their names."""
    return {file.name: file.fact.document.event_time for file in report.files if file.fact is not None}


async def operator(ladder: Ladder, *arguments: str, code: int = 0) -> Any:
    """Runs `namak-server ladder` as the operator does, in this process but in a loop of its own."""
    run = functools.partial(CliRunner().invoke, ladder_commands.ladder, prog_name="namak-server ladder")
    words = [*arguments, "--config", str(ladder.settings())]
    done = await asyncio.to_thread(run, words)
    assert done.exit_code == code, done.output
    return done


async def namak(config: Path, *arguments: str | Path) -> Any:
    """Runs `namak --json`, and returns what it prints."""
    run = functools.partial(forking.run, environment={"NAMAK_CONFIG": str(config)})
    done = await asyncio.to_thread(run, "namak.cli", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
