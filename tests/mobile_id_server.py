"""A mobile-id service on loopback, over HTTPS, that speaks the published protocol and knows phones.

It answers as services do, and misbehaves as a test wants: late, never, with errors, with what is no JSON.
"""

import asyncio
import base64
import contextlib
import ipaddress
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from server.domain.mobile_identity import MobileKey
from tests.fakes.sim import Answer, Question, Sim

RELYING_PARTY = "de305d54-75b4-431b-adb2-eb6b9e546014"
NAME = "NAMAK"
LANGUAGES = ("ENG", "RUS", "AZE")
HASH_BYTES = {"SHA256": 32, "SHA384": 48, "SHA512": 64}

_KEYS = {"authentication": MobileKey.AUTHENTICATION, "signature": MobileKey.SIGNATURE}

Misbehaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class _Session:
    key: MobileKey
    answer: "asyncio.Future[Answer]"
    displaced: asyncio.Event = field(default_factory=asyncio.Event)


class MobileIdServer:
    """The service's phones, and what it was asked.

    Attributes:
        sims: the phones it knows, by phone and personal number.
        misbehaviours: how to meet the next requests, the oldest first, instead of answering them; each
        counts once.
        always: how to meet every request, until a test takes it away.
        requests: the paths asked for, without the names of sessions, with the bodies and queries.
        came: notified whenever a request has come, or its caller has gone.
        gone: how many polls ended because their caller went away.
    """

    def __init__(self) -> None:
        self.url = ""
        self.sims: dict[tuple[str, str], Sim] = {}
        self.misbehaviours: deque[Misbehaviour] = deque()
        self.always: Misbehaviour | None = None
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.came = asyncio.Condition()
        self.gone = 0
        self._sessions: dict[str, _Session] = {}

    def know(self, sim: Sim) -> Sim:
        """Makes the service know a phone."""
        self.sims[sim.phone, sim.person_number] = sim
        return sim

    def forget_sessions(self) -> None:
        """What a service does some minutes after their end."""
        self._sessions.clear()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Waits until the requests that came make a condition true."""
        async with self.came:
            await self.came.wait_for(condition)

    def asked(self, path: str) -> list[dict[str, str]]:
        """Returns what came with each request of a path."""
        return [what for asked, what in self.requests if asked == path]

    @contextlib.asynccontextmanager
    async def running(self, directory: Path) -> AsyncIterator[Path]:
        """Runs; yields the PEM file of the authority that vouches for it."""
        authorities, context = _tls(directory)
        application = web.Application(middlewares=[self._count])
        application.router.add_post("/mid-api/certificate", self._certificate)
        for kind in _KEYS:
            application.router.add_post(f"/mid-api/{kind}", self._start)
            application.router.add_get(f"/mid-api/{kind}/session/{{session}}", self._status)
        # A handler of a request whose caller has gone is cancelled, as a long poll's should be.
        runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.url = f"https://127.0.0.1:{runner.addresses[0][1]}/mid-api"
        try:
            yield authorities
        finally:
            await runner.cleanup()

    @property
    def _count(self) -> Any:
        @web.middleware
        async def count(request: web.Request, handler: Any) -> web.StreamResponse:
            what = await request.json() if request.method == "POST" else dict(request.query)
            parts = request.path.removeprefix("/mid-api/").split("/")
            async with self.came:
                self.requests.append(("/".join(parts[:2]), what))
                self.came.notify_all()
            try:
                if self.misbehaviours:
                    return await self.misbehaviours.popleft()(request)
                if self.always is not None:
                    return await self.always(request)
                response: web.StreamResponse = await handler(request)
                return response
            except asyncio.CancelledError:
                async with self.came:
                    self.gone += 1
                    self.came.notify_all()
                raise

        return count

    async def _certificate(self, request: web.Request) -> web.Response:
        body = await request.json()
        if (error := _wrong_caller(body)) is not None:
            return error
        sim = self.sims.get((body["phoneNumber"], body["nationalIdentityNumber"]))
        if sim is None:
            return _answer(result="NOT_FOUND")
        if sim.refusal in ("NOT_MID_CLIENT", "CERTIFICATE_EXPIRED"):
            return _answer(result="NOT_FOUND")
        certificate = base64.b64encode(sim.cards[MobileKey.SIGNATURE].der).decode()
        return _answer(result="OK", cert=certificate)

    async def _start(self, request: web.Request) -> web.Response:
        body = await request.json()
        if (error := _wrong_caller(body)) is not None:
            return error
        digest = _digest(body)
        if digest is None or body.get("language") not in LANGUAGES:
            return _error(400, "Required parameter is missing or has an incorrect value")
        key = _KEYS[request.path.rsplit("/", 1)[-1]]
        sim = self.sims.get((body["phoneNumber"], body["nationalIdentityNumber"]))
        if sim is None:
            answer = asyncio.get_running_loop().create_future()
            answer.set_result(Answer("NOT_MID_CLIENT"))
        else:
            shown = body["displayText"], body["displayTextFormat"], body["language"]
            answer = await sim.ask(Question(key, digest, body["hashType"], *shown))
        session = str(uuid4())
        self._sessions[session] = _Session(key, answer)
        return web.json_response({"sessionID": session})

    async def _status(self, request: web.Request) -> web.Response:
        session = self._sessions.get(request.match_info["session"])
        if session is None or session.key is not _KEYS[request.path.split("/")[2]]:
            return _error(404, "SessionID not found")
        # A second poll of a session ends the first one with nothing.
        session.displaced.set()
        session.displaced = displaced = asyncio.Event()
        seconds = int(request.query.get("timeoutMs", "10000")) / 1000
        elsewhere = asyncio.ensure_future(displaced.wait())
        try:
            waited: set[asyncio.Future[Any]] = {session.answer, elsewhere}
            await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            elsewhere.cancel()
        if displaced.is_set() or not session.answer.done():
            return _answer(state="RUNNING")
        return _complete(session.answer.result(), session.key)


def _digest(body: dict[str, str]) -> bytes | None:
    try:
        digest = base64.b64decode(body["hash"], validate=True)
        return digest if len(digest) == HASH_BYTES[body["hashType"]] else None
    except (KeyError, ValueError):
        return None


def _complete(answer: Answer, key: MobileKey) -> web.Response:
    content: dict[str, Any] = {"state": "COMPLETE", "result": answer.result}
    if answer.tries_left is not None:
        content["pinTriesLeft"] = answer.tries_left
    if answer.result == "OK":
        value = base64.b64encode(answer.signature).decode()
        content["signature"] = {"value": value, "algorithm": answer.algorithm}
        if key is MobileKey.AUTHENTICATION:
            content["cert"] = base64.b64encode(answer.certificate).decode()
    return _answer(**content)


def _answer(**content: Any) -> web.Response:
    # Clients pass over the fields that they do not know.
    return web.json_response({**content, "time": "2026-11-21T20:00:00", "traceId": uuid4().hex[:16]})


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text, "traceId": uuid4().hex[:16]}, status=status)


def _wrong_caller(body: dict[str, str]) -> web.Response | None:
    for name in ("relyingPartyUUID", "relyingPartyName", "phoneNumber", "nationalIdentityNumber"):
        if not body.get(name):
            return _error(400, f"Required {name} is missing")
    if str(UUID(body["relyingPartyUUID"])) != RELYING_PARTY or body["relyingPartyName"].upper() != NAME:
        return _error(401, "Failed to authorize user")
    return None


async def internal_error(_: web.Request) -> web.StreamResponse:
    """Answers 500, as services do in their own trouble."""
    return _error(500, "Internal error")


async def garbage(_: web.Request) -> web.StreamResponse:
    """Answers with half a JSON object."""
    return web.Response(body=b'{"state": "COMPL\xff', content_type="application/json")


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Closes the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def hang(_: web.Request) -> web.StreamResponse:
    """Never answers; ends when the caller goes."""
    await asyncio.Event().wait()
    return web.Response()


async def flood(_: web.Request) -> web.StreamResponse:
    """Answers rightly, but for more than anybody would read."""
    return web.json_response({"state": "RUNNING", "sessionID": "s-1", "more": "x" * 10_000_000})


def saying(status: int = 200, content: Any = None, **headers: str) -> Misbehaviour:
    """Answers with any content, any status and any headers."""

    async def say(_: web.Request) -> web.StreamResponse:
        return web.json_response(content, status=status, headers=headers)

    return say


def _tls(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Makes an authority and a certificate for 127.0.0.1 by it, both of now."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _tls_certificate("Provider root", authority_key, "Provider root", authority_key, ca=True)
    certificate = _tls_certificate("mobile-id", key, "Provider root", authority_key, ca=False)
    authorities, chain = directory / "provider-root.pem", directory / "provider.pem"
    authorities.write_bytes(root.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return authorities, context


def _tls_certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if not ca:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
