"""Senders with ordinary mail clients: each sends a mail again, with its Message-ID, until it is answered or
refused for good.
"""

import random
import smtplib
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS = 0.05
_MOST_RECIPIENTS = 3


@dataclass
class MailBooks:
    """What mail clients sent and were told, by Message-ID.

    Attributes:
        sent: to whom each mail was sent.
        answered: the delivery ids that an answer of 250 named, in the recipients' order.
        repeated: how often a mail was sent again because its answer did not come.
        wrong: what no mail client should be told.
        over: set when the run is over, also when it is broken off: threads can't be cancelled, and would ask
            for ever a post that is not there any more.
    """

    sent: dict[str, tuple[str, ...]] = field(default_factory=dict)
    answered: dict[str, tuple[str, ...]] = field(default_factory=dict)
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> int:
        """How many messages that is: one for each recipient."""
        return sum(map(len, self.sent.values()))


class _RefusedForGood(Exception):
    """A mail client was told never to send this again."""


class MailSender:
    """One mail client. Its methods block."""

    def __init__(
        self, name: str, sender: str, ports: Sequence[int], trusted: ssl.SSLContext, books: MailBooks
    ) -> None:
        self._name = name
        self._sender = sender
        self._ports = ports
        self._books = books
        self._random = random.Random(name)  # noqa: S311 - no secret
        self._turn = self._random.randrange(len(ports))
        self._context = trusted
        self._connection: smtplib.SMTP | None = None

    def send_until(self, enough: int, boxes: Sequence[str]) -> None:
        """Sends new mails until all mail clients together sent so many messages."""
        number = 0
        while not self._books.over.is_set():
            number += 1
            name = f"<{self._name}.{number}@{self._sender.partition('@')[2]}>"
            recipients = tuple(self._random.sample(boxes, self._random.randrange(1, _MOST_RECIPIENTS + 1)))
            with self._books.lock:
                if self._books.messages >= enough:
                    break
                self._books.sent[name] = recipients
            self.send(name)
        self.hang_up()

    def send(self, name: str) -> None:
        """Sends a mail, and again until it is answered; notes the answer. A refusal for good is one, too."""
        while not self._books.over.is_set():
            try:
                ids = self._try(name)
            except _RefusedForGood as refusal:
                self.hang_up()
                with self._books.lock:
                    self._books.wrong.append(f"{name}: {refusal}")
                return
            except (OSError, smtplib.SMTPException):
                self.hang_up()
                self._turn += 1
                with self._books.lock:
                    self._books.repeated += 1
                self._books.over.wait(_PAUSE_SECONDS)
                continue
            with self._books.lock:
                if self._books.answered.setdefault(name, ids) != ids:
                    self._books.wrong.append(f"{name}: {ids} after {self._books.answered[name]}")
            return

    def _try(self, name: str) -> tuple[str, ...]:
        recipients = self._books.sent[name]
        if self._connection is None:
            port = self._ports[self._turn % len(self._ports)]
            self._connection = smtplib.SMTP("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
            self._connection.starttls(context=self._context)
            self._connection.ehlo()
        mail = (
            f"From: {self._sender}\r\nTo: {', '.join(recipients)}\r\nSubject: {name[1:-1]}\r\n"
            f"Message-ID: {name}\r\n\r\nText of {name}\r\n"
        )
        _answered(self._connection.mail(self._sender))
        for each in recipients:
            _answered(self._connection.rcpt(each))
        told = _answered(self._connection.data(mail))
        return tuple(line.rpartition(" ")[2] for line in told.decode("ascii").splitlines())

    def hang_up(self) -> None:
        """Ends the connection, if there is one."""
        if self._connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._connection.close()
        self._connection = None


def _answered(answer: tuple[int, bytes]) -> bytes:
    code, text = answer
    if code >= 500:
        raise _RefusedForGood(f"{code} {text!r}")
    if code != 250:
        raise smtplib.SMTPResponseException(code, text)
    return text
