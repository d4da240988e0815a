"""DelegationService: holders give others rights in their mailboxes, and take them back."""

from namak.v1 import delegation_pb2 as pb
from namak.v1 import delegation_pb2_grpc
from server.domain.profile import Profile
from server.services import delegation_wire as wire
from server.services.acting import current_administrating
from server.services.call import Context, current_holder
from server.usecases.delegations import DelegationDesk


class DelegationServicer(delegation_pb2_grpc.DelegationServiceServicer):
    """Translates the calls of holders, signatories and delegates, and the operator's."""

    def __init__(self, desk: DelegationDesk, profile: Profile) -> None:
        self._desk = desk
        self._profile = profile

    async def GrantDelegation(
        self, request: pb.GrantDelegationRequest, context: Context
    ) -> pb.GrantDelegationResponse:
        granted = await self._desk.grant(wire.grant_from_proto(request, current_holder(), self._profile))
        return pb.GrantDelegationResponse(delegation=wire.delegation_to_proto(granted))

    async def RevokeDelegation(
        self, request: pb.RevokeDelegationRequest, context: Context
    ) -> pb.RevokeDelegationResponse:
        revoked = await self._desk.revoke(wire.revoke_from_proto(request, current_holder()))
        return pb.RevokeDelegationResponse(delegation=wire.delegation_to_proto(revoked))

    async def ListDelegations(
        self, request: pb.ListDelegationsRequest, context: Context
    ) -> pb.ListDelegationsResponse:
        command = wire.list_from_proto(request, current_administrating(), self._profile)
        return wire.page_to_proto(await self._desk.list_delegations(command))
