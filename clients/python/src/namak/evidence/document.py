"""The evidence document of ``namak-evidence/1``: what happened, in the bytes whose digest stands in the log.

Field names are those of ETSI EN 319 522-3. The **stored bytes** count: keep them, hash them, and never write
a parsed document out again in order to verify it. ``docs/receipts.md`` is normative.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property, lru_cache
from typing import Final, Self
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import Details, extension_keys, read_details, write_details
from namak.evidence.encoding import encode_base64
from namak.evidence.events import Event, Extension
from namak.evidence.failures import MalformedEvidence
from namak.evidence.parts import PARTS_LIMIT, SUBJECT, Part, read_parts, subject_part, write_parts
from namak.evidence.strict_json import Value, load, text_of, uuid_text, written
from namak.evidence.times import format_time

__all__ = [
    "ADDRESS_FORM",
    "DOCUMENT_LIMIT",
    "PARTS_LIMIT",
    "SALT_BYTES",
    "SUBJECT",
    "VERSION",
    "EvidenceDocument",
    "Issuer",
    "Part",
    "Recipient",
    "RecordedFact",
    "Sender",
    "entry_of",
    "event_of",
    "read_extensions",
    "read_issuer",
    "read_policy_id",
    "read_recipient",
    "read_sender",
    "subject_part",
]

VERSION: Final = "namak-evidence/1"

DOCUMENT_LIMIT: Final = 1024 * 1024
"""A document has at most so many bytes."""

SALT_BYTES: Final = 16

ADDRESS_FORM: Final = re.compile(
    r"[^\s\x00-\x1f\x7f-\x9f@\ud800-\udfff]{1,254}@[^\s\x00-\x1f\x7f-\x9f@\ud800-\udfff]{1,254}"
)
"""What every address looks like; which ones exist is not the format's to say."""

PHONE_FORM: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
"""A phone's number, as E.164 writes it: where a short message goes."""

_POLICY_ID = re.compile(r"namak:[a-z]{2}:[1-9][0-9]{0,5}", re.ASCII)
_NOTIFICATION_POLICY = re.compile(r"[a-z]{2}-[a-z0-9-]{1,30}@[1-9][0-9]{0,5}", re.ASCII)
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Issuer:
    """The operator that issued the evidence: its identifier, for example ``e-citizen.am``, and its name."""

    identifier: str
    name: str


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender address in canonical form, and the organisation that it belongs to."""

    identifier: str
    organisation_code: str
    organisation_name: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """The recipient's official address in canonical form, for example ``5001950015@e-citizen.am``; of a short
    message the phone's number.
    """

    identifier: str


@dataclass(frozen=True, slots=True)
class EvidenceDocument:
    """One piece of evidence about a message, parsed.

    ``event_time`` is when the server recorded the fact, ``submission_time`` when the submission was accepted
    or refused; all times are aware and in UTC. ``delivery_id`` is absent, and ``reason`` present, exactly
    where the table of events says so. ``policy_id`` is the profile under which the evidence was issued
    (``namak:am:1``), ``notification_policy`` the policy of the delivery (``am-2015@1``). ``salt`` keeps the
    contents from being guessed from the digest in the log.
    """

    evidence_id: UUID
    event: Event
    event_time: datetime
    policy_id: str
    issuer: Issuer
    sender: Sender
    recipient: Recipient
    submission_time: datetime
    parts: tuple[Part, ...]
    salt: bytes
    notification_policy: str
    details: Details
    delivery_id: UUID | None = None
    reason: str | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns what ``data`` says. Raises :class:`MalformedEvidence` for whatever the format does not
        permit.
        """
        return cls.read(load(data, DOCUMENT_LIMIT))

    @classmethod
    def read(cls, value: Value) -> Self:
        """Returns what a document says that was loaded already. Raises as :meth:`parse` does."""
        event = event_of(value)
        if not event.of_message:
            value.refuse(f"{event.name} is not about a message")
        fields = value.fields(_keys(event))
        fields["version"].exactly(VERSION)
        salt, notification_policy, details = read_extensions(event, fields["Extensions"])
        return cls(
            evidence_id=fields["EvidenceIdentifier"].uuid(),
            event=event,
            event_time=fields["EventTime"].time(),
            policy_id=read_policy_id(fields["EvidenceIssuerPolicyID"]),
            issuer=read_issuer(fields["EvidenceIssuerDetails"]),
            sender=read_sender(fields["SenderDetails"]),
            recipient=read_recipient(fields["RecipientDetails"], of_delivery=event.of_delivery),
            submission_time=fields["SubmissionTime"].time(),
            parts=read_parts(fields["UserContentInfo"]),
            salt=salt,
            notification_policy=notification_policy,
            details=details,
            delivery_id=fields["MessageIdentifier"].uuid() if event.of_delivery else None,
            reason=_read_reason(fields["EventReasons"]) if event.has_reason else None,
        )

    def encode(self) -> bytes:
        """Returns the bytes to be stored, hashed and handed out: the one time that the document is written.

        Raises :class:`MalformedEvidence` when they would not parse to this very document: nothing is issued
        that a verifier refuses. Each value is checked by the reader of its field before it is written, and
        what two documents in a row share is written once: reading the whole back would cost more than all
        the rest of a submission's evidence.
        """
        event = self.event
        if event.of_delivery != (self.delivery_id is not None):
            raise MalformedEvidence(f"{event.name} has a delivery exactly if the table of events says so")
        if event.has_reason != (self.reason is not None):
            raise MalformedEvidence(f"{event.name} has a reason exactly if the table of events says so")
        known = events.by_uri.get(event.uri)
        if not event.of_message or (known is not event and known != event):
            raise MalformedEvidence(f"{event.name} is no event of the table about a message")
        try:
            data = _write(self).encode()
        except UnicodeEncodeError:
            raise MalformedEvidence("document: not UTF-8") from None
        if len(data) > DOCUMENT_LIMIT:
            raise MalformedEvidence(f"document: has {len(data)} bytes, more than {DOCUMENT_LIMIT}")
        return data


