"""Evidence of deliveries as our own server writes it, which nearly all is: read in a fraction of the time.

A document is cut into three lists of members: what is its own, what all evidence of its delivery has in
common, and its extensions. Whatever follows one list of a JSON object's members after a comma is the next
one, so each may be read alone, in braces, by the very readers of :mod:`namak.evidence.document`; and what is
common stands in the same bytes each time, and is read once. Nothing is taken that those readers refuse in the
whole document. What is not cut so, or is refused, is for them to read and to judge as a whole.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from namak.evidence import events
from namak.evidence.document import (
    DOCUMENT_LIMIT,
    VERSION,
    EvidenceDocument,
    Issuer,
    Part,
    Recipient,
    Sender,
    read_extensions,
    read_issuer,
    read_policy_id,
    read_recipient,
    read_sender,
)
from namak.evidence.events import Event
from namak.evidence.failures import MalformedEvidence
from namak.evidence.parts import read_parts
from namak.evidence.strict_json import UUID_FORM, Value, load
from namak.evidence.times import parse_time

_OWN: Final = re.compile(
    rf'\{{"version":"{re.escape(VERSION)}","EvidenceIdentifier":"(?P<id>{UUID_FORM.pattern})",'
    r'"ERDSEventId":"(?P<uri>[^"\\]+)","EventTime":"(?P<time>[^"\\]+)"',
    re.ASCII,
)
_COMMON: Final = b',"EvidenceIssuerPolicyID":'
_RECIPIENT: Final = b',"RecipientDetails":'
_EXTENSIONS: Final = b',"Extensions":'
_CMS: Final = b',"cms":"'
_REVOCATION: Final = b'","revocation":'
_RIGHT: Final = b',"right":'

_KEPT_BYTES: Final = 4096
"""What has more bytes is read each time, so that no more than some megabytes are kept."""

_KEPT_LISTS_BYTES: Final = 90_000
"""The same of revocation lists: as much as :func:`~namak.evidence.encoding.decode_repeated` keeps of one."""


class _Parties(NamedTuple):
    """What a sender's documents have in common."""

    policy_id: str
    issuer: Issuer
    sender: Sender


class _Message(NamedTuple):
    """What a delivery's documents have in common besides."""

    recipient: Recipient
    submission_time: datetime
    delivery_id: UUID
    parts: tuple[Part, ...]


def document_as_written(data: bytes) -> EvidenceDocument | None:
    """Returns what ``EvidenceDocument.parse(data)`` returns; None where that has to decide."""
    if len(data) > DOCUMENT_LIMIT:
        return None
    common = data.find(_COMMON)
    recipient = data.find(_RECIPIENT, common)
    extensions = data.find(_EXTENSIONS, recipient)
    if not 0 < common < recipient < extensions or not data.endswith(b"}"):
        return None
    try:
        return _read(
            data[:common],
            data[common + 1 : recipient],
            data[recipient + 1 : extensions],
            data[extensions + len(_EXTENSIONS) : -1],
        )
    # Why it is refused, if it is, is said of the whole.
    except (MalformedEvidence, ValueError):
        return None


def _read(own: bytes, parties: bytes, message: bytes, extensions: bytes) -> EvidenceDocument | None:
    """Reads the pieces, the first with the brace before it."""
    found = _OWN.fullmatch(own.decode("ascii"))
    event = events.by_uri.get(found["uri"]) if found else None
    if found is None or event is None or not _is_usual(event):
        return None
    policy_id, issuer, sender = _parties(parties)
    recipient, submission_time, delivery_id, parts = _message(message)
    salt, notification_policy, details = read_extensions(event, _extensions(extensions))
    return EvidenceDocument(
        UUID(found["id"]),
        event,
        parse_time(found["time"]),
        policy_id,
        issuer,
        sender,
        recipient,
        submission_time,
        parts,
        salt,
        notification_policy,
        details,
        delivery_id,
    )


def _is_usual(event: Event) -> bool:
    """Tells whether its documents have the members that are looked for here, and no others."""
    return event.of_message and event.of_delivery and not event.has_reason


def _parties(members: bytes) -> _Parties:
    return (_read_parties if len(members) > _KEPT_BYTES else _kept_parties)(members)


def _message(members: bytes) -> _Message:
    return (_read_message if len(members) > _KEPT_BYTES else _kept_message)(members)


def _read_parties(members: bytes) -> _Parties:
    fields = _object(members).fields(("EvidenceIssuerPolicyID", "EvidenceIssuerDetails", "SenderDetails"))
    return _Parties(
        read_policy_id(fields["EvidenceIssuerPolicyID"]),
        read_issuer(fields["EvidenceIssuerDetails"]),
        read_sender(fields["SenderDetails"]),
    )


def _read_message(members: bytes) -> _Message:
    fields = _object(members).fields(
        ("RecipientDetails", "SubmissionTime", "MessageIdentifier", "UserContentInfo")
    )
    return _Message(
        read_recipient(fields["RecipientDetails"], of_delivery=True),
        fields["SubmissionTime"].time(),
        fields["MessageIdentifier"].uuid(),
        read_parts(fields["UserContentInfo"]),
    )


def _extensions(data: bytes) -> Value:
    """Loads extensions; of a confirmation's, which are long, without looking through the signature, which
    holds nothing that JSON writes in another way if it is base64, and through lists that were seen before.
    """
    cms = data.find(_CMS)
    revocation = data.find(_REVOCATION, cms)
    if not 0 < cms < revocation:
        return load(data, DOCUMENT_LIMIT)
    # What stands behind the lists where the signer acts for somebody else.
    end = data.find(_RIGHT, revocation)
    end = len(data) - 1 if end < 0 else end
    before, behind = load(data[:cms] + b"}", DOCUMENT_LIMIT).raw, _object(data[end + 1 : -1]).raw
    if not isinstance(before, dict) or not isinstance(behind, dict) or data[-1:] != b"}":
        return load(data, DOCUMENT_LIMIT)
    names = [*before, "cms", "revocation", *behind]
    if len({*names}) < len(names):
        return load(data, DOCUMENT_LIMIT)
    lists = data[revocation + len(_REVOCATION) : end]
    signature = data[cms + len(_CMS) : revocation].decode("ascii")
    raw_lists = (_load_lists if len(lists) > _KEPT_LISTS_BYTES else _kept_lists)(lists)
    return Value({**before, "cms": signature, "revocation": raw_lists, **behind}, "document")


def _load_lists(data: bytes) -> object:
    return load(data, DOCUMENT_LIMIT).raw


_kept_lists: Final = lru_cache(maxsize=128)(_load_lists)
_kept_parties: Final = lru_cache(maxsize=256)(_read_parties)
_kept_message: Final = lru_cache(maxsize=1024)(_read_message)


def _object(members: bytes) -> Value:
    return load(b"{%b}" % members, DOCUMENT_LIMIT)
