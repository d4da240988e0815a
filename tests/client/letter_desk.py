"""The desk at which print houses get letters on paper and report on them, in memory."""

# ruff: noqa: N802 - servicers answer under the names that the contract gives them

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from namak.v1 import letter_pb2 as pb
from namak.v1 import letter_pb2_grpc
from tests.client.desk import Context, Desk
from tests.client.office import Office
from tests.client.refusing import Refusal

LETTERS = 3
PDF_BYTES = 200_000
_CHUNK = 65536
_HOUSE = "0192f0c3-0000-7000-8000-0000000000e1"
_STATES = {
    "printed": pb.PAPER_LETTER_STATE_PRINTED,
    "posted": pb.PAPER_LETTER_STATE_POSTED,
    "handed_over": pb.PAPER_LETTER_STATE_HANDED_OVER,
    "refused": pb.PAPER_LETTER_STATE_REFUSED,
    "returned": pb.PAPER_LETTER_STATE_RETURNED,
}


def stamp(at: datetime) -> Timestamp:
    told = Timestamp()
    told.FromDatetime(at)
    return told


class LetterDesk(Desk, letter_pb2_grpc.LetterServiceServicer):
    """Keeps some letters, leased or not, and a print house.

    `offsets` are those from which downloads were asked for, `reported` the reports that came.
    """

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self.pdfs: dict[str, bytes] = {}
        self.orders: dict[str, pb.PaperLetter] = {}
        self.leased: set[str] = set()
        self.offsets: list[int] = []
        self.reported: list[pb.ReportPaperLetterRequest] = []
        self.house = pb.PrintHouse()
        for number in range(LETTERS):
            letter_id = f"0192f0c3-0000-7000-8000-00000000f00{number}"
            pdf = bytes([number]) * PDF_BYTES
            self.pdfs[letter_id] = pdf
            self.orders[letter_id] = pb.PaperLetter(
                letter_id=letter_id,
                tracking_number=f"RR00000000{number}AM",
                state=pb.PAPER_LETTER_STATE_WAITING,
                order_time=stamp(datetime(2026, 11, 22, tzinfo=UTC)),
                file_sha256=hashlib.sha256(pdf).digest(),
                file_size_bytes=len(pdf),
                sheets=2,
            )
        office.letter_desk = self

    async def LeasePaperLetters(
        self, request: pb.LeasePaperLettersRequest, context: Context
    ) -> AsyncIterator[pb.LeasePaperLettersResponse]:
        await self.serve(context, {"house"}, lambda: None)
        waiting = [each for each in self.orders.values() if each.letter_id not in self.leased]
        for order in waiting[: request.max_letters]:
            self.leased.add(order.letter_id)
            order.lease_end_time.FromDatetime(datetime.now(UTC) + timedelta(hours=4))
            yield pb.LeasePaperLettersResponse(letter=order)
            if self.office.faults.broken_streams:
                self.office.faults.broken_streams -= 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "broken")

    async def DownloadPaperLetter(
        self, request: pb.DownloadPaperLetterRequest, context: Context
    ) -> AsyncIterator[pb.DownloadPaperLetterResponse]:
        await self.serve(context, {"house"}, lambda: None)
        self.offsets.append(request.offset)
        pdf = self.pdfs[request.letter_id]
        for start in range(request.offset, len(pdf), _CHUNK):
            yield pb.DownloadPaperLetterResponse(chunk=pdf[start : start + _CHUNK])
            if self.office.faults.broken_downloads:
                self.office.faults.broken_downloads -= 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "broken")

    async def ReportPaperLetter(
        self, request: pb.ReportPaperLetterRequest, context: Context
    ) -> pb.ReportPaperLetterResponse:
        def work() -> pb.ReportPaperLetterResponse:
            self.reported.append(request)
            order = self.orders[request.letter_id]
            said = request.WhichOneof("report")
            if said == "printed" and request.printed.file_sha256 != order.file_sha256:
                raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "LETTER_FILE_DIFFERS", "another file")
            order.state = _STATES[str(said)]
            report = order.reports.add(
                state=order.state,
                report_time=request.report_time,
                record_time=stamp(datetime.now(UTC)),
                evidence_id=request.letter_id,
            )
            getattr(report, str(said)).CopyFrom(getattr(request, str(said)))
            return pb.ReportPaperLetterResponse(report=report)

        return await self.serve(context, {"house"}, work)

    async def ListPaperLetters(
        self, request: pb.ListPaperLettersRequest, context: Context
    ) -> pb.ListPaperLettersResponse:
        def work() -> pb.ListPaperLettersResponse:
            found = [
                each
                for each in reversed(self.orders.values())
                if each.letter_id in self.leased
                and (not request.states or each.state in request.states)
                and request.tracking_number in ("", each.tracking_number)
            ]
            return pb.ListPaperLettersResponse(letters=found)

        return await self.serve(context, {"house", "operator"}, work)

    async def RegisterPrintHouse(
        self, request: pb.RegisterPrintHouseRequest, context: Context
    ) -> pb.RegisterPrintHouseResponse:
        def work() -> pb.RegisterPrintHouseResponse:
            self.house = pb.PrintHouse(
                print_house_id=_HOUSE,
                display_name=request.display_name,
                state=pb.PRINT_HOUSE_STATE_ACTIVE,
                register_time=stamp(datetime.now(UTC)),
            )
            return pb.RegisterPrintHouseResponse(print_house=self.house)

        return await self.serve(context, {"operator"}, work)

    async def BindPrintHouseCertificate(
        self, request: pb.BindPrintHouseCertificateRequest, context: Context
    ) -> pb.BindPrintHouseCertificateResponse:
        def work() -> pb.BindPrintHouseCertificateResponse:
            assert request.print_house_id == self.house.print_house_id
            self.house.certificates.add(
                certificate_sha256=hashlib.sha256(request.certificate).digest(),
                certificate_subject="CN=house",
                expire_time=stamp(datetime.now(UTC) + timedelta(days=9)),
                bind_time=stamp(datetime.now(UTC)),
            )
            return pb.BindPrintHouseCertificateResponse(print_house=self.house)

        return await self.serve(context, {"operator"}, work)

    async def SuspendPrintHouse(
        self, request: pb.SuspendPrintHouseRequest, context: Context
    ) -> pb.SuspendPrintHouseResponse:
        def work() -> pb.SuspendPrintHouseResponse:
            self.house.state = pb.PRINT_HOUSE_STATE_SUSPENDED
            return pb.SuspendPrintHouseResponse(print_house=self.house)

        return await self.serve(context, {"operator"}, work)

    async def ResumePrintHouse(
        self, request: pb.ResumePrintHouseRequest, context: Context
    ) -> pb.ResumePrintHouseResponse:
        def work() -> pb.ResumePrintHouseResponse:
            self.house.state = pb.PRINT_HOUSE_STATE_ACTIVE
            return pb.ResumePrintHouseResponse(print_house=self.house)

        return await self.serve(context, {"operator"}, work)

    async def RemovePrintHouse(
        self, request: pb.RemovePrintHouseRequest, context: Context
    ) -> pb.RemovePrintHouseResponse:
        def work() -> pb.RemovePrintHouseResponse:
            self.house.state = pb.PRINT_HOUSE_STATE_REMOVED
            return pb.RemovePrintHouseResponse(print_house=self.house)

        return await self.serve(context, {"operator"}, work)

    async def ListPrintHouses(
        self, request: pb.ListPrintHousesRequest, context: Context
    ) -> pb.ListPrintHousesResponse:
        return await self.serve(
            context, {"operator"}, lambda: pb.ListPrintHousesResponse(print_houses=[self.house])
        )

    async def GetPrintHouse(
        self, request: pb.GetPrintHouseRequest, context: Context
    ) -> pb.GetPrintHouseResponse:
        return await self.serve(
            context, {"operator"}, lambda: pb.GetPrintHouseResponse(print_house=self.house)
        )
