"""CorrespondenceService: letters that people write to state bodies."""

from namak.v1 import correspondence_pb2 as pb
from namak.v1 import correspondence_pb2_grpc
from server.domain.profile import Profile
from server.services import correspondence_wire as wire
from server.services.call import Context, current_holder
from server.services.delivery_wire import accepted_or_raise, delivery_to_proto, write_accepted
from server.services.problems import Problems
from server.usecases.correspondence import CorrespondenceDesk


class CorrespondenceServicer(correspondence_pb2_grpc.CorrespondenceServiceServicer):
    """Translates the calls of people who write letters."""

    def __init__(self, desk: CorrespondenceDesk, profile: Profile) -> None:
        self._desk = desk
        self._profile = profile

    async def SendLetter(self, request: pb.SendLetterRequest, context: Context) -> pb.SendLetterResponse:
        command = wire.send_letter_from_proto(request, current_holder(), self._profile)
        response = pb.SendLetterResponse()
        write_accepted(response.accepted, accepted_or_raise(await self._desk.send(command)))
        return response

    async def GetLetter(self, request: pb.GetLetterRequest, context: Context) -> pb.GetLetterResponse:
        problems = Problems()
        delivery_id = problems.id("delivery_id", request.delivery_id)
        problems.raise_if_any()
        letter = await self._desk.get(current_holder(), delivery_id)
        printed = await self._desk.printed(letter)
        return pb.GetLetterResponse(
            letter=delivery_to_proto(letter),
            printed=None if printed is None else wire.printed_to_proto(printed),
        )

    async def ListLetters(self, request: pb.ListLettersRequest, context: Context) -> pb.ListLettersResponse:
        command = wire.list_letters_from_proto(request, current_holder(), self._profile)
        return wire.letters_to_proto(await self._desk.list_letters(command))

    async def WithdrawLetter(
        self, request: pb.WithdrawLetterRequest, context: Context
    ) -> pb.WithdrawLetterResponse:
        command = wire.withdraw_letter_from_proto(request, current_holder())
        return wire.withdrawn_to_proto(await self._desk.withdraw(command))
