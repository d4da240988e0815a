"""Letters on paper: a clerk hands scans in, the recipient finds them, and receipts prove what is known."""

import asyncio
import hashlib
import json
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from grpc import StatusCode

from namak.client import compose_part
from namak.errors import NotAuthenticated
from namak.evidence.copy_statement import STATEMENTS
from namak.evidence.custody import CustodyAct, chained
from namak.evidence.details_paper import PaperDetails, PaperSender
from namak.evidence.document import EvidenceDocument
from namak.evidence.report import Verdict
from namak.v1 import delivery_pb2, paper_pb2, paper_pb2_grpc
from scripts.story.post import namak
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from tests import forking, scans
from tests.signing import files
from tests.system.papers import ADDRESS, ORIGINAL, PAGE, SENDER, TRACKING, Clerk, clerk_of, steps
from tests.system.post import Agency, Citizen, Post, der
from tests.system.receipts import events_of, receipts_of, saved, verified
from tests.system.refusing import refused
from tests.system.test_commands import run
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERMISSION, INVALID = StatusCode.PERMISSION_DENIED, StatusCode.INVALID_ARGUMENT
RECEIVED, OPENED, SCANNED = CustodyAct.RECEIVED, CustodyAct.OPENED, CustodyAct.SCANNED


PART = compose_part("a.pdf", PAGE)


def _with_another_digest(part: delivery_pb2.Part) -> delivery_pb2.Part:
    changed = delivery_pb2.Part()
    changed.CopyFrom(part)
    changed.digest.value = bytes(32)
    return changed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clerk(post: Post) -> Clerk:
    return await clerk_of(post)


async def test_the_recipient_finds_the_scans_and_all_that_is_known_of_the_paper(
    post: Post, clerk: Clerk, tmp_path: Path
) -> None:
    citizen = await post.citizen()
    way = steps()
    taken = await clerk.submit(citizen.address, custody=way)

    sent = taken.delivery
    assert (sent.sender, sent.recipient) == ("paper@e-citizen.am", citizen.address)
    assert sent.notification_policy == post.profile.notification_policy
    assert len(taken.receipts) == len(taken.evidence) == 3
    (message,) = [each async for each in citizen.client.mailbox.messages()]
    assert (message.delivery_id, message.sender_name) == (sent.delivery_id, post.profile.operator_name)
    paper = message.paper
    assert (paper.paper_sender.name, tuple(paper.paper_sender.address_lines)) == (SENDER, ADDRESS)
    assert (paper.tracking_number, paper.original) == (TRACKING, ORIGINAL)
    assert paper.receive_place == way[0].place
    assert paper.receive_time.ToDatetime(way[0].time.tzinfo) == way[0].time
    opened = await citizen.client.mailbox.open(sent.delivery_id)
    assert opened.message.paper == paper
    assert [part.name for part in opened.parts] == ["page-1.pdf", "envelope.jpg"]

    assert await events_of(citizen.client, sent.delivery_id) == [
        "ContentConsignment",
        "ReceivedFromNonERDS",
        "ContentAccessTracking",
    ]
    receipts = await receipts_of(citizen.client, sent.delivery_id)
    assert verified(post.world, receipts).verdict is Verdict.VALID
    verify: list[str | Path] = ["verify", *saved(tmp_path, receipts), "--lang", "ru"]
    verify += ["--log-policy", post.world.log_policy]
    ended = await asyncio.to_thread(forking.run, "namak.cli", *verify)
    assert ended.returncode == 0, ended.stdout


async def test_evidence_says_that_the_post_sent_it_and_who_the_paper_names(
    post: Post, clerk: Clerk, citizen: Citizen
) -> None:
    taken = await clerk.submit(citizen.address, statement_language="ru")

    accepted, consigned, told = (EvidenceDocument.parse(fact.document) for fact in taken.evidence)
    operator = (post.profile.operator_identifier, post.profile.operator_name)
    for document in (accepted, consigned, told):
        assert document.sender.identifier == "paper@e-citizen.am"
        assert (document.sender.organisation_code, document.sender.organisation_name) == operator
    details = told.details
    assert isinstance(details, PaperDetails)
    assert details.paper_sender == PaperSender(SENDER, ADDRESS)
    assert details.clerk == hashlib.sha256(der(clerk.identity)).hexdigest()
    assert details.copy_statement.text == STATEMENTS["true-copy@1"]["ru"]
    assert [step.act for step in details.custody] == [RECEIVED, OPENED, SCANNED, CustodyAct.STORED]


