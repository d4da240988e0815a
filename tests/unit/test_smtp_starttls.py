"""Where TLS begins, on both event loops: nothing of before is heard, and nothing of afterwards is lost."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from server.smtp.desk import MailDesk
from server.smtp.session import Doors, MailSession
from server.smtp.settings import SmtpSettings

WITHIN = 60.0
SETTINGS = SmtpSettings(
    "127.0.0.1:0", None, "localhost", Path("c"), Path("k"), Path("r"), idle_seconds=WITHIN
)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[..., bytes]:
    """Runs a coroutine on either loop."""

    def on_loop(client: Callable[..., object], context: ssl.SSLContext) -> bytes:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(served(client, context))

    return on_loop


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's TLS, with a certificate of its own that is its authority too."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(file)
    return found


async def served(client: Callable[..., object], context: ssl.SSLContext) -> bytes:
    """Has a client talk to a listener; returns what it was told."""
    doors, loop = Doors(SETTINGS), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: MailSession(cast(MailDesk, object()), doors, SETTINGS, context), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    try:
        async with asyncio.timeout(WITHIN):
            assert (await reader.readline()).startswith(b"220 ")
            writer.write(b"EHLO x\r\n")
            while not (await reader.readline()).startswith(b"250 "):
                pass
            return cast(bytes, await client(reader, writer))  # type: ignore[misc]
    finally:
        writer.close()
        server.close()


async def talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, behind: bytes, under_tls: bytes
) -> bytes:
    """Begins TLS, with something in the clear right behind the command, and something under TLS in the very
    octets that end the handshake; returns the first lines that come back under TLS.
    """
    writer.write(b"STARTTLS\r\n" + behind)
    assert (await reader.readline()).startswith(b"220 ")
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = trusting.wrap_bio(came, goes)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            writer.write(goes.read())
            came.write(await reader.read(65536))
    tls.write(under_tls)
    writer.write(goes.read())
    told = b""
    while told.count(b"\r\n") < under_tls.count(b"\r\n"):
        try:
            told += tls.read(65536)
        except ssl.SSLWantReadError:
            more = await reader.read(65536)
            assert more, told
            came.write(more)
    return told


def test_what_comes_with_the_end_of_the_handshake_is_heard(
    run: Callable[..., bytes], context: ssl.SSLContext
) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        return await talk(reader, writer, behind=b"", under_tls=b"NOOP\r\nRSET\r\n")

    assert run(client, context) == b"250 OK\r\n250 OK\r\n"


def test_what_came_in_the_clear_behind_the_command_is_not(
    run: Callable[..., bytes], context: ssl.SSLContext
) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        return await talk(reader, writer, behind=b"MAIL FROM:<a@src.am>\r\n", under_tls=b"NOOP\r\n")

    assert run(client, context) == b"250 OK\r\n"


def test_who_was_greeted_in_the_clear_is_to_be_greeted_again(
    run: Callable[..., bytes], context: ssl.SSLContext
) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        return await talk(reader, writer, behind=b"", under_tls=b"MAIL FROM:<a@src.am>\r\nSTARTTLS\r\n")

    greeted, again = run(client, context).splitlines()
    assert greeted.startswith(b"503 5.5.1 ")
    assert again.startswith(b"503 5.5.1 ")
