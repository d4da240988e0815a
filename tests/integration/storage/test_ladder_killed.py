"""Schedulers of due steps are killed dead in the middle of batches: no step is lost, and none taken twice."""

import asyncio
import json
import sys
from collections import Counter
from datetime import datetime, timedelta

from namak.evidence import events
from namak.evidence.details_outside import NoticeDetails
from namak.evidence.notification_policy import AM_2025_LADDER
from server.domain.deliveries import DeliveryState
from server.domain.jobs import JobState
from server.domain.ladder import StepState
from server.jurisdictions.am import AM
from server.usecases.outside_facts import OutsideFacts
from tests.faults.scene import OF_PROGRAMS
from tests.integration.storage.due_steps import KINDS, WAYS
from tests.integration.storage.test_ladders import Replicas, replicas
from tests.unit.usecases.test_ladder import EFFECTIVE, NOTICE_DUE, PUBLISHED

__all__ = ["replicas"]

DEADLINE = 240.0


async def worked_off(url: str, moment: datetime, seed: int) -> Counter[str]:
    """Has processes do what is due by then; returns how many of them were killed, and when."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tests.integration.storage.due_steps"),
        *(url, moment.isoformat(), str(seed)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=OF_PROGRAMS,
    )
    try:
        out, told = await asyncio.wait_for(process.communicate(), DEADLINE)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, told.decode()
    return Counter(json.loads(out))


async def test_a_killed_scheduler_loses_no_step_and_takes_none_twice(replicas: Replicas) -> None:
    deliveries = await replicas.submitted()
    published = deliveries[: len(deliveries) // 2]
    killed = await worked_off(replicas.url, NOTICE_DUE, 1)
    outside = OutsideFacts(entropy=replicas.entropy, profile=AM)
    for delivery in published:
        async with replicas.units[0].writing() as tx:
            key = (delivery.mailbox_id, delivery.id)
            await outside.record(tx, *key, events.NOTICE_PUBLISHED, _published, PUBLISHED)
            await tx.commit()
    killed += await worked_off(replicas.url, EFFECTIVE + timedelta(hours=1), 2)

    assert all(killed[way] for way in WAYS), killed
    async with replicas.units[0].reading() as tx:
        steps = {each.id: await tx.ladders.steps_of(each.mailbox_id, each.id) for each in deliveries}
        facts = await tx.evidence.of_deliveries(deliveries)
        found = await tx.deliveries.found({(each.mailbox_id, each.id) for each in deliveries})
        jobs = [
            (kind.name, job.arguments["delivery"], job.arguments["step"])
            for kind in KINDS.values()
            for job in await tx.jobs.listed([JobState.WAITING], kind.name, after=0, limit=999)
        ]
    order = [step.id for step in AM_2025_LADDER.steps]
    for delivery in deliveries:
        assert [(each.step, each.state) for each in steps[delivery.id]] == [
            (step, StepState.ORDERED) for step in order
        ]
        effects = [each for each in facts[delivery.id] if each.event == events.NOTIFICATION_EFFECTED]
        assert len(effects) == (delivery in published)
        notified = delivery in published
        assert found[delivery.id].state is (DeliveryState.NOTIFIED if notified else DeliveryState.CONSIGNED)
        assert found[delivery.id].notified_at == (EFFECTIVE if notified else None)
    assert Counter(jobs) == {
        (KINDS[step.action].name, each.id, number): 1
        for each in deliveries
        for number, step in enumerate(AM_2025_LADDER.steps)
    }


def _published(consignment: str) -> NoticeDetails:
    return NoticeDetails(consignment, file="ab" * 32)
