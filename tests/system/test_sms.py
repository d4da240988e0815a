"""A sender's own short messages over the whole post: gRPC over mutual TLS, PostgreSQL, the log, a worker in a
process of its own, and an SMS centre that another project wrote (ADMIN-3).
"""

import asyncio
import functools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
import pytest
import pytest_asyncio

from namak.client import compose, compose_part
from namak.client.sms import sms_text
from namak.errors import TryLater, WrongState
from namak.evidence.report import Verdict
from namak.v1 import sms_pb2
from server.dev.world import World
from tests import forking
from tests.faults.scene import OF_PROGRAMS, eventually
from tests.integration.gateways.sms_centre import Centre, centre_running
from tests.system.post import Agency, Citizen, Post, running_post
from tests.system.receipts import events_of, verified

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.hsm]

ANIS, BOBS = "+37491123456", "+37493654321"
TEXT = "Ձեզ նամակ կա"
A_DAY = 20
STARTS_WITHIN = 120.0
ANYWHERE = {"NAMAK_JOBS_HEALTH_LISTEN": "127.0.0.1:0", "NAMAK_METRICS_WORK_LISTEN": "127.0.0.1:0"}
SMS = """
[sms]
host = "127.0.0.1"
port = {port}
tls = "none"
system_id = "namak"
password_file = "{password}"
source = "NAMAK"
per_second = 1000.0
a_day = {a_day}
"""


@dataclass
class Texting:
    """A post with a worker and a centre; its agency's address may send SMS."""

    post: Post
    centre: Centre
    agency: Agency
    config: Path

    async def namak(self, *arguments: str, code: int = 0) -> Any:
        """Runs the agency's `namak --json`, and returns what it prints."""
        run = functools.partial(forking.run, environment={"NAMAK_CONFIG": str(self.config)})
        done = await asyncio.to_thread(run, "namak.cli", "--json", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    async def until(self, request_id: str, *states: str) -> list[dict[str, Any]]:
        """Returns what the sender is shown of a request, once it is in these states, by phone."""
        wanted = {f"SMS_STATE_{state}" for state in states}

        async def found() -> bool:
            texts = [each async for each in self.agency.client.sms.list(request_id=request_id)]
            return bool(texts) and {sms_pb2.SmsState.Name(each.state) for each in texts} == wanted

        await eventually(found)
        shown = (await self.namak("sms", "list", "--request-id", request_id))["messages"]
        return sorted(shown, key=lambda each: str(each["phone"]))

    async def evidence(self, ids: Sequence[str]) -> list[str]:
        """Returns the events of a text's evidence, each of whose receipts a stranger verifies."""
        receipts = {}
        for number, each in enumerate(ids):
            receipt = await self.agency.client.evidence.receipt(each)
            receipts[str(number)] = receipt.tlog_proof
        report = verified(self.post.world, receipts)
        assert report.verdict is Verdict.VALID
        return [file.fact.document.event.name for file in report.files if file.fact is not None]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sms")
    (place / "password").write_text("secret")
    (place / "guard").mkdir()
    return place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre() -> AsyncIterator[tuple[Centre, int]]:
    async with centre_running() as (centre, wire):
        yield centre, wire.port


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World, module_database_url: str, directory: Path, centre: tuple[Centre, int]
) -> AsyncIterator[Post]:
    """A post that sends SMS."""
    settings = SMS.format(port=centre[1], password=directory / "password", a_day=A_DAY)
    guard = directory / "guard" / "checkpoint.note"
    async with running_post(world, module_database_url, guard, more_settings=settings) as post:
        yield post


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def texting(post: Post, directory: Path, centre: tuple[Centre, int]) -> AsyncIterator[Texting]:
    agency = await post.agency()
    config = post.world.write_client("texting", agency.identity, post.address)
    worker = await worker_of(post, directory)
    yield Texting(post, centre[0], agency, config)
    worker.terminate()
    await asyncio.to_thread(worker.wait)


