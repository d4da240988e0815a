"""What the evidence of each event holds besides the part that all evidence has: ``Extensions``, typed."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from namak.evidence import events
from namak.evidence.encoding import encode_base64
from namak.evidence.events import Event, Extension
from namak.evidence.failures import MalformedEvidence
from namak.evidence.mailbox_link import LINK_BYTES
from namak.evidence.strict_json import IpAddress, Value
from namak.evidence.times import format_time

CMS_LIMIT: Final = 32 * 1024
"""A confirmation's signature has at most so many bytes."""

INLINE_LIST_LIMIT: Final = 64 * 1024
"""A revocation list of more bytes is named by its digest instead of standing in the evidence."""

STATEMENT_LIMIT: Final = 128 * 1024
"""A statement has at most so many characters."""

LISTS_LIMIT: Final = 8
"""A signer's path has at most so many certificates, the root aside."""

REQUEST_ID_FORM: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
SIGN_IN_METHODS: Final = re.compile(r"CERTIFICATE|MOBILE_ID", re.ASCII)
"""How who signs in by signature does so. A password proves too little for a fact."""

_RULE = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SubmissionDetails:
    """SubmissionAcceptance, SubmissionRejection: the submission's ``request_id`` and the address that it came
    from.
    """

    request_id: str
    submitted_from: IpAddress


@dataclass(frozen=True, slots=True)
class ConsignmentDetails:
    """ContentConsignment: the delivery's link in the chain of its mailbox, 32 bytes."""

    mailbox_link: bytes


@dataclass(frozen=True, slots=True)
class AccessDetails:
    """ContentAccessTracking: the hex digest of the ContentConsignment evidence."""

    consignment: str


@dataclass(frozen=True, slots=True)
class InlineList:
    """A revocation list that stands in the evidence: its DER."""

    crl: bytes

    @property
    def digest(self) -> str:
        """The list's SHA-256 in hexadecimal."""
        return hashlib.sha256(self.crl).hexdigest()


@dataclass(frozen=True, slots=True)
class NamedList:
    """A revocation list that is published apart: the SHA-256 of its DER in hexadecimal."""

    digest: str


RevocationList = InlineList | NamedList


def revocation_list(crl: bytes) -> RevocationList:
    """Returns ``crl`` (DER) as evidence carries it: whole, or over :data:`INLINE_LIST_LIMIT` by digest."""
    inline = InlineList(crl)
    return inline if len(crl) <= INLINE_LIST_LIMIT else NamedList(inline.digest)


@dataclass(frozen=True, slots=True)
class ConfirmationDetails:
    """ReadingConfirmed: the holder's whole signature.

    ``consignment`` and ``access`` are hex digests of evidence; ``statement`` is the signed text, ``cms`` the
    detached signature over its UTF-8 bytes, ``revocation`` one list for each certificate of the signer's path
    but the root, the signer's first.
    """

    consignment: str
    access: str
    statement: str
    cms: bytes
    revocation: tuple[RevocationList, ...]


@dataclass(frozen=True, slots=True)
class SignInDetails:
    """HolderSignedIn: the hex digest of the ContentConsignment evidence of a delivery that was open then, how
    the holder signed in, and the hex SHA-256 of the challenge (:mod:`namak.evidence.sign_in`) that they
    signed.

    The signature itself is not here: the holder's certificate is no concern of whoever sent something.
    """

    consignment: str
    method: str
    challenge: str


@dataclass(frozen=True, slots=True)
class EffectDetails:
    """NotificationEffected: the hex digest of its cause, the policy's rule, and since when it holds."""

    fact: str
    rule: str
    effective_time: datetime


@dataclass(frozen=True, slots=True)
class WithdrawalDetails:
    """Withdrawn: the hex digest of the ContentConsignment evidence of what was withdrawn.

    The holder sees it too: what the sender calls its request, and from where it came, is the sender's alone.
    """

    consignment: str


Details = (
    SubmissionDetails
    | ConsignmentDetails
    | AccessDetails
    | ConfirmationDetails
    | SignInDetails
    | EffectDetails
    | WithdrawalDetails
)