@dataclass(frozen=True)
class RecordedFact:
    """A piece of evidence about a message with the bytes that were recorded; ``data`` is what counts."""

    document: EvidenceDocument
    data: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Returns the fact that ``data`` records. Raises :class:`MalformedEvidence`."""
        return cls(EvidenceDocument.parse(data), data)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the bytes in lower-case hexadecimal: how other evidence names this one."""
        return self.entry.hex()

    @cached_property
    def entry(self) -> bytes:
        """The log's entry of this evidence."""
        return entry_of(self.data)


def entry_of(document_bytes: bytes) -> bytes:
    """Returns the log's entry of a piece of evidence: the SHA-256 of its bytes, 32 raw bytes."""
    return hashlib.sha256(document_bytes).digest()


def event_of(value: Value) -> Event:
    """Returns the event that a document is of."""
    if not value.has("ERDSEventId"):
        value.refuse("not an object with an ERDSEventId")
    uri = Value(value.raw["ERDSEventId"], "ERDSEventId", value)  # type: ignore[index]  # `has` says that it is an object
    event = events.by_uri.get(uri.string())
    if event is None:
        uri.refuse("no event of the table")
    return event


def _keys(event: Event) -> tuple[str, ...]:
    return _keys_of(event.has_reason, event.of_delivery)


@cache
def _keys_of(has_reason: bool, of_delivery: bool) -> tuple[str, ...]:
    return (
        "version",
        "EvidenceIdentifier",
        "ERDSEventId",
        "EventTime",
        *(["EventReasons"] if has_reason else []),
        "EvidenceIssuerPolicyID",
        "EvidenceIssuerDetails",
        "SenderDetails",
        "RecipientDetails",
        "SubmissionTime",
        *(["MessageIdentifier"] if of_delivery else []),
        "UserContentInfo",
        "Extensions",
    )


def _read_reason(value: Value) -> str:
    return value.items(1, 1)[0].fields(["Code"])["Code"].matching(_REASON)


def read_recipient(value: Value, *, of_delivery: bool) -> Recipient:
    """Returns what ``RecipientDetails`` says in evidence of a delivery, or of none."""
    return Recipient(value.fields(["Identifier"])["Identifier"].matching(_recipient_form(of_delivery)))


@cache
def _recipient_form(of_delivery: bool) -> re.Pattern[str]:
    """What has no delivery may be about a phone."""
    if of_delivery:
        return ADDRESS_FORM
    return re.compile(f"(?:{ADDRESS_FORM.pattern})|(?:{PHONE_FORM.pattern})")


