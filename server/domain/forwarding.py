"""Forwarding: copies of messages to the holder's own addresses (POST-6), a convenience at the holder's own
risk (POST-7). What becomes of a copy changes nothing about the delivery.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

import idna
import phonenumbers
from email_validator import EmailNotValidError, validate_email

from server.domain.fields import Malformed
from server.domain.profile import Profile

CODE_DIGITS: Final = 6
CODE_LIFE: Final = timedelta(minutes=30)
"""How long a code counts, from when it was sent."""
CODE_TRIES: Final = 5
"""So many codes may be entered wrongly; then another one is needed."""
CODES_A_DAY: Final = 5
"""So many codes are sent within 24 hours to one address, and for one mailbox: nobody can flood a stranger."""
CODE_PERIOD: Final = timedelta(days=1)


BOUNCE_PERIOD: Final = timedelta(days=30)
"""For so long after a message came its copies may come back: servers try for some days, and nothing that is
found in an old mail can be reported later.
"""


LOOKED_BACK: Final = 20
"""So many messages before one are looked at for how many copies in a row failed."""


class TargetKind(StrEnum):
    """What a target is."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"


class ForwardedContent(StrEnum):
    """What is forwarded."""

    NOTICE = "NOTICE"
    """That there is a message, from whom and since when; nothing of it."""
    WHOLE = "WHOLE"
    """The message with all its parts, where a mail can hold them."""


PHONE_GETS_NOTICES: Final = "must be a notice where a phone is told: nothing of a message goes by SMS"
"""What is said where `fits` is false."""


def fits(kind: TargetKind, content: ForwardedContent) -> bool:
    """Tells whether this may be forwarded to such an address: nothing of a message goes by SMS."""
    return kind is TargetKind.EMAIL or content is ForwardedContent.NOTICE


class Result(StrEnum):
    """What became of a copy, a nudge or a code."""

    SENT = "SENT"
    FAILED = "FAILED"
    BOUNCED = "BOUNCED"
    DELIVERED = "DELIVERED"
    """The phone's network reported that the phone has it."""


@dataclass(frozen=True, slots=True)
class VerificationCode:
    """A code that was sent, without the code: its salt and digest; how long it counts, and how many wrong
    tries are left.
    """

    salt: bytes
    digest: bytes
    expires_at: datetime
    tries_left: int

    def counts(self, now: datetime) -> bool:
        """Tells whether it can still be entered."""
        return self.tries_left > 0 and now < self.expires_at

    def is_met_by(self, code: str) -> bool:
        """Tells whether this is the code, in the same time for every wrong one."""
        return hmac.compare_digest(code_digest(self.salt, code), self.digest)


