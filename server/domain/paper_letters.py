"""Messages that go out on paper (BOX-11: the hybrid item): what a print house is given to print, as values.

"Letters" without more are those that people write to state bodies (`letters.py`); these are the paper ones.
Nothing here prints what it holds: a letter that strays into a log line shows no name, address or content.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from server.domain.deliveries import Part

MOST_PAGES = 20
"""Printed sides of one letter, the covering page among them: ten sheets, about 50 g of paper. Assumed."""
MOST_ADDRESS_LINES = 5
"""Lines below the name that the address window shows; longer lines are broken, and count as many."""
LONGEST_LINE = 120
"""Characters of a name or of one address line."""
LONGEST_TEXT = 150_000
"""Characters of all text parts together: more than the pages hold, so a letter over it isn't set at all."""
LONGEST_SUBJECT = 1000

_TRACKING = re.compile(r"[A-Z0-9]{6,30}", re.ASCII)
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Unprintable(StrEnum):
    """Why a message can't go out on paper."""

    KIND = "KIND"
    """A part is neither text nor PDF."""
    ENCODING = "ENCODING"
    """A text part isn't UTF-8."""
    CHARACTER = "CHARACTER"
    """There is no glyph for a character."""
    BROKEN_PDF = "BROKEN_PDF"
    """A PDF part can't be read."""
    LOCKED_PDF = "LOCKED_PDF"
    """A PDF part asks for a password."""
    FONT = "FONT"
    """A PDF part doesn't bring a font that it is written in: another's glyphs may be other signs."""
    LENGTH = "LENGTH"
    """It takes more pages, or more lines for the address, than a letter has."""
    FORM = "FORM"
    """A name, an address, a subject or a tracking number isn't in form."""


class NotPrintable(ValueError):
    """A letter can't be printed as it is; printing it in part would mislead whoever receives it.

    Attributes:
        problem: what is wrong.
        part: the name of the part in which it is, empty where it's none.
    """

    def __init__(self, problem: Unprintable, what: str, part: str = "") -> None:
        super().__init__(f"part {part!r}: {what}" if part else what)
        self.problem = problem
        self.part = part
        self._what = what

    def __reduce__(self) -> tuple[type["NotPrintable"], tuple[Unprintable, str, str]]:
        # It comes from other processes.
        return type(self), (self.problem, self._what, self.part)


@dataclass(frozen=True, slots=True, repr=False)
class PostalAddress:
    """A name, and the lines of an address below it, as the post reads them.

    Raises `NotPrintable` (FORM, LENGTH) for lines that are empty, too long, too many or break.
    """

    name: str
    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.lines:
            raise NotPrintable(Unprintable.FORM, "the address has no lines")
        if len(self.lines) > MOST_ADDRESS_LINES:
            raise NotPrintable(
                Unprintable.LENGTH, f"the address has {len(self.lines)} lines, more than {MOST_ADDRESS_LINES}"
            )
        for line in (self.name, *self.lines):
            _check_line("a name or line of an address", line, LONGEST_LINE)


@dataclass(frozen=True, slots=True, repr=False)
class PaperLetter:
    """One delivery as it goes to the recipient on paper.

    Attributes:
        delivery_id: whose message it is.
        tracking: the number by which the post follows it; capital letters and digits.
        languages: of the covering page, the governing one first (`Profile.languages`; POST-11).
        sender: who sent the message, and where undelivered paper goes back to.
        recipient: whose name and postal address the window shows.
        mailbox: the address of the recipient's official mailbox.
        subject: the message's.
        accepted_at: when the post accepted it; aware.
        time_zone: by whose clocks that is told, an IANA name.
        policy: the notification policy that the delivery is under.
        portal: where the holder reads it electronically, as it is printed; empty where none is told.
        parts: the message's, in their order.
        is_answer: whether it answers a letter on paper, whose writer has no mailbox: it tells of none.

    Raises `NotPrintable` (FORM, LENGTH).
    """

    delivery_id: UUID
    tracking: str
    languages: tuple[str, ...]
    sender: PostalAddress
    recipient: PostalAddress
    mailbox: str
    subject: str
    accepted_at: datetime
    time_zone: str
    policy: str
    portal: str
    parts: tuple[Part, ...]
    is_answer: bool = False

    def __post_init__(self) -> None:
        if not _TRACKING.fullmatch(self.tracking):
            raise NotPrintable(
                Unprintable.FORM, "the tracking number is not 6 to 30 capital letters and digits"
            )
        if not self.languages:
            raise NotPrintable(Unprintable.FORM, "the letter is in no language")
        _check_line("the subject", self.subject, LONGEST_SUBJECT)


@dataclass(frozen=True, slots=True, repr=False)
class PrintReady:
    """A letter as the print house gets it: a PDF/A with an even number of pages, the last perhaps blank."""

    pdf: bytes
    pages: int

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the PDF, by which the print house says what it printed."""
        return hashlib.sha256(self.pdf).digest()

    @property
    def sheets(self) -> int:
        """How many sheets go into the envelope, printed on both sides."""
        return self.pages // 2


def s10_number(service: str, serial: int, country: str) -> str:
    """Returns the identifier of a postal item by UPU S10: `RR473124829AM`.

    Args:
        service: two capital letters, the first of which tells the kind: `RR` for registered letters.
        serial: 0 to 99,999,999, from the range that the post allotted.
        country: ISO 3166-1, two capital letters.
    """
    if not 0 <= serial <= 99_999_999:
        raise ValueError("a serial number of S10 has eight digits")
    digits = f"{serial:08}"
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, _S10_WEIGHTS, strict=True)) % 11
    check = {10: 0, 11: 5}.get(rest, rest)
    return f"{service}{digits}{check}{country}"


def _check_line(what: str, text: str, longest: int) -> None:
    if not text.strip() or _BREAKS.search(text):
        raise NotPrintable(Unprintable.FORM, f"{what} is empty, or has control characters")
    if len(text) > longest:
        raise NotPrintable(Unprintable.LENGTH, f"{what} has more than {longest} characters")
