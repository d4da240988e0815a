"""The post's mail listener under load, and beside it aiosmtpd alone, which throws away what it gets."""

import asyncio
import contextlib
import itertools
import json
import re
import secrets
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from scripts.benchmark.load import Measured, under_load
from scripts.benchmark.office import OTHER_RECIPIENTS, SENDER, Office

CONNECTIONS = 20
WITHIN = 60.0
_LAST_LINE = re.compile(rb"(\d{3}) ")


class MailFailed(RuntimeError):
    """The listener did not start, or gave another answer than was to be expected."""


class MailConnection:
    """A client's connection: one command, one answer, as clients without pipelining do it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int, context: ssl.SSLContext) -> "MailConnection":
        """Connects, and begins TLS with STARTTLS."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        connection = cls(reader, writer)
        await connection._answer(b"220")
        await connection._ask(b"EHLO bench", b"250")
        await connection._ask(b"STARTTLS", b"220")
        await writer.start_tls(context, server_hostname="127.0.0.1")
        await connection._ask(b"EHLO bench", b"250")
        return connection

    async def send(self, sender: str, recipient: str, mail: bytes) -> None:
        """Sends one mail; returns once it is durable. Raises `MailFailed`."""
        await self._ask(f"MAIL FROM:<{sender}>".encode(), b"250")
        await self._ask(f"RCPT TO:<{recipient}>".encode(), b"250")
        await self._ask(b"DATA", b"354")
        await self._ask(mail + b".", b"250")

    async def close(self) -> None:
        """Leaves."""
        with contextlib.suppress(OSError, MailFailed):
            await self._ask(b"QUIT", b"221")
        self._writer.close()

    async def _ask(self, command: bytes, wanted: bytes) -> None:
        self._writer.write(command + b"\r\n")
        await self._answer(wanted)

    async def _answer(self, wanted: bytes) -> None:
        while True:
            line = await self._reader.readline()
            if _LAST_LINE.match(line) or not line:
                break
        if not line.startswith(wanted):
            raise MailFailed(f"answered {line.decode('ascii', 'replace').strip()!r}")


async def mails(office: Office, port: int, size: int, seconds: float) -> Measured:
    """Sends mails over all connections, each waited for before the next on its connection."""
    context = ssl.create_default_context(cafile=str(office.world.pki.server_root_path))
    opened = [await MailConnection.open(port, context) for _ in range(CONNECTIONS)]
    free, to, numbers = list(opened), itertools.cycle(OTHER_RECIPIENTS), itertools.count()

    async def once() -> int:
        connection = free.pop()
        recipient = next(to)
        await connection.send(SENDER, recipient, _mail(next(numbers), recipient, size))
        free.append(connection)
        return 1

    try:
        return await under_load(once, in_flight=CONNECTIONS, seconds=seconds)
    finally:
        for connection in opened:
            await connection.close()


def _mail(number: int, recipient: str, size: int) -> bytes:
    text = secrets.token_hex(size // 2)
    lines = (text[at : at + 76] for at in range(0, len(text), 76))
    header = (
        f"From: <{SENDER}>",
        f"To: <{recipient}>",
        "Subject: Notice",
        f"Message-ID: <{number}.{secrets.token_hex(8)}@src.am>",
        "Date: Sun, 22 Nov 2026 12:00:00 +0000",
        "",
    )
    return "".join(f"{line}\r\n" for line in (*header, *lines)).encode()


@contextlib.asynccontextmanager
async def listening(office: Office, place: Path) -> AsyncIterator[int]:
    """Meanwhile runs `namak-server smtp`; yields its port."""
    settings = office.world.write_settings("mail", database_url=office.database_url)
    with settings.open("a", encoding="utf-8") as written:
        written.write(
            '\n[inbound_mail]\nlisten = "127.0.0.1:0"\nimplicit_tls_listen = "127.0.0.1:0"\n'
            'health_listen = "127.0.0.1:0"\n'
        )
    ready = place / "mail.ready"
    command = (sys.executable, "-P", "-m", "server", "smtp", "--config", str(settings))
    with (place / "mail.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, "--ready-file", str(ready), stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(WITHIN):
            while not ready.exists():
                if process.returncode is not None:
                    raise MailFailed(f"the mail listener ended: see {place / 'mail.log'}")
                await asyncio.sleep(0.05)
        yield int(json.loads(ready.read_text(encoding="utf-8"))["ports"][0])
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def throwing_away(office: Office) -> AsyncIterator[int]:
    """Meanwhile runs aiosmtpd alone; yields its port."""
    files = (str(office.world.server.cert_path), str(office.world.server.key_path))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__, *files), stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise MailFailed("its output is a pipe")
        yield int(await process.stdout.readline())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _sink(certificate: str, key: str) -> None:
    """Runs aiosmtpd as it is; prints its port."""
    from aiosmtpd.smtp import SMTP, Envelope, Session

    class Nowhere:
        async def handle_DATA(  # noqa: N802 - the library's name
            self,
            server: SMTP,  # noqa: ARG002
            session: Session,  # noqa: ARG002
            envelope: Envelope,  # noqa: ARG002
        ) -> str:
            return "250 2.6.0 OK"

    async def serve() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Nowhere(), tls_context=context, require_starttls=True, loop=loop), "127.0.0.1", 0
        )
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    _sink(*sys.argv[1:3])
