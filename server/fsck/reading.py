"""Reads evidence as the server writes it, which most is, faster than a stranger's is read."""

import binascii
import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import read_details
from namak.evidence.document import EvidenceDocument, Issuer, Part, Recipient, RecordedFact, Sender
from namak.evidence.errors import EvidenceError
from namak.evidence.strict_json import Value

_COMMON: Final = b'"EvidenceIssuerPolicyID":'
_EXTENSIONS: Final = b'"Extensions":'
_NOT_SO: Final = (EvidenceError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


class FactReader:
    """Reads facts as `RecordedFact.parse` does.

    What is taken out of the bytes without much ado is written again. Nothing is ever written that would not
    be read as this very document: where the same bytes come back, that is what they say. All others are read
    as whatever comes from outside. The middle of a document is the same in all of one delivery, so that of
    the last one is kept.
    """

    def __init__(self) -> None:
        self._common = b""
        self._last: EvidenceDocument | None = None

    def read(self, data: bytes) -> RecordedFact:
        """Returns the fact that `data` records. Raises `MalformedEvidence`."""
        begin, end = data.find(_COMMON), data.rfind(_EXTENSIONS)
        common = data[begin:end]
        try:
            if self._last is not None and common == self._common:
                document = _like(self._last, data[:begin], data[end + len(_EXTENSIONS) :])
            else:
                document = _taken_out(json.loads(data))
            if document.encode() == data:
                self._common, self._last = common, document
                return RecordedFact(document, data)
        except _NOT_SO:
            # Why it is refused, if it is, the strict reader says.
            pass
        return RecordedFact.parse(data)


def _like(other: EvidenceDocument, before: bytes, after: bytes) -> EvidenceDocument:
    """Returns a document that differs from another one in what stands before and after the common middle."""
    head, extensions = json.loads(before[:-1] + b"}"), json.loads(after[:-1])
    event = events.by_uri[head["ERDSEventId"]]
    return replace(
        other,
        evidence_id=UUID(head["EvidenceIdentifier"]),
        event=event,
        event_time=datetime.fromisoformat(head["EventTime"]),
        reason=head["EventReasons"][0]["Code"] if event.has_reason else None,
        **_extensions(event, extensions),
    )


def _taken_out(raw: Any) -> EvidenceDocument:
    event = events.by_uri[raw["ERDSEventId"]]
    sender, issuer = raw["SenderDetails"], raw["EvidenceIssuerDetails"]
    return EvidenceDocument(
        evidence_id=UUID(raw["EvidenceIdentifier"]),
        event=event,
        event_time=datetime.fromisoformat(raw["EventTime"]),
        policy_id=raw["EvidenceIssuerPolicyID"][0],
        issuer=Issuer(issuer["Identifier"], issuer["Name"]),
        sender=Sender(sender["Identifier"], sender["OrganisationCode"], sender["OrganisationName"]),
        recipient=Recipient(raw["RecipientDetails"]["Identifier"]),
        submission_time=datetime.fromisoformat(raw["SubmissionTime"]),
        parts=tuple(
            Part(
                part["PartIdentifier"],
                part["MediaType"],
                part["Size"],
                binascii.a2b_base64(part["Digest"]["Value"]),
                part.get("FileName"),
            )
            for part in raw["UserContentInfo"]["PartsInfo"]
        ),
        delivery_id=UUID(raw["MessageIdentifier"]) if event.of_delivery else None,
        reason=raw["EventReasons"][0]["Code"] if event.has_reason else None,
        **_extensions(event, raw["Extensions"]),
    )


def _extensions(event: events.Event, raw: Any) -> dict[str, Any]:
    return {
        "salt": binascii.a2b_base64(raw["salt"]),
        "notification_policy": raw["notificationPolicy"],
        "details": read_details(event, {key: Value(value, key) for key, value in raw.items()}),
    }
