"""Writes the mails of forwarding: codes, notices, and copies with all parts (RFC 5322, 2045, 2231, 3834)."""

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.utils import format_datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from server.domain.forwarding import CODE_LIFE, ForwardedContent, ForwardedCopy, ForwardingTarget
from server.domain.forwarding_texts import TEXTS
from server.domain.mailboxes import Mailbox
from server.usecases.forwarding_ports import Letter
from server.usecases.ports import Clock

_POLICY = policy.SMTP.clone(max_line_length=78)
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

    def bounces_to(self, token: UUID | None) -> str:
        """Returns the envelope's sender."""
        if token is None or not self._names.bounces:
            return ""
        local, _, domain = self._names.bounces.rpartition("@")
        return f"{local}+{token.hex}@{domain}"

    def code(self, target: ForwardingTarget, mailbox: Mailbox, code: str) -> bytes:
        """Returns the mail that carries a code."""
        texts = TEXTS[target.language]
        said = texts.code.format(
            mailbox=mailbox.address, minutes=round(CODE_LIFE.total_seconds() / 60), code=code
        )
        now = self._clock.now()
        # One for each code: a server that drops what it has seen must not drop a newer one.
        identifier = uuid5(_NAMES, f"{target.id} {now.isoformat()} {code}")
        return self._written(target, texts.code_subject, [said, texts.no_answer], identifier, now).as_bytes()

    def copy(self, target: ForwardingTarget, copy: ForwardedCopy, letter: Letter) -> bytes:
        """Returns the mail that carries a copy."""
        texts, delivery = TEXTS[target.language], letter.delivery
        carries = bool(letter.parts)
        values = {
            "sender": f"{delivery.organisation_name} <{delivery.sender}>",
            "time": delivery.submitted_at.astimezone(self._zone).strftime("%d.%m.%Y %H:%M"),
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
        mail = self._written(target, subject, [*said, texts.no_answer], copy.token, delivery.submitted_at)
        for info, content in letter.parts:
            main, _, sub = info.media_type.partition(";")[0].strip().lower().partition("/")
            known = main in _MAIN_TYPES and sub
            charset = _charset(info.media_type, content) if main == "text" else None
            mail.add_attachment(
                content,
                maintype=main if known else "application",
                subtype=sub if known else "octet-stream",
                filename=_one_line(info.name),
                cte="base64",
                params={} if charset is None else {"charset": charset},
            )
        return mail.as_bytes()

    def _written(
        self, target: ForwardingTarget, subject: str, said: list[str], identifier: UUID, date: datetime
    ) -> EmailMessage:
        mail = EmailMessage(policy=_POLICY)
        mail["From"] = Address(self._names.sender_name, addr_spec=self._names.sender)
        mail["To"] = Address(addr_spec=target.address)
        mail["Subject"] = subject
        mail["Date"] = format_datetime(date)
        mail["Message-ID"] = f"<{identifier}@{self._names.domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"
        mail["Content-Language"] = target.language
        mail.set_content("\n\n".join(said) + "\n", cte="base64")
        return mail


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
