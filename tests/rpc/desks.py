"""Use cases in memory, just rich enough to see what the edge hands in and gives back."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast
from uuid import UUID, uuid4

from namak.evidence.delegation import DelegationTerms, Right
from namak.evidence.events import CONTENT_CONSIGNMENT, SUBMISSION_ACCEPTANCE, WITHDRAWN, Event
from namak.evidence.sign_in import Purpose
from server.domain.administration import ActingAdministrator
from server.domain.caller import Assurance, Caller, Holder, Portal, Sender
from server.domain.delegations import Delegation
from server.domain.deliveries import Delivery, DeliveryState, MessageView, Part, PartInfo, Submission
from server.domain.facts import Fact
from server.domain.letters import Submitter
from server.domain.mailboxes import HolderKind, Mailbox, MailboxHead, MailboxLink, MailboxState
from server.domain.paging import Page
from server.domain.refusals import (
    InvalidPageToken,
    MailboxClosed,
    MailboxUnknown,
    NotFound,
    Refused,
    ResourceNotPermitted,
    SenderSuspended,
)
from server.domain.senders import (
    BindingRole,
    CertificateBinding,
    ContractState,
    Domain,
    Organisation,
    SenderAddress,
)
from server.domain.sessions import Ending, Method, Session, SignIn
from server.domain.usage import Usage, UsageReport, UsageRow
from server.usecases.acts import ActView, ListActs
from server.usecases.billing import AskUsage, Billing
from server.usecases.certificates import BindCertificate, BindPortal, CertificateRegister, RevokeCertificate
from server.usecases.correspondence import CorrespondenceDesk, ListLetters, SendLetter, WithdrawLetter
from server.usecases.delegations import (
    DelegationDesk,
    GrantDelegation,
    ListDelegations,
    RevokeDelegation,
)
from server.usecases.delivery import DeliveryDesk, ListDeliveries
from server.usecases.domains import RegisterDomain
from server.usecases.evidence import CheckpointView, EvidenceDesk, GetReceipt, ListFacts
from server.usecases.following import Follow, Following, Followings, PublishedFact
from server.usecases.log_ports import LogCursor, ShardState
from server.usecases.log_queries import AskConsistency, AskTile, ConsistencyProof, LogQueries, Tile
from server.usecases.mailbox_register import MailboxRegister, OpenMailbox, ReopenMailbox, SetMailboxState
from server.usecases.mailboxes import LinkPage, ListLinks, ListMessages, Mailboxes, OpenedLink
from server.usecases.organisations import (
    ListOrganisations,
    OrganisationView,
    RegisterOrganisation,
    SetContractState,
)
from server.usecases.passwords import PasswordDesk, SetPassword
from server.usecases.reading import (
    ConfirmedReading,
    ConfirmReading,
    IssueStatement,
    OpenedMessage,
    OpenMessage,
    Reading,
    ReadPart,
)
from server.usecases.records import IssuedStatement, LoggedReceipt, PublishedCheckpoint
from server.usecases.sender_addresses import RegisterSenderAddress, SetSuspended
from server.usecases.sender_admin import SenderAdmin
from server.usecases.sessions import ListSessions, SessionDesk, SignOut, TerminateSession
from server.usecases.sign_in import SignedIn, SignInDesk, StartedSignIn, StartSignIn
from server.usecases.sign_in_proofs import CompleteSignIn, Pending
from server.usecases.signature_verification import SignatureDesk
from server.usecases.standing import Standings
from server.usecases.submission import Accepted, SubmissionDesk, SubmitMany
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery, Withdrawn
from tests.fakes.signatures import FakeSignatureTrust, InProcessVerifier
from tests.rpc.registration_desks import RegistrationDesks

NOW = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)
SUSPENDED = "suspended@src.am"
NOBODYS_NUMBER, CLOSED_NUMBER = "9999999999", "8888888888"
KNOWN_DELIVERY = UUID("0192f0c3-0000-7000-8000-000000000001")
REVOCATION_LIST = bytes(range(256)) * 600


def fact_of(event: Event, delivery_id: UUID) -> Fact:
    data = f'{{"event":"{event.name}","delivery":"{delivery_id}"}}'.encode()
    return Fact(uuid4(), event, uuid4(), uuid4(), delivery_id, NOW, data, hashlib.sha256(data).digest())


def delivery_of(submission: Submission, organisation_id: UUID) -> Delivery:
    return Delivery(
        id=uuid4(),
        mailbox_id=uuid4(),
        organisation_id=organisation_id,
        sender_address_id=uuid4(),
        organisation_code="00000001",
        organisation_name="State Revenue Committee",
        sender=submission.sender,
        recipient=submission.recipient,
        subject=submission.subject,
        parts=tuple(part.info for part in submission.parts),
        notification_policy="am-2015@1",
        sequence=1,
        submitted_at=NOW,
    )


def part_of(content: bytes, name: str = "letter.pdf") -> Part:
    return Part(PartInfo(name, "application/pdf", len(content), hashlib.sha256(content).digest()), content)


def sign_in_by(by: Portal | Holder) -> SignIn:
    return SignIn(
        id=uuid4(),
        purpose=Purpose.SIGN_IN,
        method=Method.CERTIFICATE,
        text=b"a challenge",
        portal_sha256=by.connection.certificate_sha256,
        portal_name="e-citizen.am",
        ends_others=False,
        issued_at=NOW,
        expires_at=NOW,
    )


def session_of(person_number: str) -> Session:
    return Session(
        id=uuid4(),
        sign_in_id=uuid4(),
        person_number=person_number,
        portal_sha256=bytes(32),
        portal_name="e-citizen.am",
        method=Method.CERTIFICATE,
        assurance=Assurance.SIGNATURE,
        started_at=NOW,
        expires_at=NOW,
    )


def _delegation(delegation_id: UUID) -> Delegation:
    terms = DelegationTerms("5001950015@e-citizen.am", "5001950016", Right.READ, NOW, NOW)
    return Delegation(delegation_id, uuid4(), terms, "5001950015", NOW, KNOWN_DELIVERY, bytes(32))


class PresentClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Gate:
    """A place where a use case can be held, to look at a call that is under way."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def pass_through(self) -> None:
        self.entered.set()
        try:
            await self.leave.wait()
        finally:
            self.left.set()


