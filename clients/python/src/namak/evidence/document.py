"""The evidence document of ``namak-evidence/1``: what happened, in the bytes whose digest stands in the log.

Field names are those of ETSI EN 319 522-3. The **stored bytes** count: keep them, hash them, and never write
a parsed document out again in order to verify it. ``docs/receipts.md`` is normative.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Final, Self
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import Details, extension_keys, read_details, write_details
from namak.evidence.encoding import encode_base64
from namak.evidence.events import Event
from namak.evidence.failures import MalformedEvidence
from namak.evidence.strict_json import Value, load
from namak.evidence.times import format_time

VERSION: Final = "namak-evidence/1"

DOCUMENT_LIMIT: Final = 1024 * 1024
"""A document has at most so many bytes."""

PARTS_LIMIT: Final = 1000
"""A document names at most so many parts, the subject included."""

SALT_BYTES: Final = 16
DIGEST_BYTES: Final = 32

SUBJECT: Final = "subject"
"""The identifier of the first part of every message."""

SUBJECT_MEDIA_TYPE: Final = "text/plain;charset=utf-8"

ADDRESS_FORM: Final = re.compile(
    r"[^\s\x00-\x1f\x7f-\x9f@\ud800-\udfff]{1,254}@[^\s\x00-\x1f\x7f-\x9f@\ud800-\udfff]{1,254}"
)
"""What every address looks like; which ones exist is not the format's to say."""

