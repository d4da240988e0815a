"""Writes the mails to holders' own addresses: codes, notices, copies with all parts, and nudges (RFC 5322,
2045, 2231, 3834).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.utils import format_datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from server.domain.deliveries import Delivery, PartInfo
from server.domain.forwarding import (
    CODE_LIFE,
    ForwardedContent,
    ForwardedCopy,
    ForwardingTarget,
    bounce_address,
)
from server.domain.forwarding_texts import TEXTS
from server.domain.mailboxes import Mailbox
from server.domain.nudge_texts import nudge_mail
from server.domain.nudges import Nudge
from server.gateways.local_times import local_time
from server.gateways.mime_writing import Attachment, mail_of, sender_field, text_field
from server.usecases.forwarding_ports import Letter
from server.usecases.ports import Clock

_NAMES = UUID("8b0f5a3e-6d0c-5c0e-9e6c-0d5d3f1c7a10")
_MAIN_TYPES = frozenset({"text", "application", "image", "audio", "video"})


@dataclass(frozen=True, slots=True)
class MailNames:
    """What the post calls itself in mails.

    Attributes:
        sender: the address in `From`, such as `no-reply@post.example.am`.
        sender_name: the name beside it.
        domain: of Message-IDs.
        bounces: the address that bounces come back to, `bounces@post.example.am`: a copy's token stands
            behind a
            `+`. Empty: no bounces are wanted.
        link: where letters are read, a URL; empty where none is told.
        time_zone: by whose clocks times are told.
    """

    sender: str
    sender_name: str
    domain: str
    bounces: str
    link: str
    time_zone: str


class ForwardedMails:
    """Writes mails. Nobody answers them, and machines are told so."""

    def __init__(self, names: MailNames, clock: Clock) -> None:
        self._names = names
        self._clock = clock
        self._zone = ZoneInfo(names.time_zone)
        self._from = sender_field(names.sender_name, names.sender)

    def bounces_to(self, token: UUID | None) -> str:
        """Returns the envelope's sender."""
        if token is None or not self._names.bounces:
            return ""
        return bounce_address(self._names.bounces, token)

    def code(self, target: ForwardingTarget, mailbox: Mailbox, code: str) -> bytes:
        """Returns the mail that carries a code."""
        texts = TEXTS[target.language]
        said = texts.code.format(
            mailbox=mailbox.address, minutes=round(CODE_LIFE.total_seconds() / 60), code=code
        )
        now = self._clock.now()
        # One for each code: a server that drops what it has seen must not drop a newer one.
        identifier = uuid5(_NAMES, f"{target.id} {now.isoformat()} {code}")
        return self._written(target, texts.code_subject, [said, texts.no_answer], identifier, now)

    def copy(self, target: ForwardingTarget, copy: ForwardedCopy, letter: Letter) -> bytes:
        """Returns the mail that carries a copy."""
        texts, delivery = TEXTS[target.language], letter.delivery
        carries = bool(letter.parts)
        values = {
            "sender": f"{delivery.organisation_name} <{delivery.sender}>",
            "time": self._local(delivery.submitted_at),
            "mailbox": delivery.recipient,
        }
        said = [(texts.whole if carries else texts.notice).format(**values)]
        if letter.too_large:
            said.append(texts.too_large)
        if self._names.link:
            said.append(texts.where.format(link=self._names.link))
        subject = texts.notice_subject
        if carries and target.content is ForwardedContent.WHOLE:
            subject = f"{texts.whole_subject}: {_one_line(delivery.subject)}"
        parts = [_attachment(info, content) for info, content in letter.parts]
        said.append(texts.no_answer)
        # Not the token itself: replies and archives name a Message-ID, and whoever has the token can say that
        # the copy came back.
        identifier = uuid5(_NAMES, copy.token.hex)
        return self._written(target, subject, said, identifier, delivery.submitted_at, parts)

    def nudge(self, target: ForwardingTarget, nudge: Nudge, delivery: Delivery) -> bytes:
        """Returns the mail that tells that a message waits to be read."""
        subject, said = nudge_mail(
            target.language,
            time=self._local(delivery.submitted_at),
            mailbox=delivery.recipient,
            link=self._names.link,
        )
        identifier = uuid5(_NAMES, nudge.id.hex)  # not the token itself, as of a copy
        return self._written(target, subject, said, identifier, nudge.asked_at)

    def _local(self, time: datetime) -> str:
        return local_time(time, self._zone)

    def _written(
        self,
        target: ForwardingTarget,
        subject: str,
        said: Sequence[str],
        identifier: UUID,
        date: datetime,
        parts: Sequence[Attachment] = (),
    ) -> bytes:
        fields = (
            ("From", self._from),
            ("To", target.address),
            ("Subject", text_field("Subject", subject)),
            ("Date", format_datetime(date)),
            ("Message-ID", f"<{identifier}@{self._names.domain}>"),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("Content-Language", target.language),
        )
        return mail_of(fields, "\n\n".join(said) + "\n", parts, identifier.hex)


def _attachment(info: PartInfo, content: bytes) -> Attachment:
    main, _, sub = info.media_type.partition(";")[0].strip().lower().partition("/")
    known = main in _MAIN_TYPES and sub
    charset = _charset(info.media_type, content) if main == "text" else None
    name = _one_line(info.name)
    if known:
        return Attachment(main, sub, charset, name, content)
    return Attachment("application", "octet-stream", charset, name, content)


def _charset(media_type: str, content: bytes) -> str | None:
    """Returns the charset to name for a text: the one its sender names, or UTF-8 where it is that.

    A mail's text without one is US-ASCII (RFC 2046, 4.1.2), and other letters would be shown as unreadable.
    """
    stated: Message[str, str] = Message()
    stated["Content-Type"] = media_type
    if (named := stated.get_content_charset()) is not None:
        return named
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _one_line(text: str) -> str:
    """Returns a text that can stand in a header: control characters would end it."""
    return "".join(each if each.isprintable() else " " for each in text)
