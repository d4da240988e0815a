"""Makes the evidence of senders' own short messages. It belongs to no delivery, and no policy reads it."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import Details, SubmissionDetails
from namak.evidence.details_sms import (
    SmsAcceptedDetails,
    SmsDeliveredDetails,
    SmsFailedDetails,
    SmsSentDetails,
)
from namak.evidence.document import EvidenceDocument, Issuer, Part, Recipient, Sender, entry_of, subject_part
from namak.evidence.events import Event
from server.domain.caller import IpAddress
from server.domain.deliveries import Party
from server.domain.evidence_building import Stamp
from server.domain.facts import Fact
from server.domain.reasons import Reason
from server.domain.sender_sms import SenderSms, SmsText


def sms_accepted(
    stamp: Stamp, party: Party, sms: SenderSms, submitted_from: IpAddress, consignment: Fact | None
) -> Fact:
    """Makes the evidence that a short message to a phone was accepted; it holds the number, and of the words
    the digest, in the place of a subject.
    """
    assert sms.text is not None
    details = SmsAcceptedDetails(
        sms.request_id, submitted_from, sms.segments, None if consignment is None else consignment.entry.hex()
    )
    parts = (subject_part(sms.text),)
    document = _document(stamp, party, events.SMS_ACCEPTED, sms.sender, sms.phone, parts, details)
    return _recorded(document, party.id)


def sms_rejection(
    stamp: Stamp, party: Party, sender: str, sms: SmsText, request_id: str, reason: Reason, client: IpAddress
) -> Fact:
    """Makes the evidence that a short message that was to go alone was refused, and why. It names the first
    phone, and of all of them the digest: one number a line.
    """
    listed = "".join(f"{phone}\n" for phone in sms.phones).encode()
    phones = Part("1", "text/plain;charset=utf-8", len(listed), hashlib.sha256(listed).digest(), "phones.txt")
    document = _document(
        stamp,
        party,
        events.SUBMISSION_REJECTION,
        sender,
        sms.phones[0],
        (subject_part(sms.text), phones),
        SubmissionDetails(request_id, client),
    )
    return _recorded(replace(document, reason=reason.value), party.id)


def sms_sent(stamp: Stamp, accepted: Fact) -> Fact:
    """Makes the evidence that a centre has taken all of it."""
    return _after(stamp, accepted, events.SMS_SENT, SmsSentDetails(accepted.entry.hex()))


def sms_delivered(stamp: Stamp, accepted: Fact) -> Fact:
    """Makes the evidence that the phone's network reported now that the phone has it."""
    details = SmsDeliveredDetails(accepted.entry.hex(), stamp.recorded_at)
    return _after(stamp, accepted, events.SMS_DELIVERED, details)


def sms_failed(stamp: Stamp, accepted: Fact, cause: str, reported: datetime | None) -> Fact:
    """Makes the evidence that the phone did not get it; `reported` is when its network said so, if it did."""
    details = SmsFailedDetails(accepted.entry.hex(), cause, reported)
    return _after(stamp, accepted, events.SMS_FAILED, details)


def _after(stamp: Stamp, accepted: Fact, event: Event, details: Details) -> Fact:
    """Makes evidence of what became of a short message: about the same text and phone."""
    document = replace(
        EvidenceDocument.parse(accepted.data),
        evidence_id=stamp.evidence_id,
        event=event,
        event_time=stamp.recorded_at,
        salt=stamp.salt,
        details=details,
    )
    return _recorded(document, accepted.organisation_id)


def _document(
    stamp: Stamp,
    party: Party,
    event: Event,
    sender: str,
    phone: str,
    parts: Sequence[Part],
    details: Details,
) -> EvidenceDocument:
    return EvidenceDocument(
        evidence_id=stamp.evidence_id,
        event=event,
        event_time=stamp.recorded_at,
        policy_id=stamp.profile.evidence_policy,
        issuer=Issuer(stamp.profile.operator_identifier, stamp.profile.operator_name),
        sender=Sender(sender, party.code, party.name),
        recipient=Recipient(phone),
        submission_time=stamp.recorded_at,
        parts=tuple(parts),
        salt=stamp.salt,
        notification_policy=stamp.profile.notification_policy,
        details=details,
    )


def _recorded(document: EvidenceDocument, organisation_id: UUID) -> Fact:
    data = document.encode()
    return Fact(
        id=document.evidence_id,
        event=document.event,
        owner_id=organisation_id,
        organisation_id=organisation_id,
        delivery_id=None,
        recorded_at=document.event_time,
        data=data,
        entry=entry_of(data),
    )
