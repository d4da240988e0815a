"""Use cases of holders, in memory: signing in, reading, and whom they let in."""

from dataclasses import replace
from uuid import uuid4

from namak.evidence.delegation import DelegationTerms
from namak.evidence.events import CONTENT_CONSIGNMENT
from server.domain.caller import Holder
from server.domain.delegations import Delegation
from server.domain.deliveries import MessageView, Part
from server.domain.mailboxes import HolderKind, Mailbox, MailboxHead, MailboxLink, MailboxState
from server.domain.paging import Page
from server.domain.refusals import InvalidPageToken, ResourceNotPermitted
from server.domain.sessions import Ending, Session
from server.usecases.delegations import GrantDelegation, ListDelegations, RevokeDelegation
from server.usecases.mailboxes import LinkPage, ListLinks, ListMessages, OpenedLink
from server.usecases.passwords import SetPassword
from server.usecases.reading import (
    ConfirmedReading,
    ConfirmReading,
    IssueStatement,
    OpenedMessage,
    OpenMessage,
    ReadPart,
)
from server.usecases.records import IssuedStatement
from server.usecases.sessions import ListSessions, SignOut, TerminateSession
from server.usecases.sign_in import SignedIn, StartedSignIn, StartSignIn
from server.usecases.sign_in_proofs import CompleteSignIn, Pending
from tests.rpc.desk_samples import (
    KNOWN_DELIVERY,
    NOW,
    delegation_of,
    fact_of,
    part_of,
    session_of,
    sign_in_by,
)
from tests.rpc.serving import Serving


class HolderDesks(Serving):
    """Use cases of holders and their portals."""

    def __init__(self) -> None:
        super().__init__()
        self.rechecked: list[str | None] = []
        self.revoked: set[str] = set()

    # SignInDesk, SessionDesk, and portals

    async def start(self, command: StartSignIn) -> StartedSignIn:
        await self.serve(command, command.by)
        return StartedSignIn(sign_in_by(command.by), "1234", code_required=False)

    async def complete(self, command: CompleteSignIn) -> SignedIn | Pending:
        await self.serve(command, command.by)
        if command.code is not None:
            return Pending(NOW)
        return SignedIn(session_of("5001950015"), "a token")

    async def get_session(self, holder: Holder) -> Session:
        await self.serve(holder, holder)
        return session_of(holder.person_number)

    async def list_sessions(self, command: ListSessions) -> Page[Session]:
        await self.serve(command)
        whose = command.by.person_number if isinstance(command.by, Holder) else command.person_number
        if command.person_number not in (None, whose):
            raise ResourceNotPermitted("session")
        return Page([session_of(whose or "")], "second")

    async def sign_out(self, command: SignOut) -> Session:
        await self.serve(command, command.holder)
        return replace(session_of(command.holder.person_number), ended_at=NOW, ending=Ending.SIGNED_OUT)

    async def set_password(self, command: SetPassword) -> str:
        await self.serve(command, command.by)
        return command.login or "aida.k"

    async def terminate(self, command: TerminateSession) -> Session:
        await self.serve(command)
        return replace(session_of("5001950015"), ended_at=NOW, ending=Ending.TERMINATED)

    # Mailboxes and Reading

    async def list_links(self, command: ListLinks) -> LinkPage:
        await self.serve(command, command.holder)
        link = MailboxLink(uuid4(), 1, KNOWN_DELIVERY, bytes([1] * 32), bytes(32), bytes([2] * 32))
        opened = OpenedLink(link, fact_of(CONTENT_CONSIGNMENT, KNOWN_DELIVERY))
        return LinkPage(Page([opened], "second"), MailboxHead(7, bytes([3] * 32)))

    async def get_mailbox(self, holder: Holder, named: str | None = None) -> Mailbox:
        await self.serve(named or holder, holder)
        address = named or f"{holder.person_number}@e-citizen.am"
        return Mailbox(uuid4(), address, HolderKind.PERSON, holder.person_number, MailboxState.OPEN, NOW)

    async def list_messages(self, command: ListMessages) -> Page[MessageView]:
        await self.serve(command, command.holder)
        if command.page_token not in ("", "second"):
            raise InvalidPageToken
        return Page([self.message()], "" if command.page_token else "second")

    async def open_message(self, command: OpenMessage) -> OpenedMessage:
        await self.serve(command, command.holder)
        self.check_known(command.delivery_id)
        return OpenedMessage(self.message(), fact_of(CONTENT_CONSIGNMENT, command.delivery_id))

    async def read_part(self, command: ReadPart) -> Part:
        await self.serve(command, command.holder)
        self.check_known(command.delivery_id)
        return part_of(self.content)

    async def issue_statement(self, command: IssueStatement) -> IssuedStatement:
        await self.serve(command, command.holder)
        number = command.holder.person_number
        return IssuedStatement(uuid4(), uuid4(), command.delivery_id, number, b"statement", NOW, NOW)

    async def confirm_reading(self, command: ConfirmReading) -> ConfirmedReading:
        await self.serve(command, command.holder)
        return ConfirmedReading(self.message(), (fact_of(CONTENT_CONSIGNMENT, command.delivery_id),))

    # Standings and DelegationDesk

    async def check(self, holder: Holder, address: str | None) -> None:
        self.rechecked.append(address)
        if address is not None and address in self.revoked:
            raise ResourceNotPermitted("mailbox")

    async def grant(self, command: GrantDelegation) -> Delegation:
        await self.serve(command, command.by)
        terms = DelegationTerms(
            mailbox=command.mailbox or f"{command.by.person_number}@e-citizen.am",
            delegate=command.delegate,
            right=command.right,
            start=command.start or NOW,
            expire=command.expire,
        )
        return Delegation(uuid4(), uuid4(), terms, command.by.person_number, NOW, KNOWN_DELIVERY, bytes(32))

    async def revoke(self, command: RevokeDelegation) -> Delegation:
        await self.serve(command, command.by)
        return replace(
            delegation_of(command.delegation_id), revoked_at=NOW, revoke_evidence_id=KNOWN_DELIVERY
        )

    async def list_delegations(self, command: ListDelegations) -> Page[Delegation]:
        await self.serve(command)
        return Page([delegation_of(KNOWN_DELIVERY)], "second")
