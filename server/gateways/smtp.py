"""Hands mail over to an SMTP server: over TLS, signed for the post's domain (DKIM, RFC 6376)."""

import asyncio
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import aiosmtplib

from server.gateways.dkim_key import DkimKey
from server.usecases.forwarding_ports import MailNotSent

_TOO_LARGE: Final = 552
_LEAVING: Final = 421
_PERMANENT: Final = 500
_QUIT_SECONDS: Final = 2.0


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
        mails: after so many a connection is closed, that a server with several addresses gets its turns.
        idle: for how many seconds a connection is kept that has nothing to do; less than servers wait.
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
    mails: int = 100
    idle: float = 5.0


class _Gone(Exception):
    """A connection that was kept is not there any more; nothing of the mail was handed over."""


@dataclass(eq=False, slots=True)
class _Kept:
    """A connection, how many mails went over it, and since when it has nothing to do."""

    client: aiosmtplib.SMTP
    mails: int = 0
    since: float = 0.0


class SmtpRoute:
    """Sends mails over connections that are kept for a while, some at once."""

    def __init__(self, settings: SmtpSettings, key: DkimKey | None) -> None:
        self._settings = settings
        self._key = key
        self._turns = asyncio.Semaphore(settings.connections)
        self._free: list[_Kept] = []
        self._closing: asyncio.TimerHandle | None = None

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
                    good = await self._send(message, bounces_to, to)
            except aiosmtplib.SMTPAuthenticationError:
                raise MailNotSent("NOT_LET_IN", for_good=False) from None
            except aiosmtplib.SMTPResponseException as refused:
                raise _refusal(refused.code) from None
            except ssl.SSLError:
                raise MailNotSent("TLS_FAILED", for_good=False) from None
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                tls = isinstance(error.__cause__, ssl.SSLError)
                raise MailNotSent("TLS_FAILED" if tls else "UNREACHABLE", for_good=False) from None
            # The server has the mail: whatever becomes of the connection must not have it sent again.
            await self._put_back(good)

    def close(self) -> None:
        """Closes the connections that have nothing to do."""
        while self._free:
            self._free.pop().client.close()
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    async def _send(self, message: bytes, bounces_to: str, to: str) -> _Kept:
        kept = self._taken()
        if kept is not None:
            # Servers close connections when they like; a new one shows whether this one is there.
            with suppress(_Gone):
                return await self._send_over(kept, message, bounces_to, to)
        return await self._send_over(_Kept(await self._connected()), message, bounces_to, to)

    async def _send_over(self, kept: _Kept, message: bytes, bounces_to: str, to: str) -> _Kept:
        """Sends a mail over a connection, and returns it. Where the mail is refused and the connection is
        good for further ones, it is kept.
        """
        client = kept.client
        try:
            await self._begin(kept, bounces_to)
            kept.mails += 1
            await client.rcpt(to, options=_notify(client, bounces_to))
            await client.data(message)
        except aiosmtplib.SMTPResponseException as refused:
            if refused.code != _LEAVING and await _reset(client):
                await self._put_back(kept)
            else:
                client.close()
            raise
        except BaseException:
            # Nobody knows what the server would take the next command for.
            client.close()
            raise
        return kept

    async def _begin(self, kept: _Kept, bounces_to: str) -> None:
        """Names the mail's sender. Raises `_Gone` where a connection that was kept turns out to be closed."""
        try:
            await kept.client.mail(bounces_to, options=_returned(kept.client))
        except (aiosmtplib.SMTPServerDisconnected, OSError):
            if kept.mails:
                raise _Gone from None
            raise
        except aiosmtplib.SMTPResponseException as answer:
            if kept.mails and answer.code == _LEAVING:
                raise _Gone from None
            raise

    def _taken(self) -> _Kept | None:
        """Takes the connection that was used last, if there is one."""
        self._close_idle()
        while self._free:
            kept = self._free.pop()
            if kept.client.is_connected:
                return kept
            kept.client.close()
        return None

    async def _put_back(self, kept: _Kept) -> None:
        """Keeps a connection for the next mail, unless it had its share."""
        if kept.mails >= self._settings.mails:
            await _leave(kept.client)
            return
        kept.since = time.monotonic()
        self._free.append(kept)
        if self._closing is None:
            self._close_later()

    def _close_idle(self) -> None:
        longest = time.monotonic() - self._settings.idle
        while self._free and self._free[0].since <= longest:
            self._free.pop(0).client.close()

    def _close_later(self) -> None:
        def close() -> None:
            self._closing = None
            self._close_idle()
            if self._free:
                self._close_later()

        wait = max(0.0, self._free[0].since + self._settings.idle - time.monotonic())
        self._closing = asyncio.get_running_loop().call_later(wait, close)

    async def _connected(self) -> aiosmtplib.SMTP:
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
        try:
            await client.connect()
            if settings.tls == "starttls":
                await self._encrypt(client)
            if client.is_ehlo_or_helo_needed:
                with suppress(aiosmtplib.SMTPResponseException):
                    await client.ehlo()  # to know what it offers
            if settings.username is not None and settings.password is not None:
                await client.login(settings.username, settings.password)
        except BaseException:
            client.close()
            raise
        return client

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


def _returned(client: aiosmtplib.SMTP) -> list[str]:
    """Returns what to ask of a server that reports (RFC 3461): not to send the whole mail back: it may hold a
    letter.
    """
    return ["RET=HDRS"] if client.supports_extension("dsn") else []


def _notify(client: aiosmtplib.SMTP, bounces_to: str) -> list[str]:
    """Returns what reports to ask for: of failures alone, or, where nothing comes back, of none."""
    if not client.supports_extension("dsn"):
        return []
    return ["NOTIFY=FAILURE" if bounces_to else "NOTIFY=NEVER"]


async def _reset(client: aiosmtplib.SMTP) -> bool:
    """Has the server forget the mail that it refused; tells whether it did."""
    try:
        await client.rset(timeout=_QUIT_SECONDS)
    except (aiosmtplib.SMTPException, OSError):
        return False
    return True


async def _leave(client: aiosmtplib.SMTP) -> None:
    """Says goodbye, and closes the connection whether that is heard or not."""
    with suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=_QUIT_SECONDS)
    client.close()


def _refusal(code: int) -> MailNotSent:
    if code == _TOO_LARGE:
        return MailNotSent("TOO_LARGE", for_good=True)
    return MailNotSent("REFUSED" if code >= _PERMANENT else "BUSY", for_good=code >= _PERMANENT)
