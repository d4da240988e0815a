"""SmsService: senders' own short messages, and what became of them."""

from namak.v1 import sms_pb2 as pb
from namak.v1 import sms_pb2_grpc
from server.domain.profile import Profile
from server.services import sms_wire as wire
from server.services.call import Context, current_sender
from server.usecases.sender_sms import SenderSmsDesk


class SmsServicer(sms_pb2_grpc.SmsServiceServicer):
    """Translates the calls of senders."""

    def __init__(self, desk: SenderSmsDesk, profile: Profile) -> None:
        self._desk = desk
        self._profile = profile

    async def SendSms(self, request: pb.SendSmsRequest, context: Context) -> pb.SendSmsResponse:
        command = wire.send_from_proto(request, current_sender(), self._profile)
        texts = await self._desk.send(command)
        return pb.SendSmsResponse(messages=[wire.sms_to_proto(each) for each in texts])

    async def ListSms(self, request: pb.ListSmsRequest, context: Context) -> pb.ListSmsResponse:
        page = await self._desk.list_sms(wire.list_from_proto(request, current_sender()))
        return wire.page_to_proto(page)
