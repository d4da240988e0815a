"""A small post office with the contract's behaviour, in memory: what the client is tested against.

It keeps request ids, mailboxes, openings, statements, evidence and a real (one-key) log, and refuses as the
contract says. It checks no signatures of persons. ``faults`` makes calls fail, before or after they took
effect.
"""

import hashlib
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from namak.evidence import events
from namak.evidence.details import (
    AccessDetails,
    ConfirmationDetails,
    ConsignmentDetails,
    Details,
    EffectDetails,
    NamedList,
    SubmissionDetails,
    WithdrawalDetails,
)
from namak.evidence.document import (
    EvidenceDocument,
    Issuer,
    Part,
    Recipient,
    RecordedFact,
    Sender,
    entry_of,
    subject_part,
)
from namak.evidence.events import Audience, Event
from namak.evidence.statement import Statement, stated_parts
from namak.v1 import delivery_pb2, evidence_pb2, mailbox_pb2, sender_admin_pb2, signature_pb2
from tests.client.phone import Phone
from tests.client.refusing import Faults, Refusal, not_yours
from tests.unit.evidence.signing import LogKey, WitnessKey, proof_of, signed_checkpoint

HOLDER = "5001950015@e-citizen.am"
SENDER = "notices@src.am"


@dataclass
class Letter:
    """A delivery as the office keeps it."""

    submission: delivery_pb2.Submission
    delivery_id: str
    time: datetime
    facts: list[RecordedFact] = field(default_factory=list)
    opened: datetime | None = None
    confirmed: datetime | None = None
    withdrawn: datetime | None = None
    statements: dict[str, bytes] = field(default_factory=dict)
    cms: bytes | None = None

    def described(self) -> list[delivery_pb2.PartInfo]:
        return [described(part) for part in self.submission.parts]


def described(part: delivery_pb2.Part) -> delivery_pb2.PartInfo:
    digest = evidence_pb2.Digest(
        algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=hashlib.sha256(part.content).digest()
    )
    return delivery_pb2.PartInfo(
        name=part.name, media_type=part.media_type, size=len(part.content), digest=digest
    )


