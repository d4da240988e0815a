"""A mail from a sender's ordinary mail client, read as what it submits (ADMIN-6, POST-8, POST-10).

Pure. The mail's own bytes are kept whole: they are the last part of the message, `message/rfc822`. So
evidence names their digest as that of any part, the holder can have them, and what was taken out of them
need not be believed. The price: a mail may be half as large as content may.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from server.domain import addresses, fields, limits
from server.domain.deliveries import Part, PartInfo, Submission
from server.domain.mail_origins import MailOrigin
from server.domain.malformed import Malformed
from server.domain.mime_fields import LINE_OCTETS, Fields, decoded
from server.domain.mime_parts import Leaf, header_and_body, leaves_of
from server.domain.profile import Profile

MAIL_BYTES = limits.CONTENT_BYTES // 2
"""A mail, at most. What is taken out of it is never larger than itself, so both together always fit."""

ORIGINAL_NAME = "original.eml"
ORIGINAL_TYPE = "message/rfc822"

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_SENT_TO_MANY = frozenset({"bulk", "junk", "list"})
"""Of `Precedence`, which no standard knows and RFC 3834, 2, tells who answers to heed."""
_ENDINGS = {
    "text/plain": ".txt",
    "text/html": ".html",
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "message/rfc822": ".eml",
}


@dataclass(frozen=True, slots=True)
class SignatureResult:
    """What became of a mail's DKIM signature: the result as RFC 8601 calls it, and the domain that signed."""

    result: str
    domain: str


@dataclass(frozen=True, slots=True)
class InboundMail:
    """A mail as it is submitted.

    Attributes:
        sender: the one address that it is from, in canonical form.
        message_id: as it stands in the mail, with its angle brackets; None without one.
        parts: what was taken out of it, and the original last.
        automatic: a program wrote it (RFC 3834), so no program answers it but with an SMTP reply.
    """

    sender: str
    subject: str
    message_id: str | None
    parts: tuple[Part, ...]
    automatic: bool

    @property
    def original_sha256(self) -> bytes:
        """The digest of the mail's own bytes."""
        return self.parts[-1].info.digest

    def submission_to(self, recipient: str, *, receipts: bool) -> Submission:
        """Returns what is submitted to one of its recipients, in canonical form; with `receipts` its sender
        gets them by mail, unless a program wrote it.

        The request id comes from Message-ID, sender and recipient: the same mail again is the same
        submission, and another one under the same Message-ID is refused as any request id that is used twice.
        A mail without one is known by its bytes.
        """
        name = self.message_id or f"sha256:{self.original_sha256.hex()}"
        key = hashlib.sha256(b"namak-mail/1")
        for text in (name, self.sender, recipient):
            data = text.encode()
            key.update(len(data).to_bytes(8, "big") + data)
        request_id = "mail:" + base64.urlsafe_b64encode(key.digest()).rstrip(b"=").decode("ascii")
        return Submission(
            request_id,
            self.sender,
            recipient,
            self.subject,
            self.parts,
            mail=MailOrigin(self.message_id),
            receipts_by_mail=receipts and not self.automatic,
        )


def read_mail(mail: bytes, envelope_sender: str, profile: Profile) -> InboundMail:
    """Reads a mail: its bytes as they came behind DATA, with the dots that SMTP adds taken out again.

    Args:
        envelope_sender: that of MAIL FROM, in canonical form. From, and Sender where it stands, must be the
            same: nobody sends in another's name.

    Raises:
        Malformed: it can't be submitted; nothing else is ever raised. Among the reasons are `SENDERS_DIFFER`
            and `AUTOMATIC_REPLY`.
    """
    _check_bytes(mail)
    header, body = header_and_body(mail)
    sender = _sender(header, envelope_sender, profile)
    automatic = _is_automatic(header)
    subject = _subject(header)
    original = _part(ORIGINAL_NAME, ORIGINAL_TYPE, mail)
    parts = (*_parts(list(leaves_of(header, body))), original)
    return InboundMail(sender, subject, _message_id(header), parts, automatic)


def check_line_ends(mail: bytes | bytearray) -> None:
    """Raises `Malformed` where CR or LF stand alone (RFC 5321, 2.3.8)."""
    lines = mail.count(b"\r\n")
    if lines != mail.count(b"\r") or lines != mail.count(b"\n"):
        raise Malformed("BARE_LINE_END", "must have CR and LF together only, at the end of each line")


