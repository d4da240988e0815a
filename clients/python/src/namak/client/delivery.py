"""Sending: one message, many messages, and what became of them (DeliveryService)."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration

from namak.client.letters import check_size, new_request_id, split, with_request_id
from namak.client.link import Link
from namak.client.paging import paged
from namak.client.statuses import error_from_status
from namak.client.times import time_message
from namak.client.watching import watched
from namak.errors import InvalidFields, NamakError, NotSent, ServerFault, Violation
from namak.v1 import delivery_pb2, delivery_pb2_grpc, evidence_pb2

_SERVERS_WAIT = timedelta(seconds=5)
# What an absent max_receipt_wait means.


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message of many: exactly one of ``accepted`` and ``error`` is there.

    An ``Unavailable`` error means that the outcome is unknown: send it again with the same ``request_id``.
    """

    request_id: str
    accepted: delivery_pb2.Accepted | None = None
    error: NamakError | None = None


def receipt_wait(link: Link, asked: timedelta | None) -> Duration | None:
    """Returns how long the server shall wait for receipts: never so long that a try ends unanswered."""
    room = timedelta(seconds=link.patience.one_try / 2)
    if asked is None and room >= _SERVERS_WAIT:
        return None
    duration = Duration()
    duration.FromTimedelta(min(asked if asked is not None else room, room))
    return duration


class Deliveries:
    """The calls of a sender."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> delivery_pb2_grpc.DeliveryServiceStub:
        return delivery_pb2_grpc.DeliveryServiceStub(self._link.channel())

    async def submit(
        self, submission: delivery_pb2.Submission, *, max_receipt_wait: timedelta | None = None
    ) -> delivery_pb2.Accepted:
        """Submits one message and returns what was accepted, with its evidence.

        When this returns, the message lies in the recipient's mailbox. A request id that is missing is made
        up and kept over all tries; who wants to repeat after an ``Unavailable`` supplies their own.
        ``max_receipt_wait``: see SubmitRequest; zero does not wait for the logged receipts. Raises
        :class:`InvalidFields`, before anything is sent, for what is too large for any request.
        """
        check_size(submission)
        request = delivery_pb2.SubmitRequest(
            submission=with_request_id(submission),
            max_receipt_wait=receipt_wait(self._link, max_receipt_wait),
        )
        reply = await self._link.unary(self._stub().Submit, request)
        return reply.accepted

    async def submit_many(
        self,
        submissions: Sequence[delivery_pb2.Submission],
        *,
        max_receipt_wait: timedelta | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Sequence[Outcome]:
        """Submits any number of messages, in as many requests as needed, and returns an outcome for each, in
        order.

        One message's refusal touches no other. When a whole request fails, its messages have its error and
        those after it are :class:`NotSent`. ``progress`` is told after each request how many messages have an
        outcome. Raises :class:`InvalidFields`, before anything is sent, when two messages have one request
        id.
        """
        named = [with_request_id(submission) for submission in submissions]
        _refuse_equal_ids(named)
        outcomes: list[Outcome] = []
        failure: NamakError | None = None
        for batch in split(named):
            if failure is not None:
                outcomes += [_not_sent(submission, failure) for submission in batch]
            elif (too_large := _too_large(batch[0])) is not None:
                outcomes.append(too_large)
            else:
                try:
                    outcomes += await self.submit_batch(batch, max_receipt_wait)
                except NamakError as problem:
                    failure = problem
                    outcomes += [Outcome(submission.request_id, error=problem) for submission in batch]
            if progress is not None:
                progress(len(outcomes))
        return outcomes

    async def submit_batch(
        self, batch: Sequence[delivery_pb2.Submission], max_receipt_wait: timedelta | None = None
    ) -> Sequence[Outcome]:
        """Submits messages that fit into one request, each with its request id; returns an outcome for each,
        in order. For any number of messages there is :meth:`submit_many`, for very many
        :func:`namak.client.bulk.submitted`.
        """
        request = delivery_pb2.BatchSubmitRequest(
            submissions=batch, max_receipt_wait=receipt_wait(self._link, max_receipt_wait)
        )
        reply = await self._link.unary(self._stub().BatchSubmit, request)
        if [result.request_id for result in reply.results] != [item.request_id for item in batch]:
            raise ServerFault("the server's results do not belong to the messages that were sent")
        return [_outcome(result) for result in reply.results]

    async def get(self, delivery_id: str) -> delivery_pb2.Delivery:
        """Returns one delivery of the caller's organisation, as it stands now."""
        request = delivery_pb2.GetDeliveryRequest(delivery_id=delivery_id)
        return (await self._link.unary(self._stub().GetDelivery, request)).delivery

    def list(
        self,
        *,
        sender: str = "",
        recipient: str = "",
        states: Sequence[delivery_pb2.DeliveryState.ValueType] = (),
        start: datetime | None = None,
        end: datetime | None = None,
        request_id: str = "",
        page_size: int = 0,
    ) -> AsyncIterator[delivery_pb2.Delivery]:
        """Yields the deliveries of the caller's organisation, newest first, fetching page after page.

        All filters that are given must hold: submitted from ``start`` on, before ``end``.
        """
        request = delivery_pb2.ListDeliveriesRequest(
            sender=sender,
            recipient=recipient,
            states=states,
            start_time=time_message(start),
            end_time=time_message(end),
            request_id=request_id,
            page_size=page_size,
        )
        return paged(self._link, self._stub().ListDeliveries, request, "deliveries")

    async def withdraw(
        self,
        delivery_id: str,
        *,
        request_id: str | None = None,
        max_receipt_wait: timedelta | None = None,
    ) -> delivery_pb2.WithdrawDeliveryResponse:
        """Withdraws a delivery that the recipient has not opened; repeating it with the same request id
        returns the same evidence. Raises WrongState with MESSAGE_OPENED, DELIVERY_NOTIFIED or
        DELIVERY_WITHDRAWN.
        """
        request = delivery_pb2.WithdrawDeliveryRequest(
            request_id=request_id or new_request_id(),
            delivery_id=delivery_id,
            max_receipt_wait=receipt_wait(self._link, max_receipt_wait),
        )
        return await self._link.unary(self._stub().WithdrawDelivery, request)

    def watch(
        self, cursor: evidence_pb2.LogCursor | None = None, *, with_receipts: bool = False
    ) -> AsyncGenerator[delivery_pb2.WatchDeliveriesResponse, None]:
        """Yields the facts of the caller's deliveries as they are published, for ever, from a cursor or from
        now; see :func:`namak.client.watching.watched`, and ``beginning`` there for all that ever happened.
        """

        def request(at: evidence_pb2.LogCursor | None) -> delivery_pb2.WatchDeliveriesRequest:
            return delivery_pb2.WatchDeliveriesRequest(cursor=at, with_receipts=with_receipts)

        return watched(self._link, self._stub().WatchDeliveries, request, cursor)