async def test_a_card_from_nobody_known_has_neither_sender_nor_number(clerk: Clerk, post: Post) -> None:
    citizen = await post.citizen()
    card = {
        "sender_name": "",
        "sender_address": (),
        "tracking_number": "",
        "custody": steps(RECEIVED, SCANNED),
    }
    await clerk.submit(citizen.address, **card)
    (message,) = [each async for each in citizen.client.mailbox.messages()]
    assert message.HasField("paper")
    assert not message.paper.HasField("paper_sender")
    assert message.paper.tracking_number == ""


async def test_what_an_agency_sends_is_on_no_paper(agency: Agency, post: Post, clerk: Clerk) -> None:
    citizen = await post.citizen()
    await agency.client.deliveries.submit(agency.letter(citizen.address))
    await clerk.submit(citizen.address)
    found = [each.HasField("paper") async for each in citizen.client.mailbox.messages()]
    assert found == [True, False]


async def test_the_statement_is_given_in_the_languages_of_the_jurisdiction(post: Post, clerk: Clerk) -> None:
    given = await clerk.client.paper.statement()
    assert given.version == "true-copy@1"
    assert [text.language for text in given.texts] == list(post.profile.languages)
    assert {text.text for text in given.texts} <= set(STATEMENTS["true-copy@1"].values())


async def test_repeating_gives_the_same_bytes_and_other_content_is_refused(
    post: Post, clerk: Clerk, citizen: Citizen
) -> None:
    way = steps()
    first = await clerk.submit(citizen.address, request_id="again", custody=way)
    colleague = await clerk_of(post)
    again = await colleague.submit(citizen.address, request_id="again", custody=way)
    assert first.delivery.delivery_id == again.delivery.delivery_id
    assert [fact.document for fact in first.evidence] == [fact.document for fact in again.evidence]
    changes: list[dict[str, Any]] = [
        {"subject": "another"},
        {"sender_name": "another"},
        {"sender_address": (*ADDRESS, "Հայաստան")},
        {"original": "elsewhere"},
        {"tracking_number": ""},
        {"statement_language": "ru"},
        {"custody": [replace(way[0], person="another"), *way[1:]]},
        {"scans": [compose_part("page-1.pdf", files.pdf("Another page."))]},
    ]
    for change in changes:
        call = clerk.submit(citizen.address, **({"request_id": "again", "custody": way} | change))
        await refused(call, INVALID, "REQUEST_ID_REUSED")


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"scans": [compose_part("a.txt", b"text")]}, "scans[0].media_type", "MEDIA_TYPE_NOT_PERMITTED"),
        (
            {"scans": [PART, compose_part("b.png", scans.jpeg(), "image/png")]},
            "scans[1].content",
            "NOT_WHAT_IT_SAYS",
        ),
        ({"scans": [compose_part("a.pdf", files.encrypted())]}, "scans[0].content", "LOCKED"),
        ({"scans": [compose_part("a.pdf", files.pdf(form=True))]}, "scans[0].content", "ACTIVE_CONTENT"),
        ({"scans": [compose_part("a.pdf", files.pdf()[:300])]}, "scans[0].content", "BROKEN"),
        ({"scans": [_with_another_digest(PART)]}, "scans[0].content", "DIGEST_MISMATCH"),
        ({"custody": []}, "custody", "NUMBER_OF_ITEMS"),
        ({"custody": steps(RECEIVED)}, "custody", "NUMBER_OF_ITEMS"),
        ({"custody": steps(*[RECEIVED] * 21)}, "custody", "NUMBER_OF_ITEMS"),
        ({"custody": steps(OPENED, SCANNED)}, "custody[0].act", "NOT_RECEIVED"),
        ({"custody": steps(RECEIVED, OPENED)}, "custody", "NOT_SCANNED"),
        ({"custody": steps(RECEIVED, SCANNED, OPENED)}, "custody[2].act", "OUT_OF_PLACE"),
        (
            {"custody": [steps()[0], replace(steps()[2], time=steps()[0].time - timedelta(hours=1))]},
            "custody[1].time",
            "TIMES_REVERSED",
        ),
        (
            {"custody": [steps()[0], replace(steps()[2], time=steps()[2].time + timedelta(hours=1))]},
            "custody[1].time",
            "TIME_IN_FUTURE",
        ),
        ({"custody": chained(steps(), [bytes(32)])}, "custody[2].digest", "DIGEST_MISMATCH"),
        ({"custody": [replace(step, place="") for step in steps()]}, "custody[0].place", "EMPTY"),
        (
            {"custody": [replace(step, person="a\nb") for step in steps()]},
            "custody[0].person",
            "CONTROL_CHARACTER",
        ),
        ({"original": ""}, "original", "EMPTY"),
        ({"subject": ""}, "subject", "EMPTY"),
        ({"tracking_number": "rr 1"}, "tracking_number", "TRACKING_NUMBER_MALFORMED"),
        ({"sender_address": ["a"] * 6}, "paper_sender.address_lines", "NUMBER_OF_ITEMS"),
        ({"sender_name": "a" * 121}, "paper_sender.name", "TOO_LONG"),
        ({"statement_version": "true-copy@2"}, "statement_version", "STATEMENT_NOT_CURRENT"),
        ({"statement_version": ""}, "statement_version", "STATEMENT_NOT_CURRENT"),
        ({"statement_language": "kk"}, "statement_language", "LANGUAGE_NOT_OFFERED"),
        ({"request_id": "a b"}, "request_id", "REQUEST_ID_MALFORMED"),
        ({"recipient": "paper@e-citizen.am"}, "recipient", "NUMBER_MALFORMED"),
    ],
)
async def test_a_wrong_field_is_told_by_its_name(
    clerk: Clerk, citizen: Citizen, changes: dict[str, Any], field: str, reason: str
) -> None:
    call = clerk.submit(changes.pop("recipient", citizen.address), **changes)
    refusal = await refused(call, INVALID, "INVALID_FIELDS")
    assert (field, reason) in refusal.violations
    assert refusal.evidence_id is None


