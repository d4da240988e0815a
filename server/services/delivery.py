"""DeliveryService: what senders submit, and what became of it."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from namak.v1 import delivery_pb2 as pb
from namak.v1 import delivery_pb2_grpc
from server.domain.profile import Profile
from server.services import delivery_wire as wire
from server.services.call import Context, current_call, current_sender
from server.services.following_wire import deliveries_reply_to_proto, follow_from_proto
from server.services.problems import Problems
from server.usecases.delivery import DeliveryDesk
from server.usecases.following import Following
from server.usecases.submission import SubmissionDesk
from server.usecases.withdrawal import Withdrawal


class DeliveryServicer(delivery_pb2_grpc.DeliveryServiceServicer):
    """Translates the calls of senders."""

    def __init__(
        self,
        submissions: SubmissionDesk,
        desk: DeliveryDesk,
        withdrawal: Withdrawal,
        following: Following,
        profile: Profile,
    ) -> None:
        self._submissions = submissions
        self._desk = desk
        self._withdrawal = withdrawal
        self._following = following
        self._profile = profile

    async def Submit(self, request: pb.SubmitRequest, context: Context) -> pb.SubmitResponse:
        command = wire.submit_from_proto(request, current_sender(), self._profile)
        (outcome,) = await self._submissions.submit_many(command)
        response = pb.SubmitResponse()
        wire.write_accepted(response.accepted, wire.accepted_or_raise(outcome))
        return response

    async def BatchSubmit(self, request: pb.BatchSubmitRequest, context: Context) -> pb.BatchSubmitResponse:
        batch = wire.batch_from_proto(request, current_sender(), self._profile)
        outcomes = await self._submissions.submit_many(batch.command) if batch.command.submissions else ()
        return wire.batch_to_proto(batch, outcomes)

    async def GetDelivery(self, request: pb.GetDeliveryRequest, context: Context) -> pb.GetDeliveryResponse:
        problems = Problems()
        delivery_id = problems.id("delivery_id", request.delivery_id)
        problems.raise_if_any()
        delivery = await self._desk.get_delivery(current_sender(), delivery_id)
        return pb.GetDeliveryResponse(delivery=wire.delivery_to_proto(delivery))

    async def ListDeliveries(
        self, request: pb.ListDeliveriesRequest, context: Context
    ) -> pb.ListDeliveriesResponse:
        command = wire.list_deliveries_from_proto(request, current_sender(), self._profile)
        page = await self._desk.list_deliveries(command)
        return wire.deliveries_to_proto(page)

    async def WithdrawDelivery(
        self, request: pb.WithdrawDeliveryRequest, context: Context
    ) -> pb.WithdrawDeliveryResponse:
        command = wire.withdraw_from_proto(request, current_sender())
        return wire.withdrawn_to_proto(await self._withdrawal.withdraw(command))

    async def WatchDeliveries(
        self, request: pb.WatchDeliveriesRequest, context: Context
    ) -> AsyncIterator[pb.WatchDeliveriesResponse]:
        command = follow_from_proto(request, current_sender())
        async with aclosing(self._following.follow(command)) as replies:
            async for reply in replies:
                current_call().follows()
                yield deliveries_reply_to_proto(reply)
