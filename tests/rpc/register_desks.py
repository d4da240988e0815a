"""The registers of who may send and of mailboxes, in memory."""

import hashlib
from uuid import UUID, uuid4

from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.paging import Page
from server.domain.portals import PortalView, RegisteredPortal
from server.domain.refusals import MailboxClosed, MailboxUnknown, NotFound
from server.domain.senders import (
    BindingRole,
    CertificateBinding,
    ContractState,
    Domain,
    Organisation,
    SenderAddress,
)
from server.usecases.acts import ActView, ListActs
from server.usecases.certificates import BindCertificate, BindPortal, RevokeCertificate
from server.usecases.domains import RegisterDomain
from server.usecases.mailbox_register import OpenMailbox, ReopenMailbox, SetMailboxState
from server.usecases.organisations import (
    ListOrganisations,
    OrganisationView,
    RegisterOrganisation,
    SetContractState,
)
from server.usecases.portals import ListPortals
from server.usecases.sender_addresses import RegisterSenderAddress, SetSuspended
from tests.rpc.desk_samples import CLOSED_NUMBER, NOBODYS_NUMBER, NOW
from tests.rpc.serving import Serving


class RegisterDesks(Serving):
    """Use cases of administrators, clerks and operators."""

    async def bind_portal(self, command: BindPortal) -> CertificateBinding:
        await self.serve(command)
        digest = hashlib.sha256(command.certificate).digest()
        return CertificateBinding(
            digest, BindingRole.PORTAL, None, None, NOW, NOW, None, portal_name=command.name
        )

    async def list_portals(self, command: ListPortals) -> Page[PortalView]:
        await self.serve(command)
        return Page([_portal(uuid4())], "second")

    async def get_portal(self, portal_id: UUID) -> PortalView:
        await self.serve(portal_id)
        if portal_id.int == 0:
            raise NotFound("portal", str(portal_id))
        return _portal(portal_id)

    # SenderAdmin

    async def register_organisation(self, command: RegisterOrganisation) -> OrganisationView:
        await self.serve(command)
        organisation = Organisation(uuid4(), command.code, command.name, ContractState.NONE, NOW)
        return OrganisationView(organisation, ContractState.NONE)

    async def set_contract_state(self, command: SetContractState) -> OrganisationView:
        await self.serve(command)
        organisation = Organisation(command.organisation_id, "00000001", "SRC", command.state, NOW)
        return OrganisationView(organisation, command.state)

    async def list_organisations(self, command: ListOrganisations) -> Page[OrganisationView]:
        await self.serve(command)
        return Page([], "")

    async def list_acts(self, command: ListActs) -> Page[ActView]:
        await self.serve(command)
        return Page([], "")

    async def register_domain(self, command: RegisterDomain) -> Domain:
        await self.serve(command)
        return Domain(command.organisation_id, command.name, command.document_reference, NOW)

    async def register_sender_address(self, command: RegisterSenderAddress) -> SenderAddress:
        await self.serve(command)
        return SenderAddress(
            uuid4(),
            command.organisation_id,
            command.address,
            command.networks,
            command.sms_permitted,
            suspended=False,
            registered_at=NOW,
        )

    async def list_sender_addresses(self, command: object) -> Page[SenderAddress]:
        await self.serve(command)
        return Page([], "")

    async def set_suspended(self, command: SetSuspended) -> SenderAddress:
        await self.serve(command)
        return SenderAddress(
            command.sender_address_id,
            uuid4(),
            "notices@src.am",
            (),
            sms_permitted=False,
            suspended=command.suspended,
            registered_at=NOW,
        )

    async def bind_certificate(self, command: BindCertificate) -> CertificateBinding:
        await self.serve(command)
        digest = hashlib.sha256(command.certificate).digest()
        return CertificateBinding(
            digest, BindingRole.SENDER, command.organisation_id, command.sender_address_id, NOW, NOW, None
        )

    async def revoke_certificate(self, command: RevokeCertificate) -> CertificateBinding:
        await self.serve(command)
        return CertificateBinding(
            command.certificate_sha256, BindingRole.SENDER, uuid4(), None, NOW, NOW, revoked_at=NOW
        )

    async def open_mailbox(self, command: OpenMailbox) -> Mailbox:
        await self.serve(command)
        number = command.address.partition("@")[0]
        return Mailbox(uuid4(), command.address, HolderKind.PERSON, number, MailboxState.OPEN, NOW)

    async def set_state(self, command: SetMailboxState) -> Mailbox:
        await self.serve(command)
        number = command.address.partition("@")[0]
        if number == NOBODYS_NUMBER:
            raise MailboxUnknown(command.address)
        if number == CLOSED_NUMBER and command.state is not MailboxState.CLOSED:
            raise MailboxClosed(command.address)
        return Mailbox(uuid4(), command.address, HolderKind.PERSON, number, command.state, NOW)

    async def reopen(self, command: ReopenMailbox) -> Mailbox:
        await self.serve(command)
        number = command.address.partition("@")[0]
        if number == NOBODYS_NUMBER:
            raise MailboxUnknown(command.address)
        return Mailbox(uuid4(), command.address, HolderKind.PERSON, number, MailboxState.OPEN, NOW)

    async def resolve(self, address: str) -> Mailbox:
        await self.serve(address)
        number = address.partition("@")[0]
        if number == NOBODYS_NUMBER:
            raise MailboxUnknown(address)
        return Mailbox(uuid4(), address, HolderKind.PERSON, number, MailboxState.SUSPENDED, NOW)


def _portal(portal_id: UUID) -> PortalView:
    bound = CertificateBinding(
        bytes(32), BindingRole.PORTAL, None, None, NOW, NOW, None, portal_name="portal.am"
    )
    return PortalView(RegisteredPortal(portal_id, "portal.am", NOW), (bound,), 3)