@cache
def _required(event: Event) -> tuple[Extension, ...]:
    return tuple(key for key in extension_keys(event) if key not in event.optional)


def read_extensions(event: Event, value: Value) -> tuple[bytes, str, Details]:
    """Returns what ``Extensions`` says: the salt, the notification policy, and the event's details."""
    fields = value.fields(("salt", "notificationPolicy", *_required(event)), event.optional)
    return (
        fields["salt"].base64(SALT_BYTES, SALT_BYTES),
        fields["notificationPolicy"].matching(_NOTIFICATION_POLICY),
        read_details(event, fields),
    )


def read_policy_id(value: Value) -> str:
    """Returns what ``EvidenceIssuerPolicyID`` says."""
    return value.items(1, 1)[0].matching(_POLICY_ID)


def read_issuer(value: Value) -> Issuer:
    """Returns what ``EvidenceIssuerDetails`` says."""
    fields = value.fields(["Identifier", "Name"])
    return Issuer(fields["Identifier"].line(254), fields["Name"].line(500))


def read_sender(value: Value) -> Sender:
    """Returns what ``SenderDetails`` says."""
    fields = value.fields(["Identifier", "OrganisationCode", "OrganisationName"])
    return Sender(
        fields["Identifier"].matching(ADDRESS_FORM),
        fields["OrganisationCode"].line(64),
        fields["OrganisationName"].line(500),
    )


def _write(document: EvidenceDocument) -> str:
    event, salt, notification_policy = document.event, document.salt, document.notification_policy
    if len(salt) != SALT_BYTES:
        raise MalformedEvidence(f"a salt has {SALT_BYTES} bytes")
    reason = f'"EventReasons":{_write_reason(document.reason)},' if event.has_reason else ""
    delivery = f'"MessageIdentifier":{_write_id(document.delivery_id)},' if event.of_delivery else ""
    return (
        f'{{"version":"{VERSION}","EvidenceIdentifier":{_write_id(document.evidence_id)},'
        f'"ERDSEventId":"{event.uri}","EventTime":{_write_time(document.event_time)},{reason}'
        f'"EvidenceIssuerPolicyID":{_write_policy_id(document.policy_id)},'
        f'"EvidenceIssuerDetails":{_write_issuer(document.issuer)},'
        f'"SenderDetails":{_write_sender(document.sender)},'
        f'"RecipientDetails":{_write_recipient(document.recipient, event)},'
        f'"SubmissionTime":{_write_time(document.submission_time)},{delivery}'
        f'"UserContentInfo":{write_parts(document.parts)},'
        f'"Extensions":{{"salt":"{encode_base64(salt)}",'
        f'"notificationPolicy":{_write_notification_policy(notification_policy)}'
        f"{write_details(event, document.details)}}}}}"
    )


def _write_id(identifier: UUID | None) -> str:
    if not isinstance(identifier, UUID):
        raise MalformedEvidence("an identifier is no UUID")
    return f'"{uuid_text(identifier)}"'


def _write_reason(reason: str | None) -> str:
    return written([{"Code": reason}], _read_reason, reason)


@lru_cache(64)
def _write_time(time: datetime) -> str:
    return f'"{format_time(time)}"'


# Few operators, policies and senders, and one delivery after the other.
@lru_cache(16)
def _write_policy_id(policy_id: str) -> str:
    return written([policy_id], read_policy_id, policy_id)


@lru_cache(16)
def _write_issuer(issuer: Issuer) -> str:
    return written({"Identifier": issuer.identifier, "Name": issuer.name}, read_issuer, issuer)


@lru_cache(1024)
def _write_sender(sender: Sender) -> str:
    values = {
        "Identifier": sender.identifier,
        "OrganisationCode": sender.organisation_code,
        "OrganisationName": sender.organisation_name,
    }
    return written(values, read_sender, sender)


def _write_recipient(recipient: Recipient, event: Event) -> str:
    identifier = recipient.identifier
    if not _recipient_form(event.of_delivery).fullmatch(identifier):
        raise MalformedEvidence("the recipient is no address")
    return f'{{"Identifier":{text_of(identifier)}}}'


@lru_cache(16)
def _write_notification_policy(policy: str) -> str:
    return written(policy, lambda value: value.matching(_NOTIFICATION_POLICY), policy)
