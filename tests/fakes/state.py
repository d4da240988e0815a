"""What the fake unit of work keeps."""

import itertools
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import NoReturn, Self
from uuid import UUID

from server.domain.administration import Administrator
from server.domain.applications import Application
from server.domain.delegations import Delegation, Signatory
from server.domain.deliveries import Delivery, Part
from server.domain.facts import Fact
from server.domain.forwarding import ForwardedCopy, ForwardingTarget
from server.domain.holders import AgreementAcceptance, HolderProfile, UserAgreement
from server.domain.jobs import StoredJob
from server.domain.ladder import TakenStep
from server.domain.letter_orders import LetterOrder, LetterReport
from server.domain.log_shards import GivenUpShard, RegisteredShard, ShardEnd
from server.domain.logins import Login
from server.domain.mail_origins import MailOrigin
from server.domain.mailboxes import Mailbox, MailboxHead, MailboxLink
from server.domain.notices import Notice
from server.domain.nudges import Nudge
from server.domain.outages import Outage
from server.domain.phone_confirmations import PhoneConfirmation
from server.domain.portals import RegisteredPortal
from server.domain.print_houses import RegisteredPrintHouse
from server.domain.sender_sms import SenderSms
from server.domain.senders import CertificateBinding, Domain, DomainChallenge, Organisation, SenderAddress
from server.domain.sessions import Proof, Session, SignIn
from server.domain.sign_in_effects import OutstandingSignIn
from server.domain.sms import DeliveryReport, SentSegment
from server.storage.failures import StorageFault
from server.usecases.notice_ports import NoticeEntry
from server.usecases.records import (
    Claim,
    Confirmation,
    IssuedStatement,
    ListedAct,
    Opening,
    RecordedRefusal,
)
from server.usecases.registration_ports import ProfileConfirmation


