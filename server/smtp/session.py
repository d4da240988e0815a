"""One client's connection: what aiosmtpd does not do, or not strictly enough."""

import asyncio
import re
import ssl
from collections import Counter
from typing import Any, Final, cast

import structlog
from aiosmtpd.smtp import SMTP

from server.domain.malformed import Malformed
from server.domain.refusals import Refused
from server.smtp.data import READ_AHEAD, Endless, read_data
from server.smtp.desk import MailDesk
from server.smtp.replies import of_malformed, of_refusal, with_enhanced_code
from server.smtp.settings import SmtpSettings

_log = structlog.get_logger(__name__)

_CALLS: Final = {"*": 50, "MAIL": 1000, "RCPT": 100_000, "DATA": 1000, "RSET": 1000}
"""How often a connection may give each command."""

_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_USUAL_PATH: Final = re.compile(
    rf"<({_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)>(?: +([!-'*-~][ -~]*)?)?"
)
"""A path with neither quotes nor comments nor routes."""


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

    # The library's name for how far it reads ahead; how long a command may be is another limit of its.
    line_length_limit = READ_AHEAD

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
        self._plain: asyncio.BaseTransport | None = None
        self._until = 0.0
        self._turned_away = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Lets the client in, if there is room."""
        client = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._doors.come_in(client):
            self._turned_away = True
            assert isinstance(transport, asyncio.WriteTransport)
            transport.write(b"421 4.7.0 OVERLOADED: too many connections\r\n")
            transport.close()
            return
        self._client, self._plain = client, transport
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
        client, self._client = self._client, None
        if client is None:
            return
        self._doors.leave(client)
        self._doors.transports -= {self.transport, self._plain}
        super().connection_lost(error)

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """Begins TLS by the event loop's own means. Nothing that came in the clear is known afterwards, nor
        is anything heard that came behind the command (RFC 3207, 4.2).
        """
        context = self.tls_context
        if arg or context is None or self._tls_protocol is not None:
            await self.push("501 5.5.4 Syntax: STARTTLS" if arg else "503 5.5.1 there is no TLS to begin")
            return
        await self.push("220 2.0.0 Ready to start TLS")
        plain = self._writer.transport
        # Now, for from the next step on nothing comes in the clear any more, and what a client sends with the
        # end of its handshake is there before this coroutine goes on.
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # noqa: SLF001
        # Until it is known which transport the reader is to hold back.
        self._reader._transport = None  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            begun = await self.loop.start_tls(
                plain,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=self._settings.idle_seconds,
            )
        except OSError as failure:
            _log.info("no TLS with a mail client", error=type(failure).__name__)
            plain.abort()
            self.connection_lost(failure)
            return
        if begun is None:
            return  # the client has gone meanwhile
        self.transport = transport = begun
        # Where the library looks for whether this is TLS.
        self._tls_protocol = cast(Any, transport)
        self._reader._transport = self._writer._transport = transport  # type: ignore[attr-defined]  # noqa: SLF001
        self._doors.transports.add(transport)
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.session = self._create_session()
        self.session.peer = transport.get_extra_info("peername")
        self.session.ssl = {"ssl_object": transport.get_extra_info("ssl_object")}

    @property
    def certificate(self) -> bytes | None:
        """The client's verified certificate (DER), if it showed one."""
        found = None if self.transport is None else self.transport.get_extra_info("ssl_object")
        return None if found is None else found.getpeercert(binary_form=True)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Has the client sent away if it says nothing for so long; the library would set a timer at each
        command, and take another one back.
        """
        self._until = self.loop.time() + (duration or self._timeout_duration)
        handle = self._timeout_handle
        if handle is None or handle.when() > self._until:
            if handle is not None:
                handle.cancel()
            self._timeout_handle = self.loop.call_at(self._until, self._look_at_time)

    def _look_at_time(self) -> None:
        if self._until <= self.loop.time():
            self._timeout_cb()  # type: ignore[no-untyped-call]
        else:
            self._timeout_handle = self.loop.call_at(self._until, self._look_at_time)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Returns an address and what follows it. Nearly all are of one form, which needs none of the
        library's parser; others take its time.
        """
        usual = _USUAL_PATH.fullmatch(arg)
        return (usual[1], usual[2] or "") if usual else super()._getaddr(arg)

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
            content = await read_data(self._reader, self._settings.mail_bytes)
        except Endless:
            await self._end("552 5.3.4 INVALID_FIELDS: TOO_LARGE")
            return
        except Malformed as problem:
            self._set_post_data_state()  # type: ignore[no-untyped-call]
            self._reset_timeout()
            # Whoever passed on bare line ends may see the mail's end elsewhere: what follows is not to be
            # believed.
            say = self._end if problem.reason == "BARE_LINE_END" else self.push
            await say(of_malformed(problem))
            return
        self._reset_timeout(self._settings.answer_seconds)
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        answer = await self._desk.take(envelope, content)
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
