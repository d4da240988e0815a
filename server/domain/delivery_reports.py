"""What mail servers report of a mail that they could not deliver, or could (RFC 3464; RFC 6533 for addresses
with letters beyond ASCII).

Pure, strict and bounded. Whatever isn't surely a report of failure is none: vacation notes, bounces in a
server's own words, and reports that lack what the standard requires say nothing about a copy.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from server.domain.inbound_mail import check_line_ends
from server.domain.malformed import Malformed
from server.domain.mime_fields import Fields
from server.domain.mime_parts import decoded_content, entities_of, header_and_body

STATUS_BYTES: Final = 64 * 1024
"""The part with the fields, at most."""
READ_BYTES: Final = 256 * 1024
"""So much of a mail is looked at: what was sent comes behind the report and is of no use here, and whoever
got a copy could have megabytes of marks and spaces looked through as often as it likes.
"""
RECIPIENTS: Final = 20
"""A copy goes to one address; one that stands for a list may have several."""
DIAGNOSTIC_CHARACTERS: Final = 200

_STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_STATUS: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: *\(.*\))?", re.ASCII)
_GROUPS: Final = re.compile(rb"(?:\r\n){2,}")
_ONCE: Final = frozenset({"reporting-mta", "final-recipient", "action", "status", "diagnostic-code"})


class Action(StrEnum):
    """What a server did about a recipient (RFC 3464, 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


_ARRIVED: Final = frozenset({Action.DELIVERED, Action.RELAYED, Action.EXPANDED})


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What is reported of one recipient.

    Attributes:
        action: what was done.
        status: the enhanced code (RFC 3463): class, subject, detail.
        diagnostic: the other server's own words, a line of printable characters; empty without any. Nobody
            has checked them.
    """

    action: Action
    status: tuple[int, int, int]
    diagnostic: str


@dataclass(frozen=True, slots=True)
class ReportedFailure:
    """A mail did not arrive: why, as a word for evidence, as an enhanced code, and in the words of the server
    that says so.
    """

    cause: str
    status: str
    diagnostic: str


def read_report(mail: bytes) -> tuple[RecipientReport, ...]:
    """Returns what a mail reports of its recipients, one at least, as far as it is read.

    Raises:
        Malformed: it is no report of delivery that the standard permits (NO_REPORT, REPORT_MALFORMED), or
            can't be read as any mail; nothing else is ever raised.
    """
    if len(mail) > READ_BYTES:
        mail = mail[: mail.rfind(b"\r\n", 0, READ_BYTES) + 2]
    check_line_ends(mail)
    header, body = header_and_body(mail)
    kind = header.parametrised("content-type")
    if kind is None or kind.value != "multipart/report":
        raise Malformed("NO_REPORT", "must be a multipart/report")
    if kind.parameters.get("report-type", "").lower() != "delivery-status":
        raise Malformed("NO_REPORT", "must report about delivery")
    # The second one, always (RFC 6522, 3). What was sent comes behind it and may be of any form.
    entities = entities_of(kind, body)
    if next(entities, None) is None or (second := next(entities, None)) is None:
        raise _malformed("must have a second part")
    fields, content = header_and_body(second)
    stated = fields.parametrised("content-type")
    if stated is None or stated.value not in _STATUS_TYPES:
        raise _malformed("must have the report in its second part")
    return _recipients(decoded_content(fields, content, lenient=True))


def failure_of(reports: tuple[RecipientReport, ...]) -> ReportedFailure | None:
    """Returns why a mail did not arrive; None where nobody says so, or it arrived at one address of several.

    A failure is final whatever its status' class: with 4 it was tried for too long. One of class 2 says two
    things, and so nothing.
    """
    if any(each.action in _ARRIVED for each in reports):
        return None
    for each in reports:
        if each.action is Action.FAILED and each.status[0] != 2:
            return ReportedFailure(_cause(each.status), ".".join(map(str, each.status)), each.diagnostic)
    return None


def _recipients(content: bytes) -> tuple[RecipientReport, ...]:
    if len(content) > STATUS_BYTES:
        raise Malformed("TOO_LARGE", f"must have at most {STATUS_BYTES} bytes of fields")
    if b"\x00" in content:
        raise Malformed("NUL", "must not have an octet of zero")
    about_mail, *groups = [group for group in _GROUPS.split(content.strip(b"\r\n")) if group] or [b""]
    if Fields(about_mail + b"\r\n", once=_ONCE).get("reporting-mta") is None:
        raise _malformed("must say who reports")
    if not 1 <= len(groups) <= RECIPIENTS:
        raise _malformed(f"must be about 1 to {RECIPIENTS} recipients")
    return tuple(_recipient(Fields(group + b"\r\n", once=_ONCE)) for group in groups)


def _recipient(fields: Fields) -> RecipientReport:
    _, parted, address = (fields.get("final-recipient") or "").partition(";")
    if not parted or not address.strip(" "):
        raise _malformed("must name each recipient")
    status = _STATUS.fullmatch(fields.get("status") or "")
    if status is None:
        raise _malformed("must have a status of each recipient")
    try:
        action = Action((fields.get("action") or "").lower())
    except ValueError:
        raise _malformed("must say what was done about each recipient") from None
    return RecipientReport(action, (int(status[1]), int(status[2]), int(status[3])), _diagnostic(fields))


def _diagnostic(fields: Fields) -> str:
    try:
        text = fields.get("diagnostic-code") or ""
    except Malformed:
        return ""  # what is said besides proves nothing, and its form spoils nothing
    kind, parted, said = text.partition(";")
    shown = "".join(each if each.isprintable() else " " for each in (said if parted else kind))
    return " ".join(shown.split())[:DIAGNOSTIC_CHARACTERS]


def _cause(status: tuple[int, int, int]) -> str:
    """Returns the word for a status (RFC 3463, 3)."""
    match status[1:]:
        case (1, 7 | 8):
            return "REFUSED"  # our own address, as they see it
        case (1, _):
            return "NO_SUCH_ADDRESS"
        case (2, 1):
            return "MAILBOX_DISABLED"
        case (2, 2):
            return "MAILBOX_FULL"
        case (2, 3) | (3, 4):
            return "TOO_LARGE"
        case (4, _):
            return "UNREACHABLE"
        case (7, _):
            return "REFUSED"
    return "NOT_DELIVERED"


def _malformed(text: str) -> Malformed:
    return Malformed("REPORT_MALFORMED", text)
