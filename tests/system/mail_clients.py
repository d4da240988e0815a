"""Mail clients of all kinds, and the mails that they send."""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from server import config
from server.config import Settings
from server.dev.pki import Identity
from tests.system.post import Agency, Post

WITHIN = 60.0


@dataclass
class Listener:
    """The running listener, and how clients of all kinds reach it."""

    post: Post
    starttls: int
    implicit: int

    def context(self, identity: Identity | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.post.pki.server_root_path))
        if identity is not None:
            context.load_cert_chain(identity.cert_path, identity.key_path)
        return context

    @contextmanager
    def client(self, *, source: str = "127.0.0.1") -> Iterator[smtplib.SMTP]:
        """A client that has begun TLS."""
        with smtplib.SMTP("127.0.0.1", self.starttls, timeout=WITHIN, source_address=(source, 0)) as client:
            client.starttls(context=self.context())
            yield client

    @contextmanager
    def raw(self) -> Iterator[socket.socket]:
        """A client that sends what it likes, over TLS, greeted."""
        plain = socket.create_connection(("127.0.0.1", self.implicit), timeout=WITHIN)
        with closing(self.context().wrap_socket(plain, server_hostname="127.0.0.1")) as raw:
            assert raw.recv(1000).startswith(b"220 ")
            raw.sendall(b"EHLO test\r\n")
            while b"250 " not in raw.recv(1000):
                pass
            yield raw


class Home:
    """The agency's own mail server."""

    def __init__(self) -> None:
        self._taken: asyncio.Queue[Envelope] = asyncio.Queue()

    async def handle_DATA(  # noqa: N802 - the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self._taken.put_nowait(envelope)
        return "250 OK"

    async def about(self, delivery_id: str) -> Envelope:
        """Returns the next mail about a delivery."""
        while True:
            envelope = await self._taken.get()
            content = envelope.original_content
            assert content is not None
            if delivery_id.encode() in content:
                return envelope


def settings_of(post: Post, home: int, names: int, directory: Path) -> Settings:
    """Returns settings of a listener whose post sends mail to one port of this machine, signed, and asks the
    other for names.
    """
    made, key = rsa.generate_private_key(65537, 2048), directory / "key.pem"
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    path = post.world.write_settings("mail", database_url=post.database_url)
    path.write_text(
        path.read_text(encoding="utf-8") + '\n[inbound_mail]\nlisten = "127.0.0.1:0"\n'
        'implicit_tls_listen = "127.0.0.1:0"\nrecipients = 3\nidle = "2s"\nconnections_per_client = 6\n'
        f'\n[dns]\nservers = ["127.0.0.1:{names}"]\n'
        f'\n[mail]\nhost = "127.0.0.1"\nport = {home}\ntls = "none"\nsender = "no-reply@post.am"\n'
        'bounces = "bounces@post.am"\n'
        f'dkim_domain = "post.am"\ndkim_selector = "s"\ndkim_key = "{key}"\n',
        encoding="utf-8",
    )
    return config.load(path, {})


def mail(agency: Agency, number: str, *to: str, text: str = "Հարգելի քաղաքացի։") -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = f"Պետական եկամուտների կոմիտե <{agency.sender}>"
    message["To"] = ", ".join(to)
    message["Subject"] = "Ծանուցում"
    message["Message-ID"] = f"<{number}@{agency.domain}>"
    message.set_content(text)
    message.add_attachment(b"%PDF-1.7\x00", "application", "pdf", filename="ծանուցում.pdf")
    return message


async def sent(
    listener: Listener, message: EmailMessage, to: Sequence[str], *, source: str = "127.0.0.1"
) -> str:
    """Sends a mail; returns the answer to it, or the refusal of the first recipient or of the sender."""

    def send() -> str:
        with listener.client(source=source) as client:
            client.ehlo()
            sender = str(message["From"]).rpartition("<")[2].rstrip(">")
            for code, text in (client.mail(sender), *(client.rcpt(each) for each in to)):
                if code >= 400:
                    return f"{code} {text.decode()}"
            code, text = client.data(message.as_bytes())
            return f"{code} {text.decode()}"

    return await asyncio.to_thread(send)
