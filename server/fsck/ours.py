"""Recognises evidence by its bytes where it is spelled as the server spells it, without reading it.

What is recognised here every reader reads, and as just this: the patterns are those of the format
(docs/receipts.md), narrowed to one order of keys, no spaces and no escapes. What differs in any way is for
the readers.
"""

import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from namak.evidence import events
from namak.evidence.document import DOCUMENT_LIMIT, PARTS_LIMIT, VERSION
from namak.evidence.errors import EvidenceError
from namak.evidence.events import Event
from namak.evidence.strict_json import UUID_FORM, Value
from namak.evidence.times import format_time

SALT: Final = b'"Extensions":{"salt":"'

HEAD: Final = f'{{"version":"{VERSION}","EvidenceIdentifier":"'

_COMMON: Final = b'"EvidenceIssuerPolicyID":'
_RECIPIENT: Final = b',"RecipientDetails":'

_CONTROLS: Final = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
_ADDRESS_SIDE: Final = rf'[^\s"\\{_CONTROLS}@]{{1,254}}'
_ADDRESS: Final = re.compile(f"{_ADDRESS_SIDE}@{_ADDRESS_SIDE}")
_NAME_CHARACTER: Final = rf'(?:[^"\\{_CONTROLS}\u2028\u2029]|\\["\\])'
_SIZE: Final = r"(?:0|[1-9][0-9]{0,17})"
TIME: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_DIGEST: Final = r'"Digest":\{"Algorithm":"SHA-256","Value":"([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)"\}\}'
# The last character of unpadded 32 bytes has two bits that are nought.

_PARTIES: Final = re.compile(
    r'"EvidenceIssuerPolicyID":\["(namak:[a-z]{2}:[1-9][0-9]{0,5})"\],'
    rf'"EvidenceIssuerDetails":\{{"Identifier":"{_NAME_CHARACTER}{{1,254}}",'
    rf'"Name":"{_NAME_CHARACTER}{{1,500}}"\}},'
    rf'"SenderDetails":\{{"Identifier":"({_ADDRESS_SIDE}@{_ADDRESS_SIDE})",'
    rf'"OrganisationCode":"{_NAME_CHARACTER}{{1,64}}","OrganisationName":"{_NAME_CHARACTER}{{1,500}}"\}}'
)
_PART_BEGINS: Final = '{"PartIdentifier":'
_SUBJECT: Final = (
    r'\{"PartIdentifier":"subject","MediaType":"text/plain;charset=utf-8",'
    rf'"Size":{_SIZE},{_DIGEST}'
)
_PART: Final = (
    r',\{"PartIdentifier":"NUMBER","MediaType":"[!#-\[\]-~]{1,50}/[ !#-\[\]-~]{1,98}",'
    rf'"FileName":"[^"/\\{_CONTROLS}\u2028\u2029]{{1,200}}","Size":{_SIZE},{_DIGEST}'
)


SALTED: Final = re.compile(rb'[A-Za-z0-9+/]{21}[AQgw]==","notificationPolicy":"')
_POLICY: Final = re.compile(SALTED.pattern + rb'[a-z]{2}-[a-z0-9-]{1,30}@[1-9][0-9]{0,5}"')
_TIME: Final = re.compile(TIME)
_TIME_BYTES: Final = 27
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def _head_pattern(event: Event) -> re.Pattern[bytes]:
    identifier = UUID_FORM.pattern.replace("(", "(?:")
    return re.compile(
        rf'\{{"version":"{VERSION}","EvidenceIdentifier":"{identifier}",'
        rf'"ERDSEventId":"{re.escape(event.uri)}","EventTime":"({TIME})",'.encode()
    )


_CONSIGNED: Final = _head_pattern(events.CONTENT_CONSIGNMENT)
_ACCEPTED: Final = _head_pattern(events.SUBMISSION_ACCEPTANCE)
_OWN: Final = re.compile(
    rf',"RecipientDetails":\{{"Identifier":"([^"\\]+)"\}},"SubmissionTime":"({TIME})",'
    rf'"MessageIdentifier":"({UUID_FORM.pattern})",'.encode()
)
ACCEPTANCE: Final = re.compile(
    rb',"requestId":"[A-Za-z0-9._:-]{1,64}","submittedFrom":"([0-9a-f.:]{2,45})"\}\}'
)


class Parties(NamedTuple):
    """What all of one sender's documents say of who issued and who sent them."""

    policy_id: str
    sender: str


class Message(NamedTuple):
    """What all documents of a delivery say of it; `digests` are its parts' in base64."""

    parties: Parties
    digests: Sequence[str]


def middle_of(document: bytes) -> bytes | None:
    """Returns what all documents of a delivery have in common, up to the extensions."""
    begin, end = document.find(_COMMON), document.rfind(SALT)
    return document[begin:end] if 0 < begin < end else None


