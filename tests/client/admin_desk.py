"""The office's desk for the operator: registers, and gives back what it was told under a known request id."""

# ruff: noqa: N802 - servicers answer under the names that the contract gives them

import hashlib
from collections.abc import Callable
from typing import TypeVar

import grpc

from namak.v1 import sender_admin_pb2 as pb
from tests.client.desk import Context, Desk
from tests.client.elsewhere import AdminElsewhere
from tests.client.refusing import Refusal

T = TypeVar("T")


class AdminDesk(Desk, AdminElsewhere):
    async def _operator(self, context: Context, work: Callable[[], T]) -> T:
        return await self.serve(context, {"operator"}, work)

    async def RegisterOrganisation(
        self, request: pb.RegisterOrganisationRequest, context: Context
    ) -> pb.RegisterOrganisationResponse:
        def work() -> pb.RegisterOrganisationResponse:
            known = self.office.registered(request.request_id)
            made = pb.Organisation(
                organisation_id=known, code=request.code, display_name=request.display_name
            )
            return pb.RegisterOrganisationResponse(organisation=made)

        return await self._operator(context, work)

    async def SetContractState(
        self, request: pb.SetContractStateRequest, context: Context
    ) -> pb.SetContractStateResponse:
        def work() -> pb.SetContractStateResponse:
            self.office.registered(request.request_id)
            made = pb.Organisation(
                organisation_id=request.organisation_id, contract_state=request.contract_state
            )
            return pb.SetContractStateResponse(organisation=made)

        return await self._operator(context, work)

    async def RegisterDomain(
        self, request: pb.RegisterDomainRequest, context: Context
    ) -> pb.RegisterDomainResponse:
        def work() -> pb.RegisterDomainResponse:
            self.office.registered(request.request_id)
            made = pb.Domain(organisation_id=request.organisation_id, name=request.name)
            return pb.RegisterDomainResponse(domain=made)

        return await self._operator(context, work)

    async def RegisterSenderAddress(
        self, request: pb.RegisterSenderAddressRequest, context: Context
    ) -> pb.RegisterSenderAddressResponse:
        def work() -> pb.RegisterSenderAddressResponse:
            made = pb.SenderAddress(
                sender_address_id=self.office.registered(request.request_id),
                organisation_id=request.organisation_id,
                address=request.address,
                networks=request.networks,
                sms_permitted=request.sms_permitted,
            )
            return pb.RegisterSenderAddressResponse(sender_address=made)

        return await self._operator(context, work)

    async def GetSenderAddress(
        self, request: pb.GetSenderAddressRequest, context: Context
    ) -> pb.GetSenderAddressResponse:
        def work() -> pb.GetSenderAddressResponse:
            kept = pb.SenderAddress(
                sender_address_id=request.sender_address_id,
                address="notices@src.am",
                networks=["8.8.8.0/28"],
                etag="1",
            )
            return pb.GetSenderAddressResponse(sender_address=kept)

        return await self._operator(context, work)

    async def ListAdministrativeActs(
        self, request: pb.ListAdministrativeActsRequest, context: Context
    ) -> pb.ListAdministrativeActsResponse:
        return await self._operator(context, lambda: pb.ListAdministrativeActsResponse(acts=self.office.acts))

    async def UpdateSenderAddress(
        self, request: pb.UpdateSenderAddressRequest, context: Context
    ) -> pb.UpdateSenderAddressResponse:
        def work() -> pb.UpdateSenderAddressResponse:
            networks = request.sender_address.networks
            if "0.0.0.0/0" in networks:
                field = f"sender_address.networks[{list(networks).index('0.0.0.0/0')}]"
                raise Refusal(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "INVALID_FIELDS",
                    f"{field}: is too wide",
                    fields=[(field, "TOO_WIDE", "is too wide")],
                )
            self.office.registered(request.request_id)
            return pb.UpdateSenderAddressResponse(sender_address=request.sender_address)

        return await self._operator(context, work)

    async def SuspendSenderAddress(
        self, request: pb.SuspendSenderAddressRequest, context: Context
    ) -> pb.SuspendSenderAddressResponse:
        def work() -> pb.SuspendSenderAddressResponse:
            self.office.registered(request.request_id)
            made = pb.SenderAddress(sender_address_id=request.sender_address_id, suspended=True)
            return pb.SuspendSenderAddressResponse(sender_address=made)

        return await self._operator(context, work)

    async def ResumeSenderAddress(
        self, request: pb.ResumeSenderAddressRequest, context: Context
    ) -> pb.ResumeSenderAddressResponse:
        def work() -> pb.ResumeSenderAddressResponse:
            self.office.registered(request.request_id)
            made = pb.SenderAddress(sender_address_id=request.sender_address_id)
            return pb.ResumeSenderAddressResponse(sender_address=made)

        return await self._operator(context, work)

    async def BindCertificate(
        self, request: pb.BindCertificateRequest, context: Context
    ) -> pb.BindCertificateResponse:
        def work() -> pb.BindCertificateResponse:
            self.office.registered(request.request_id)
            made = pb.CertificateBinding(
                certificate_sha256=hashlib.sha256(request.certificate).digest(),
                organisation_id=request.organisation_id,
                sender_address_id=request.sender_address_id,
            )
            return pb.BindCertificateResponse(binding=made)

        return await self._operator(context, work)

    async def RevokeCertificate(
        self, request: pb.RevokeCertificateRequest, context: Context
    ) -> pb.RevokeCertificateResponse:
        def work() -> pb.RevokeCertificateResponse:
            self.office.registered(request.request_id)
            made = pb.CertificateBinding(certificate_sha256=request.certificate_sha256)
            made.revoke_time.GetCurrentTime()
            return pb.RevokeCertificateResponse(binding=made)

        return await self._operator(context, work)