async def test_mailboxes_that_take_nothing_refuse_with_evidence_and_keep_the_outcome(
    post: Post, clerk: Clerk
) -> None:
    operator = (await post.operator()).admin
    suspended, closed, nobody = await post.citizen(), await post.citizen(), await post.citizen(mailbox=False)
    await operator.suspend_mailbox(suspended.address)
    await operator.close_mailbox(closed.address)
    way = steps()
    for address, status, reason in (
        (suspended.address, StatusCode.FAILED_PRECONDITION, "MAILBOX_SUSPENDED"),
        (closed.address, StatusCode.FAILED_PRECONDITION, "MAILBOX_CLOSED"),
        (nobody.address, StatusCode.NOT_FOUND, "MAILBOX_UNKNOWN"),
    ):
        first, again = [
            await refused(clerk.submit(address, request_id=f"to-{reason}", custody=way), status, reason)
            for _ in range(2)
        ]
        assert first.evidence_id
        assert first.evidence_id == again.evidence_id


async def test_only_clerks_hand_in_scans(post: Post, agency: Agency, citizen: Citizen) -> None:
    for who in (agency.client, citizen.client, await post.operator()):
        call = who.paper.submit(
            recipient=citizen.address,
            subject="1",
            scans=[PART],
            custody=steps(),
            original="1",
            statement_version="true-copy@1",
        )
        await refused(call, PERMISSION, "ROLE_NOT_PERMITTED")


async def test_a_clerk_whose_certificate_was_revoked_hands_in_nothing(post: Post, citizen: Citizen) -> None:
    former = await clerk_of(post)
    await former.submit(citizen.address)
    database = Database(post.database_url, pool_size=2)
    try:
        async with SqlUnitOfWork(database).writing() as tx:
            await tx.bindings.revoke(hashlib.sha256(der(former.identity)).digest(), datetime.now(UTC))
            await tx.commit()
    finally:
        await database.dispose()

    async def known() -> bool:
        try:
            await former.client.paper.statement()
        except NotAuthenticated:
            return True
        return False

    await until(known)
    await refused(former.submit(citizen.address), StatusCode.UNAUTHENTICATED, "CERTIFICATE_REVOKED")


async def test_a_letter_in_the_wrong_mailbox_is_withdrawn_until_it_is_opened(
    post: Post, clerk: Clerk, agency: Agency
) -> None:
    citizen = await post.citizen()
    wrong = (await clerk.submit(citizen.address)).delivery.delivery_id
    done = await clerk.client.paper.withdraw(wrong, request_id="take-back")
    again = await clerk.client.paper.withdraw(wrong, request_id="take-back")
    assert done.delivery.state == delivery_pb2.DELIVERY_STATE_WITHDRAWN
    assert done.evidence.document == again.evidence.document
    read = (await clerk.submit(citizen.address)).delivery.delivery_id
    await citizen.client.mailbox.open(read)
    await refused(clerk.client.paper.withdraw(read), StatusCode.FAILED_PRECONDITION, "MESSAGE_OPENED")
    other = (await agency.client.deliveries.submit(agency.letter(citizen.address))).delivery.delivery_id
    await refused(clerk.client.paper.withdraw(other), PERMISSION, "RESOURCE_NOT_PERMITTED")
    await refused(agency.client.deliveries.withdraw(read), PERMISSION, "RESOURCE_NOT_PERMITTED")


