"""The operator's calls: who may send, and who has a mailbox (SenderAdminService, MailboxService.OpenMailbox).

Each takes a ``request_id``; one that is missing is made up and kept over all tries of the call.
"""

from collections.abc import Sequence

from namak.client.letters import new_request_id
from namak.client.link import Link
from namak.v1 import mailbox_pb2, mailbox_pb2_grpc, sender_admin_pb2, sender_admin_pb2_grpc


class Administration:
    """The calls of the operator."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def _stub(self) -> sender_admin_pb2_grpc.SenderAdminServiceStub:
        return sender_admin_pb2_grpc.SenderAdminServiceStub(self._link.channel())

    async def register_organisation(
        self, *, code: str, display_name: str, request_id: str | None = None
    ) -> sender_admin_pb2.Organisation:
        """Registers an organisation by its legal entity code."""
        request = sender_admin_pb2.RegisterOrganisationRequest(
            request_id=request_id or new_request_id(), code=code, display_name=display_name
        )
        return (await self._link.unary(self._stub().RegisterOrganisation, request)).organisation

    async def set_contract_state(
        self,
        organisation_id: str,
        contract_state: sender_admin_pb2.ContractState.ValueType,
        *,
        request_id: str | None = None,
    ) -> sender_admin_pb2.Organisation:
        """Sets the state of an organisation's contract; it counts from the next submission on."""
        request = sender_admin_pb2.SetContractStateRequest(
            request_id=request_id or new_request_id(),
            organisation_id=organisation_id,
            contract_state=contract_state,
        )
        return (await self._link.unary(self._stub().SetContractState, request)).organisation

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
        return (await self._link.unary(self._stub().RegisterDomain, request)).domain

    async def register_sender_address(
        self,
        organisation_id: str,
        *,
        address: str,
        networks: Sequence[str],
        sms_permitted: bool = False,
        request_id: str | None = None,
    ) -> sender_admin_pb2.SenderAddress:
        """Registers an address with the networks (CIDR) that it may send from."""
        request = sender_admin_pb2.RegisterSenderAddressRequest(
            request_id=request_id or new_request_id(),
            organisation_id=organisation_id,
            address=address,
            networks=networks,
            sms_permitted=sms_permitted,
        )
        return (await self._link.unary(self._stub().RegisterSenderAddress, request)).sender_address

    async def suspend_sender_address(
        self, sender_address_id: str, *, request_id: str | None = None
    ) -> sender_admin_pb2.SenderAddress:
        """Suspends an address: what it submits is refused, with evidence."""
        request = sender_admin_pb2.SuspendSenderAddressRequest(
            request_id=request_id or new_request_id(), sender_address_id=sender_address_id
        )
        return (await self._link.unary(self._stub().SuspendSenderAddress, request)).sender_address

    async def resume_sender_address(
        self, sender_address_id: str, *, request_id: str | None = None
    ) -> sender_admin_pb2.SenderAddress:
        """Resumes a suspended address."""
        request = sender_admin_pb2.ResumeSenderAddressRequest(
            request_id=request_id or new_request_id(), sender_address_id=sender_address_id
        )
        return (await self._link.unary(self._stub().ResumeSenderAddress, request)).sender_address

    async def bind_certificate(
        self,
        organisation_id: str,
        certificate: bytes,
        *,
        sender_address_id: str = "",
        request_id: str | None = None,
    ) -> sender_admin_pb2.CertificateBinding:
        """Binds a machine certificate (DER) to an organisation, or to one of its addresses only."""
        request = sender_admin_pb2.BindCertificateRequest(
            request_id=request_id or new_request_id(),
            organisation_id=organisation_id,
            sender_address_id=sender_address_id,
            certificate=certificate,
        )
        return (await self._link.unary(self._stub().BindCertificate, request)).binding

    async def revoke_certificate(
        self, certificate_sha256: bytes, *, request_id: str | None = None
    ) -> sender_admin_pb2.CertificateBinding:
        """Revokes the binding of a certificate, for ever."""
        request = sender_admin_pb2.RevokeCertificateRequest(
            request_id=request_id or new_request_id(), certificate_sha256=certificate_sha256
        )
        return (await self._link.unary(self._stub().RevokeCertificate, request)).binding

    async def open_mailbox(self, address: str, *, request_id: str | None = None) -> mailbox_pb2.Mailbox:
        """Opens a mailbox with that official address."""
        request = mailbox_pb2.OpenMailboxRequest(request_id=request_id or new_request_id(), address=address)
        stub = mailbox_pb2_grpc.MailboxServiceStub(self._link.channel())
        return (await self._link.unary(stub.OpenMailbox, request)).mailbox
