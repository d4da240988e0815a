"""Evidence written with no check at all, straight from the format's table: the measure of the real writer."""

import base64
import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from namak.evidence.copy_statement import CopyStatement
from namak.evidence.custody import CustodyStep
from namak.evidence.details import Details, InlineList, NamedList
from namak.evidence.details_paper import PaperSender
from namak.evidence.document import EvidenceDocument, Issuer, Part, Recipient, Sender
from tests.unit.evidence_documents.documents import documents


def written_plainly(document: EvidenceDocument) -> bytes:
    """Returns the document's bytes, whether a reader takes them or not."""
    written = {
        "version": "namak-evidence/1",
        "EvidenceIdentifier": str(document.evidence_id),
        "ERDSEventId": document.event.uri,
        "EventTime": _time(document.event_time),
        "EventReasons": [{"Code": document.reason}] if document.reason is not None else None,
        "EvidenceIssuerPolicyID": [document.policy_id],
        "EvidenceIssuerDetails": {"Identifier": document.issuer.identifier, "Name": document.issuer.name},
        "SenderDetails": {
            "Identifier": document.sender.identifier,
            "OrganisationCode": document.sender.organisation_code,
            "OrganisationName": document.sender.organisation_name,
        },
        "RecipientDetails": {"Identifier": document.recipient.identifier},
        "SubmissionTime": _time(document.submission_time),
        "MessageIdentifier": str(document.delivery_id) if document.delivery_id is not None else None,
        "UserContentInfo": {"PartsInfo": [_part(part) for part in document.parts]},
        "Extensions": {
            "salt": _base64(document.salt),
            "notificationPolicy": document.notification_policy,
            **_details(document.details),
        },
    }
    present = {key: value for key, value in written.items() if value is not None}
    text = json.dumps(present, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", errors="surrogatepass")


def _part(part: Part) -> dict[str, object]:
    name = {"FileName": part.file_name} if part.file_name is not None else {}
    digest = {"Algorithm": "SHA-256", "Value": _base64(part.digest)}
    return {
        "PartIdentifier": part.identifier,
        "MediaType": part.media_type,
        **name,
        "Size": part.size,
        "Digest": digest,
    }


def _details(details: Details) -> dict[str, object]:
    values = {_key(field.name): getattr(details, field.name) for field in fields(details)}
    return {key: _plain(value) for key, value in values.items() if value is not None}


def _key(attribute: str) -> str:
    first, *others = attribute.split("_")
    return first + "".join(other.capitalize() for other in others)


def _plain(value: object) -> object:
    match value:
        case bytes():
            return _base64(value)
        case datetime():
            return _time(value)
        case int():
            return value
        case InlineList(crl):
            return {"crl": _base64(crl)}
        case NamedList(digest):
            return {"crlDigest": digest}
        case tuple():
            return [_plain(item) for item in value]
        case CustodyStep() | CopyStatement() | PaperSender():
            within = {_key(field.name): getattr(value, field.name) for field in fields(value)}
            return {key: _plain(inner) for key, inner in within.items() if inner not in (None, ())}
        case _:
            return str(value)


def _time(time: datetime) -> str:
    moved = time.astimezone(UTC)
    return f"{moved.year:04d}-{moved:%m-%dT%H:%M:%S.%f}Z"  # %Y leaves out the zeros of early years


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


_texts = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=8),
    st.sampled_from(
        ["", "a@b", "namak:am:1", "am-2015@2", "subject", "2", "a" * 501, "a\nb", "\ud800", "a/b"]
    ),
)
_bytes = st.one_of(st.binary(max_size=40), st.binary(min_size=32, max_size=32))
_sizes = st.sampled_from([-1, 0, 1, 2**63 - 1, 2**63])


@st.composite
def doubtful_documents(draw: st.DrawFn) -> EvidenceDocument:
    """Draws a document that is permitted but for one value, which may be anything of its type."""
    document = draw(documents())
    text = draw(_texts)
    sender = document.sender
    changes: list[dict[str, Any]] = [
        {"salt": draw(_bytes)},
        {"issuer": Issuer(text, document.issuer.name)},
        {"issuer": Issuer(document.issuer.identifier, text)},
        {"sender": Sender(text, sender.organisation_code, sender.organisation_name)},
        {"sender": Sender(sender.identifier, text, sender.organisation_name)},
        {"sender": Sender(sender.identifier, sender.organisation_code, text)},
        {"recipient": Recipient(text)},
        {"policy_id": text},
        {"notification_policy": text},
        {"parts": tuple(draw(st.permutations(document.parts)))[: draw(st.integers(0, 4))]},
        {"parts": _with_doubtful_part(draw, document.parts, text)},
        {"details": _doubtful(draw, document.details, text)},
    ]
    return replace(document, **draw(st.sampled_from(changes)))


def _with_doubtful_part(draw: st.DrawFn, parts: tuple[Part, ...], text: str) -> tuple[Part, ...]:
    number = draw(st.integers(0, len(parts) - 1))
    changes: list[dict[str, Any]] = [
        {"identifier": text},
        {"media_type": text},
        {"size": draw(_sizes)},
        {"digest": draw(_bytes)},
        {"file_name": text},
        {"file_name": None},
    ]
    changed = replace(parts[number], **draw(st.sampled_from(changes)))
    return (*parts[:number], changed, *parts[number + 1 :])


def _doubtful(draw: st.DrawFn, details: Details, text: str) -> Details:
    name = draw(st.sampled_from([field.name for field in fields(details)]))
    match getattr(details, name):
        case str():
            value: Any = text
        case bytes():
            value = draw(_bytes)
        case tuple():
            value = draw(st.sampled_from([(), (NamedList(text),), (InlineList(b""),)]))
        case None:
            value = text
        case datetime():
            value = draw(st.datetimes(timezones=st.timezones()))
        case CopyStatement(version, language):
            value = draw(
                st.sampled_from([CopyStatement(text, language, "a"), CopyStatement(version, language, text)])
            )
        case PaperSender():
            value = draw(st.sampled_from([PaperSender(text), PaperSender(), PaperSender("a", (text,))]))
        case _:
            value = draw(st.ip_addresses())
    return replace(details, **{name: value})