def _subject(header: Fields) -> str:
    try:
        return fields.subject(decoded(header.get("subject") or ""))
    except Malformed as problem:
        raise Malformed(problem.reason, f"Subject {problem.text}") from None


def _check_bytes(mail: bytes) -> None:
    if len(mail) > MAIL_BYTES:
        raise Malformed("TOO_LARGE", f"must have at most {MAIL_BYTES} bytes")
    check_line_ends(mail)
    if b"\x00" in mail:
        raise Malformed("NUL", "must not have an octet of zero")
    if max(map(len, mail.split(b"\r\n"))) > LINE_OCTETS:
        raise Malformed("LINE_TOO_LONG", f"must have lines of at most {LINE_OCTETS} octets")


def _sender(header: Fields, envelope_sender: str, profile: Profile) -> str:
    written = header.get("from")
    if written is None:
        raise Malformed("SENDER_MISSING", "must say in From whom it is from")
    stated = [written, header.get("sender")]
    for text in stated:
        if text is not None and addresses.sender_address(one_address(text), profile) != envelope_sender:
            raise Malformed(
                "SENDERS_DIFFER", "must have the same address in MAIL FROM, in From and in Sender"
            )
    return envelope_sender


def one_address(text: str) -> str:
    """Returns the one address in a field such as From: `address` or `Name <address>`, with comments.

    Raises:
        Malformed: `ADDRESS_MALFORMED`: none, several, a group, or what two programs read differently.
    """
    outside: list[str] = []
    inside: str | None = None
    at = 0
    while at < len(text):
        match text[at]:
            case '"':
                at = _end_of_quoted(text, at)
                outside.append(" ")
                continue
            case "(":
                at = _end_of_comment(text, at)
                continue
            case "<":
                end = text.find(">", at)
                if inside is not None or end < 0:
                    raise _no_address()
                inside = text[at + 1 : end]
                at = end
            case "," | ";" | ":" | ">" | ")" | "\\":
                raise _no_address()
            case mark:
                outside.append(mark)
        at += 1
    phrase = "".join(outside)
    if inside is None:
        return phrase.strip(" ")
    if "@" in phrase:
        raise _no_address()
    return inside.strip(" ")


def _no_address() -> Malformed:
    return Malformed("ADDRESS_MALFORMED", "must have exactly one address in From, and in Sender")


def _end_of_quoted(text: str, at: int) -> int:
    at += 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == '"':
            return at + 1
        at += 1
    raise _no_address()


def _end_of_comment(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        match text[at]:
            case "\\":
                at += 1
            case "(":
                depth += 1
            case ")":
                depth -= 1
                if depth == 0:
                    return at + 1
        at += 1
    raise _no_address()


def _is_automatic(header: Fields) -> bool:
    """Tells whether a program wrote it; one that answers a mail is no sender of official letters."""
    kind = header.parametrised("content-type")
    word = header.parametrised("auto-submitted")
    if (kind is not None and kind.value == "multipart/report") or (
        word is not None and word.value in ("auto-replied", "auto-notified")
    ):
        raise Malformed("AUTOMATIC_REPLY", "must not be a report, a receipt or an automatic reply")
    if (header.get("precedence") or "").lower() in _SENT_TO_MANY:
        return True
    return word is not None and word.value != "no"


def _message_id(header: Fields) -> str | None:
    text = header.get("message-id")
    if text is not None and not _MESSAGE_ID.fullmatch(text):
        raise Malformed(
            "MESSAGE_ID_MALFORMED", "must have a Message-ID of up to 250 visible characters in < and >"
        )
    return text


def _parts(leaves: Sequence[Leaf]) -> Iterator[Part]:
    # Clients put an empty text before an attachment that was sent without one.
    said = [leaf for leaf in leaves if leaf.name is not None or leaf.content.strip()]
    if not said:
        raise Malformed("EMPTY", "must have some content")
    for number, leaf in enumerate(said, 1):
        name = leaf.name
        if name is None:
            kind = leaf.media_type.partition(";")[0]
            name = f"{'text' if kind.startswith('text/') else 'part'}-{number}{_ENDINGS.get(kind, '')}"
        yield _part(name, leaf.media_type, leaf.content)


def _part(name: str, media_type: str, content: bytes) -> Part:
    digest = fields.content(content, None)
    info = PartInfo(fields.part_name(name), fields.media_type(media_type), len(content), digest)
    return Part(info, content)
