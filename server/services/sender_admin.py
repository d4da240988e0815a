"""SenderAdminService: the register of who may send."""

from namak.v1 import sender_admin_pb2 as pb
from namak.v1 import sender_admin_pb2_grpc
from server.domain.profile import Profile
from server.services import (
    acts_wire,
    administrators_wire,
    certificates_wire,
    domains_wire,
    organisations_wire,
    sender_addresses_wire,
)
from server.services.call import Context
from server.usecases.sender_admin import SenderAdmin


class SenderAdminServicer(sender_admin_pb2_grpc.SenderAdminServiceServicer):
    """Translates the calls of the operator and of administrators. `development` permits loopback networks,
    and nothing else.
    """

    def __init__(self, admin: SenderAdmin, profile: Profile, *, development: bool) -> None:
        self._organisations = admin.organisations
        self._administrators = admin.administrators
        self._domains = admin.domains
        self._addresses = admin.addresses
        self._certificates = admin.certificates
        self._acts = admin.acts
        self._profile = profile
        self._development = development

    # Organisations

    async def RegisterOrganisation(
        self, request: pb.RegisterOrganisationRequest, context: Context
    ) -> pb.RegisterOrganisationResponse:
        command = organisations_wire.register_organisation_from_proto(request, self._profile)
        view = await self._organisations.register_organisation(command)
        return pb.RegisterOrganisationResponse(organisation=organisations_wire.organisation_to_proto(view))

    async def SetContractState(
        self, request: pb.SetContractStateRequest, context: Context
    ) -> pb.SetContractStateResponse:
        command = organisations_wire.set_contract_state_from_proto(request)
        view = await self._organisations.set_contract_state(command)
        return pb.SetContractStateResponse(organisation=organisations_wire.organisation_to_proto(view))

    async def UpdateOrganisation(
        self, request: pb.UpdateOrganisationRequest, context: Context
    ) -> pb.UpdateOrganisationResponse:
        command = organisations_wire.update_organisation_from_proto(request)
        view = await self._organisations.update_organisation(command)
        return pb.UpdateOrganisationResponse(organisation=organisations_wire.organisation_to_proto(view))

    async def GetOrganisation(
        self, request: pb.GetOrganisationRequest, context: Context
    ) -> pb.GetOrganisationResponse:
        by, organisation_id = organisations_wire.get_organisation_from_proto(request)
        view = await self._organisations.get_organisation(by, organisation_id)
        return pb.GetOrganisationResponse(organisation=organisations_wire.organisation_to_proto(view))

    async def ListOrganisations(
        self, request: pb.ListOrganisationsRequest, context: Context
    ) -> pb.ListOrganisationsResponse:
        command = organisations_wire.list_organisations_from_proto(request, self._profile)
        return organisations_wire.organisations_to_proto(
            await self._organisations.list_organisations(command)
        )

    # Administrators

    async def EnableAdministrator(
        self, request: pb.EnableAdministratorRequest, context: Context
    ) -> pb.EnableAdministratorResponse:
        command = administrators_wire.enable_administrator_from_proto(request, self._profile)
        administrator = await self._administrators.enable_administrator(command)
        shown = administrators_wire.administrator_to_proto(administrator)
        return pb.EnableAdministratorResponse(administrator=shown)

    async def DisableAdministrator(
        self, request: pb.DisableAdministratorRequest, context: Context
    ) -> pb.DisableAdministratorResponse:
        command = administrators_wire.disable_administrator_from_proto(request, self._profile)
        administrator = await self._administrators.disable_administrator(command)
        shown = administrators_wire.administrator_to_proto(administrator)
        return pb.DisableAdministratorResponse(administrator=shown)

    async def ListAdministrators(
        self, request: pb.ListAdministratorsRequest, context: Context
    ) -> pb.ListAdministratorsResponse:
        command = administrators_wire.list_administrators_from_proto(request)
        page = await self._administrators.list_administrators(command)
        return administrators_wire.administrators_to_proto(page)

    # Domains

    async def RegisterDomain(
        self, request: pb.RegisterDomainRequest, context: Context
    ) -> pb.RegisterDomainResponse:
        command = domains_wire.register_domain_from_proto(request, self._profile)
        domain = await self._domains.register_domain(command)
        return pb.RegisterDomainResponse(domain=domains_wire.domain_to_proto(domain))

    async def RequestDomainProof(
        self, request: pb.RequestDomainProofRequest, context: Context
    ) -> pb.RequestDomainProofResponse:
        command = domains_wire.request_domain_proof_from_proto(request, self._profile)
        return domains_wire.challenge_to_proto(await self._domains.request_proof(command))

    async def ProveDomain(self, request: pb.ProveDomainRequest, context: Context) -> pb.ProveDomainResponse:
        command = domains_wire.prove_domain_from_proto(request, self._profile)
        domain = await self._domains.prove_domain(command)
        return pb.ProveDomainResponse(domain=domains_wire.domain_to_proto(domain))

    async def ListDomains(self, request: pb.ListDomainsRequest, context: Context) -> pb.ListDomainsResponse:
        command = domains_wire.list_domains_from_proto(request)
        return domains_wire.domains_to_proto(await self._domains.list_domains(command))

    async def DeleteDomain(
        self, request: pb.DeleteDomainRequest, context: Context
    ) -> pb.DeleteDomainResponse:
        command = domains_wire.delete_domain_from_proto(request, self._profile)
        await self._domains.delete_domain(command)
        return pb.DeleteDomainResponse()

    # Sender addresses

    async def RegisterSenderAddress(
        self, request: pb.RegisterSenderAddressRequest, context: Context
    ) -> pb.RegisterSenderAddressResponse:
        command = sender_addresses_wire.register_sender_address_from_proto(
            request, self._profile, development=self._development
        )
        address = await self._addresses.register_sender_address(command)
        shown = sender_addresses_wire.sender_address_to_proto(address)
        return pb.RegisterSenderAddressResponse(sender_address=shown)

    async def SuspendSenderAddress(
        self, request: pb.SuspendSenderAddressRequest, context: Context
    ) -> pb.SuspendSenderAddressResponse:
        command = sender_addresses_wire.set_suspended_from_proto(request, suspended=True)
        address = await self._addresses.set_suspended(command)
        shown = sender_addresses_wire.sender_address_to_proto(address)
        return pb.SuspendSenderAddressResponse(sender_address=shown)

    async def ResumeSenderAddress(
        self, request: pb.ResumeSenderAddressRequest, context: Context
    ) -> pb.ResumeSenderAddressResponse:
        command = sender_addresses_wire.set_suspended_from_proto(request, suspended=False)
        address = await self._addresses.set_suspended(command)
        shown = sender_addresses_wire.sender_address_to_proto(address)
        return pb.ResumeSenderAddressResponse(sender_address=shown)

    async def GetSenderAddress(
        self, request: pb.GetSenderAddressRequest, context: Context
    ) -> pb.GetSenderAddressResponse:
        command = sender_addresses_wire.get_sender_address_from_proto(request)
        address = await self._addresses.get_sender_address(command)
        shown = sender_addresses_wire.sender_address_to_proto(address)
        return pb.GetSenderAddressResponse(sender_address=shown)

    async def ListSenderAddresses(
        self, request: pb.ListSenderAddressesRequest, context: Context
    ) -> pb.ListSenderAddressesResponse:
        command = sender_addresses_wire.list_sender_addresses_from_proto(request, self._profile)
        page = await self._addresses.list_sender_addresses(command)
        return sender_addresses_wire.sender_addresses_to_proto(page)

    async def UpdateSenderAddress(
        self, request: pb.UpdateSenderAddressRequest, context: Context
    ) -> pb.UpdateSenderAddressResponse:
        command = sender_addresses_wire.update_sender_address_from_proto(
            request, development=self._development
        )
        address = await self._addresses.update_sender_address(command)
        shown = sender_addresses_wire.sender_address_to_proto(address)
        return pb.UpdateSenderAddressResponse(sender_address=shown)

    async def DeleteSenderAddress(
        self, request: pb.DeleteSenderAddressRequest, context: Context
    ) -> pb.DeleteSenderAddressResponse:
        command = sender_addresses_wire.delete_sender_address_from_proto(request)
        await self._addresses.delete_sender_address(command)
        return pb.DeleteSenderAddressResponse()

    # Certificates

    async def BindCertificate(
        self, request: pb.BindCertificateRequest, context: Context
    ) -> pb.BindCertificateResponse:
        command = certificates_wire.bind_certificate_from_proto(request)
        binding = await self._certificates.bind_certificate(command)
        return pb.BindCertificateResponse(binding=certificates_wire.binding_to_proto(binding))

    async def RevokeCertificate(
        self, request: pb.RevokeCertificateRequest, context: Context
    ) -> pb.RevokeCertificateResponse:
        command = certificates_wire.revoke_certificate_from_proto(request)
        binding = await self._certificates.revoke_certificate(command)
        return pb.RevokeCertificateResponse(binding=certificates_wire.binding_to_proto(binding))

    async def ListCertificateBindings(
        self, request: pb.ListCertificateBindingsRequest, context: Context
    ) -> pb.ListCertificateBindingsResponse:
        command = certificates_wire.list_bindings_from_proto(request)
        return certificates_wire.bindings_to_proto(await self._certificates.list_bindings(command))

    # Administrative acts

    async def ListAdministrativeActs(
        self, request: pb.ListAdministrativeActsRequest, context: Context
    ) -> pb.ListAdministrativeActsResponse:
        command = acts_wire.list_acts_from_proto(request)
        return acts_wire.acts_to_proto(await self._acts.list_acts(command))
