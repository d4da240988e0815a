"""The use case of senders' short messages, in memory."""

from collections.abc import Sequence
from typing import cast

from server.domain.paging import Page
from server.domain.sender_sms import SenderSms, SmsState
from server.usecases.sender_sms import ListSms, SenderSmsDesk, SendSms
from tests.contracts.examples import new_id
from tests.rpc.desk_samples import NOW
from tests.rpc.serving import Serving


class SmsDesks(Serving):
    """Takes every text, and lists one that has arrived."""

    desk = property(lambda self: cast(SenderSmsDesk, self))

    async def send(self, command: SendSms) -> Sequence[SenderSms]:
        await self.serve(command, command.caller)
        return [_sms(command, phone) for phone in command.sms.phones]

    async def list_sms(self, command: ListSms) -> Page[SenderSms]:
        await self.serve(command, command.caller)
        return Page([], "")


def _sms(command: SendSms, phone: str) -> SenderSms:
    return SenderSms(
        id=new_id(),
        organisation_id=command.caller.organisation_id,
        sender_address_id=new_id(),
        sender=command.sender,
        request_id=command.request_id,
        delivery_id=None,
        phone=phone,
        text=command.sms.text,
        segments=1,
        submitted_at=NOW,
        acceptance_id=new_id(),
        state=SmsState.FAILED,
        why="EXPIRED",
        result_at=NOW,
        later_evidence=(new_id(),),
    )
