"""ForwardingService: holders have copies of their messages sent to addresses of their own."""

from namak.v1 import forwarding_pb2 as pb
from namak.v1 import forwarding_pb2_grpc
from server.domain.profile import Profile
from server.services import forwarding_wire as wire
from server.services.call import Context, current_holder
from server.usecases.forwarding import ForwardingDesk


class ForwardingServicer(forwarding_pb2_grpc.ForwardingServiceServicer):
    """Translates the calls of holders and signatories."""

    def __init__(self, desk: ForwardingDesk, profile: Profile, own_domains: frozenset[str]) -> None:
        self._desk = desk
        self._profile = profile
        self._own_domains = own_domains

    async def AddForwardingTarget(
        self, request: pb.AddForwardingTargetRequest, context: Context
    ) -> pb.AddForwardingTargetResponse:
        command = wire.add_from_proto(request, current_holder(), self._profile, self._own_domains)
        target = await self._desk.add_target(command)
        return pb.AddForwardingTargetResponse(target=wire.target_to_proto(target))

    async def SendForwardingCode(
        self, request: pb.SendForwardingCodeRequest, context: Context
    ) -> pb.SendForwardingCodeResponse:
        await self._desk.send_code(wire.send_code_from_proto(request, current_holder(), self._profile))
        return pb.SendForwardingCodeResponse()

    async def VerifyForwardingTarget(
        self, request: pb.VerifyForwardingTargetRequest, context: Context
    ) -> pb.VerifyForwardingTargetResponse:
        command = wire.verify_from_proto(request, current_holder(), self._profile)
        target = await self._desk.verify_target(command)
        return pb.VerifyForwardingTargetResponse(target=wire.target_to_proto(target))

    async def ChangeForwardingTarget(
        self, request: pb.ChangeForwardingTargetRequest, context: Context
    ) -> pb.ChangeForwardingTargetResponse:
        command = wire.change_from_proto(request, current_holder(), self._profile)
        target = await self._desk.change_target(command)
        return pb.ChangeForwardingTargetResponse(target=wire.target_to_proto(target))

    async def RemoveForwardingTarget(
        self, request: pb.RemoveForwardingTargetRequest, context: Context
    ) -> pb.RemoveForwardingTargetResponse:
        await self._desk.remove_target(wire.remove_from_proto(request, current_holder(), self._profile))
        return pb.RemoveForwardingTargetResponse()

    async def ListForwardingTargets(
        self, request: pb.ListForwardingTargetsRequest, context: Context
    ) -> pb.ListForwardingTargetsResponse:
        mailbox = wire.list_from_proto(request, self._profile)
        targets = await self._desk.list_targets(current_holder(), mailbox)
        return pb.ListForwardingTargetsResponse(targets=[wire.target_to_proto(each) for each in targets])