def message_in(middle: bytes, recipient: str, submitted: str, delivery_id: str) -> Message | None:
    """Returns what the middle of a document says that is of this delivery; None where it is not, or is not
    spelled as ours.
    """
    cut = middle.find(_RECIPIENT)
    if cut < 0 or not is_address(recipient):
        return None
    parties = _parties(middle[:cut])
    own = (
        f',"RecipientDetails":{{"Identifier":"{recipient}"}},"SubmissionTime":"{submitted}",'
        f'"MessageIdentifier":"{delivery_id}","UserContentInfo":{{"PartsInfo":['
    ).encode()
    if parties is None or not middle.startswith(own, cut):
        return None
    digests = _digests(middle[cut + len(own) :])
    return None if digests is None else Message(parties, digests)


def _digests(parts: bytes) -> Sequence[str] | None:
    try:
        text = parts.decode()
    except UnicodeDecodeError:
        return None
    count = text.count(_PART_BEGINS)
    found = _parts_pattern(count).fullmatch(text) if 1 <= count <= PARTS_LIMIT else None
    return None if found is None else found.groups()


@lru_cache(64)
def _parts_pattern(count: int) -> re.Pattern[str]:
    """Returns the pattern of so many parts, of which the first is the subject; its groups are digests."""
    parts = (_PART.replace("NUMBER", str(number)) for number in range(1, count))
    return re.compile(f"{_SUBJECT}{''.join(parts)}\\]\\}},")


@lru_cache(1024)
def _parties(members: bytes) -> Parties | None:
    try:
        found = _PARTIES.fullmatch(members.decode())
    except UnicodeDecodeError:
        return None
    return None if found is None else Parties(found[1], found[2])


@lru_cache(4096)
def is_address(text: str) -> bool:
    """Tells whether it is an address that needs no escapes."""
    return _ADDRESS.fullmatch(text) is not None


def time_text(at: datetime) -> str:
    """Returns a time as evidence spells it."""
    if at.tzinfo is not UTC:
        return format_time(at)
    since = at - _EPOCH
    return f"{_second_text(since.days, since.seconds)}{since.microseconds:06d}Z"


# Many things happen within one second.
@lru_cache(4096)
def _second_text(days: int, seconds: int) -> str:
    return format_time(_EPOCH + timedelta(days, seconds))[:20]


def is_time(text: str) -> bool:
    """Tells whether what has the form of a time is one."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@lru_cache(4096)
def is_ip_address(text: str) -> bool:
    """Tells whether evidence may name this address so."""
    try:
        Value(text, "submittedFrom").ip_address()
    except EvidenceError:
        return False
    return True


def is_consignment(document: bytes, address: str, delivery_id: str, link: bytes) -> bool:
    """Tells whether this is, spelled as ours, evidence that the delivery was laid into the mailbox of this
    address, with this link. Where it is not, it may still be such evidence.
    """
    middle, head = middle_of(document), _CONSIGNED.match(document)
    if head is None or middle is None or not document.startswith(middle, head.end()):
        return False
    own = f',"RecipientDetails":{{"Identifier":"{address}"}},"SubmissionTime":"'.encode()
    place = middle.find(own) + len(own)
    submitted = middle[place : place + _TIME_BYTES].decode("ascii", "replace")
    if not (is_time(head[1].decode()) and _TIME.fullmatch(submitted) and is_time(submitted)):
        return False
    told = b',"mailboxLink":"%b"}}' % binascii.b2a_base64(link, newline=False)
    salted = _POLICY.match(document, head.end() + len(middle) + len(SALT))
    return (
        salted is not None
        and document[salted.end() :] == told
        and len(document) <= DOCUMENT_LIMIT
        and message_in(middle, address, submitted, delivery_id) is not None
    )


def acceptance_in(document: bytes) -> tuple[str, datetime] | None:
    """Returns sender and time of the submission that this, spelled as ours, is evidence of the acceptance of;
    None where it is not, and may still be such evidence.
    """
    middle, head = middle_of(document), _ACCEPTED.match(document)
    if head is None or middle is None or not document.startswith(middle, head.end()):
        return None
    own = _OWN.search(middle)
    salted = _POLICY.match(document, head.end() + len(middle) + len(SALT))
    told = None if salted is None else ACCEPTANCE.fullmatch(document, salted.end())
    if own is None or told is None or len(document) > DOCUMENT_LIMIT:
        return None
    submitted = own[2].decode()
    if not (is_time(head[1].decode()) and is_time(submitted) and is_ip_address(told[1].decode())):
        return None
    message = message_in(middle, own[1].decode(errors="replace"), submitted, own[3].decode())
    return None if message is None else (message.parties.sender, datetime.fromisoformat(submitted))