def _outcome(result: delivery_pb2.SubmitResult) -> Outcome:
    match result.WhichOneof("outcome"):
        case "accepted":
            return Outcome(result.request_id, accepted=result.accepted)
        case "refused":
            return Outcome(result.request_id, error=error_from_status(result.refused))
        case _:
            error = ServerFault("the server gave a result of a kind that this version does not know")
            return Outcome(result.request_id, error=error)


def _refuse_equal_ids(submissions: Sequence[delivery_pb2.Submission]) -> None:
    places: dict[str, int] = {}
    violations = []
    for place, submission in enumerate(submissions):
        first = places.setdefault(submission.request_id, place)
        if first != place:
            violations.append(
                Violation(
                    f"submissions[{place}].request_id", "DUPLICATE", f"is also that of submissions[{first}]"
                )
            )
    if violations:
        raise InvalidFields("two messages have one request id; nothing was sent", violations=violations)


def _too_large(submission: delivery_pb2.Submission) -> Outcome | None:
    try:
        check_size(submission)
    except InvalidFields as problem:
        return Outcome(submission.request_id, error=problem)
    return None


def _not_sent(submission: delivery_pb2.Submission, failure: NamakError) -> Outcome:
    return Outcome(
        submission.request_id,
        error=NotSent(f"not sent, because an earlier request failed: {failure.message}"),
    )