def code_digest(salt: bytes, code: str) -> bytes:
    """Returns what is kept of a code."""
    return hmac.digest(salt, code.encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What became of the last that was sent to a target: a copy, a nudge, or its code.

    Attributes:
        at: when that was known.
        why: of a failure, in a word.
        diagnostic: of a copy that came back, the other server's own words; nobody has checked them.
        in_a_row: how many copies in a row failed, this one included, up to one more than `LOOKED_BACK`; of a
            nudge, how many had failed when the last copy's fate was known.
    """

    result: Result
    at: datetime
    why: str = ""
    diagnostic: str = field(default="", repr=False)
    in_a_row: int = 0


@dataclass(frozen=True, slots=True)
class ForwardingTarget:
    """One of the holder's own addresses.

    Attributes:
        id: its identifier.
        mailbox_id: the mailbox whose messages are forwarded.
        kind: what the address is.
        address: the e-mail address, its domain in lower case and A-labels; or the phone, as E.164 writes it.
        language: of the texts around a copy; one of the profile's.
        content: what is forwarded.
        added_at: when it was added.
        verified_at: when its code was entered; nothing is forwarded before that.
        code: the last code that was sent.
        last: what became of the last copy, nudge or code.
    """

    id: UUID
    mailbox_id: UUID
    kind: TargetKind
    address: str = field(repr=False)
    language: str
    content: ForwardedContent
    added_at: datetime
    verified_at: datetime | None = None
    code: VerificationCode | None = None
    last: TargetResult | None = None


_TOKEN: Final = re.compile(r"[0-9a-fA-F]{32}", re.ASCII)


class CopyState(StrEnum):
    """How far the copy of one message to one target is."""

    WAITING = "WAITING"
    SENT = "SENT"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    """There was nothing to send: the message was withdrawn, or the target removed."""
    BOUNCED = "BOUNCED"
    DELIVERED = "DELIVERED"


@dataclass(frozen=True, slots=True)
class ForwardedCopy:
    """The copy of one message to one target; `token` is in the address that bounces come back to, `content`
    what it carried, None before that is known: the target may ask for something else by now, or be gone.
    """

    mailbox_id: UUID
    delivery_id: UUID
    target_id: UUID
    token: UUID
    state: CopyState = CopyState.WAITING
    content: ForwardedContent | None = None


def bounce_address(bounces: str, token: UUID) -> str:
    """Returns where one copy comes back to: its token stands behind a `+` (RFC 5233)."""
    local, _, domain = bounces.rpartition("@")
    return f"{local}+{token.hex}@{domain}"


def is_bounce_address(bounces: str, address: str) -> bool:
    """Tells whether an address is the one that copies come back to, with whatever behind its `+`."""
    local, _, domain = address.rpartition("@")
    own, _, own_domain_ = bounces.rpartition("@")
    return (local.partition("+")[0].lower(), domain.lower()) == (own.lower(), own_domain_.lower())


def bounce_token(bounces: str, address: str) -> UUID | None:
    """Returns the token in an address that a copy comes back to; None where it can be none."""
    found = _TOKEN.fullmatch(address.rpartition("@")[0].rpartition("+")[2])
    return UUID(found[0]) if found is not None and is_bounce_address(bounces, address) else None


def email_target(text: str, own_domains: frozenset[str]) -> str:
    """Returns an e-mail address in canonical form.

    Raises:
        Malformed: it is none (INVALID_ADDRESS), or of the post's own domains, where a copy would come back to
            the
            post (OWN_DOMAIN).
    """
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=True, test_environment=True)
    except EmailNotValidError:
        raise Malformed("INVALID_ADDRESS", "must be an e-mail address") from None
    domain = (found.ascii_domain or found.domain).lower()
    if any(domain == own or domain.endswith("." + own) for own in own_domains):
        raise Malformed(
            "OWN_DOMAIN", "must not be an address of the post itself: a copy would come back to it"
        )
    if found.ascii_email is None:
        raise Malformed("INVALID_ADDRESS", "must have only ASCII characters before the @")
    return f"{found.ascii_local_part}@{domain}"


def own_domain(text: str) -> str:
    """Returns a domain of the post itself as `email_target` compares it: in lower case and A-labels, however
    it was written: with letters of any script, or dots around it.
    """
    text = text.strip().strip(".。")
    try:
        return idna.encode(text, uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        return text.lower()


_MOBILE: Final = frozenset(
    {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
)
_COSTLY: Final = frozenset(
    {
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
    }
)


def phone_target(text: str, profile: Profile) -> str:
    """Returns a phone's number in the form of E.164, where messages can be sent to it (POST-6).

    Raises:
        Malformed: it is no number (INVALID_PHONE), a foreign one (FOREIGN_PHONE), one whose calls cost more
            (PREMIUM_PHONE), or none that takes messages (NO_MOBILE_PHONE).
    """
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise Malformed(
            "INVALID_PHONE", f"must be a phone number with its country, such as {profile.phones.example}"
        ) from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if profile.forwarding.local_phones_only and not written.startswith(profile.phones.country_prefix):
        raise Malformed("FOREIGN_PHONE", f"must be a number of {profile.phones.country_prefix}")
    if not phonenumbers.is_valid_number(number):
        raise Malformed("INVALID_PHONE", "must be a number that there can be")
    kind = phonenumbers.number_type(number)
    if kind in _COSTLY:
        raise Malformed("PREMIUM_PHONE", "must not be a number whose calls cost more than others")
    if kind not in _MOBILE:
        raise Malformed("NO_MOBILE_PHONE", "must be a mobile phone's number: a landline takes no messages")
    return written


def masked_target(kind: TargetKind, address: str) -> str:
    """Returns what evidence and log lines may say of a target: enough to tell it from the holder's others."""
    if kind is TargetKind.PHONE:
        return f"…{address[-2:]}"
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
