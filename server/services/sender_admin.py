"""SenderAdminService: the register of who may send."""

from namak.v1 import sender_admin_pb2 as pb
from namak.v1 import sender_admin_pb2_grpc
from server.domain.profile import Profile
from server.services import sender_admin_wire as wire
from server.services.call import Context
from server.usecases.sender_admin import SenderAdmin


class SenderAdminServicer(sender_admin_pb2_grpc.SenderAdminServiceServicer):
    """Translates the calls of the operator. `development` permits loopback networks, and nothing else."""

    def __init__(self, admin: SenderAdmin, profile: Profile, *, development: bool) -> None:
        self._admin = admin
        self._profile = profile
        self._development = development

    async def RegisterOrganisation(
        self, request: pb.RegisterOrganisationRequest, context: Context
    ) -> pb.RegisterOrganisationResponse:
        command = wire.register_organisation_from_proto(request, self._profile)
        organisation = await self._admin.register_organisation(command)
        return pb.RegisterOrganisationResponse(organisation=wire.organisation_to_proto(organisation))

    async def SetContractState(
        self, request: pb.SetContractStateRequest, context: Context
    ) -> pb.SetContractStateResponse:
        command = wire.set_contract_state_from_proto(request)
        organisation = await self._admin.set_contract_state(command)
        return pb.SetContractStateResponse(organisation=wire.organisation_to_proto(organisation))

    async def RegisterDomain(
        self, request: pb.RegisterDomainRequest, context: Context
    ) -> pb.RegisterDomainResponse:
        command = wire.register_domain_from_proto(request, self._profile)
        domain = await self._admin.register_domain(command)
        return pb.RegisterDomainResponse(domain=wire.domain_to_proto(domain))

    async def RegisterSenderAddress(
        self, request: pb.RegisterSenderAddressRequest, context: Context
    ) -> pb.RegisterSenderAddressResponse:
        command = wire.register_sender_address_from_proto(
            request, self._profile, development=self._development
        )
        address = await self._admin.register_sender_address(command)
        return pb.RegisterSenderAddressResponse(sender_address=wire.sender_address_to_proto(address))

    async def SuspendSenderAddress(
        self, request: pb.SuspendSenderAddressRequest, context: Context
    ) -> pb.SuspendSenderAddressResponse:
        command = wire.set_suspended_from_proto(request, suspended=True)
        address = await self._admin.set_suspended(command)
        return pb.SuspendSenderAddressResponse(sender_address=wire.sender_address_to_proto(address))

    async def ResumeSenderAddress(
        self, request: pb.ResumeSenderAddressRequest, context: Context
    ) -> pb.ResumeSenderAddressResponse:
        command = wire.set_suspended_from_proto(request, suspended=False)
        address = await self._admin.set_suspended(command)
        return pb.ResumeSenderAddressResponse(sender_address=wire.sender_address_to_proto(address))

    async def BindCertificate(
        self, request: pb.BindCertificateRequest, context: Context
    ) -> pb.BindCertificateResponse:
        command = wire.bind_certificate_from_proto(request)
        binding = await self._admin.bind_certificate(command)
        return pb.BindCertificateResponse(binding=wire.binding_to_proto(binding))

    async def RevokeCertificate(
        self, request: pb.RevokeCertificateRequest, context: Context
    ) -> pb.RevokeCertificateResponse:
        command = wire.revoke_certificate_from_proto(request)
        binding = await self._admin.revoke_certificate(command)
        return pb.RevokeCertificateResponse(binding=wire.binding_to_proto(binding))
