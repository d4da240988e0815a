"""What the evidence of each event holds besides the part that all evidence has: ``Extensions``, typed."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from namak.evidence import events
from namak.evidence.details_outside import (
    CHANNELS,
    STEP_FORM,
    TRACKING_FORM,
    LetterHandedOverDetails,
    LetterPostedDetails,
    LetterPrintedDetails,
    LetterRefusedDetails,
    LetterReturnedDetails,
    NoticeDetails,
    NudgeDetails,
    NudgeFailureDetails,
)
from namak.evidence.details_paper import (
    ORIGINAL_LIMIT,
    PaperDetails,
    copy_statement_values,
    custody_values,
    paper_sender_values,
    read_copy_statement,
    read_custody,
    read_paper_sender,
)
from namak.evidence.details_sms import (
    SmsAcceptedDetails,
    SmsDeliveredDetails,
    SmsFailedDetails,
    SmsSentDetails,
)
from namak.evidence.encoding import decode_repeated, encode_base64
from namak.evidence.events import Event, Extension
from namak.evidence.failures import MalformedEvidence
from namak.evidence.mailbox_link import LINK_BYTES
from namak.evidence.strict_json import HEX_DIGEST_FORM, IpAddress, Value, uuid_text, written
from namak.evidence.times import format_time

CMS_LIMIT: Final = 32 * 1024
"""A confirmation's signature has at most so many bytes."""

INLINE_LIST_LIMIT: Final = 64 * 1024
"""A revocation list of more bytes is named by its digest instead of standing in the evidence."""

STATEMENT_LIMIT: Final = 128 * 1024
"""A statement has at most so many characters."""

LISTS_LIMIT: Final = 8
"""A signer's path has at most so many certificates, the root aside."""

SEGMENTS_LIMIT: Final = 256
"""A short message takes fewer segments."""

REQUEST_ID_FORM: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
SIGN_IN_METHODS: Final = re.compile(r"CERTIFICATE|MOBILE_ID", re.ASCII)
"""How who signs in by signature does so. A password proves too little for a fact."""

_CAUSE = re.compile(r"[A-Z][A-Z0-9_]{0,63}", re.ASCII)
_RULE = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SubmissionDetails:
    """SubmissionAcceptance, SubmissionRejection: the submission's ``request_id``, the address that it came
    from, and the delivery that it answers, where it is a holder's reply.
    """

    request_id: str
    submitted_from: IpAddress
    in_reply_to: UUID | None = None


@dataclass(frozen=True, slots=True)
class ConsignmentDetails:
    """ContentConsignment: the delivery's link in the chain of its mailbox, 32 bytes, and the delivery that it
    answers, where it is a holder's reply.
    """

    mailbox_link: bytes
    in_reply_to: UUID | None = None


@dataclass(frozen=True, slots=True)
class AccessDetails:
    """ContentAccessTracking: the hex digest of the ContentConsignment evidence, and, where somebody else than
    the recipient opened it, that of the act that gave them the right (:mod:`namak.evidence.delegation`).

    Who it was, the act says, and so the holder may know; the sender may not.
    """

    consignment: str
    right: str | None = None


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
    """ReadingConfirmed: the whole signature of the holder, or of who signed on their behalf.

    ``consignment`` and ``access`` are hex digests of evidence; ``statement`` is the signed text, ``cms`` the
    detached signature over its UTF-8 bytes, ``revocation`` one list for each certificate of the signer's path
    but the root, the signer's first. ``right`` is the hex digest of the act that gave the signer the right,
    where the signer is not the recipient (:mod:`namak.evidence.delegation`).
    """

    consignment: str
    access: str
    statement: str
    cms: bytes
    revocation: tuple[RevocationList, ...]
    right: str | None = None


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
    SmsAcceptedDetails
    | SmsSentDetails
    | SmsDeliveredDetails
    | SmsFailedDetails
    | SubmissionDetails
    | ConsignmentDetails
    | AccessDetails
    | ConfirmationDetails
    | SignInDetails
    | EffectDetails
    | WithdrawalDetails
    | NudgeDetails
    | NudgeFailureDetails
    | LetterPrintedDetails
    | LetterPostedDetails
    | LetterHandedOverDetails
    | LetterRefusedDetails
    | LetterReturnedDetails
    | NoticeDetails
    | PaperDetails
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
        events.CONSIGNMENT_NOTIFICATION: NudgeDetails,
        events.CONSIGNMENT_NOTIFICATION_FAILURE: NudgeFailureDetails,
        events.RELAY_TO_NON_ERDS: NudgeDetails,
        events.RELAY_TO_NON_ERDS_FAILURE: NudgeFailureDetails,
        events.LETTER_PRINTED: LetterPrintedDetails,
        events.LETTER_POSTED: LetterPostedDetails,
        events.LETTER_HANDED_OVER: LetterHandedOverDetails,
        events.LETTER_REFUSED: LetterRefusedDetails,
        events.LETTER_RETURNED: LetterReturnedDetails,
        events.NOTICE_PUBLISHED: NoticeDetails,
        events.SMS_ACCEPTED: SmsAcceptedDetails,
        events.SMS_SENT: SmsSentDetails,
        events.SMS_DELIVERED: SmsDeliveredDetails,
        events.SMS_FAILED: SmsFailedDetails,
        events.RECEIVED_FROM_NON_ERDS: PaperDetails,
    }
)


