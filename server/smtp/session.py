"""One client's connection: what aiosmtpd does not do, or not strictly enough."""

import asyncio
import ssl
from collections import Counter
from typing import Final

import structlog
from aiosmtpd.smtp import SMTP

from server.domain.malformed import Malformed
from server.domain.refusals import Refused
from server.smtp.data import Endless, read_lines
from server.smtp.desk import MailDesk
from server.smtp.replies import of_malformed, of_refusal, with_enhanced_code
from server.smtp.settings import SmtpSettings

_log = structlog.get_logger(__name__)

_CALLS: Final = {"*": 50, "MAIL": 1000, "RCPT": 100_000, "DATA": 1000, "RSET": 1000}
"""How often a connection may give each command."""


class Doors:
    """Counts connections, in all and from each address."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings
        self._open: Counter[str] = Counter()
        self.transports: set[asyncio.BaseTransport] = set()

    def come_in(self, client: str) -> bool:
        """Counts one more, if there is room."""
        if self._open.total() >= self._settings.connections:
            return False
        if self._open[client] >= self._settings.connections_per_client:
            return False
        self._open[client] += 1
        return True

    def leave(self, client: str) -> None:
        """Counts one less."""
        self._open[client] -= 1
        if not self._open[client]:
            del self._open[client]


class MailSession(SMTP):
    """One connection. The desk keeps what the client says; this class speaks."""

    def __init__(
        self, desk: MailDesk, doors: Doors, settings: SmtpSettings, starttls: ssl.SSLContext | None
    ) -> None:
        """With `starttls` the connection begins plain, and nothing is heard before it is TLS."""
        super().__init__(
            desk,
            data_size_limit=settings.mail_bytes,
            enable_SMTPUTF8=True,
            hostname=settings.host_name,
            ident="namak",
            tls_context=starttls,
            require_starttls=starttls is not None,
            timeout=settings.idle_seconds,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            command_call_limit=dict(_CALLS),
            loop=asyncio.get_running_loop(),
        )
        self._desk, self._doors, self._settings = desk, doors, settings
        self._client: str | None = None
        self._turned_away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets the client in, if there is room. It is called again when TLS begins."""
        if self._client is None:
            client = str((transport.get_extra_info("peername") or ("",))[0])
            if not self._doors.come_in(client):
                self._turned_away = True
                assert isinstance(transport, asyncio.WriteTransport)
                transport.write(b"421 4.7.0 OVERLOADED: too many connections\r\n")
                transport.close()
                return
            self._client = client
        self._doors.transports.add(transport)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Hears nothing of who was turned away."""
        if not self._turned_away:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        """Ends what is under way."""
        return None if self._turned_away else super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        """Gives the place back."""
        if self._turned_away:
            return
        if self._client is not None:
            self._doors.leave(self._client)
        self._doors.transports -= {self.transport, self._original_transport}
        super().connection_lost(error)

    @property
    def certificate(self) -> bytes | None:
        """The client's verified certificate (DER), if it showed one."""
        found = None if self.transport is None else self.transport.get_extra_info("ssl_object")
        return None if found is None else found.getpeercert(binary_form=True)

    async def push(self, status: str | bytes) -> None:
        """Answers; the library's own answers have no enhanced codes, though EHLO says that all have."""
        await super().push(with_enhanced_code(status).encode() if isinstance(status, str) else status)

    async def smtp_DATA(self, arg: str | None) -> None:
        """Takes a mail: bounded in memory and time, with nothing but CRLF.CRLF for its end."""
        if await self.check_helo_needed():
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        envelope = self.envelope
        if envelope is None or not envelope.rcpt_tos:
            await self.push("503 5.5.1 need RCPT command")
            return
        # There is no other way to see what was sent too early.
        if self._reader._buffer:  # type: ignore[attr-defined]  # noqa: SLF001
            await self._end("554 5.5.0 nothing may be sent behind DATA before its answer")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        # From here on until all has come, however slowly.
        self._reset_timeout(self._settings.data_seconds)
        try:
            lines = await read_lines(self._reader, self._settings.mail_bytes)
        except Endless:
            await self._end("552 5.3.4 INVALID_FIELDS: TOO_LARGE")
            return
        self._reset_timeout(self._settings.answer_seconds)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        if lines.problem is None:
            answer = await self._desk.take(envelope, bytes(lines.content))
            del lines
        else:
            answer = of_malformed(lines.problem)
            if lines.problem.reason == "BARE_LINE_END":
                # Whoever passed this on may see the mail's end elsewhere: what follows is not to be believed.
                await self._end(answer)
                return
        self._reset_timeout()
        await self.push(answer)

    async def _end(self, answer: str) -> None:
        await self.push(answer)
        if self.transport is not None:
            self.transport.close()

    async def handle_exception(self, error: Exception) -> str:
        """Answers what a command failed with."""
        if isinstance(error, Refused):
            return of_refusal(error)
        if isinstance(error, Malformed):
            return of_malformed(error)
        _log.error("a mail command failed", error=type(error).__name__)
        return "451 4.3.0 INTERNAL: something failed here"


def client_context(settings: SmtpSettings) -> ssl.SSLContext:
    """Returns the TLS of both listeners: a client may show a certificate, and a shown one must be trusted.

    Raises OSError: a file can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.certificate, settings.key)
    context.load_verify_locations(settings.client_authorities)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context
