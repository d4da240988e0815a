"""The way of a letter on paper, over gRPC and PostgreSQL: a step is due, the letter made, leased, downloaded,
printed, posted and handed over, and its recipient notified as of when the print house says.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from namak.evidence.notification_steps import Action
from namak.v1 import letter_pb2 as pb
from namak.v1 import letter_pb2_grpc
from server.bootstrap_machine import SystemEntropy
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.jobs import PREPARE_LETTER, JobState, RunningJob
from server.domain.print_houses import RegisteredPrintHouse
from server.domain.state_records import PersonRecord, PersonState
from server.domain.tracking_numbers import TrackingNumbers
from server.grpc_server import GrpcSettings, TlsFiles, build_server, interceptor_chain
from server.interceptors.deadline import STREAM, UNARY
from server.interceptors.streams import StreamLimits
from server.jurisdictions.am import AM
from server.services.letter import LetterServicer
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.administration import Administration
from server.usecases.certificates import CertificateRegister
from server.usecases.identity import Identity
from server.usecases.ladder import DueSteps
from server.usecases.ladder_jobs import JobActions
from server.usecases.letter_desk import LetterDesk
from server.usecases.letter_making import Imprint, LetterMaking
from server.usecases.letter_orders import LetterOrders
from server.usecases.letter_preparing import LetterPreparation
from server.usecases.print_houses import PrintHouseRegister
from server.usecases.submission import Accepted, SubmissionDesk, SubmitMany
from tests.fakes.letter_orders import FakePrinter
from tests.fakes.state_registers import FakeStateRegisters
from tests.rpc.edge import World, always_ready, bad_request, credentials, error_info
from tests.rpc.letter_desks import NobodysCertificates
from tests.rpc.register import Register
from tests.rpc.serving import PresentClock
from tests.unit.usecases import world as memory
from tests.unit.usecases.test_ladder import LETTER_DUE, UNDER_LADDER

MANY = 30
LEASE = timedelta(hours=4)


@dataclass
class Office:
    """A post on PostgreSQL behind an edge, with letters for print houses; its clock is moved by hand."""

    world: World
    url: str

    def __post_init__(self) -> None:
        self.database = Database(self.url, pool_size=6)
        self.uow = SqlUnitOfWork(self.database)
        self.clock, self.entropy, self.log = memory.FixedClock(), SystemEntropy(), memory.MemoryLog()
        self.registers, self.printer = FakeStateRegisters(), FakePrinter()
        self.registers.show_person(PersonRecord(memory.ANI, "Ani", PersonState.ALIVE, None, "Abovyan 5"))
        common: Any = {"uow": self.uow, "clock": self.clock, "entropy": self.entropy}
        self.due = DueSteps(
            **common, log=self.log, profile=AM, actions=JobActions({Action.LETTER: PREPARE_LETTER})
        )
        numbers = TrackingNumbers("RR", "AM", ((0, 999),))
        making = LetterMaking(
            **common,
            orders=LetterOrders(**common, printer=self.printer, numbers=numbers),
            profile=AM,
            imprint=Imprint(("Amiryan 1",), ""),
        )
        self.preparation = LetterPreparation(uow=self.uow, making=making, registers=self.registers)
        administration = Administration(**common, wake_log=self.log.wake, profile=AM)
        self.servicer = LetterServicer(
            LetterDesk(**common, log=self.log, profile=AM, lease=LEASE),
            CertificateRegister(
                administration=administration,
                clock=self.clock,
                entropy=self.entropy,
                persons=NobodysCertificates(),
            ),
            PrintHouseRegister(
                administration=administration, uow=self.uow, clock=self.clock, entropy=self.entropy
            ),
        )

    async def submitted(self, count: int) -> list[Delivery]:
        """Has letters submitted under the policy with the ladder."""
        made = memory.World()
        async with self.uow.writing() as tx:
            await tx.organisations.add(made.src)
            await tx.organisations.add(made.other)
            for binding in made.uow.committed.bindings.values():
                assert binding.organisation_id
                await tx.bindings.add(binding, binding.organisation_id.bytes)
            await tx.sender_addresses.add(made.notices)
            await tx.mailboxes.add(made.ani_box)
            await tx.commit()
        desk = SubmissionDesk(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            log=self.log,
            profile=UNDER_LADDER,
            host_names=memory.NamedHosts(made.uow),
            refusals_per_minute=600,
        )
        letters = [memory.letter(str(number), contents=(b"letter",)) for number in range(count)]
        outcomes = await desk.submit_many(SubmitMany(made.agency, letters, 0))
        await desk.drain()
        return [each.delivery for each in outcomes if isinstance(each, Accepted)]

    async def letters(self, count: int) -> list[Delivery]:
        """Has letters made for as many messages."""
        deliveries = await self.submitted(count)
        self.clock.time = LETTER_DUE
        await self.due.work_off()
        async with self.uow.reading() as tx:
            jobs = await tx.jobs.listed([JobState.WAITING], PREPARE_LETTER.name, after=0, limit=999)
        assert len(jobs) == count
        for job in jobs:
            await self.preparation.prepare(RunningJob(job.id, job.arguments, 1, False))
        self.clock.move(timedelta(hours=1))
        return deliveries

    async def delivery(self, delivery: Delivery) -> Delivery:
        async with self.uow.writing() as tx:
            found = await tx.deliveries.lock(delivery.mailbox_id, delivery.id)
        assert found
        return found

    async def events(self, delivery: Delivery) -> list[str]:
        async with self.uow.reading() as tx:
            facts = await tx.evidence.of_delivery(delivery.mailbox_id, delivery.id)
        return [fact.event.name for fact in facts][2:]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[tuple[letter_pb2_grpc.LetterServiceStub, ...]]:
        """Serves; gives a stub of each of two print houses."""
        world, door = self.world, Register()
        ours = (world.print_house, world.other_portal)
        async with self.uow.writing() as tx:
            for number, each in enumerate(ours):
                house = RegisteredPrintHouse(self.entropy.new_id(), f"house {number}", self.clock.now())
                assert await tx.print_houses.add(house)
                door.bind_print_house(each.sha256, house.id)
            await tx.commit()
        assert world.server.key_path
        server = build_server(
            GrpcSettings(
                listen="127.0.0.1:0",
                health_listen="127.0.0.1:0",
                tls=TlsFiles(world.server.cert_path, world.server.key_path, world.pki.client_roots_path),
                drain=1.0,
            ),
            lambda grpc_server: letter_pb2_grpc.add_LetterServiceServicer_to_server(
                self.servicer, grpc_server
            ),
            interceptor_chain(
                Identity(door.uow, NobodysCertificates(), PresentClock()),
                unary=UNARY,
                stream=STREAM,
                stream_limits=StreamLimits(),
            ),
            {"": always_ready},
        )
        await server.start()
        channels = [
            grpc.aio.secure_channel(f"127.0.0.1:{server.port}", credentials(world, each)) for each in ours
        ]
        try:
            yield tuple(letter_pb2_grpc.LetterServiceStub(channel) for channel in channels)
        finally:
            for channel in channels:
                await channel.close()
            await server.stop()


@pytest.fixture
async def office(world: World, database_url: str) -> AsyncIterator[Office]:
    office = Office(world, database_url)
    yield office
    await office.database.dispose()


def stamp(at: datetime) -> Timestamp:
    told = Timestamp()
    told.FromDatetime(at)
    return told


async def leased(stub: Any, most: int = 1000) -> list[pb.PaperLetter]:
    replies = stub.LeasePaperLetters(pb.LeasePaperLettersRequest(max_letters=most), timeout=60)
    return [each.letter async for each in replies]


async def downloaded(stub: Any, letter_id: str, offset: int = 0) -> bytes:
    request = pb.DownloadPaperLetterRequest(letter_id=letter_id, offset=offset)
    return b"".join([each.chunk async for each in stub.DownloadPaperLetter(request, timeout=60)])


async def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    info = error_info(refused.value)
    return info.reason, info.metadata.get("state", "")


async def test_from_the_due_step_to_the_hand_of_the_recipient(office: Office) -> None:
    (delivery,) = await office.letters(1)
    handed = LETTER_DUE + timedelta(days=1)
    async with office.serving() as (house, other):
        (letter,) = await leased(house)
        pdf = await downloaded(house, letter.letter_id)
        assert hashlib.sha256(pdf).digest() == letter.file_sha256
        assert len(pdf) == letter.file_size_bytes
        assert await downloaded(house, letter.letter_id, offset=5) == pdf[5:]

        def report(**said: Any) -> pb.ReportPaperLetterRequest:
            usual = {"request_id": next(iter(said)), "letter_id": letter.letter_id}
            return pb.ReportPaperLetterRequest(**{**usual, "report_time": stamp(office.clock.now()), **said})

        printed = report(printed=pb.LetterPrinted(file_sha256=letter.file_sha256))
        posted = report(posted=pb.LetterPosted(tracking_number=letter.tracking_number))
        taken = report(
            handed_over=pb.LetterHandedOver(receiver="Անի", scan_sha256=b"s" * 32), report_time=stamp(handed)
        )
        assert await refusal(other.ReportPaperLetter(printed)) == ("RESOURCE_NOT_PERMITTED", "")
        assert await refusal(house.ReportPaperLetter(posted)) == ("LETTER_OUT_OF_ORDER", "WAITING")
        first = await house.ReportPaperLetter(printed)
        assert await house.ReportPaperLetter(printed) == first
        assert (await house.ReportPaperLetter(posted)).report.state == pb.PAPER_LETTER_STATE_POSTED
        assert await refusal(downloaded(house, letter.letter_id)) == ("LETTER_OUT_OF_ORDER", "POSTED")
        assert await refusal(house.ReportPaperLetter(taken)) == ("INVALID_FIELDS", "")
        office.clock.time = handed + timedelta(hours=2)
        assert (await house.ReportPaperLetter(taken)).report.state == pb.PAPER_LETTER_STATE_HANDED_OVER

        listed = await house.ListPaperLetters(pb.ListPaperLettersRequest())
        assert [each.letter_id for each in listed.letters] == [letter.letter_id]
        told = listed.letters[0].reports
        assert [each.state for each in told] == [2, 3, 4]
        assert [each.WhichOneof("report") for each in told] == ["printed", "posted", "handed_over"]
        assert (told[0].printed, told[1].posted) == (printed.printed, posted.posted)
        assert told[2].handed_over == pb.LetterHandedOver(
            receiver="Անի", scan_sha256=b"s" * 32, tracking_number=letter.tracking_number
        )
        assert told[0] == first.report
        assert listed.letters[0].delivery_id == "", "what it is about is not the print house's to know"
        assert not (await other.ListPaperLetters(pb.ListPaperLettersRequest())).letters

    notified = await office.delivery(delivery)
    assert (notified.state, notified.notified_at) == (DeliveryState.NOTIFIED, handed)
    assert await office.events(delivery) == [
        *("LetterPrinted", "LetterPosted", "LetterHandedOver", "NotificationEffected")
    ]


async def test_a_letter_that_is_refused_and_comes_back_notifies_nobody(office: Office) -> None:
    (delivery,) = await office.letters(1)
    async with office.serving() as (house, _):
        (letter,) = await leased(house)
        reports: tuple[dict[str, Any], ...] = (
            {"printed": pb.LetterPrinted(file_sha256=letter.file_sha256)},
            {"posted": pb.LetterPosted(tracking_number=letter.tracking_number)},
            {"refused": pb.LetterRefused()},
            {"returned": pb.LetterReturned(cause="REFUSED")},
        )
        for number, said in enumerate(reports):
            request = pb.ReportPaperLetterRequest(
                request_id=str(number),
                letter_id=letter.letter_id,
                report_time=stamp(office.clock.now()),
                **said,
            )
            await house.ReportPaperLetter(request)

    assert (await office.delivery(delivery)).state is DeliveryState.CONSIGNED
    assert (await office.events(delivery))[2:] == ["LetterRefused", "LetterReturned"]


async def test_two_houses_that_lease_at_once_share_the_letters_out(office: Office) -> None:
    await office.letters(MANY)
    async with office.serving() as (one, other):
        shares = await asyncio.gather(*(leased(stub, 7) for stub in (one, other) * 3))

    got = [each.letter_id for share in shares for each in share]
    assert len(got) == MANY
    assert len(set(got)) == MANY


async def test_a_report_that_is_killed_on_its_way_is_repeated_whole(office: Office) -> None:
    deliveries = await office.letters(6)
    async with office.serving() as (house, _):
        letters = await leased(house)
        for turns, letter in enumerate(letters):
            request = pb.ReportPaperLetterRequest(
                request_id=letter.letter_id,
                letter_id=letter.letter_id,
                report_time=stamp(office.clock.now()),
                printed=pb.LetterPrinted(file_sha256=letter.file_sha256),
            )
            call = house.ReportPaperLetter(request)
            for _ in range(turns * 40):
                await asyncio.sleep(0)
            call.cancel()
            assert (await house.ReportPaperLetter(request)).report.state == pb.PAPER_LETTER_STATE_PRINTED

    for delivery in deliveries:
        assert await office.events(delivery) == ["LetterPrinted"]


async def test_who_is_notified_while_the_letter_waits_gets_none(office: Office) -> None:
    first, second = await office.letters(2)
    async with office.uow.writing() as tx:
        await tx.deliveries.lock(first.mailbox_id, first.id)
        await tx.deliveries.set_notified(first.mailbox_id, first.id, office.clock.now())
        await tx.commit()
    async with office.serving() as (house, _):
        assert len(await leased(house)) == 1
    async with office.uow.reading() as tx:
        assert (await tx.letter_orders.of_step(second.mailbox_id, second.id, "LETTER")) is not None
        cancelled = await tx.letter_orders.of_step(first.mailbox_id, first.id, "LETTER")
    assert cancelled is not None
    assert cancelled.state.value == "CANCELLED"


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (
            pb.ReportPaperLetterRequest(request_id="?", letter_id="x"),
            {"request_id", "letter_id", "report", "report_time"},
        ),
        (
            pb.ReportPaperLetterRequest(handed_over=pb.LetterHandedOver(receiver="a\nb", scan_sha256=b"s")),
            {"handed_over.receiver", "handed_over.scan_sha256", "request_id", "letter_id", "report_time"},
        ),
        (
            pb.ReportPaperLetterRequest(returned=pb.LetterReturned(cause="not found", tracking_number="1 a")),
            {"returned.cause", "returned.tracking_number", "request_id", "letter_id", "report_time"},
        ),
        (
            pb.ReportPaperLetterRequest(posted=pb.LetterPosted(tracking_number="RR 1")),
            {"posted.tracking_number", "request_id", "letter_id", "report_time"},
        ),
    ],
)
async def test_all_wrong_fields_of_a_report_are_told_at_once(
    office: Office, request_: pb.ReportPaperLetterRequest, fields: set[str]
) -> None:
    async with office.serving() as (house, _):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await house.ReportPaperLetter(request_)
    assert {each.field for each in bad_request(refused.value).field_violations} == fields
