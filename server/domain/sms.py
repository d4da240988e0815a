"""Short messages: which alphabet a text needs, and how it is cut into segments (3GPP TS 23.038, 23.040).

A text whose characters are all in the GSM alphabet takes an octet for each (two for those of its extension
table), any other text two octets for each unit of UTF-16. What does not fit into 140 octets on the air is
cut, and each segment begins with a header by which the phone puts it together again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet: a character's place is its code (TS 23.038, 6.2.1)."""
_ESCAPE: Final = 0x1B
_EXTENSION: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40,
    "€": 0x65,
}  # fmt: skip
"""Characters that take two codes, the escape first (TS 23.038, 6.2.1.1)."""
_GSM: Final = {each: bytes([code]) for code, each in enumerate(_BASIC) if code != _ESCAPE} | {
    each: bytes([_ESCAPE, code]) for each, code in _EXTENSION.items()
}

MOST_SEGMENTS: Final = 255
"""As many as the header can number."""
SEGMENTS_KEPT: Final = timedelta(days=30)
"""So long it is known which segments were sent: networks give up within days, and report no later."""


class Alphabet(StrEnum):
    """How a text is written."""

    GSM = "GSM"
    """One octet for each septet, unpacked, as SMPP's default alphabet takes it."""
    UCS2 = "UCS2"
    """UTF-16, big-endian."""


_WHOLE: Final = {Alphabet.GSM: 160, Alphabet.UCS2: 140}
_CUT: Final = {Alphabet.GSM: 153, Alphabet.UCS2: 134}
"""How many octets of ours a segment has: alone, and behind the header, whose six octets take seven septets.
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a text that is sent at once.

    Attributes:
        number: its place, from 1.
        total: how many there are.
        alphabet: how it is written.
        octets: the header, where there is more than one, and the text.
    """

    number: int
    total: int
    alphabet: Alphabet
    octets: bytes = field(repr=False)

    @property
    def has_header(self) -> bool:
        """Tells whether the octets begin with a header."""
        return self.total > 1


def alphabet_of(text: str) -> Alphabet:
    """Returns the alphabet that a text needs."""
    return Alphabet.GSM if all(each in _GSM for each in text) else Alphabet.UCS2


def segment_count(text: str) -> int:
    """Returns into how many segments a text is cut; an empty one takes one."""
    return len(_pieces(text, alphabet_of(text)))


def segments(text: str, reference: int) -> list[Segment]:
    """Returns the segments of a text; `reference`, 0 to 255, tells those of one text from another's.

    Raises:
        ValueError: there are more than can be numbered, or a lone surrogate.
    """
    alphabet = alphabet_of(text)
    pieces = _pieces(text, alphabet)
    total = len(pieces)
    if total > MOST_SEGMENTS:
        raise ValueError("a text of more segments than can be numbered")
    if total == 1:
        return [Segment(1, 1, alphabet, pieces[0])]
    return [
        # The header's length; concatenation, by a reference of one octet; its length (TS 23.040, 9.2.3.24.1).
        Segment(number, total, alphabet, bytes([5, 0, 3, reference, total, number]) + piece)
        for number, piece in enumerate(pieces, 1)
    ]


def _pieces(text: str, alphabet: Alphabet) -> list[bytes]:
    written = [_GSM[each] if alphabet is Alphabet.GSM else each.encode("utf-16-be") for each in text]
    whole = b"".join(written)
    if len(whole) <= _WHOLE[alphabet]:
        return [whole]
    pieces, room = [bytearray()], _CUT[alphabet]
    for each in written:
        # Whole characters only: neither an escape nor half a surrogate pair ends a segment.
        if len(pieces[-1]) + len(each) > room:
            pieces.append(bytearray())
        pieces[-1] += each
    return [bytes(piece) for piece in pieces]


class TextKind(StrEnum):
    """Whose a text is, hence who is told what became of it."""

    COPY = "COPY"
    """A notice to a holder's own phone (POST-6); its id is the copy's token."""
    SENDER = "SENDER"
    """A sender's own short message (ADMIN-3); its id is the recipient's entry."""
    NUDGE = "NUDGE"
    """A nudge to a holder's own phone (LADDER-1); its id is the nudge's."""


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What the phone's network says of a segment, at last.

    Attributes:
        segment_id: the centre's identifier of the segment, as the report writes it.
        phone: the phone's number, as the report writes it.
        failure: why the phone did not get it, a word; empty where it did.
    """

    segment_id: str
    phone: str = field(repr=False)
    failure: str


@dataclass(frozen=True, slots=True)
class SentSegment:
    """A segment that a centre has taken.

    Attributes:
        text_id: the text's identifier, ours.
        number: its place, from 1.
        total: how many the text has.
        kind: whose the text is.
        centre_id: the centre's identifier of it, as `identifier` writes it; empty where it gave none.
        ending: the last digits of the phone.
        sent_at: when it was taken.
        failure: what was reported: why the phone did not get it, empty where it did; None before that.
    """

    text_id: UUID
    number: int
    total: int
    kind: TextKind
    centre_id: str
    ending: str = field(repr=False)
    sent_at: datetime
    failure: str | None = None


def identifier(written: str) -> str:
    """Returns a centre's identifier in the one form in which they are compared: centres add zeros in one
    place and leave them out in another.
    """
    return written.strip().lower().lstrip("0") or "0"


def identifiers(reported: str) -> list[str]:
    """Returns what may stand in our tables of the segment that a report names so, the likeliest first: some
    centres write an identifier as a hexadecimal number when they take a segment and as a decimal one when
    they report it, or the other way round.
    """
    plain = identifier(reported)
    found = [plain]
    if plain.isascii() and plain.isdecimal():
        found.append(format(int(plain), "x"))
    if all(each in "0123456789abcdef" for each in plain):
        found.append(str(int(plain, 16)))
    return list(dict.fromkeys(found))


ENDING: Final = 6


def phone_ending(number: str) -> str:
    """Returns the last digits of a phone's number, however it is written."""
    return "".join(each for each in number if each.isascii() and each.isdecimal())[-ENDING:]


def named_by(report: DeliveryReport, candidates: Sequence[SentSegment]) -> SentSegment | None:
    """Returns the segment that a report is about, of those whose identifier may be the one; the last one
    first.

    It is one to the phone that the report names: a centre that is put up anew numbers from 1 again, and what
    it says of another phone is not evidence about this one. Only where the report names no phone, one with
    the very identifier is taken at its word, if there is no other.
    """
    ending = phone_ending(report.phone)
    same = [each for each in candidates if each.ending == ending]
    for written in identifiers(report.segment_id):
        for each in same:
            if each.centre_id == written:
                return each
    exact = [each for each in candidates if each.centre_id == identifier(report.segment_id)]
    return exact[0] if len(exact) == 1 and len(ending) < ENDING else None


def outcome(segments_of_text: Sequence[SentSegment]) -> str | None:
    """Returns what became of a text by what was reported of its segments: why it failed, empty where the
    phone has all of it, None while that is not known.
    """
    for each in segments_of_text:
        if each.failure:
            return each.failure
    reported = sum(1 for each in segments_of_text if each.failure == "")
    return "" if segments_of_text and reported == segments_of_text[0].total else None
