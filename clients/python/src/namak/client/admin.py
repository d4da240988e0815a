"""The register: who may send, and who has a mailbox (SenderAdminService, MailboxService).

For the operator, and, where ``acting_as`` is taken, for administrators of organisations. Each change takes a
``request_id``; one that is missing is made up and kept over all tries of the call.
"""

from namak.client.letters import new_request_id
from namak.client.link import Link
from namak.client.organisations import Organisations
from namak.client.sender_addresses import SenderAddresses
from namak.v1 import mailbox_pb2, mailbox_pb2_grpc, registration_pb2, registration_pb2_grpc


class Administration(Organisations, SenderAddresses):
    """The calls of the operator and of administrators."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)

    def _mailboxes(self) -> mailbox_pb2_grpc.MailboxServiceStub:
        return mailbox_pb2_grpc.MailboxServiceStub(self._link.channel())

    async def open_mailbox(self, address: str, *, request_id: str | None = None) -> mailbox_pb2.Mailbox:
        """Opens a mailbox with that official address."""
        request = mailbox_pb2.OpenMailboxRequest(request_id=request_id or new_request_id(), address=address)
        return (await self._link.unary(self._mailboxes().OpenMailbox, request)).mailbox

    async def suspend_mailbox(self, address: str, *, request_id: str | None = None) -> mailbox_pb2.Mailbox:
        """Suspends a mailbox: submissions to it are refused, with evidence, until it is resumed."""
        request = mailbox_pb2.SuspendMailboxRequest(
            request_id=request_id or new_request_id(), address=address
        )
        return (await self._link.unary(self._mailboxes().SuspendMailbox, request)).mailbox

    async def resume_mailbox(self, address: str, *, request_id: str | None = None) -> mailbox_pb2.Mailbox:
        """Resumes a suspended mailbox."""
        request = mailbox_pb2.ResumeMailboxRequest(request_id=request_id or new_request_id(), address=address)
        return (await self._link.unary(self._mailboxes().ResumeMailbox, request)).mailbox

    async def close_mailbox(self, address: str, *, request_id: str | None = None) -> mailbox_pb2.Mailbox:
        """Closes a mailbox; what lies in it can be read. It is opened again for the same holder only."""
        request = mailbox_pb2.CloseMailboxRequest(request_id=request_id or new_request_id(), address=address)
        return (await self._link.unary(self._mailboxes().CloseMailbox, request)).mailbox

    async def reopen_mailbox(self, address: str, *, request_id: str | None = None) -> mailbox_pb2.Mailbox:
        """Opens a closed mailbox again, for the holder that it always had."""
        request = mailbox_pb2.ReopenMailboxRequest(request_id=request_id or new_request_id(), address=address)
        return (await self._link.unary(self._mailboxes().ReopenMailbox, request)).mailbox

    async def refresh_signatories(
        self, address: str, *, request_id: str | None = None
    ) -> registration_pb2.RefreshSignatoriesResponse:
        """Has the register of entities asked who may sign for the entity whose mailbox it is; clerks may ask
        too. Raises Unavailable when the register gives no answer.
        """
        request = registration_pb2.RefreshSignatoriesRequest(
            request_id=request_id or new_request_id(), address=address
        )
        stub = registration_pb2_grpc.RegistrationServiceStub(self._link.channel())
        return await self._link.unary(stub.RefreshSignatories, request)

    async def resolve_address(self, address: str) -> mailbox_pb2.ResolveAddressResponse:
        """Tells the official address that an address means, and whether its mailbox receives now; senders may
        ask too.
        """
        request = mailbox_pb2.ResolveAddressRequest(address=address)
        return await self._link.unary(self._mailboxes().ResolveAddress, request)
