"""Makes the evidence of each fact: which values stand in which document (docs/receipts.md).

A document is written once, here, and never again; what is stored, hashed and handed out are these bytes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import (
    AccessDetails,
    ConfirmationDetails,
    ConsignmentDetails,
    Details,
    EffectDetails,
    SignInDetails,
    SubmissionDetails,
    WithdrawalDetails,
    revocation_list,
)
from namak.evidence.details_outside import NudgeDetails, NudgeFailureDetails
from namak.evidence.details_paper import PaperDetails
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
from namak.evidence.events import Event
from namak.evidence.notification_policy import Effect, effect_at, effect_of, policy_named
from namak.evidence.statement import Statement, stated_parts
from server.domain.caller import IpAddress
from server.domain.deliveries import Delivery, PartInfo, Party, Submission
from server.domain.facts import Fact
from server.domain.paper_desk import PaperOrigin
from server.domain.profile import Profile
from server.domain.reasons import Reason

_TICK = timedelta(microseconds=1)
"""The finest difference that evidence can write."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes one piece of evidence this one: its identifier, its salt (16 random bytes), when it is
    recorded, and the profile under which it is issued.
    """

    evidence_id: UUID
    salt: bytes
    recorded_at: datetime
    profile: Profile


def recording_time(now: datetime, earlier: Sequence[Fact]) -> datetime:
    """Returns the EventTime of a fact that is recorded after the delivery's earlier ones.

    It is after all of theirs, even where the clock of this replica is behind that of another: the order of
    recording and the order of times are one.
    """
    return max([now, *(fact.recorded_at + _TICK for fact in earlier)])


def fact_of(facts: Sequence[Fact], event: Event) -> Fact:
    """Returns the delivery's one fact of this event; `LookupError` when it has none, which is a defect."""
    for fact in facts:
        if fact.event == event:
            return fact
    raise LookupError(f"the delivery has no {event.name}")


def submission_acceptance(
    stamp: Stamp, delivery: Delivery, request_id: str, submitted_from: IpAddress
) -> Fact:
    """Makes the evidence that a submission was accepted."""
    details = SubmissionDetails(request_id, submitted_from, delivery.in_reply_to)
    return _of_delivery(stamp, events.SUBMISSION_ACCEPTANCE, delivery, details)


def content_consignment(stamp: Stamp, delivery: Delivery, mailbox_link: bytes) -> Fact:
    """Makes the evidence that the message lies in the recipient's mailbox, at a place that only the holder
    can prove.
    """
    details = ConsignmentDetails(mailbox_link, delivery.in_reply_to)
    return _of_delivery(stamp, events.CONTENT_CONSIGNMENT, delivery, details)


def received_on_paper(
    stamp: Stamp, delivery: Delivery, consignment: Fact, paper: PaperOrigin, clerk: bytes
) -> Fact:
    """Makes the evidence that the message is the copy of a letter on paper, which a clerk handed in who has
    the certificate of this SHA-256 (BOX-11).
    """
    details = PaperDetails(
        consignment=consignment.entry.hex(),
        clerk=clerk.hex(),
        custody=paper.custody,
        original=paper.original,
        copy_statement=paper.statement,
        paper_sender=paper.sender,
        tracking=paper.tracking,
    )
    return _of_delivery(stamp, events.RECEIVED_FROM_NON_ERDS, delivery, details)


def submission_rejection(
    stamp: Stamp,
    submission: Submission,
    party: Party,
    reason: Reason,
    submitted_from: IpAddress,
) -> Fact:
    """Makes the evidence that a submission was refused, and why."""
    document = EvidenceDocument(
        evidence_id=stamp.evidence_id,
        event=events.SUBMISSION_REJECTION,
        event_time=stamp.recorded_at,
        policy_id=stamp.profile.evidence_policy,
        issuer=_issuer(stamp.profile),
        sender=_sender(submission.sender, party.code, party.name),
        recipient=Recipient(submission.recipient),
        submission_time=stamp.recorded_at,
        parts=_parts(submission.subject, tuple(part.info for part in submission.parts)),
        salt=stamp.salt,
        notification_policy=stamp.profile.notification_policy,
        details=SubmissionDetails(submission.request_id, submitted_from, submission.in_reply_to),
        reason=reason.value,
    )
    return _fact(document, owner_id=party.id, organisation_id=party.id)


