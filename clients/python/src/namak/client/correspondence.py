"""Writing: letters of people to state bodies and legal entities, and replies (CorrespondenceService)."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from namak.client.delivery import receipt_wait
from namak.client.letters import check_parts, new_request_id
from namak.client.link import Link
from namak.client.paging import paged
from namak.client.times import time_message
from namak.v1 import correspondence_pb2, correspondence_pb2_grpc, delivery_pb2


class Correspondence:
    """The calls of a person who writes letters from their own mailbox."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> correspondence_pb2_grpc.CorrespondenceServiceStub:
        return correspondence_pb2_grpc.CorrespondenceServiceStub(self._link.channel())

    async def send(
        self,
        *,
        subject: str,
        parts: Sequence[delivery_pb2.Part],
        recipient: str = "",
        in_reply_to: str = "",
        print_and_post: bool = False,
        request_id: str | None = None,
        max_receipt_wait: timedelta | None = None,
    ) -> delivery_pb2.Accepted:
        """Writes a letter to ``recipient``, or replies to the message ``in_reply_to`` of the own mailbox;
        returns what was accepted, with its evidence.

        A reply to a letter that came on paper is printed and posted; say so by ``print_and_post``.
        When this returns, the letter lies in the recipient's mailbox. A request id that is missing is made up
        and kept over all tries; who wants to repeat after an ``Unavailable`` supplies their own.
        ``max_receipt_wait``: see SendLetterRequest; zero does not wait for the logged receipts. Raises
        :class:`InvalidFields`, before anything is sent, for parts that no letter can have, and ValueError
        unless one of ``recipient`` and ``in_reply_to`` is given.
        """
        if bool(recipient) == bool(in_reply_to):
            raise ValueError("a letter goes to a recipient, or answers a message: give one of the two")
        check_parts(parts)
        request = correspondence_pb2.SendLetterRequest(
            request_id=request_id or new_request_id(),
            subject=subject,
            parts=parts,
            print_and_post=print_and_post,
            max_receipt_wait=receipt_wait(self._link, max_receipt_wait),
        )
        if recipient:
            request.recipient = recipient
        else:
            request.in_reply_to = in_reply_to
        return (await self._link.unary(self._stub().SendLetter, request)).accepted

    async def get(self, delivery_id: str) -> delivery_pb2.Delivery:
        """Returns one of the own letters, as it stands now."""
        return (await self.look(delivery_id)).letter

    async def look(self, delivery_id: str) -> correspondence_pb2.GetLetterResponse:
        """Returns one of the own letters, and of one that is printed how far its paper has come."""
        request = correspondence_pb2.GetLetterRequest(delivery_id=delivery_id)
        return await self._link.unary(self._stub().GetLetter, request)

    def list(
        self,
        *,
        recipient: str = "",
        states: Sequence[delivery_pb2.DeliveryState.ValueType] = (),
        start: datetime | None = None,
        end: datetime | None = None,
        request_id: str = "",
        page_size: int = 0,
    ) -> AsyncIterator[delivery_pb2.Delivery]:
        """Yields the own letters, newest first, fetching page after page.

        All filters that are given must hold: written from ``start`` on, before ``end``.
        """
        request = correspondence_pb2.ListLettersRequest(
            recipient=recipient,
            states=states,
            start_time=time_message(start),
            end_time=time_message(end),
            request_id=request_id,
            page_size=page_size,
        )
        return paged(self._link, self._stub().ListLetters, request, "letters")

    async def withdraw(
        self,
        delivery_id: str,
        *,
        request_id: str | None = None,
        max_receipt_wait: timedelta | None = None,
    ) -> correspondence_pb2.WithdrawLetterResponse:
        """Withdraws a letter that nobody has opened; repeating it with the same request id returns the same
        evidence. Raises WrongState with MESSAGE_OPENED, DELIVERY_NOTIFIED or DELIVERY_WITHDRAWN.
        """
        request = correspondence_pb2.WithdrawLetterRequest(
            request_id=request_id or new_request_id(),
            delivery_id=delivery_id,
            max_receipt_wait=receipt_wait(self._link, max_receipt_wait),
        )
        return await self._link.unary(self._stub().WithdrawLetter, request)