async def test_paper_stands_on_nobodys_bill(post: Post, clerk: Clerk, agency: Agency) -> None:
    citizen = await post.citizen()
    today = datetime.now(ZoneInfo(post.profile.time_zone)).date()
    days = (today - timedelta(days=1), today + timedelta(days=1))
    before = (await agency.client.billing.usage(*days)).total
    sent = (await clerk.submit(citizen.address)).delivery.delivery_id
    assert (await agency.client.billing.usage(*days)).total == before
    assert sent not in {each.delivery_id async for each in agency.client.deliveries.list()}


async def test_the_holder_confirms_a_scanned_letter_as_any_other(post: Post, clerk: Clerk) -> None:
    citizen = await post.citizen()
    sent = (await clerk.submit(citizen.address)).delivery.delivery_id
    await citizen.client.mailbox.open(sent)
    issued = await citizen.client.mailbox.issue_statement(sent)
    assert b"sender: paper@e-citizen.am\n" in issued.statement


async def test_fields_that_no_library_would_send_are_told(post: Post, clerk: Clerk, citizen: Citizen) -> None:
    stub = paper_pb2_grpc.PaperServiceStub(await post.channel(clerk.identity))
    bare = paper_pb2.SubmitScannedLetterRequest(
        recipient=citizen.address, custody=[paper_pb2.CustodyStep(), paper_pb2.CustodyStep()]
    )
    refusal = await refused(stub.SubmitScannedLetter(bare), INVALID, "INVALID_FIELDS")
    assert {
        ("request_id", "REQUEST_ID_MALFORMED"),
        ("scans", "NUMBER_OF_ITEMS"),
        ("custody[0].act", "NOT_AN_ACT"),
        ("custody[0].time", "REQUIRED"),
        ("custody[1].digest", "DIGEST_LENGTH"),
    } <= set(refusal.violations)


async def test_the_commands_hand_in_show_and_withdraw(post: Post, clerk: Clerk, tmp_path: Path) -> None:
    citizen = await post.citizen()
    desk = post.world.write_client("paper-clerk", clerk.identity, post.address)
    reader = post.world.write_client("paper-reader", citizen.card.authentication, post.address, signs=True)
    page, receipts, way = tmp_path / "page.pdf", tmp_path / "receipts", tmp_path / "way.json"
    page.write_bytes(PAGE)
    began = datetime.now(UTC) - timedelta(hours=1)
    told = ["--subject", "Letter", "--original", "Shelf 4", "--from-name", SENDER, "--yes"]
    times = [
        "--received",
        began.isoformat(),
        "--scanned",
        began.isoformat(),
        "--place",
        "A",
        "--person",
        "17",
    ]

    asked = ("paper", "submit", citizen.address, str(page), *told)
    first = await run(desk, *asked, *times, "-o", str(receipts), "--request-id", "p-1")
    again = await run(desk, *asked, *times, "-o", str(receipts), "--request-id", "p-1")
    assert first["delivery"]["delivery_id"] == again["delivery"]["delivery_id"]
    assert len(first["receipts"]) == 3
    assert (await run(desk, "verify", str(receipts)))["verdict"] == "VALID"
    written = chained(steps(RECEIVED, SCANNED), [hashlib.sha256(PAGE).digest()])
    way.write_text(json.dumps([asdict(step) | {"time": step.time.isoformat()} for step in written]))
    second = await run(desk, *asked, "--custody", str(way))
    gone = await run(desk, "paper", "withdraw", second["delivery"]["delivery_id"], "--yes")
    assert gone["delivery"]["state"] == "WITHDRAWN"
    assert (await run(desk, "paper", "statement"))["version"] == "true-copy@1"

    found = (await run(reader, "inbox"))["messages"]
    assert [each["paper"]["sender_name"] for each in found] == [SENDER, SENDER]
    code, output = await namak("inbox", config=reader)
    assert code == 0
    assert SENDER.split()[0] in output
    code, output = await namak("open", first["delivery"]["delivery_id"], config=reader)
    assert code == 0
    assert "Shelf 4" in output
    code, output = await namak(*asked, "--place", "A", config=desk)
    assert code == 2
    assert "--received" in output