def withdrawn(stamp: Stamp, delivery: Delivery, consignment: Fact) -> Fact:
    """Makes the evidence that the sender withdrew the message before anybody opened it."""
    details = WithdrawalDetails(consignment.entry.hex())
    return _of_delivery(stamp, events.WITHDRAWN, delivery, details)


def forwarded(
    stamp: Stamp,
    event: Event,
    delivery: Delivery,
    consignment: Fact,
    channel: str,
    why: str,
    *,
    reported_time: datetime | None = None,
) -> Fact:
    """Makes the evidence of what became of a copy to one of the holder's own addresses (POST-7); a failure
    says why, in a word, which is empty where there was none. `reported_time` is when others, a phone's
    network say, told us.
    """
    digest = consignment.entry.hex()
    details: Details = NudgeDetails(digest, reported_time=reported_time, channel=channel)
    if why:
        details = NudgeFailureDetails(digest, reported_time=reported_time, channel=channel, cause=why)
    return _of_delivery(stamp, event, delivery, details)


def content_access_tracking(
    stamp: Stamp, delivery: Delivery, consignment: Fact, right: str | None = None
) -> Fact:
    """Makes the evidence that the holder opened the message, or somebody else by the act that `right` is the
    hex digest of.
    """
    details = AccessDetails(consignment.entry.hex(), right)
    return _of_delivery(stamp, events.CONTENT_ACCESS_TRACKING, delivery, details)


def holder_signed_in(
    stamp: Stamp, delivery: Delivery, consignment: Fact, method: str, challenge: bytes
) -> Fact:
    """Makes the evidence that the holder signed in, by signing this challenge, while the delivery was open
    (LADDER-1).
    """
    details = SignInDetails(consignment.entry.hex(), method, hashlib.sha256(challenge).hexdigest())
    return _of_delivery(stamp, events.HOLDER_SIGNED_IN, delivery, details)


def statement_to_sign(
    statement_id: UUID,
    delivery: Delivery,
    issued_at: datetime,
    expires_at: datetime,
    right: str | None = None,
    *,
    language: str,
) -> bytes:
    """Returns the exact bytes that are signed to confirm the reading (ADMIN-7): by the holder, or on their
    behalf by somebody whom the act entitles that `right` is the hex digest of. `language` is the profile's
    for the sentence.
    """
    return Statement(
        statement_id=statement_id,
        delivery_id=delivery.id,
        sender=delivery.sender,
        recipient=delivery.recipient,
        parts=stated_parts(_parts(delivery.subject, delivery.parts)),
        issued=issued_at,
        expires=expires_at,
        right=right,
        language=language,
    ).encode()


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A confirmation as it came: the statement's bytes, the CMS over them (DER), and the revocation lists by
    which its certificates were judged, the signer's first (DER); `right` as in the statement.
    """

    statement: bytes
    cms: bytes
    revocation_lists: Sequence[bytes]
    right: str | None = None


def reading_confirmed(
    stamp: Stamp, delivery: Delivery, consignment: Fact, access: Fact, signed: SignedStatement
) -> Fact:
    """Makes the evidence of the holder's confirmation, with the whole signature in it (ADMIN-7)."""
    details = ConfirmationDetails(
        consignment=consignment.entry.hex(),
        access=access.entry.hex(),
        statement=signed.statement.decode(),
        cms=signed.cms,
        revocation=tuple(revocation_list(der) for der in signed.revocation_lists),
        right=signed.right,
    )
    return _of_delivery(stamp, events.READING_CONFIRMED, delivery, details)


