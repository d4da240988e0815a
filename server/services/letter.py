"""LetterService: letters on paper, for print houses and the operator."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

from namak.v1 import letter_pb2 as pb
from namak.v1 import letter_pb2_grpc
from server.services import letter_wire as wire
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

    async def LeaseLetters(
        self, request: pb.LeaseLettersRequest, context: Context
    ) -> AsyncIterator[pb.LeaseLettersResponse]:
        command = wire.lease_from_proto(request)
        async with aclosing(self._desk.lease(command)) as letters:
            async for letter in letters:
                yield wire.leased_to_proto(letter)

    async def DownloadLetter(
        self, request: pb.DownloadLetterRequest, context: Context
    ) -> AsyncIterator[pb.DownloadLetterResponse]:
        command = wire.download_from_proto(request)
        current_call().recheck = partial(self._desk.check_has, command)
        async with aclosing(self._desk.read(command)) as pieces:
            async for piece in pieces:
                for chunk in chunks(piece):
                    yield pb.DownloadLetterResponse(chunk=chunk)

    async def ReportLetter(
        self, request: pb.ReportLetterRequest, context: Context
    ) -> pb.ReportLetterResponse:
        reported = await self._desk.report(wire.report_from_proto(request))
        return wire.reported_to_proto(reported)

    async def ListLetterOrders(
        self, request: pb.ListLetterOrdersRequest, context: Context
    ) -> pb.ListLetterOrdersResponse:
        command = wire.list_orders_from_proto(request)
        return wire.orders_to_proto(await self._desk.list_orders(command), command)

    async def BindPrintHouse(
        self, request: pb.BindPrintHouseRequest, context: Context
    ) -> pb.BindPrintHouseResponse:
        house_id = await self._certificates.bind_print_house(wire.bind_from_proto(request))
        return pb.BindPrintHouseResponse(print_house=wire.house_to_proto(await self._houses.get(house_id)))

    async def SetPrintHouseState(
        self, request: pb.SetPrintHouseStateRequest, context: Context
    ) -> pb.SetPrintHouseStateResponse:
        view = await self._houses.set_state(wire.set_state_from_proto(request))
        return pb.SetPrintHouseStateResponse(print_house=wire.house_to_proto(view))

    async def ListPrintHouses(
        self, request: pb.ListPrintHousesRequest, context: Context
    ) -> pb.ListPrintHousesResponse:
        page = await self._houses.list_houses(wire.list_houses_from_proto(request))
        return wire.houses_to_proto(page)

    async def GetPrintHouse(
        self, request: pb.GetPrintHouseRequest, context: Context
    ) -> pb.GetPrintHouseResponse:
        view = await self._houses.get(wire.get_house_from_proto(request))
        return pb.GetPrintHouseResponse(print_house=wire.house_to_proto(view))