@dataclass
class Office:
    """The whole post: one organisation with one address, one mailbox, one log."""

    faults: Faults = field(default_factory=Faults)
    former_shards: list[evidence_pb2.LogShard] = field(default_factory=list)
    successions: dict[str, bytes] = field(default_factory=dict)
    """The receipts that lead on from shards, by the origins asked for."""
    log_key: LogKey = field(default_factory=LogKey)
    letters: dict[str, Letter] = field(default_factory=dict)
    claims: dict[str, tuple[bytes, Letter]] = field(default_factory=dict)
    entries: list[bytes] = field(default_factory=list)
    watched: list[evidence_pb2.LogCursor | None] = field(default_factory=list)
    """Where each who watched deliveries began."""
    letter_desk: object = None
    """Where print houses come, once the counter is open."""
    facts: dict[str, RecordedFact] = field(default_factory=dict)
    submitted_ids: list[str] = field(default_factory=list)
    waits: list[timedelta | None] = field(default_factory=list)
    """How long each submission asked to wait for its receipts."""
    batches: list[int] = field(default_factory=list)
    everybody: bool = False
    """Whether everybody has a mailbox whose number does not begin with 0."""
    batches_before_silence: int | None = None
    """After so many batches, what is accepted gets no answer any more."""
    silent: threading.Event = field(default_factory=threading.Event)
    """Set when the first batch gets no answer."""
    registrations: dict[str, str] = field(default_factory=dict)
    acts: list[sender_admin_pb2.AdministrativeAct] = field(default_factory=list)
    """What was done in the register, newest first."""
    verification: signature_pb2.SignatureVerification | None = None
    """What it says of every signature."""
    verified: list[signature_pb2.VerifySignatureRequest] = field(default_factory=list)
    tampered: dict[str, bytes] = field(default_factory=dict)
    """By part name: bytes to send instead of the true content."""
    renamed: dict[str, str] = field(default_factory=dict)
    """By part name: what a hostile post calls it towards the recipient."""
    phone: Phone = field(default_factory=Phone)
    stamps: dict[str, Callable[[bytes], bytes]] = field(default_factory=dict)
    """By authority: what gives a token over a checkpoint's bytes."""
    stamping: list[evidence_pb2.TimestampingState] = field(default_factory=list)
    status: evidence_pb2.GetLogStatusResponse = field(default_factory=evidence_pb2.GetLogStatusResponse)

    @property
    def is_silent(self) -> bool:
        """Whether the batch that was just accepted gets no answer."""
        limit = self.batches_before_silence
        return limit is not None and len(self.batches) > limit

    def accept(self, submission: delivery_pb2.Submission) -> Letter:
        """Accepts a submission as the contract says, or raises its refusal."""
        self.submitted_ids.append(submission.request_id)
        digest = hashlib.sha256(submission.SerializeToString(deterministic=True)).digest()
        if submission.request_id in self.claims:
            claimed, letter = self.claims[submission.request_id]
            if claimed != digest:
                raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED", "used before, otherwise")
            return letter
        wrong = [
            (f"submission.{name}", "REQUIRED", "must not be empty")
            for name in ("subject", "parts")
            if not getattr(submission, name)
        ]
        if wrong:
            raise Refusal(
                grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELDS", "fields are wrong", fields=wrong
            )
        letter = Letter(submission, str(uuid.uuid4()), datetime.now(UTC))
        asked = SubmissionDetails(submission.request_id, ip_address("127.0.0.1"))
        if submission.sender != SENDER:
            raise Refusal(grpc.StatusCode.PERMISSION_DENIED, "SENDER_NOT_PERMITTED", "not your address")
        if not self.has_mailbox(submission.recipient):
            fact = self.record(letter, events.SUBMISSION_REJECTION, asked)
            raise Refusal(
                grpc.StatusCode.NOT_FOUND,
                "MAILBOX_UNKNOWN",
                "no mailbox has that address",
                metadata={"evidence_id": str(fact.document.evidence_id), "recipient": submission.recipient},
            )
        self.record(letter, events.SUBMISSION_ACCEPTANCE, asked)
        self.record(letter, events.CONTENT_CONSIGNMENT, ConsignmentDetails(secrets.token_bytes(32)))
        self.letters[letter.delivery_id] = letter
        self.claims[submission.request_id] = (digest, letter)
        return letter

    def has_mailbox(self, recipient: str) -> bool:
        return recipient == HOLDER or (self.everybody and not recipient.startswith("0"))

    def withdraw(self, letter: Letter) -> RecordedFact:
        """Withdraws a letter that was not opened, once."""
        if letter.opened is not None:
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "MESSAGE_OPENED", "opened already")
        if letter.withdrawn is None:
            letter.withdrawn = datetime.now(UTC)
            details = WithdrawalDetails(letter.facts[1].digest)
            self.record(letter, events.WITHDRAWN, details)
        return letter.facts[-1]

    def record(self, letter: Letter, event: Event, details: Details) -> RecordedFact:
        """Records a fact and integrates it into the log."""
        parts = [
            Part(str(number), info.media_type, info.size, info.digest.value, info.name)
            for number, info in enumerate(letter.described(), start=1)
        ]
        document = EvidenceDocument(
            evidence_id=uuid.uuid4(),
            event=event,
            event_time=datetime.now(UTC),
            policy_id="namak:am:1",
            issuer=Issuer("e-citizen.am", "e-citizen"),
            sender=Sender(letter.submission.sender, "01234567", "State Revenue Committee"),
            recipient=Recipient(letter.submission.recipient),
            submission_time=letter.time,
            parts=(subject_part(letter.submission.subject), *parts),
            salt=secrets.token_bytes(16),
            notification_policy="am-2015@1",
            details=details,
            delivery_id=uuid.UUID(letter.delivery_id) if event.of_delivery else None,
            reason="MAILBOX_UNKNOWN" if event.has_reason else None,
        )
        fact = RecordedFact.parse(document.encode())
        letter.facts.append(fact)
        self.facts[str(document.evidence_id)] = fact
        self.entries.append(entry_of(fact.data))
        return fact

    def announced(self, letter: Letter) -> list[delivery_pb2.PartInfo]:
        """Returns the parts as the recipient is told of them."""
        parts = letter.described()
        for part in parts:
            part.name = self.renamed.get(part.name, part.name)
        return parts

    def registered(self, request_id: str) -> str:
        """Returns the identifier of what that request registers: for one request always the same."""
        return self.registrations.setdefault(request_id, str(uuid.uuid4()))

    def letter(self, delivery_id: str) -> Letter:
        return self.letters.get(delivery_id) or not_yours()

    def open(self, letter: Letter) -> None:
        if letter.opened is None:
            letter.opened = datetime.now(UTC)
            consigned = letter.facts[1].digest
            self.record(letter, events.CONTENT_ACCESS_TRACKING, AccessDetails(consigned))

    def issue_statement(self, letter: Letter) -> Statement:
        if letter.opened is None:
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "NOT_OPENED", "not opened yet")
        if letter.confirmed is not None:
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "ALREADY_CONFIRMED", "confirmed already")
        now = datetime.now(UTC)
        document = letter.facts[0].document
        statement = Statement(
            statement_id=uuid.uuid4(),
            delivery_id=uuid.UUID(letter.delivery_id),
            sender=document.sender.identifier,
            recipient=document.recipient.identifier,
            parts=stated_parts(document.parts),
            issued=now,
            expires=now + timedelta(minutes=30),
        )
        letter.statements[str(statement.statement_id)] = statement.encode()
        return statement

    def confirm(self, letter: Letter, statement_id: str, cms: bytes) -> list[RecordedFact]:
        if letter.cms == cms:
            return letter.facts[-2:]
        if letter.confirmed is not None:
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "ALREADY_CONFIRMED", "confirmed already")
        if statement_id not in letter.statements:
            raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, "STATEMENT_NOT_ISSUED", "no such statement")
        letter.confirmed, letter.cms = datetime.now(UTC), cms
        confirmed = self.record(
            letter,
            events.READING_CONFIRMED,
            ConfirmationDetails(
                letter.facts[1].digest,
                letter.facts[2].digest,
                letter.statements[statement_id].decode(),
                cms,
                (NamedList(hashlib.sha256(b"list").hexdigest()),),
            ),
        )
        effect = EffectDetails(confirmed.digest, "POST-2", confirmed.document.event_time)
        return [confirmed, self.record(letter, events.NOTIFICATION_EFFECTED, effect)]

    def ring(self, letter: Letter, number: str) -> tuple[str, bytes]:
        """Has the phone ring; returns the statement issued last, or another one, as the phone is told."""
        self.phone.rung.append(number)
        if self.phone.signs_another:
            self.issue_statement(letter)
        return list(letter.statements.items())[-1]

    def answer_of_phone(self, letter: Letter, code: str) -> list[RecordedFact] | None:
        """Confirms once the phone has been asked often enough; None before that."""
        self.phone.entered.append(code)
        if len(self.phone.entered) <= self.phone.answers_after:
            return None
        if self.phone.outcome:
            text = f"the phone signed nothing: {self.phone.outcome}"
            raise Refusal(grpc.StatusCode.FAILED_PRECONDITION, "MOBILE_ID_FAILED", text)
        return self.confirm(letter, list(letter.statements)[-1], b"by phone")

    def receipt(
        self, evidence_id: str, witnesses: tuple[WitnessKey, ...] = (), stamped: bool = False
    ) -> evidence_pb2.Receipt:
        fact = self.facts.get(evidence_id) or not_yours()
        index = self.entries.index(entry_of(fact.data))
        proof = proof_of(self.log_key, self.entries, index, fact.data, witnesses)
        tokens = {name: stamp(proof.checkpoint) for name, stamp in self.stamps.items()} if stamped else {}
        return evidence_pb2.Receipt(
            evidence_id=evidence_id,
            tlog_proof=proof.encode(),
            timestamps=[
                evidence_pb2.CheckpointTimestamp(authority=name, token=token)
                for name, token in tokens.items()
            ],
            origin=self.log_key.name,
            leaf_index=index,
            tree_size=len(self.entries),
            witnessed=bool(witnesses),
        )

    def log_status(self) -> evidence_pb2.GetLogStatusResponse:
        shard = evidence_pb2.LogShard(
            origin=self.log_key.name,
            tree_size=len(self.entries),
            unwitnessed_entries=41,
            healthy=True,
            timestamping=self.stamping,
        )
        reply = evidence_pb2.GetLogStatusResponse(
            shards=[shard, *self.former_shards], outage_begin_time=self.faults.outage_began
        )
        told = evidence_pb2.GetLogStatusResponse()
        told.CopyFrom(self.status)
        if told.shards:
            # What a test says of the shard is said besides.
            reply.shards[0].MergeFrom(told.shards.pop())
        reply.MergeFrom(told)
        return reply

    def checkpoint(self) -> bytes:
        return signed_checkpoint(self.log_key, self.entries)