def outside(stamp: Stamp, delivery: Delivery, event: Event, details: Details) -> Fact:
    """Makes the evidence of something that happened outside: to a letter on paper, a notice, a nudge."""
    return _of_delivery(stamp, event, delivery, details)


def effect_by(earlier: Sequence[Fact], now: datetime) -> Effect | None:
    """Derives the effect that a delivery's facts have by now, also by lapse of time; None for most."""
    return effect_at([RecordedFact.parse(fact.data) for fact in earlier], now)


def effect_after(fact: Fact, earlier: Sequence[Fact]) -> Effect | None:
    """Derives the legal effect that a fact has after the delivery's earlier ones; None for most (POST-2,
    LADDER-2).

    It is the very function that a verifier runs again, over the very bytes.
    """
    return effect_of(RecordedFact.parse(fact.data), [RecordedFact.parse(other.data) for other in earlier])


def effect_carried_by(fact: Fact, earlier: Sequence[Fact]) -> Effect | None:
    """Derives the effect that follows from a fact after the delivery's earlier ones, be its time later; None
    for most.
    """
    recorded = RecordedFact.parse(fact.data)
    policy = policy_named(recorded.document.notification_policy)
    return policy.carried_by(recorded, [RecordedFact.parse(other.data) for other in earlier])


def notification_effected(stamp: Stamp, delivery: Delivery, effect: Effect) -> Fact:
    """Makes the evidence that the recipient is properly notified, because of the fact that it names
    (POST-2).
    """
    details = EffectDetails(effect.fact_digest, effect.rule, effect.effective_time)
    return _of_delivery(stamp, events.NOTIFICATION_EFFECTED, delivery, details)


def _of_delivery(stamp: Stamp, event: Event, delivery: Delivery, details: Details) -> Fact:
    document = EvidenceDocument(
        evidence_id=stamp.evidence_id,
        event=event,
        event_time=stamp.recorded_at,
        policy_id=stamp.profile.evidence_policy,
        issuer=_issuer(stamp.profile),
        sender=_sender(delivery.sender, delivery.organisation_code, delivery.organisation_name),
        recipient=Recipient(delivery.recipient),
        submission_time=delivery.submitted_at,
        parts=_parts(delivery.subject, delivery.parts),
        salt=stamp.salt,
        # A delivery keeps the policy that it was accepted under (LADDER-2).
        notification_policy=delivery.notification_policy,
        details=details,
        delivery_id=delivery.id,
    )
    return _fact(document, owner_id=delivery.mailbox_id, organisation_id=delivery.organisation_id)


def _fact(document: EvidenceDocument, *, owner_id: UUID, organisation_id: UUID) -> Fact:
    data = document.encode()
    return Fact(
        id=document.evidence_id,
        event=document.event,
        owner_id=owner_id,
        organisation_id=organisation_id,
        delivery_id=document.delivery_id,
        recorded_at=document.event_time,
        data=data,
        entry=entry_of(data),
    )


@lru_cache(1024)
def _sender(identifier: str, organisation_code: str, organisation_name: str) -> Sender:
    return Sender(identifier, organisation_code, organisation_name)


# Few operators and senders.
@lru_cache(16)
def _issuer(profile: Profile) -> Issuer:
    return Issuer(profile.operator_identifier, profile.operator_name)


_last: tuple[str, tuple[PartInfo, ...], tuple[Part, ...]] = ("", (), ())
"""What was made last: a delivery's facts come one after the other."""


def _parts(subject: str, infos: tuple[PartInfo, ...]) -> tuple[Part, ...]:
    global _last
    of_subject, of_infos, parts = _last
    if of_infos is infos and of_subject is subject and parts:
        return parts
    numbered = enumerate(infos, 1)
    parts = (
        subject_part(subject),
        *[Part(str(number), info.media_type, info.size, info.digest, info.name) for number, info in numbered],
    )
    _last = (subject, infos, parts)
    return parts