def _read_revocation(value: Value) -> tuple[RevocationList, ...]:
    return tuple(_read_list(item) for item in value.items(1, LISTS_LIMIT))


def _read_list(item: Value) -> RevocationList:
    if item.has("crl"):
        return InlineList(item.fields(["crl"])["crl"].base64(1, INLINE_LIST_LIMIT, decode_repeated))
    return NamedList(item.fields(["crlDigest"])["crlDigest"].hex_digest())


def _revocation_values(lists: tuple[RevocationList, ...]) -> list[dict[str, str]]:
    return [
        {"crl": encode_base64(item.crl)} if isinstance(item, InlineList) else {"crlDigest": item.digest}
        for item in lists
    ]


@dataclass(frozen=True, slots=True)
class _Spelling:
    """How an extension is read, the attribute of the details that it becomes, and how that is written again.

    ``write`` gives the JSON of what ``read`` would give back, and refuses all else as ``read`` would.
    """

    attribute: str
    read: Callable[[Value], object]
    write: Callable[[Any], str]


def _matching(pattern: re.Pattern[str]) -> tuple[Callable[[Value], object], Callable[[Any], str]]:
    """Returns reader and writer of a text of this form, which needs no escapes."""

    def write(text: Any) -> str:
        if not isinstance(text, str) or not pattern.fullmatch(text):
            raise MalformedEvidence(f"an extension is not of the form {pattern.pattern}")
        return f'"{text}"'

    return lambda value: value.matching(pattern), write


def _base64(at_least: int, at_most: int) -> tuple[Callable[[Value], object], Callable[[Any], str]]:
    def write(data: Any) -> str:
        if not isinstance(data, bytes) or not at_least <= len(data) <= at_most:
            raise MalformedEvidence(f"an extension is not {at_least} to {at_most} bytes")
        return f'"{encode_base64(data)}"'

    return lambda value: value.base64(at_least, at_most), write


def _read_again(
    read: Callable[[Value], object], raw_of: Callable[[Any], object]
) -> tuple[Callable[[Value], object], Callable[[Any], str]]:
    """Returns the reader and a writer that asks it what it wrote: for what is not written a thousand times a
    second.
    """

    def write(meant: Any) -> str:
        try:
            raw = raw_of(meant)
        except (AttributeError, TypeError, ValueError):
            raise MalformedEvidence("an extension is not of its type") from None
        return written(raw, read, meant)

    return read, write


# A sender's address stands in all that comes from it.
@lru_cache(1024)
def _write_ip_address(address: Any) -> str:
    return written(str(address), Value.ip_address, address)


_HEX_DIGEST = _matching(HEX_DIGEST_FORM)

