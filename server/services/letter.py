"""LetterService: letters on paper, for print houses and the operator."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

from namak.v1 import letter_pb2 as pb
from namak.v1 import letter_pb2_grpc
from server.domain.print_houses import PrintHouseState
from server.services import letter_wire as wire
from server.services import print_house_wire as houses_wire
from server.services.call import Context, current_call
from server.services.values_wire import chunks
from server.usecases.certificates import CertificateRegister
from server.usecases.letter_desk import LetterDesk
from server.usecases.print_houses import PrintHouseRegister


class LetterServicer(letter_pb2_grpc.LetterServiceServicer):
    """Translates the calls of print houses, and of the operator about them."""

    def __init__(
        self, desk: LetterDesk, certificates: CertificateRegister, houses: PrintHouseRegister
    ) -> None:
        self._desk = desk
        self._certificates = certificates
        self._houses = houses

    async def LeasePaperLetters(
        self, request: pb.LeasePaperLettersRequest, context: Context
    ) -> AsyncIterator[pb.LeasePaperLettersResponse]:
        command = wire.lease_from_proto(request)
        async with aclosing(self._desk.lease(command)) as letters:
            async for letter in letters:
                yield wire.leased_to_proto(letter)

    async def DownloadPaperLetter(
        self, request: pb.DownloadPaperLetterRequest, context: Context
    ) -> AsyncIterator[pb.DownloadPaperLetterResponse]:
        command = wire.download_from_proto(request)
        current_call().recheck = partial(self._desk.check_has, command)
        async with aclosing(self._desk.read(command)) as pieces:
            async for piece in pieces:
                for chunk in chunks(piece):
                    yield pb.DownloadPaperLetterResponse(chunk=chunk)

    async def ReportPaperLetter(
        self, request: pb.ReportPaperLetterRequest, context: Context
    ) -> pb.ReportPaperLetterResponse:
        reported = await self._desk.report(wire.report_from_proto(request))
        return wire.reported_to_proto(reported)

    async def ListPaperLetters(
        self, request: pb.ListPaperLettersRequest, context: Context
    ) -> pb.ListPaperLettersResponse:
        command = wire.list_orders_from_proto(request)
        return wire.orders_to_proto(await self._desk.list_orders(command), command)

    async def RegisterPrintHouse(
        self, request: pb.RegisterPrintHouseRequest, context: Context
    ) -> pb.RegisterPrintHouseResponse:
        view = await self._houses.register(houses_wire.register_from_proto(request))
        return pb.RegisterPrintHouseResponse(print_house=houses_wire.house_to_proto(view))

    async def BindPrintHouseCertificate(
        self, request: pb.BindPrintHouseCertificateRequest, context: Context
    ) -> pb.BindPrintHouseCertificateResponse:
        command = houses_wire.bind_from_proto(request)
        await self._certificates.bind_print_house(command)
        view = await self._houses.get(command.print_house_id)
        return pb.BindPrintHouseCertificateResponse(print_house=houses_wire.house_to_proto(view))

    async def SuspendPrintHouse(
        self, request: pb.SuspendPrintHouseRequest, context: Context
    ) -> pb.SuspendPrintHouseResponse:
        command = houses_wire.set_state_from_proto(request, PrintHouseState.SUSPENDED)
        view = await self._houses.set_state(command)
        return pb.SuspendPrintHouseResponse(print_house=houses_wire.house_to_proto(view))

    async def ResumePrintHouse(
        self, request: pb.ResumePrintHouseRequest, context: Context
    ) -> pb.ResumePrintHouseResponse:
        command = houses_wire.set_state_from_proto(request, PrintHouseState.ACTIVE)
        view = await self._houses.set_state(command)
        return pb.ResumePrintHouseResponse(print_house=houses_wire.house_to_proto(view))

    async def RemovePrintHouse(
        self, request: pb.RemovePrintHouseRequest, context: Context
    ) -> pb.RemovePrintHouseResponse:
        command = houses_wire.set_state_from_proto(request, PrintHouseState.REMOVED)
        view = await self._houses.set_state(command)
        return pb.RemovePrintHouseResponse(print_house=houses_wire.house_to_proto(view))

    async def ListPrintHouses(
        self, request: pb.ListPrintHousesRequest, context: Context
    ) -> pb.ListPrintHousesResponse:
        page = await self._houses.list_houses(houses_wire.list_houses_from_proto(request))
        return houses_wire.houses_to_proto(page)

    async def GetPrintHouse(
        self, request: pb.GetPrintHouseRequest, context: Context
    ) -> pb.GetPrintHouseResponse:
        view = await self._houses.get(houses_wire.get_house_from_proto(request))
        return pb.GetPrintHouseResponse(print_house=houses_wire.house_to_proto(view))
