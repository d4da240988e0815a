"""Use cases in memory, just rich enough to see what the edge hands in and gives back."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

from namak.evidence.events import CONTENT_CONSIGNMENT, SUBMISSION_ACCEPTANCE, WITHDRAWN
from server.domain.caller import Holder, Sender
from server.domain.deliveries import Delivery, DeliveryState, Submission
from server.domain.facts import Fact
from server.domain.letters import Submitter
from server.domain.log_standing import Standing
from server.domain.paging import Page
from server.domain.refusals import NotFound, Refused, SenderSuspended
from server.domain.usage import Usage, UsageReport, UsageRow
from server.usecases.billing import AskUsage, Billing
from server.usecases.certificates import CertificateRegister
from server.usecases.correspondence import CorrespondenceDesk, ListLetters, SendLetter, WithdrawLetter
from server.usecases.delegations import DelegationDesk
from server.usecases.delivery import DeliveryDesk, ListDeliveries
from server.usecases.delivery_certificates import (
    DeliveryCertificates,
    GetDeliveryCertificate,
    MadeCertificate,
)
from server.usecases.evidence import CheckpointView, EvidenceDesk, GetReceipt, ListFacts
from server.usecases.following import Follow, Following, Followings, PublishedFact
from server.usecases.forwarding import ForwardingDesk
from server.usecases.log_ports import AuthorityState, LogCursor, ShardState, ShardWitnesses, WitnessState
from server.usecases.log_queries import AskConsistency, AskTile, ConsistencyProof, LogQueries, LogState, Tile
from server.usecases.mailbox_register import MailboxRegister
from server.usecases.mailboxes import Mailboxes
from server.usecases.passwords import PasswordDesk
from server.usecases.portals import PortalRegister
from server.usecases.reading import Reading
from server.usecases.records import LoggedReceipt, PublishedCheckpoint
from server.usecases.sender_admin import SenderAdmin
from server.usecases.sessions import SessionDesk
from server.usecases.sign_in import SignInDesk
from server.usecases.signature_verification import SignatureDesk
from server.usecases.standing import Standings
from server.usecases.submission import Accepted, SubmissionDesk, SubmitMany
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery, Withdrawn
from tests.fakes.signatures import FakeSignatureTrust, InProcessVerifier
from tests.rpc.desk_samples import KNOWN_DELIVERY, NOW, REVOCATION_LIST, SUSPENDED, delivery_of, fact_of
from tests.rpc.forwarding_desks import ForwardingDesks
from tests.rpc.holder_desks import HolderDesks
from tests.rpc.paper_desks import PaperDesks
from tests.rpc.register_desks import RegisterDesks
from tests.rpc.registration_desks import RegistrationDesks
from tests.rpc.serving import PresentClock
from tests.rpc.sms_desks import SmsDesks


def _door(caller: Submitter) -> Sender:
    """Returns a caller whom the door let in as a sender."""
    assert isinstance(caller, Sender)
    return caller


class Desks(RegisterDesks, HolderDesks, ForwardingDesks):
    """All use cases in one."""

    def __init__(self) -> None:
        super().__init__()
        self.submitted: list[SubmitMany] = []
        self.registration = RegistrationDesks()
        self.paper = PaperDesks()
        self.sms = SmsDesks()
        self.signature_trust = FakeSignatureTrust()
        self.verification = SignatureDesk(
            verifier=InProcessVerifier(), trust=self.signature_trust, clock=PresentClock()
        )
        self.receipt_bytes = 10
        self.followed_bytes = 0
        self.replies_taken = 0

    admin = property(lambda self: cast(SenderAdmin, self))
    organisations = administrators = domains = addresses = certificates = acts = property(lambda self: self)
    register = property(lambda self: cast(MailboxRegister, self))
    mailboxes = property(lambda self: cast(Mailboxes, self))
    reading = property(lambda self: cast(Reading, self))
    submissions = property(lambda self: cast(SubmissionDesk, self))
    delivery = property(lambda self: cast(DeliveryDesk, self))
    evidence = property(lambda self: cast(EvidenceDesk, self))
    delivery_certificates = property(lambda self: cast(DeliveryCertificates, self))
    withdrawal = property(lambda self: cast(Withdrawal, self))
    correspondence = property(lambda self: cast(CorrespondenceDesk, self))
    following = property(lambda self: cast(Following, self))
    standings = property(lambda self: cast(Standings, self))
    delegation = property(lambda self: cast(DelegationDesk, self))
    forwarding = property(lambda self: cast(ForwardingDesk, self))
    log_queries = property(lambda self: cast(LogQueries, self))
    billing = property(lambda self: cast(Billing, self))
    sign_in = property(lambda self: cast(SignInDesk, self))
    sessions = property(lambda self: cast(SessionDesk, self))
    passwords = property(lambda self: cast(PasswordDesk, self))
    binding = property(lambda self: cast(CertificateRegister, self))
    portals = property(lambda self: cast(PortalRegister, self))

    # Billing

    async def usage(self, asked: AskUsage) -> UsageReport:
        await self.serve(asked)
        day = UsageRow(asked.first, "notices@src.am", Usage(3, 1))
        return UsageReport.of("Asia/Yerevan", [day])

    # DeliveryDesk and EvidenceDesk

    async def submit_many(self, command: SubmitMany) -> Sequence[Accepted | Refused]:
        self.submitted.append(command)
        await self.serve(command, _door(command.caller))
        return [self._outcome(submission, command.caller.party_id) for submission in command.submissions]

    async def get_delivery(self, sender: Sender | Holder, delivery_id: UUID) -> Delivery:
        await self.serve(delivery_id, sender)
        self.check_known(delivery_id)
        return self.message().delivery

    async def list_deliveries(self, command: ListDeliveries) -> Page[Delivery]:
        await self.serve(command, _door(command.caller))
        return Page([self.message().delivery], "")

    async def list_facts(self, command: ListFacts) -> Page[Fact]:
        await self.serve(command, command.caller)
        return Page([fact_of(SUBMISSION_ACCEPTANCE, command.delivery_id)], "")

    async def receipt(self, command: GetReceipt) -> LoggedReceipt | None:
        await self.serve(command, command.caller)
        return None

    async def make(self, command: GetDeliveryCertificate) -> MadeCertificate:
        await self.serve(command, command.caller)
        return MadeCertificate(REVOCATION_LIST, command.delivery_id, NOW, command.language, 1, "log/1", 1)

    async def checkpoint(self, origin: str | None) -> CheckpointView:
        await self.serve(origin)
        published = PublishedCheckpoint(origin or "log.e-citizen.am/2026", 1, bytes(32), b"note")
        return CheckpointView(published, "vkey", b"witnessed note", b"successor's receipt")

    async def revocation_list(self, digest: bytes) -> bytes:
        await self.serve(digest)
        if digest != hashlib.sha256(REVOCATION_LIST).digest():
            raise NotFound("revocation list", digest.hex())
        return REVOCATION_LIST

    async def withdraw(self, command: WithdrawDelivery | WithdrawLetter) -> Withdrawn:
        await self.serve(command, None if isinstance(command, WithdrawLetter) else _door(command.caller))
        self.check_known(command.delivery_id)
        delivery = replace(self.message().delivery, state=DeliveryState.WITHDRAWN, withdrawn_at=NOW)
        fact = fact_of(WITHDRAWN, delivery.id)
        receipt = LoggedReceipt(fact.id, "log.e-citizen.am/2026", 0, 2, b"receipt")
        return Withdrawn(delivery, fact, receipt if command.receipt_wait_seconds else None)

    # CorrespondenceDesk

    async def send(self, command: SendLetter) -> Accepted | Refused:
        await self.serve(command, command.holder)
        own = f"{command.holder.person_number}@e-citizen.am"
        to = command.recipient or "11223344@e-citizen.am"
        letter = Submission(
            command.request_id, own, to, command.subject, tuple(command.parts), command.in_reply_to
        )
        return self._outcome(letter, uuid4())

    async def get(self, holder: Holder, delivery_id: UUID) -> Delivery:
        return await self.get_delivery(holder, delivery_id)

    async def printed(self, letter: Delivery) -> None:
        """None of these letters is printed."""

    async def list_letters(self, command: ListLetters) -> Page[Delivery]:
        await self.serve(command, command.holder)
        return Page([self.message().delivery], "second")

    # Following and LogQueries

    async def follow(self, command: Follow) -> AsyncGenerator[Followings, None]:
        """Gives the cursor, then, a reply each time one is taken, facts of the size that is set."""
        await self.serve(command, command.caller)
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
        await self.serve(command)
        return ConsistencyProof(command.origin or "log.e-citizen.am/2026", command.second_size, [bytes(32)])

    async def tile(self, command: AskTile) -> Tile:
        await self.serve(command)
        return Tile(bytes(32 * command.width), "tile/0/000")

    async def status(self) -> LogState:
        await self.serve("status")
        shard = ShardState("log.e-citizen.am/2026", "vkey", 7, bytes(32), NOW, 2, True, 4, NOW, 5, NOW)
        ended = replace(shard, successor="log.e-citizen.am/2027", announcement=UUID(int=7), frozen_at=NOW)
        ended = replace(ended, given_up=UUID(int=8), relogged=3)
        stamped = [AuthorityState("a", 3, NOW), AuthorityState("b", 0, None, "AUTHORITY_REFUSES")]
        waiting = replace(shard, standing=Standing.WAITS_FOR_WITNESSES)
        witnesses = [
            WitnessState("court/w", 4, NOW),
            *(
                WitnessState(f"{trouble}/w", 0, None, f"WITNESS_{trouble}", NOW)
                for trouble in ("UNREACHED", "REFUSES", "WRONG", "DISAGREES", "LACKS_LOG")
            ),
        ]
        asked = {shard.origin: ShardWitnesses(witnesses, 2, 1, timedelta(seconds=12))}
        limit = timedelta(hours=4)
        return LogState([waiting, ended], limit, NOW, {shard.origin: stamped}, asked, leading=True)

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
