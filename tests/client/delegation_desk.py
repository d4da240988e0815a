"""The desk at which holders give others rights in their mailbox, and take them back."""

# ruff: noqa: N802 - servicers answer under the names that the contract gives them

from namak.v1 import delegation_pb2 as pb
from namak.v1 import delegation_pb2_grpc
from tests.client.desk import Context, Desk
from tests.client.office import Office

GRANTED = "0192f0c3-0000-7000-8000-0000000000d1"


class DelegationDesk(Desk, delegation_pb2_grpc.DelegationServiceServicer):
    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._granted: dict[str, pb.Delegation] = {}

    async def GrantDelegation(
        self, request: pb.GrantDelegationRequest, context: Context
    ) -> pb.GrantDelegationResponse:
        def work() -> pb.GrantDelegationResponse:
            granted = pb.Delegation(
                delegation_id=GRANTED,
                mailbox=request.mailbox or "5001950015@e-citizen.am",
                delegate=request.delegate,
                right=request.right,
                start_time=request.start_time,
                expire_time=request.expire_time,
            )
            self._granted[GRANTED] = granted
            return pb.GrantDelegationResponse(delegation=granted)

        return await self.serve(context, {"citizen"}, work)

    async def RevokeDelegation(
        self, request: pb.RevokeDelegationRequest, context: Context
    ) -> pb.RevokeDelegationResponse:
        def work() -> pb.RevokeDelegationResponse:
            revoked = self._granted.pop(request.delegation_id)
            revoked.revoke_time.GetCurrentTime()
            return pb.RevokeDelegationResponse(delegation=revoked)

        return await self.serve(context, {"citizen"}, work)