_DIGEST_ALGORITHM: Final = "SHA-256"
_SIZE_LIMIT: Final = 2**63
_POLICY_ID = re.compile(r"namak:[a-z]{2}:[1-9][0-9]{0,5}", re.ASCII)
_NOTIFICATION_POLICY = re.compile(r"[a-z]{2}-[a-z0-9-]{1,30}@[1-9][0-9]{0,5}", re.ASCII)
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_MEDIA_TYPE = re.compile(r"[!#-~]{1,50}/[ -~]{1,98}", re.ASCII)
_FILE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,200}")


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
    """The recipient's official address in canonical form, for example ``5001950015@e-citizen.am``."""

    identifier: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message: ``digest`` is the SHA-256 of its content (32 bytes), ``size`` the content's
    bytes.

    The subject is a part as well (:func:`subject_part`); it alone has no file name.
    """

    identifier: str
    media_type: str
    size: int
    digest: bytes
    file_name: str | None = None


def subject_part(subject: str) -> Part:
    """Returns the part that stands for the subject: the first of every message."""
    content = subject.encode()
    return Part(SUBJECT, SUBJECT_MEDIA_TYPE, len(content), hashlib.sha256(content).digest())


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
        value = load(data, DOCUMENT_LIMIT)
        event = event_of(value)
        if not event.of_message:
            value.refuse(f"{event.name} is not about a message")
        fields = value.fields(_keys(event))
        fields["version"].exactly(VERSION)
        common = ("salt", "notificationPolicy")
        extensions = fields["Extensions"].fields((*common, *extension_keys(event)))
        return cls(
            evidence_id=fields["EvidenceIdentifier"].uuid(),
            event=event,
            event_time=fields["EventTime"].time(),
            policy_id=read_policy_id(fields["EvidenceIssuerPolicyID"]),
            issuer=read_issuer(fields["EvidenceIssuerDetails"]),
            sender=_read_sender(fields["SenderDetails"]),
            recipient=Recipient(
                fields["RecipientDetails"].fields(["Identifier"])["Identifier"].matching(ADDRESS_FORM)
            ),
            submission_time=fields["SubmissionTime"].time(),
            parts=_read_parts(fields["UserContentInfo"]),
            salt=extensions["salt"].base64(SALT_BYTES, SALT_BYTES),
            notification_policy=extensions["notificationPolicy"].matching(_NOTIFICATION_POLICY),
            details=read_details(event, extensions),
            delivery_id=fields["MessageIdentifier"].uuid() if event.of_delivery else None,
            reason=_read_reason(fields["EventReasons"]) if event.has_reason else None,
        )

    def encode(self) -> bytes:
        """Returns the bytes to be stored, hashed and handed out: the one time that the document is written.

        Raises :class:`MalformedEvidence` when they would not parse to this very document: nothing is issued
        that a verifier refuses.
        """
        if self.event.of_delivery != (self.delivery_id is not None):
            raise MalformedEvidence(
                f"{self.event.name} has a delivery exactly if the table of events says so"
            )
        if self.event.has_reason != (self.reason is not None):
            raise MalformedEvidence(f"{self.event.name} has a reason exactly if the table of events says so")
        text = json.dumps(_write(self), ensure_ascii=False, separators=(",", ":"))
        data = text.encode("utf-8", errors="surrogatepass")
        if type(self).parse(data) != self:
            raise MalformedEvidence("the document does not come back as it was written")
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
        return hashlib.sha256(self.data).hexdigest()

    @property
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
    uri = Value(value.raw["ERDSEventId"], ".ERDSEventId", value)  # type: ignore[index]  # `has` says that it is an object
    event = events.by_uri.get(uri.string())
    if event is None:
        uri.refuse("no event of the table")
    return event


@cache
def _keys(event: Event) -> tuple[str, ...]:
    return (
        "version",
        "EvidenceIdentifier",
        "ERDSEventId",
        "EventTime",
        *(["EventReasons"] if event.has_reason else []),
        "EvidenceIssuerPolicyID",
        "EvidenceIssuerDetails",
        "SenderDetails",
        "RecipientDetails",
        "SubmissionTime",
        *(["MessageIdentifier"] if event.of_delivery else []),
        "UserContentInfo",
        "Extensions",
    )


def _read_reason(value: Value) -> str:
    return value.items(1, 1)[0].fields(["Code"])["Code"].matching(_REASON)


def read_policy_id(value: Value) -> str:
    """Returns what ``EvidenceIssuerPolicyID`` says."""
    return value.items(1, 1)[0].matching(_POLICY_ID)


def read_issuer(value: Value) -> Issuer:
    """Returns what ``EvidenceIssuerDetails`` says."""
    fields = value.fields(["Identifier", "Name"])
    return Issuer(fields["Identifier"].line(254), fields["Name"].line(500))


def _read_sender(value: Value) -> Sender:
    fields = value.fields(["Identifier", "OrganisationCode", "OrganisationName"])
    return Sender(
        fields["Identifier"].matching(ADDRESS_FORM),
        fields["OrganisationCode"].line(64),
        fields["OrganisationName"].line(500),
    )


def _read_parts(value: Value) -> tuple[Part, ...]:
    subject, *others = value.fields(["PartsInfo"])["PartsInfo"].items(1, PARTS_LIMIT)
    return (_read_subject(subject), *(_read_part(part, number) for number, part in enumerate(others, 1)))


def _read_subject(value: Value) -> Part:
    fields = value.fields(["PartIdentifier", "MediaType", "Size", "Digest"])
    return Part(
        fields["PartIdentifier"].exactly(SUBJECT),
        fields["MediaType"].exactly(SUBJECT_MEDIA_TYPE),
        fields["Size"].integer(below=_SIZE_LIMIT),
        _read_digest(fields["Digest"]),
    )


def _read_part(value: Value, number: int) -> Part:
    fields = value.fields(["PartIdentifier", "MediaType", "FileName", "Size", "Digest"])
    return Part(
        fields["PartIdentifier"].exactly(str(number)),
        fields["MediaType"].matching(_MEDIA_TYPE),
        fields["Size"].integer(below=_SIZE_LIMIT),
        _read_digest(fields["Digest"]),
        fields["FileName"].matching(_FILE_NAME),
    )


def _read_digest(value: Value) -> bytes:
    fields = value.fields(["Algorithm", "Value"])
    fields["Algorithm"].exactly(_DIGEST_ALGORITHM)
    return fields["Value"].base64(DIGEST_BYTES, DIGEST_BYTES)


def _write(document: EvidenceDocument) -> dict[str, object]:
    values: dict[str, object] = {
        "version": VERSION,
        "EvidenceIdentifier": str(document.evidence_id),
        "ERDSEventId": document.event.uri,
        "EventTime": format_time(document.event_time),
        "EventReasons": [{"Code": document.reason}],
        "EvidenceIssuerPolicyID": [document.policy_id],
        "EvidenceIssuerDetails": {"Identifier": document.issuer.identifier, "Name": document.issuer.name},
        "SenderDetails": {
            "Identifier": document.sender.identifier,
            "OrganisationCode": document.sender.organisation_code,
            "OrganisationName": document.sender.organisation_name,
        },
        "RecipientDetails": {"Identifier": document.recipient.identifier},
        "SubmissionTime": format_time(document.submission_time),
        "MessageIdentifier": str(document.delivery_id),
        "UserContentInfo": {"PartsInfo": [_write_part(part) for part in document.parts]},
        "Extensions": {
            "salt": encode_base64(document.salt),
            "notificationPolicy": document.notification_policy,
            **write_details(document.event, document.details),
        },
    }
    return {key: values[key] for key in _keys(document.event)}


def _write_part(part: Part) -> dict[str, object]:
    name = {} if part.file_name is None else {"FileName": part.file_name}
    digest = {"Algorithm": _DIGEST_ALGORITHM, "Value": encode_base64(part.digest)}
    return {
        "PartIdentifier": part.identifier,
        "MediaType": part.media_type,
        **name,
        "Size": part.size,
        "Digest": digest,
    }
