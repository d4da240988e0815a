"""The register's organisations, their administrators and domains (SenderAdminService)."""

from collections.abc import AsyncIterator, Sequence
from datetime import date

from google.protobuf.field_mask_pb2 import FieldMask

from namak.client.letters import new_request_id
from namak.client.link import Link
from namak.client.paging import paged
from namak.client.times import day_message
from namak.v1 import sender_admin_pb2, sender_admin_pb2_grpc


class Organisations:
    """The calls about organisations. ``acting_as`` is for administrators; the operator leaves it empty."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _register(self) -> sender_admin_pb2_grpc.SenderAdminServiceStub:
        return sender_admin_pb2_grpc.SenderAdminServiceStub(self._link.channel())

    async def register_organisation(
        self, *, code: str, display_name: str, request_id: str | None = None
    ) -> sender_admin_pb2.Organisation:
        """Registers an organisation by its legal entity code."""
        request = sender_admin_pb2.RegisterOrganisationRequest(
            request_id=request_id or new_request_id(), code=code, display_name=display_name
        )
        return (await self._link.unary(self._register().RegisterOrganisation, request)).organisation

    async def organisation(
        self, organisation_id: str, *, acting_as: str = ""
    ) -> sender_admin_pb2.Organisation:
        """Returns one organisation."""
        request = sender_admin_pb2.GetOrganisationRequest(
            acting_as=acting_as, organisation_id=organisation_id
        )
        return (await self._link.unary(self._register().GetOrganisation, request)).organisation

    def organisations(
        self,
        *,
        code: str = "",
        contract_state: sender_admin_pb2.ContractState.ValueType = (
            sender_admin_pb2.CONTRACT_STATE_UNSPECIFIED
        ),
        page_size: int = 0,
    ) -> AsyncIterator[sender_admin_pb2.Organisation]:
        """Yields the organisations that the caller may see, by code."""
        request = sender_admin_pb2.ListOrganisationsRequest(
            code=code, contract_state=contract_state, page_size=page_size
        )
        return paged(self._link, self._register().ListOrganisations, request, "organisations")

    async def rename_organisation(
        self, organisation_id: str, display_name: str, *, etag: str = "", request_id: str | None = None
    ) -> sender_admin_pb2.Organisation:
        """Changes an organisation's name. Raises WrongState (ETAG_MISMATCH) when ``etag`` is not the current
        one.
        """
        request = sender_admin_pb2.UpdateOrganisationRequest(
            request_id=request_id or new_request_id(),
            organisation=sender_admin_pb2.Organisation(
                organisation_id=organisation_id, display_name=display_name, etag=etag
            ),
            update_mask=FieldMask(paths=["display_name"]),
        )
        return (await self._link.unary(self._register().UpdateOrganisation, request)).organisation

    async def set_notification_policies(
        self, organisation_id: str, policies: Sequence[str], *, etag: str = "", request_id: str | None = None
    ) -> sender_admin_pb2.Organisation:
        """Sets the notification policies that an organisation's contract permits, its usual one first; none
        for the operator's usual one. Raises WrongState (ETAG_MISMATCH) as renaming does.
        """
        request = sender_admin_pb2.UpdateOrganisationRequest(
            request_id=request_id or new_request_id(),
            organisation=sender_admin_pb2.Organisation(
                organisation_id=organisation_id, notification_policies=policies, etag=etag
            ),
            update_mask=FieldMask(paths=["notification_policies"]),
        )
        return (await self._link.unary(self._register().UpdateOrganisation, request)).organisation

    async def set_contract_state(
        self,
        organisation_id: str,
        contract_state: sender_admin_pb2.ContractState.ValueType,
        *,
        end_date: date | None = None,
        request_id: str | None = None,
    ) -> sender_admin_pb2.Organisation:
        """Sets the state of an organisation's contract; it counts from the next submission on.

        ``end_date`` is the last day in force, in the operator's time zone; None takes back one that was set.
        """
        request = sender_admin_pb2.SetContractStateRequest(
            request_id=request_id or new_request_id(),
            organisation_id=organisation_id,
            contract_state=contract_state,
            contract_end_date=day_message(end_date),
        )
        return (await self._link.unary(self._register().SetContractState, request)).organisation

    async def enable_administrator(
        self,
        organisation_id: str,
        *,
        person_number: str,
        display_name: str,
        request_id: str | None = None,
    ) -> sender_admin_pb2.Administrator:
        """Lets a person act for an organisation, with this and every later certificate of theirs."""
        request = sender_admin_pb2.EnableAdministratorRequest(
            request_id=request_id or new_request_id(),
            organisation_id=organisation_id,
            person_number=person_number,
            display_name=display_name,
        )
        return (await self._link.unary(self._register().EnableAdministrator, request)).administrator

    async def disable_administrator(
        self, organisation_id: str, *, person_number: str, request_id: str | None = None
    ) -> sender_admin_pb2.Administrator:
        """Ends a person's rights as administrator of an organisation."""
        request = sender_admin_pb2.DisableAdministratorRequest(
            request_id=request_id or new_request_id(),
            organisation_id=organisation_id,
            person_number=person_number,
        )
        return (await self._link.unary(self._register().DisableAdministrator, request)).administrator

    def administrators(
        self,
        organisation_id: str,
        *,
        show_disabled: bool = False,
        acting_as: str = "",
        page_size: int = 0,
    ) -> AsyncIterator[sender_admin_pb2.Administrator]:
        """Yields an organisation's administrators, by personal number."""
        request = sender_admin_pb2.ListAdministratorsRequest(
            acting_as=acting_as,
            organisation_id=organisation_id,
            show_disabled=show_disabled,
            page_size=page_size,
        )
        return paged(self._link, self._register().ListAdministrators, request, "administrators")

    async def register_domain(
        self, organisation_id: str, *, name: str, document_reference: str, request_id: str | None = None
    ) -> sender_admin_pb2.Domain:
        """Registers a domain as the organisation's own, on a document that proves it."""
        request = sender_admin_pb2.RegisterDomainRequest(
            request_id=request_id or new_request_id(),
            organisation_id=organisation_id,
            name=name,
            document_reference=document_reference,
        )
        return (await self._link.unary(self._register().RegisterDomain, request)).domain

    async def request_domain_proof(
        self, organisation_id: str, *, name: str, acting_as: str = ""
    ) -> sender_admin_pb2.RequestDomainProofResponse:
        """Returns the TXT record that proves the ownership of a domain once it stands in the DNS."""
        request = sender_admin_pb2.RequestDomainProofRequest(
            acting_as=acting_as, organisation_id=organisation_id, name=name
        )
        return await self._link.unary(self._register().RequestDomainProof, request)

    async def prove_domain(
        self, organisation_id: str, *, name: str, acting_as: str = "", request_id: str | None = None
    ) -> sender_admin_pb2.Domain:
        """Has the post look for the record and register the domain. Raises WrongState (DOMAIN_PROOF_MISSING)
        while it is not there; that leaves the request id free.
        """
        request = sender_admin_pb2.ProveDomainRequest(
            request_id=request_id or new_request_id(),
            acting_as=acting_as,
            organisation_id=organisation_id,
            name=name,
        )
        return (await self._link.unary(self._register().ProveDomain, request)).domain

    def domains(
        self, organisation_id: str, *, acting_as: str = "", page_size: int = 0
    ) -> AsyncIterator[sender_admin_pb2.Domain]:
        """Yields an organisation's domains, by name."""
        request = sender_admin_pb2.ListDomainsRequest(
            acting_as=acting_as, organisation_id=organisation_id, page_size=page_size
        )
        return paged(self._link, self._register().ListDomains, request, "domains")

    async def delete_domain(
        self, organisation_id: str, *, name: str, acting_as: str = "", request_id: str | None = None
    ) -> None:
        """Gives a domain up. Raises WrongState (RESOURCE_IN_USE) while an address needs it."""
        request = sender_admin_pb2.DeleteDomainRequest(
            request_id=request_id or new_request_id(),
            acting_as=acting_as,
            organisation_id=organisation_id,
            name=name,
        )
        await self._link.unary(self._register().DeleteDomain, request)
