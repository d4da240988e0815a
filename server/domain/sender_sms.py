"""Senders' own short messages (ADMIN-3): beside an official message, or alone. They notify nobody."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from server.domain.fields import Malformed
from server.domain.forwarding import phone_target
from server.domain.profile import Profile
from server.domain.sms import segment_count

MOST_PHONES: Final = 20
"""So many phones one text may go to at once."""
MOST_SEGMENTS: Final = 6
"""So many segments a text may take: 918 characters of the GSM alphabet, 402 of others."""
TEXTS_A_DAY: Final = 10_000
"""So many texts, one for each phone, a sender address may send on a local day unless the operator says
otherwise: what a stolen key of an agency costs is bounded.
"""
TEXTS_KEPT: Final = timedelta(days=30)
"""So long the words of a short message are kept after it was accepted. Their digest stays in the evidence."""


class SmsState(StrEnum):
    """How far a short message has come; it only moves forward."""

    ACCEPTED = "ACCEPTED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class SmsText:
    """What a sender wants to be sent: the words, and the phones' numbers as E.164 writes them."""

    text: str = field(repr=False)
    phones: tuple[str, ...] = field(repr=False)

    def fields(self) -> list[bytes]:
        """Returns what makes it equal to another one, for digests."""
        return [b"sms", self.text.encode(), *(phone.encode() for phone in self.phones)]


@dataclass(frozen=True, slots=True)
class SenderSms:
    """A short message to one phone.

    Attributes:
        id: its identifier, by ascending time.
        organisation_id, sender_address_id, sender: who sends it, and the entry that permitted it.
        request_id: that of the call that brought it.
        delivery_id: the delivery that it goes with.
        phone: the number.
        text: the words; None once they are forgotten.
        segments: how many it takes.
        submitted_at: when it was accepted.
        acceptance_id: its SmsAccepted evidence.
        state, why: how far it has come, and of a failure why, in a word.
        result_at: since when it is in that state; None before it was sent or failed.
        later_evidence: what was recorded of it since, in order.
    """

    id: UUID
    organisation_id: UUID
    sender_address_id: UUID
    sender: str
    request_id: str
    delivery_id: UUID | None
    phone: str = field(repr=False)
    text: str | None = field(repr=False)
    segments: int
    submitted_at: datetime
    acceptance_id: UUID
    state: SmsState = SmsState.ACCEPTED
    why: str = ""
    result_at: datetime | None = None
    later_evidence: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class SmsFilter:
    """Which short messages a sender asks for; all that is given must hold, None and empty ask for all."""

    request_id: str | None = None
    delivery_id: UUID | None = None
    states: frozenset[SmsState] = frozenset()

    def parts(self) -> tuple[str, ...]:
        """Returns what tells this filter from others, for page tokens."""
        return (self.request_id or "", str(self.delivery_id or ""), " ".join(sorted(self.states)))


def sms_digest(sender: str, sms: SmsText) -> bytes:
    """Returns what makes two requests to send a text alone equal under one request id."""
    digest = hashlib.sha256(b"namak-sms/1\x00")
    for each in (sender.encode(), *sms.fields()):
        digest.update(len(each).to_bytes(8, "big"))
        digest.update(each)
    return digest.digest()


def sms_words(text: str) -> str:
    """Returns the words of a short message. Raises Malformed: there are none, too many, or ones that no phone
    shows.
    """
    if not text.strip():
        raise Malformed("REQUIRED", "must be given")
    if any(each != "\n" and not each.isprintable() for each in text):
        raise Malformed("CONTROL_CHARACTERS", "must have no control characters but line feeds")
    if (count := segment_count(text)) > MOST_SEGMENTS:
        raise Malformed("TOO_LONG", f"takes {count} segments, and may take {MOST_SEGMENTS}")
    return text


def sms_phone(text: str, profile: Profile) -> str:
    """Returns a phone's number as E.164 writes it. Raises Malformed as `phone_target`: FOREIGN_PHONE,
    PREMIUM_PHONE, NO_MOBILE_PHONE, INVALID_PHONE.
    """
    return phone_target(text, profile)