def _door(caller: Submitter) -> Sender:
    """Returns a caller whom the door let in as a sender."""
    assert isinstance(caller, Sender)
    return caller


class Desks:
    """All use cases in one; `callers` are those that were handed in, in order."""

    def __init__(self) -> None:
        self.callers: list[Caller | ActingAdministrator] = []
        self.submitted: list[SubmitMany] = []
        self.commands: list[object] = []
        self.registration = RegistrationDesks()
        self.signature_trust = FakeSignatureTrust()
        self.verification = SignatureDesk(
            verifier=InProcessVerifier(), trust=self.signature_trust, clock=PresentClock()
        )
        self.gate: Gate | None = None
        self.fault: Exception | None = None
        self.content = b"content"
        self.receipt_bytes = 10
        self.followed_bytes = 0
        self.replies_taken = 0
        self.rechecked: list[str | None] = []
        self.revoked: set[str] = set()

    admin = property(lambda self: cast(SenderAdmin, self))
    organisations = administrators = domains = addresses = certificates = acts = property(lambda self: self)
    register = property(lambda self: cast(MailboxRegister, self))
    mailboxes = property(lambda self: cast(Mailboxes, self))
    reading = property(lambda self: cast(Reading, self))
    submissions = property(lambda self: cast(SubmissionDesk, self))
    delivery = property(lambda self: cast(DeliveryDesk, self))
    evidence = property(lambda self: cast(EvidenceDesk, self))
    withdrawal = property(lambda self: cast(Withdrawal, self))
    correspondence = property(lambda self: cast(CorrespondenceDesk, self))
    following = property(lambda self: cast(Following, self))
    standings = property(lambda self: cast(Standings, self))
    delegation = property(lambda self: cast(DelegationDesk, self))
    log_queries = property(lambda self: cast(LogQueries, self))
    billing = property(lambda self: cast(Billing, self))
    sign_in = property(lambda self: cast(SignInDesk, self))
    sessions = property(lambda self: cast(SessionDesk, self))
    passwords = property(lambda self: cast(PasswordDesk, self))
    portals = property(lambda self: cast(CertificateRegister, self))

    async def _serve(self, command: object, caller: Caller | ActingAdministrator | None = None) -> None:
        self.commands.append(command)
        if caller is not None:
            self.callers.append(caller)
        if self.gate is not None:
            await self.gate.pass_through()
        if self.fault is not None:
            raise self.fault

    # SignInDesk, SessionDesk, and portals

    async def start(self, command: StartSignIn) -> StartedSignIn:
        await self._serve(command, command.by)
        return StartedSignIn(sign_in_by(command.by), "1234", code_required=False)

    async def complete(self, command: CompleteSignIn) -> SignedIn | Pending:
        await self._serve(command, command.by)
        if command.code is not None:
            return Pending(NOW)
        return SignedIn(session_of("5001950015"), "a token")

    async def get_session(self, holder: Holder) -> Session:
        await self._serve(holder, holder)
        return session_of(holder.person_number)

    async def list_sessions(self, command: ListSessions) -> Page[Session]:
        await self._serve(command)
        whose = command.by.person_number if isinstance(command.by, Holder) else command.person_number
        if command.person_number not in (None, whose):
            raise ResourceNotPermitted("session")
        return Page([session_of(whose or "")], "second")

    async def sign_out(self, command: SignOut) -> Session:
        await self._serve(command, command.holder)
        return replace(session_of(command.holder.person_number), ended_at=NOW, ending=Ending.SIGNED_OUT)

    async def set_password(self, command: SetPassword) -> str:
        await self._serve(command, command.by)
        return command.login or "aida.k"

    async def terminate(self, command: TerminateSession) -> Session:
        await self._serve(command)
        return replace(session_of("5001950015"), ended_at=NOW, ending=Ending.TERMINATED)

    async def bind_portal(self, command: BindPortal) -> CertificateBinding:
        await self._serve(command)
        digest = hashlib.sha256(command.certificate).digest()
        return CertificateBinding(
            digest, BindingRole.PORTAL, None, None, NOW, NOW, None, portal_name=command.name
        )

    # Billing

    async def usage(self, asked: AskUsage) -> UsageReport:
        await self._serve(asked)
        day = UsageRow(asked.first, "notices@src.am", Usage(3, 1))
        return UsageReport.of("Asia/Yerevan", [day])

    # SenderAdmin

    async def register_organisation(self, command: RegisterOrganisation) -> OrganisationView:
        await self._serve(command)
        organisation = Organisation(uuid4(), command.code, command.name, ContractState.NONE, NOW)
        return OrganisationView(organisation, ContractState.NONE)

    async def set_contract_state(self, command: SetContractState) -> OrganisationView:
        await self._serve(command)
        organisation = Organisation(command.organisation_id, "00000001", "SRC", command.state, NOW)
        return OrganisationView(organisation, command.state)

    async def list_organisations(self, command: ListOrganisations) -> Page[OrganisationView]:
        await self._serve(command)
        return Page([], "")

    async def list_acts(self, command: ListActs) -> Page[ActView]:
        await self._serve(command)
        return Page([], "")

    async def register_domain(self, command: RegisterDomain) -> Domain:
        await self._serve(command)
        return Domain(command.organisation_id, command.name, command.document_reference, NOW)

    async def register_sender_address(self, command: RegisterSenderAddress) -> SenderAddress:
        await self._serve(command)
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
        await self._serve(command)
        return Page([], "")

    async def set_suspended(self, command: SetSuspended) -> SenderAddress:
        await self._serve(command)
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
        await self._serve(command)
        digest = hashlib.sha256(command.certificate).digest()
        return CertificateBinding(
            digest, BindingRole.SENDER, command.organisation_id, command.sender_address_id, NOW, NOW, None
        )

    async def revoke_certificate(self, command: RevokeCertificate) -> CertificateBinding:
        await self._serve(command)
        return CertificateBinding(
            command.certificate_sha256, BindingRole.SENDER, uuid4(), None, NOW, NOW, revoked_at=NOW
        )

    # Mailboxes and Reading

    async def open_mailbox(self, command: OpenMailbox) -> Mailbox:
        await self._serve(command)
        number = command.address.partition("@")[0]
        return Mailbox(uuid4(), command.address, HolderKind.PERSON, number, MailboxState.OPEN, NOW)

    async def set_state(self, command: SetMailboxState) -> Mailbox:
        await self._serve(command)
        number = command.address.partition("@")[0]
        if number == NOBODYS_NUMBER:
            raise MailboxUnknown(command.address)
        if number == CLOSED_NUMBER and command.state is not MailboxState.CLOSED:
            raise MailboxClosed(command.address)
        return Mailbox(uuid4(), command.address, HolderKind.PERSON, number, command.state, NOW)

    async def reopen(self, command: ReopenMailbox) -> Mailbox:
        await self._serve(command)
        number = command.address.partition("@")[0]
        if number == NOBODYS_NUMBER:
            raise MailboxUnknown(command.address)
        return Mailbox(uuid4(), command.address, HolderKind.PERSON, number, MailboxState.OPEN, NOW)

    async def resolve(self, address: str) -> Mailbox:
        await self._serve(address)
        number = address.partition("@")[0]
        if number == NOBODYS_NUMBER:
            raise MailboxUnknown(address)
        return Mailbox(uuid4(), address, HolderKind.PERSON, number, MailboxState.SUSPENDED, NOW)

    async def list_links(self, command: ListLinks) -> LinkPage:
        await self._serve(command, command.holder)
        link = MailboxLink(uuid4(), 1, KNOWN_DELIVERY, bytes([1] * 32), bytes(32), bytes([2] * 32))
        opened = OpenedLink(link, fact_of(CONTENT_CONSIGNMENT, KNOWN_DELIVERY))
        return LinkPage(Page([opened], "second"), MailboxHead(7, bytes([3] * 32)))

    async def withdraw(self, command: WithdrawDelivery | WithdrawLetter) -> Withdrawn:
        await self._serve(command, None if isinstance(command, WithdrawLetter) else _door(command.caller))
        self._check(command.delivery_id)
        delivery = replace(self._message().delivery, state=DeliveryState.WITHDRAWN, withdrawn_at=NOW)
        fact = fact_of(WITHDRAWN, delivery.id)
        receipt = LoggedReceipt(fact.id, "log.e-citizen.am/2026", 0, 2, b"receipt")
        return Withdrawn(delivery, fact, receipt if command.receipt_wait_seconds else None)

    async def get_mailbox(self, holder: Holder, named: str | None = None) -> Mailbox:
        await self._serve(named or holder, holder)
        address = named or f"{holder.person_number}@e-citizen.am"
        return Mailbox(uuid4(), address, HolderKind.PERSON, holder.person_number, MailboxState.OPEN, NOW)

    async def list_messages(self, command: ListMessages) -> Page[MessageView]:
        await self._serve(command, command.holder)
        if command.page_token not in ("", "second"):
            raise InvalidPageToken
        return Page([self._message()], "" if command.page_token else "second")

    async def open_message(self, command: OpenMessage) -> OpenedMessage:
        await self._serve(command, command.holder)
        self._check(command.delivery_id)
        return OpenedMessage(self._message(), fact_of(CONTENT_CONSIGNMENT, command.delivery_id))

    async def read_part(self, command: ReadPart) -> Part:
        await self._serve(command, command.holder)
        self._check(command.delivery_id)
        return part_of(self.content)

    async def issue_statement(self, command: IssueStatement) -> IssuedStatement:
        await self._serve(command, command.holder)
        number = command.holder.person_number
        return IssuedStatement(uuid4(), uuid4(), command.delivery_id, number, b"statement", NOW, NOW)

    async def confirm_reading(self, command: ConfirmReading) -> ConfirmedReading:
        await self._serve(command, command.holder)
        return ConfirmedReading(self._message(), (fact_of(CONTENT_CONSIGNMENT, command.delivery_id),))

    # Standings and DelegationDesk

    async def check(self, holder: Holder, address: str | None) -> None:
        self.rechecked.append(address)
        if address is not None and address in self.revoked:
            raise ResourceNotPermitted("mailbox")

    async def grant(self, command: GrantDelegation) -> Delegation:
        await self._serve(command, command.by)
        terms = DelegationTerms(
            mailbox=command.mailbox or f"{command.by.person_number}@e-citizen.am",
            delegate=command.delegate,
            right=command.right,
            start=command.start or NOW,
            expire=command.expire,
        )
        return Delegation(uuid4(), uuid4(), terms, command.by.person_number, NOW, KNOWN_DELIVERY, bytes(32))

    async def revoke(self, command: RevokeDelegation) -> Delegation:
        await self._serve(command, command.by)
        return replace(_delegation(command.delegation_id), revoked_at=NOW, revoke_evidence_id=KNOWN_DELIVERY)

    async def list_delegations(self, command: ListDelegations) -> Page[Delegation]:
        await self._serve(command)
        return Page([_delegation(KNOWN_DELIVERY)], "second")

    # DeliveryDesk and EvidenceDesk

    async def submit_many(self, command: SubmitMany) -> Sequence[Accepted | Refused]:
        self.submitted.append(command)
        await self._serve(command, _door(command.caller))
        return [self._outcome(submission, command.caller.party_id) for submission in command.submissions]

    async def get_delivery(self, sender: Sender | Holder, delivery_id: UUID) -> Delivery:
        await self._serve(delivery_id, sender)
        self._check(delivery_id)
        return self._message().delivery

    async def list_deliveries(self, command: ListDeliveries) -> Page[Delivery]:
        await self._serve(command, _door(command.caller))
        return Page([self._message().delivery], "")

    async def list_facts(self, command: ListFacts) -> Page[Fact]:
        await self._serve(command, command.caller)
        return Page([fact_of(SUBMISSION_ACCEPTANCE, command.delivery_id)], "")

    async def receipt(self, command: GetReceipt) -> LoggedReceipt | None:
        await self._serve(command, command.caller)
        return None

    async def checkpoint(self, origin: str | None) -> CheckpointView:
        await self._serve(origin)
        published = PublishedCheckpoint(origin or "log.e-citizen.am/2026", 1, bytes(32), b"note")
        return CheckpointView(published, "vkey")

    async def revocation_list(self, digest: bytes) -> bytes:
        await self._serve(digest)
        if digest != hashlib.sha256(REVOCATION_LIST).digest():
            raise NotFound("revocation list", digest.hex())
        return REVOCATION_LIST

    # CorrespondenceDesk

    async def send(self, command: SendLetter) -> Accepted | Refused:
        await self._serve(command, command.holder)
        own = f"{command.holder.person_number}@e-citizen.am"
        to = command.recipient or "11223344@e-citizen.am"
        letter = Submission(
            command.request_id, own, to, command.subject, tuple(command.parts), command.in_reply_to
        )
        return self._outcome(letter, uuid4())

    async def get(self, holder: Holder, delivery_id: UUID) -> Delivery:
        return await self.get_delivery(holder, delivery_id)

    async def list_letters(self, command: ListLetters) -> Page[Delivery]:
        await self._serve(command, command.holder)
        return Page([self._message().delivery], "second")

    # Following and LogQueries

    async def follow(self, command: Follow) -> AsyncGenerator[Followings, None]:
        """Gives the cursor, then, a reply each time one is taken, facts of the size that is set."""
        await self._serve(command, command.caller)
        origin, index = ("log.e-citizen.am/2026", 0)
        if command.cursor is not None:
            origin, index = command.cursor.origin, command.cursor.index
        yield Followings((), LogCursor(origin, index))
        while self.followed_bytes:
            index += 1
            fact = fact_of(CONTENT_CONSIGNMENT, KNOWN_DELIVERY)
            fact = replace(fact, data=bytes(self.followed_bytes))
            receipt = None
            if command.with_receipts:
                receipt = LoggedReceipt(fact.id, origin, index - 1, index, b"receipt")
            self.replies_taken += 1
            yield Followings([PublishedFact(fact, index - 1, receipt)], LogCursor(origin, index))
        await asyncio.Event().wait()

    async def consistency(self, command: AskConsistency) -> ConsistencyProof:
        await self._serve(command)
        return ConsistencyProof(command.origin or "log.e-citizen.am/2026", command.second_size, [bytes(32)])

    async def tile(self, command: AskTile) -> Tile:
        await self._serve(command)
        return Tile(bytes(32 * command.width), "tile/0/000")

    async def status(self) -> Sequence[ShardState]:
        await self._serve("status")
        return [ShardState("log.e-citizen.am/2026", "vkey", 7, bytes(32), NOW, 2, True)]

    def _check(self, delivery_id: UUID) -> None:
        if delivery_id != KNOWN_DELIVERY:
            raise ResourceNotPermitted("delivery")

    def _message(self) -> MessageView:
        submission = Submission(
            "1", "notices@src.am", "5001950015@e-citizen.am", "Notice", (part_of(self.content),)
        )
        return MessageView(delivery_of(submission, uuid4()), None, None)

    def _outcome(self, submission: Submission, party_id: UUID) -> Accepted | Refused:
        if submission.sender == SUSPENDED:
            refused = SenderSuspended(submission.sender)
            refused.evidence_id = uuid4()
            return refused
        delivery = delivery_of(submission, party_id)
        facts = (fact_of(SUBMISSION_ACCEPTANCE, delivery.id), fact_of(CONTENT_CONSIGNMENT, delivery.id))
        receipts = tuple(
            LoggedReceipt(fact.id, "log.e-citizen.am/2026", 0, 2, bytes(self.receipt_bytes)) for fact in facts
        )
        return Accepted(submission.request_id, delivery, facts, receipts)