@dataclass
class State:
    """All tables, by the keys that they have in PostgreSQL.

    `queue` are the facts on their way into the log, in order. `failed` says that a constraint refused
    something, after which PostgreSQL commits nothing any more.
    """

    claims: dict[tuple[UUID, str], Claim] = field(default_factory=dict)
    refusals: dict[tuple[UUID, str], RecordedRefusal] = field(default_factory=dict)
    organisations: dict[UUID, Organisation] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)
    challenges: dict[tuple[UUID, str], DomainChallenge] = field(default_factory=dict)
    sender_addresses: dict[UUID, SenderAddress] = field(default_factory=dict)
    bindings: dict[bytes, CertificateBinding] = field(default_factory=dict)
    certificates: dict[bytes, bytes] = field(default_factory=dict)
    portals: dict[UUID, RegisteredPortal] = field(default_factory=dict)
    administrators: dict[tuple[UUID, str], Administrator] = field(default_factory=dict)
    administrative_acts: dict[UUID, ListedAct] = field(default_factory=dict)
    mailboxes: dict[UUID, Mailbox] = field(default_factory=dict)
    heads: dict[UUID, MailboxHead] = field(default_factory=dict)
    links: dict[tuple[UUID, int], MailboxLink] = field(default_factory=dict)
    deliveries: dict[tuple[UUID, UUID], Delivery] = field(default_factory=dict)
    parts: dict[tuple[UUID, UUID, int], Part] = field(default_factory=dict)
    openings: dict[tuple[UUID, UUID, str], Opening] = field(default_factory=dict)
    statements: dict[tuple[UUID, UUID], IssuedStatement] = field(default_factory=dict)
    confirmations: dict[tuple[UUID, UUID], Confirmation] = field(default_factory=dict)
    evidence: dict[tuple[UUID, UUID], Fact] = field(default_factory=dict)
    queue: list[Fact] = field(default_factory=list)
    revocation_lists: dict[bytes, bytes] = field(default_factory=dict)
    sign_ins: dict[UUID, SignIn] = field(default_factory=dict)
    proofs: dict[UUID, Proof] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    tokens: dict[bytes, UUID] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    tries: dict[bytes, tuple[int, datetime]] = field(default_factory=dict)
    outstanding_sign_ins: dict[UUID, tuple[OutstandingSignIn, datetime]] = field(default_factory=dict)
    applications: dict[UUID, Application] = field(default_factory=dict)
    user_agreements: dict[str, UserAgreement] = field(default_factory=dict)
    holders: dict[UUID, HolderProfile] = field(default_factory=dict)
    acceptances: dict[tuple[UUID, str], AgreementAcceptance] = field(default_factory=dict)
    profile_confirmations: dict[tuple[UUID, str], ProfileConfirmation] = field(default_factory=dict)
    phone_confirmations: dict[UUID, PhoneConfirmation] = field(default_factory=dict)
    delegations: dict[UUID, Delegation] = field(default_factory=dict)
    signatories: dict[UUID, Signatory] = field(default_factory=dict)
    signatory_entries: dict[UUID, Signatory] = field(default_factory=dict)
    signatory_endings: dict[UUID, UUID] = field(default_factory=dict)
    signatory_checks: dict[UUID, datetime] = field(default_factory=dict)
    right_uses: dict[tuple[UUID, UUID], tuple[Delivery, tuple[UUID, ...]]] = field(default_factory=dict)
    jobs: dict[int, StoredJob] = field(default_factory=dict)
    ladder_wakes: dict[tuple[UUID, UUID], datetime] = field(default_factory=dict)
    ladder_steps: dict[tuple[UUID, UUID, str], TakenStep] = field(default_factory=dict)
    forwarding_targets: dict[UUID, ForwardingTarget] = field(default_factory=dict)
    forwarding_codes: list[tuple[UUID, str, datetime]] = field(default_factory=list)
    forwarded_copies: dict[tuple[UUID, UUID], ForwardedCopy] = field(default_factory=dict)
    print_houses: dict[UUID, RegisteredPrintHouse] = field(default_factory=dict)
    letter_orders: dict[UUID, LetterOrder] = field(default_factory=dict)
    letter_files: dict[UUID, bytes] = field(default_factory=dict)
    letter_reports: dict[tuple[UUID, str], LetterReport] = field(default_factory=dict)
    letter_ordinals: list["itertools.count[int]"] = field(default_factory=lambda: [itertools.count()])
    mail_origins: dict[tuple[UUID, UUID], MailOrigin] = field(default_factory=dict)
    notices: dict[UUID, Notice] = field(default_factory=dict)
    nudges: dict[UUID, Nudge] = field(default_factory=dict)
    outages: dict[UUID, tuple[Outage, datetime | None]] = field(default_factory=dict)
    notice_entries: dict[UUID, NoticeEntry] = field(default_factory=dict)
    sms_segments: dict[tuple[UUID, int], SentSegment] = field(default_factory=dict)
    sms_reports: dict[UUID, DeliveryReport] = field(default_factory=dict)
    sender_texts: dict[UUID, SenderSms] = field(default_factory=dict)
    log_shards: dict[str, RegisteredShard] = field(default_factory=dict)
    shard_ends: dict[str, ShardEnd] = field(default_factory=dict)
    given_up: dict[str, GivenUpShard] = field(default_factory=dict)
    sender_sms_days: dict[UUID, tuple[date, int]] = field(default_factory=dict)
    failed: bool = False

    def copy(self) -> Self:
        """Returns a copy; the values themselves are frozen."""
        kept = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "failed"}
        return type(self)(**{name: value.copy() for name, value in kept.items()})

    def require(self, condition: bool, constraint: str) -> None:
        """Refuses what a constraint of the database refuses."""
        if not condition:
            self._refuse(constraint)

    def _refuse(self, constraint: str) -> NoReturn:
        self.failed = True
        raise StorageFault("ConstraintViolation", "23000", constraint)