async def worker_of(post: Post, directory: Path) -> "subprocess.Popen[bytes]":
    """Starts `namak-server work`, and returns it once it works."""
    path = post.world.write_settings("texting-worker", database_url=post.database_url)
    path.write_text(path.read_text(encoding="utf-8") + post.more_settings, encoding="utf-8")
    ready = directory / "ready"
    command = (sys.executable, "-P", "-m", "server", "work", "--config", str(path), "--queue", "sms.send")
    worker = subprocess.Popen(  # noqa: ASYNC220
        [*command, "--queue", "sms.report", "--ready-file", str(ready)],
        env={**os.environ, **OF_PROGRAMS, **ANYWHERE},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(STARTS_WITHIN):
            while not ready.exists():
                assert worker.poll() is None, "the worker did not start"
                await asyncio.sleep(0.02)
    except BaseException:
        worker.kill()
        raise
    return worker


async def figures_of(directory: Path) -> list[str]:
    """Returns what the worker tells of itself."""
    address = json.loads((directory / "ready").read_text(encoding="utf-8"))["metrics_address"]
    async with aiohttp.request("GET", f"http://{address}/metrics") as answer:
        return (await answer.text()).splitlines()


async def permitted(post: Post, agency: Agency, sms_permitted: bool) -> None:
    admin = (await post.operator()).admin
    await admin.update_sender_address(agency.sender_id, sms_permitted=sms_permitted)


async def test_without_the_flag_it_is_refused_with_evidence(texting: Texting) -> None:
    await permitted(texting.post, texting.agency, False)
    with pytest.raises(WrongState) as refused:
        await texting.agency.client.sms.send(sender=texting.agency.sender, sms=sms_text(TEXT, [ANIS]))

    assert refused.value.reason == "SMS_NOT_PERMITTED"
    assert refused.value.evidence_id is not None
    assert await texting.evidence([refused.value.evidence_id]) == ["SubmissionRejection"]
    told = await texting.namak(
        *("sms", "send", "--from", texting.agency.sender, "--to", ANIS, "--text", TEXT), code=1
    )
    assert told["error"]["reason"] == "SMS_NOT_PERMITTED"
    assert texting.centre.asked == []


async def test_a_text_goes_out_is_reported_shown_and_billed_apart(
    texting: Texting, citizen: Citizen, directory: Path
) -> None:
    await permitted(texting.post, texting.agency, True)
    agency, centre = texting.agency, texting.centre
    sending = ("sms", "send", "--from", agency.sender, "--text", TEXT, "--request-id", "alone")
    accepted = (await texting.namak(*sending, "--to", ANIS, "--to", BOBS))["messages"]
    assert {each["state"] for each in accepted} == {"ACCEPTED"}
    letter = compose(
        sender=agency.sender,
        recipient=citizen.address,
        subject="Ծանուցում",
        parts=[compose_part("letter.txt", b"letter")],
        request_id="beside",
        sms=sms_text(TEXT, [ANIS]),
    )
    delivery = (await agency.client.deliveries.submit(letter)).delivery
    await centre.until(lambda each: len(each.taken) == 3)
    await texting.until("alone", "SENT")
    await texting.until("beside", "SENT")
    for number, event in enumerate(centre.taken, 1):
        said = "UNDELIV" if event.destination_addr == BOBS.removeprefix("+") else "DELIVRD"
        assert await centre.report(event.destination_addr, f"id:{number} stat:{said} err:000")

    to_ani, to_bob = await texting.until("alone", "DELIVERED", "FAILED")
    assert (to_ani["state"], to_ani["reason"]) == ("DELIVERED", None)
    assert (to_bob["state"], to_bob["reason"]) == ("FAILED", "UNDELIVERABLE")
    assert await texting.evidence(to_ani["evidence_ids"]) == ["SmsAccepted", "SmsSent", "SmsDelivered"]
    assert await texting.evidence(to_bob["evidence_ids"]) == ["SmsAccepted", "SmsSent", "SmsFailed"]
    (beside,) = await texting.until("beside", "DELIVERED")

    async def counted() -> bool:
        done = (
            f'namak_job_attempts_total{{kind="{kind}",outcome="done"}} 3.0'
            for kind in ("sms.send", "sms.report")
        )
        return {*done, 'namak_jobs{kind="sms.send",state="dead"} 0.0'} <= set(await figures_of(directory))

    # What a job did is seen before it counts as done.
    await eventually(counted)
    assert beside["delivery_id"] == delivery.delivery_id
    assert await events_of(agency.client, delivery.delivery_id) == [
        "SubmissionAcceptance",
        "ContentConsignment",
    ]
    octets = centre.taken[0].short_message
    assert octets.decode("utf-16-be") == TEXT

    today = datetime.now(ZoneInfo(texting.post.profile.time_zone)).date()
    used = await agency.client.billing.usage(today - timedelta(days=1), today)
    assert (used.total.accepted, used.total.sms, used.total.sms_segments) == (1, 3, 3)


async def test_over_the_days_limit_nothing_is_recorded(texting: Texting, citizen: Citizen) -> None:
    # Another one than above: a day may have ended since.
    agency = await texting.post.agency()
    await permitted(texting.post, agency, True)
    await agency.client.sms.send(sender=agency.sender, sms=sms_text(TEXT, [ANIS]))
    before = [each.sms_id async for each in agency.client.sms.list()]
    sent = [each.delivery_id async for each in agency.client.deliveries.list()]
    many = [f"+3749112{number:04}" for number in range(A_DAY)]
    room = A_DAY - len(before)
    assert 0 < room < A_DAY
    over = sms_text(TEXT, many[: room + 1])
    letter = compose(
        sender=agency.sender,
        recipient=citizen.address,
        subject="Ծանուցում",
        parts=[compose_part("letter.txt", b"letter")],
        request_id="over",
        sms=over,
    )
    for call in (
        agency.client.sms.send(sender=agency.sender, sms=over),
        agency.client.deliveries.submit(letter),
    ):
        with pytest.raises(TryLater) as refused:
            await call
        assert refused.value.reason == "TOO_MANY_SMS"
        assert refused.value.evidence_id is None
    assert [each.sms_id async for each in agency.client.sms.list()] == before
    assert [each.delivery_id async for each in agency.client.deliveries.list()] == sent
    assert await agency.client.sms.send(sender=agency.sender, sms=sms_text(TEXT, many[:room]))
