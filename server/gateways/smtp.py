"""Hands mail over to an SMTP server: over TLS, signed for the post's domain (DKIM, RFC 6376)."""

import asyncio
import ssl
from dataclasses import dataclass
from email import message_from_bytes
from typing import Final

import aiosmtplib
import dkim

from server.usecases.forwarding_ports import MailNotSent

_SIGNED: Final = tuple(
    name.encode()
    for name in (
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding",
    )
)  # fmt: skip
_TOO_LARGE: Final = 552
_PERMANENT: Final = 500


@dataclass(frozen=True, slots=True)
class DkimKey:
    """What mails are signed with: an RSA key (PEM) whose public half stands in the DNS at the selector."""

    domain: str
    selector: str
    key: bytes

    def sign(self, message: bytes) -> bytes:
        """Returns the message with its signature before it. Raises ValueError where the key can't be used."""
        try:
            # Oversigned by the library's rule: a second From can't be added on the way.
            signature = dkim.sign(
                message,
                self.selector.encode(),
                self.domain.encode(),
                self.key,
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=[name for name in _SIGNED if name.decode() in message_from_bytes(message)],
            )
        except (dkim.DKIMException, OSError) as error:
            raise ValueError(f"the DKIM key can't be used: {type(error).__name__}") from None
        return bytes(signature) + message


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """The server that takes the post's mail.

    Attributes:
        host, port: where it listens. tls: `starttls` (required before anything is sent), `tls` (from the
        first octet), or `none`, for a server
            on loopback.
        context: which authorities its certificate must lead to.
        username, password: where it asks for them.
        name: what the post calls itself there.
        timeout: how many seconds any answer may take.
        connections: how many are open at once.
        size_limit: how many octets a mail may have.
    """

    host: str
    port: int
    tls: str
    context: ssl.SSLContext | None
    name: str
    username: str | None = None
    password: str | None = None
    timeout: float = 30.0
    connections: int = 10
    size_limit: int = 10 * 1024 * 1024


class SmtpRoute:
    """Sends each mail over a connection of its own, some at once."""

    def __init__(self, settings: SmtpSettings, key: DkimKey | None) -> None:
        self._settings = settings
        self._key = key
        self._turns = asyncio.Semaphore(settings.connections)

    @property
    def size_limit(self) -> int:
        """How many octets a mail may have."""
        return self._settings.size_limit

    async def send(self, message: bytes, *, bounces_to: str, to: str) -> None:
        """Hands one mail over. Raises `MailNotSent`."""
        if self._key is not None:
            message = self._key.sign(message)
        if len(message) > self._settings.size_limit:
            raise MailNotSent("TOO_LARGE", for_good=True)
        async with self._turns:
            try:
                async with asyncio.timeout(4 * self._settings.timeout):
                    await self._hand_over(message, bounces_to, to)
            except aiosmtplib.SMTPRecipientsRefused as refused:
                raise _refusal(refused.recipients[0].code) from None
            except aiosmtplib.SMTPAuthenticationError:
                raise MailNotSent("NOT_LET_IN", for_good=False) from None
            except aiosmtplib.SMTPResponseException as refused:
                raise _refusal(refused.code) from None
            except ssl.SSLError:
                raise MailNotSent("TLS_FAILED", for_good=False) from None
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                tls = isinstance(error.__cause__, ssl.SSLError)
                raise MailNotSent("TLS_FAILED" if tls else "UNREACHABLE", for_good=False) from None

    async def _hand_over(self, message: bytes, bounces_to: str, to: str) -> None:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=settings.name,
            timeout=settings.timeout,
            use_tls=settings.tls == "tls",
            start_tls=False,
            tls_context=settings.context,
        )
        async with client:
            if settings.tls == "starttls":
                await self._encrypt(client)
            if settings.username is not None and settings.password is not None:
                await client.login(settings.username, settings.password)
            await client.sendmail(bounces_to, [to], message)

    async def _encrypt(self, client: aiosmtplib.SMTP) -> None:
        """Begins TLS; a server that does not offer it, or whose certificate is not good, gets nothing."""
        try:
            await client.ehlo()
            if client.supports_extension("starttls"):
                await client.starttls(tls_context=self._settings.context)
                return
        except (aiosmtplib.SMTPException, OSError):
            pass
        raise MailNotSent("TLS_FAILED", for_good=False)


def _refusal(code: int) -> MailNotSent:
    if code == _TOO_LARGE:
        return MailNotSent("TOO_LARGE", for_good=True)
    return MailNotSent("REFUSED" if code >= _PERMANENT else "BUSY", for_good=code >= _PERMANENT)
