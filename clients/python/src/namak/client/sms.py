"""Senders' own short messages (SmsService)."""

from collections.abc import AsyncIterator, Sequence

from namak.client.letters import new_request_id
from namak.client.link import Link
from namak.client.paging import paged
from namak.v1 import sms_pb2, sms_pb2_grpc


def sms_text(text: str, phones: Sequence[str]) -> sms_pb2.SmsText:
    """Returns a short text to phones: for :func:`namak.client.compose`, or :meth:`ShortMessages.send`."""
    return sms_pb2.SmsText(text=text, phones=phones)


class ShortMessages:
    """The calls of a sender whose address is permitted to send SMS."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> sms_pb2_grpc.SmsServiceStub:
        return sms_pb2_grpc.SmsServiceStub(self._link.channel())

    async def send(
        self, *, sender: str, sms: sms_pb2.SmsText, request_id: str | None = None
    ) -> Sequence[sms_pb2.Sms]:
        """Sends a text to phones, alone; returns what was accepted, one for each phone.

        A request id that is missing is made up and kept over all tries; who wants to repeat after an
        ``Unavailable`` supplies their own. Raises WrongState with SMS_NOT_PERMITTED, SENDER_SUSPENDED or
        CONTRACT_NOT_IN_FORCE, and :class:`InvalidFields` for phones that are foreign, costly or no mobile
        ones.
        """
        request = sms_pb2.SendSmsRequest(request_id=request_id or new_request_id(), sender=sender, sms=sms)
        return (await self._link.unary(self._stub().SendSms, request)).messages

    def list(
        self,
        *,
        request_id: str = "",
        delivery_id: str = "",
        states: Sequence[sms_pb2.SmsState.ValueType] = (),
        page_size: int = 0,
    ) -> AsyncIterator[sms_pb2.Sms]:
        """Yields the organisation's short messages, newest first, with what became of them."""
        request = sms_pb2.ListSmsRequest(
            request_id=request_id, delivery_id=delivery_id, states=states, page_size=page_size
        )
        return paged(self._link, self._stub().ListSms, request, "messages")