DETAILS_OF: Mapping[Event, type[Details]] = MappingProxyType(
    {
        events.SUBMISSION_ACCEPTANCE: SubmissionDetails,
        events.SUBMISSION_REJECTION: SubmissionDetails,
        events.CONTENT_CONSIGNMENT: ConsignmentDetails,
        events.CONTENT_ACCESS_TRACKING: AccessDetails,
        events.READING_CONFIRMED: ConfirmationDetails,
        events.HOLDER_SIGNED_IN: SignInDetails,
        events.NOTIFICATION_EFFECTED: EffectDetails,
        events.WITHDRAWN: WithdrawalDetails,
    }
)


def _read_revocation(value: Value) -> tuple[RevocationList, ...]:
    return tuple(_read_list(item) for item in value.items(1, LISTS_LIMIT))


def _read_list(item: Value) -> RevocationList:
    if item.has("crl"):
        return InlineList(item.fields(["crl"])["crl"].base64(1, INLINE_LIST_LIMIT))
    return NamedList(item.fields(["crlDigest"])["crlDigest"].hex_digest())


def _write_revocation(lists: tuple[RevocationList, ...]) -> list[dict[str, str]]:
    return [
        {"crl": encode_base64(item.crl)} if isinstance(item, InlineList) else {"crlDigest": item.digest}
        for item in lists
    ]


@dataclass(frozen=True, slots=True)
class _Spelling:
    """How an extension is read and written, and the attribute of the details that it becomes."""

    attribute: str
    read: Callable[[Value], object]
    write: Callable[[Any], object]


_SPELLINGS: Mapping[Extension, _Spelling] = {
    Extension.REQUEST_ID: _Spelling("request_id", lambda value: value.matching(REQUEST_ID_FORM), str),
    Extension.SUBMITTED_FROM: _Spelling("submitted_from", Value.ip_address, str),
    Extension.MAILBOX_LINK: _Spelling(
        "mailbox_link", lambda value: value.base64(LINK_BYTES, LINK_BYTES), encode_base64
    ),
    Extension.CONSIGNMENT: _Spelling("consignment", Value.hex_digest, str),
    Extension.ACCESS: _Spelling("access", Value.hex_digest, str),
    Extension.STATEMENT: _Spelling("statement", lambda value: value.lines(STATEMENT_LIMIT), str),
    Extension.CMS: _Spelling("cms", lambda value: value.base64(1, CMS_LIMIT), encode_base64),
    Extension.REVOCATION: _Spelling("revocation", _read_revocation, _write_revocation),
    Extension.FACT: _Spelling("fact", Value.hex_digest, str),
    Extension.RULE: _Spelling("rule", lambda value: value.matching(_RULE), str),
    Extension.METHOD: _Spelling("method", lambda value: value.matching(SIGN_IN_METHODS), str),
    Extension.CHALLENGE: _Spelling("challenge", Value.hex_digest, str),
    Extension.EFFECTIVE_TIME: _Spelling("effective_time", Value.time, format_time),
}


def extension_keys(event: Event) -> tuple[Extension, ...]:
    """Returns the keys of the event's own extensions. Raises MalformedEvidence where no evidence is issued of
    it yet.
    """
    if event.extensions is None:
        raise MalformedEvidence(f"namak-evidence/1 holds no evidence of {event.name}")
    return event.extensions


def read_details(event: Event, fields: Mapping[str, Value]) -> Details:
    """Returns what the event's own extensions say; ``fields`` has all of :func:`extension_keys`."""
    spellings = {key: _SPELLINGS[key] for key in extension_keys(event)}
    attributes: dict[str, Any] = {
        spelling.attribute: spelling.read(fields[key]) for key, spelling in spellings.items()
    }
    return DETAILS_OF[event](**attributes)


def write_details(event: Event, details: Details) -> dict[str, object]:
    """Returns the event's own extensions as JSON values, in the order of the table of events."""
    keys = extension_keys(event)
    if type(details) is not DETAILS_OF[event]:
        raise MalformedEvidence(f"{type(details).__name__} are not the details of {event.name}")
    return {key.value: _SPELLINGS[key].write(getattr(details, _SPELLINGS[key].attribute)) for key in keys}
