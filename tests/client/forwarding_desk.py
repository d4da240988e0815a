"""The desk at which holders have messages forwarded to addresses of their own."""

# ruff: noqa: N802 - servicers answer under the names that the contract gives them

from namak.v1 import forwarding_pb2 as pb
from namak.v1 import forwarding_pb2_grpc
from tests.client.desk import Context, Desk
from tests.client.office import Office

ADDED = "0192f0c3-0000-7000-8000-0000000000f1"
CODE = "012345"


class ForwardingDesk(Desk, forwarding_pb2_grpc.ForwardingServiceServicer):
    """Has room for one target, whose code is always the same."""

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._targets: dict[str, pb.ForwardingTarget] = {}

    async def AddForwardingTarget(
        self, request: pb.AddForwardingTargetRequest, context: Context
    ) -> pb.AddForwardingTargetResponse:
        def work() -> pb.AddForwardingTargetResponse:
            target = pb.ForwardingTarget(
                target_id=ADDED, content=request.content, language=request.language or "hy"
            )
            target.add_time.GetCurrentTime()
            if request.email:
                target.email = request.email
            else:
                target.phone = request.phone
            self._targets[ADDED] = target
            return pb.AddForwardingTargetResponse(target=target)

        return await self.serve(context, {"citizen"}, work)

    async def SendForwardingCode(
        self, request: pb.SendForwardingCodeRequest, context: Context
    ) -> pb.SendForwardingCodeResponse:
        def work() -> pb.SendForwardingCodeResponse:
            assert request.target_id in self._targets
            return pb.SendForwardingCodeResponse()

        return await self.serve(context, {"citizen"}, work)

    async def VerifyForwardingTarget(
        self, request: pb.VerifyForwardingTargetRequest, context: Context
    ) -> pb.VerifyForwardingTargetResponse:
        def work() -> pb.VerifyForwardingTargetResponse:
            assert request.code == CODE
            target = self._targets[request.target_id]
            target.verify_time.GetCurrentTime()
            result = pb.ForwardingResult(
                outcome=pb.FORWARDING_OUTCOME_BOUNCED,
                reason="NO_SUCH_ADDRESS",
                diagnostic="550 no such user",
                failures_in_a_row=3,
            )
            result.result_time.GetCurrentTime()
            target.last_result.CopyFrom(result)
            return pb.VerifyForwardingTargetResponse(target=target)

        return await self.serve(context, {"citizen"}, work)

    async def ChangeForwardingTarget(
        self, request: pb.ChangeForwardingTargetRequest, context: Context
    ) -> pb.ChangeForwardingTargetResponse:
        def work() -> pb.ChangeForwardingTargetResponse:
            target = self._targets[request.target_id]
            target.content = request.content or target.content
            target.language = request.language or target.language
            return pb.ChangeForwardingTargetResponse(target=target)

        return await self.serve(context, {"citizen"}, work)

    async def RemoveForwardingTarget(
        self, request: pb.RemoveForwardingTargetRequest, context: Context
    ) -> pb.RemoveForwardingTargetResponse:
        def work() -> pb.RemoveForwardingTargetResponse:
            del self._targets[request.target_id]
            return pb.RemoveForwardingTargetResponse()

        return await self.serve(context, {"citizen"}, work)

    async def ListForwardingTargets(
        self, request: pb.ListForwardingTargetsRequest, context: Context
    ) -> pb.ListForwardingTargetsResponse:
        def work() -> pb.ListForwardingTargetsResponse:
            shown = self._targets.values() if not request.mailbox else ()
            return pb.ListForwardingTargetsResponse(targets=shown)

        return await self.serve(context, {"citizen"}, work)