def visible(letter: Letter, *hidden: Audience) -> list[RecordedFact]:
    return [fact for fact in letter.facts if fact.document.event.audience not in hidden]


def evidence(fact: RecordedFact) -> evidence_pb2.Evidence:
    return evidence_pb2.Evidence(
        evidence_id=str(fact.document.evidence_id),
        event=fact.document.event.uri,
        event_time=stamp(fact.document.event_time),
        document=fact.data,
    )


def stamp(time: datetime | None) -> Timestamp | None:
    if time is None:
        return None
    result = Timestamp()
    result.FromDatetime(time)
    return result


def delivery(letter: Letter) -> delivery_pb2.Delivery:
    return delivery_pb2.Delivery(
        delivery_id=letter.delivery_id,
        sender=letter.submission.sender,
        recipient=letter.submission.recipient,
        subject=letter.submission.subject,
        parts=letter.described(),
        notification_policy="am-2015@1",
        state=_state(letter),
        withdrawal_time=stamp(letter.withdrawn),
        submission_time=stamp(letter.time),
        notification_time=stamp(letter.confirmed),
    )


def _state(letter: Letter) -> delivery_pb2.DeliveryState.ValueType:
    if letter.withdrawn:
        return delivery_pb2.DELIVERY_STATE_WITHDRAWN
    return delivery_pb2.DELIVERY_STATE_NOTIFIED if letter.confirmed else delivery_pb2.DELIVERY_STATE_CONSIGNED


def message(letter: Letter) -> mailbox_pb2.Message:
    return mailbox_pb2.Message(
        delivery_id=letter.delivery_id,
        sender=letter.submission.sender,
        sender_name="State Revenue Committee",
        subject=letter.submission.subject,
        consignment_time=stamp(letter.time),
        opening_time=stamp(letter.opened),
        confirmation_time=stamp(letter.confirmed),
        state=delivery(letter).state,
    )