_SPELLINGS: Mapping[Extension, _Spelling] = {
    Extension.REQUEST_ID: _Spelling("request_id", *_matching(REQUEST_ID_FORM)),
    Extension.SUBMITTED_FROM: _Spelling("submitted_from", Value.ip_address, _write_ip_address),
    Extension.MAILBOX_LINK: _Spelling("mailbox_link", *_base64(LINK_BYTES, LINK_BYTES)),
    Extension.CONSIGNMENT: _Spelling("consignment", *_HEX_DIGEST),
    Extension.ACCESS: _Spelling("access", *_HEX_DIGEST),
    Extension.STATEMENT: _Spelling(
        "statement", *_read_again(lambda value: value.lines(STATEMENT_LIMIT), str)
    ),
    Extension.CMS: _Spelling("cms", *_base64(1, CMS_LIMIT)),
    Extension.REVOCATION: _Spelling("revocation", *_read_again(_read_revocation, _revocation_values)),
    Extension.FACT: _Spelling("fact", *_HEX_DIGEST),
    Extension.RULE: _Spelling("rule", *_matching(_RULE)),
    Extension.METHOD: _Spelling("method", *_matching(SIGN_IN_METHODS)),
    Extension.CHALLENGE: _Spelling("challenge", *_HEX_DIGEST),
    Extension.EFFECTIVE_TIME: _Spelling("effective_time", *_read_again(Value.time, format_time)),
    Extension.RIGHT: _Spelling("right", *_HEX_DIGEST),
    Extension.IN_REPLY_TO: _Spelling("in_reply_to", *_read_again(Value.uuid, uuid_text)),
    Extension.STEP: _Spelling("step", *_matching(STEP_FORM)),
    Extension.REPORTED_TIME: _Spelling("reported_time", *_read_again(Value.time, format_time)),
    Extension.CHANNEL: _Spelling("channel", *_matching(CHANNELS)),
    Extension.CAUSE: _Spelling("cause", *_matching(_CAUSE)),
    Extension.FILE: _Spelling("file", *_HEX_DIGEST),
    Extension.TRACKING: _Spelling("tracking", *_matching(TRACKING_FORM)),
    Extension.RECEIVER: _Spelling("receiver", *_read_again(lambda value: value.line(200), str)),
    Extension.SCAN: _Spelling("scan", *_HEX_DIGEST),
    Extension.SEGMENTS: _Spelling(
        "segments", *_read_again(lambda value: value.integer(below=SEGMENTS_LIMIT), int)
    ),
    Extension.PLACE: _Spelling("place", *_read_again(lambda value: value.line(500), str)),
    Extension.CLERK: _Spelling("clerk", *_HEX_DIGEST),
    Extension.CUSTODY: _Spelling("custody", *_read_again(read_custody, custody_values)),
    Extension.ORIGINAL: _Spelling("original", *_read_again(lambda value: value.line(ORIGINAL_LIMIT), str)),
    Extension.COPY_STATEMENT: _Spelling(
        "copy_statement", *_read_again(read_copy_statement, copy_statement_values)
    ),
    Extension.PAPER_SENDER: _Spelling("paper_sender", *_read_again(read_paper_sender, paper_sender_values)),
}


def extension_keys(event: Event) -> tuple[Extension, ...]:
    """Returns the keys of the event's own extensions. Raises MalformedEvidence where no evidence is issued of
    it yet.
    """
    if event.extensions is None:
        raise MalformedEvidence(f"namak-evidence/1 holds no evidence of {event.name}")
    return event.extensions


def read_details(event: Event, fields: Mapping[str, Value]) -> Details:
    """Returns what the event's own extensions say; ``fields`` has all of :func:`extension_keys` but perhaps
    some of the optional ones.
    """
    given = [(key, spelling) for key, spelling, optional in _spelled(event) if not optional or key in fields]
    attributes: dict[str, Any] = {spelling.attribute: spelling.read(fields[key]) for key, spelling in given}
    return DETAILS_OF[event](**attributes)


@cache
def _spelled(event: Event) -> tuple[tuple[str, _Spelling, bool], ...]:
    return tuple((key.value, _SPELLINGS[key], key in event.optional) for key in extension_keys(event))


def write_details(event: Event, details: Details) -> str:
    """Returns the JSON of the event's own extensions in the order of the table of events, each after a comma.

    Raises :class:`MalformedEvidence` for what :func:`read_details` would not give back.
    """
    if type(details) is not DETAILS_OF.get(event):
        raise MalformedEvidence(f"{type(details).__name__} are not the details of {event.name}")
    return "".join(
        [
            f"{key}{write(value)}"
            for key, attribute, write, optional in _written_keys(event)
            if (value := getattr(details, attribute)) is not None or not optional
        ]
    )


@cache
def _written_keys(event: Event) -> tuple[tuple[str, str, Callable[[Any], str], bool], ...]:
    return tuple(
        (f',"{key}":', each.attribute, each.write, optional) for key, each, optional in _spelled(event)
    )
