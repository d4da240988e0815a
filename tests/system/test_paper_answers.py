"""The whole way back: a letter on paper comes in, its recipient answers, and a print house posts that."""

import asyncio
from collections.abc import AsyncIterator

import pypdfium2 as pdfium
import pytest
import pytest_asyncio
from grpc import StatusCode

from namak.client import compose_part
from namak.evidence.report import Verdict
from namak.v1 import letter_pb2 as pb
from namak.v1.letter_pb2_grpc import LetterServiceStub
from server.dev.world import World
from server.gateways.printing import fonts
from tests.system.conftest import new_world
from tests.system.papers import ADDRESS, SENDER, Clerk, clerk_of
from tests.system.post import Citizen, Post, der, running_post
from tests.system.receipts import events_of, receipts_of, verified
from tests.system.refusing import refused
from tests.waiting import until

SETTINGS = """
[printing]
numbers = ["10000000-10000099"]
return_address = ["Абай даңғылы 1", "050000 Алматы"]
processes = 1

[jobs]
in_server = "yes"
"""
ANSWER = [compose_part("answer.txt", "Рақмет, хатыңыз келді.".encode())]


def fonts_missing() -> bool:
    try:
        fonts.found()
    except fonts.FontsMissing:
        return True
    return False


pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(fonts_missing(), reason="needs Debian's fonts-noto-core"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return new_world(tmp_path_factory.mktemp("kz"), "kz")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def post(
    world: World, module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Post]:
    guard = await asyncio.to_thread(tmp_path_factory.mktemp, "guard")
    async with running_post(
        world, module_database_url, guard / "checkpoint.note", more_settings=SETTINGS
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clerk(post: Post) -> Clerk:
    return await clerk_of(post)


async def paper_of(citizen: Citizen, clerk: Clerk, **changes: object) -> str:
    return (await clerk.submit(citizen.address, statement_language="kk", **changes)).delivery.delivery_id


async def print_house(post: Post) -> LetterServiceStub:
    identity = post.pki.machine("print-house", organisation="Print house", common_name="press-1")
    operator = LetterServiceStub(await post.channel(post.world.operator))
    registered = await operator.RegisterPrintHouse(
        pb.RegisterPrintHouseRequest(request_id="press", display_name="Print house")
    )
    await operator.BindPrintHouseCertificate(
        pb.BindPrintHouseCertificateRequest(
            request_id="bind-press",
            print_house_id=registered.print_house.print_house_id,
            certificate=der(identity),
        )
    )
    return LetterServiceStub(await post.channel(identity))


async def test_an_answer_is_printed_posted_and_told_of_to_its_writer(post: Post, clerk: Clerk) -> None:
    citizen = await post.citizen()
    paper = await paper_of(citizen, clerk)
    taken = await citizen.client.letters.send(
        subject="Жауап", parts=ANSWER, in_reply_to=paper, print_and_post=True
    )
    answer = taken.delivery
    assert (answer.recipient, answer.in_reply_to) == ("paper@post.kz", paper)

    async def made() -> bool:
        return (await citizen.client.letters.look(answer.delivery_id)).HasField("printed")

    await until(made, seconds=60)
    found = await citizen.client.letters.look(answer.delivery_id)
    assert found.printed.state == pb.PAPER_LETTER_STATE_WAITING
    house = await print_house(post)
    (leased,) = [
        each.letter async for each in house.LeasePaperLetters(pb.LeasePaperLettersRequest(max_letters=5))
    ]
    assert leased.tracking_number == found.printed.tracking_number
    asked = pb.DownloadPaperLetterRequest(letter_id=leased.letter_id)
    pdf = b"".join([each.chunk async for each in house.DownloadPaperLetter(asked)])
    cover = pdfium.PdfDocument(pdf)[0].get_textpage().get_text_range()
    shown = "".join(cover.split()).replace("\u200b", "")
    for line in (SENDER, *ADDRESS):
        assert "".join(line.split()) in shown
    assert "paper@post.kz" not in shown

    reports = (
        pb.ReportPaperLetterRequest(printed=pb.LetterPrinted(file_sha256=leased.file_sha256)),
        pb.ReportPaperLetterRequest(posted=pb.LetterPosted(tracking_number=leased.tracking_number)),
    )
    for number, report in enumerate(reports):
        report.request_id, report.letter_id = f"r-{number}", leased.letter_id
        report.report_time.GetCurrentTime()
        await house.ReportPaperLetter(report)
    told = await citizen.client.letters.look(answer.delivery_id)
    assert told.printed.state == pb.PAPER_LETTER_STATE_POSTED
    assert await events_of(citizen.client, answer.delivery_id) == [
        "SubmissionAcceptance",
        "ContentConsignment",
        "LetterPrinted",
        "LetterPosted",
    ]
    receipts = await receipts_of(citizen.client, answer.delivery_id)
    assert verified(post.world, receipts).verdict is Verdict.VALID


async def test_an_answer_that_nobody_could_deliver_is_refused(post: Post, clerk: Clerk) -> None:
    citizen = await post.citizen()
    nameless = await paper_of(citizen, clerk, sender_name="", sender_address=())
    letters = citizen.client.letters
    await refused(
        letters.send(subject="1", parts=ANSWER, in_reply_to=nameless, print_and_post=True),
        StatusCode.FAILED_PRECONDITION,
        "PAPER_ADDRESS_UNKNOWN",
    )
    told = await refused(
        letters.send(subject="1", parts=ANSWER, in_reply_to=nameless),
        StatusCode.INVALID_ARGUMENT,
        "INVALID_FIELDS",
    )
    assert told.violations == (("print_and_post", "REQUIRED"),)
