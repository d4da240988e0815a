"""The desk that takes senders' short messages."""

# ruff: noqa: N802 - servicers answer under the names that the contract gives them

import uuid

import grpc

from namak.v1 import sms_pb2 as pb
from namak.v1 import sms_pb2_grpc
from tests.client.desk import Context, Desk
from tests.client.office import SENDER, Office
from tests.client.refusing import Refusal

TAKEN = 1795348800
"""When it takes them, in Unix time: 2026-11-22 12:00 UTC."""


class SmsDesk(Desk, sms_pb2_grpc.SmsServiceServicer):
    """Takes short messages from the one address, and fails those to numbers that end in 0."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._taken: list[pb.Sms] = []

    async def SendSms(self, request: pb.SendSmsRequest, context: Context) -> pb.SendSmsResponse:
        def work() -> pb.SendSmsResponse:
            if request.sender != SENDER:
                raise Refusal(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    "SMS_NOT_PERMITTED",
                    "not permitted",
                    metadata={"sender": request.sender},
                )
            known = [each for each in self._taken if each.request_id == request.request_id]
            if not known:
                known = [_taken(request, phone) for phone in request.sms.phones]
                self._taken += known
            return pb.SendSmsResponse(messages=known)

        return await self.serve(context, {"agency"}, work)

    async def ListSms(self, request: pb.ListSmsRequest, context: Context) -> pb.ListSmsResponse:
        def work() -> pb.ListSmsResponse:
            found = [each for each in self._taken if not request.states or each.state in request.states]
            return pb.ListSmsResponse(messages=reversed(found))

        return await self.serve(context, {"agency"}, work)


def _taken(request: pb.SendSmsRequest, phone: str) -> pb.Sms:
    failed = phone.endswith("0")
    sms = pb.Sms(
        sms_id=str(uuid.uuid4()),
        request_id=request.request_id,
        sender=request.sender,
        phone=phone,
        segments=2,
        state=pb.SMS_STATE_FAILED if failed else pb.SMS_STATE_ACCEPTED,
        reason="EXPIRED" if failed else "",
        evidence_ids=[str(uuid.uuid4())],
    )
    sms.submission_time.FromSeconds(TAKEN)
    if failed:
        sms.result_time.FromSeconds(TAKEN + 60)
    return sms
