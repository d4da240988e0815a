"""The witness over HTTP: C2SP tlog-witness, "HTTP Interface", both calls below one prefix."""

import asyncio
import json
import logging
import os
import signal
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from aiohttp import web

from namak.evidence.tlog_witness import ADD_CHECKPOINT, MAX_REQUEST_BYTES
from namak.witness.answers import PLAIN, Status
from namak.witness.state import StateUnusable
from namak.witness.witness import Witness

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log: Final = logging.getLogger("namak.witness")
# The library tells of each request that is none, at length; anybody may send those.
_http_log: Final = logging.getLogger("namak.witness.http")
_http_log.setLevel(logging.CRITICAL)

BODY_SECONDS: Final = 10.0
"""How long a request's body may take to come."""

HEADER_SECONDS: Final = 10.0
"""How long a new connection may take until its first request's headers are there."""

ANSWER_SECONDS: Final = 10.0
"""How long a request may wait for its turn and its answer."""

WAITING: Final = 64
"""So many requests may wait at once; one more is asked to come again."""

_UNREADABLE: Final = 400
_ENCODED: Final = 415
_FAILED: Final = 500
_TOO_LONG: Final = 413
_TOO_SLOW: Final = 408
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the witness listens, with TLS of its own if it has a certificate, and whom it tells."""

    host: str
    port: int
    certificate: Path | None = None
    certificate_key: Path | None = None
    ready_file: Path | None = None


class WitnessServer:
    """Asks the witness, one request after the other, on a thread of its own."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="witness")
        self._waiting = 0
        self._since: dict[web.RequestHandler, float] = {}
        self._heard: set[web.RequestHandler] = set()

    def application(self) -> web.Application:
        """Returns what answers requests."""
        application = web.Application(middlewares=[self._told])
        application.router.add_post(f"/{ADD_CHECKPOINT}", self.add_checkpoint)
        application.router.add_get("/{origin_hash:[0-9a-f]{64}}/checkpoint", self.checkpoint)
        return application

    def close(self) -> None:
        """Ends the thread once its request is done."""
        self._thread.shutdown()

    async def add_checkpoint(self, request: web.Request) -> web.Response:
        """Answers ``add-checkpoint``."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except TimeoutError:
            return _refusal(_TOO_SLOW, "the request took too long to come")
        if body is None:
            return _refusal(_TOO_LONG, f"a request has at most {MAX_REQUEST_BYTES} bytes")
        answer = await self._in_turn(lambda: self._witness.add_checkpoint(body))
        if answer is None:
            return _busy()
        return _response(answer.status, answer.body, answer.content_type)

    async def checkpoint(self, request: web.Request) -> web.Response:
        """Answers the "monitor retrieval mechanism": the newest cosigned checkpoint of a log."""
        try:
            note = await self._in_turn(lambda: (self._witness.checkpoint(request.match_info["origin_hash"]),))
        except StateUnusable as trouble:
            _log.error("nothing can be shown: %s", trouble)
            return _busy()
        if note is None:
            return _busy()
        if note[0] is None:
            return _refusal(_NOT_FOUND, "this witness cosigned no checkpoint of that log")
        return _response(Status.COSIGNED, note[0], PLAIN)

    def end_silent(self, connections: Sequence[web.RequestHandler], now: float) -> None:
        """Ends those of all connections on which no request has come in time; to be called now and then."""
        self._since = {each: self._since.get(each, now) for each in connections}
        self._heard &= self._since.keys()
        for each, since in self._since.items():
            if each not in self._heard and now - since > HEADER_SECONDS:
                each.force_close()

    @web.middleware
    async def _told(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers in a line whatever goes wrong with a request."""
        self._heard.add(request.protocol)
        if "Content-Encoding" in request.headers:
            return _refusal(_ENCODED, "a request comes as it is, not compressed")
        try:
            return await handler(request)
        except web.HTTPException as refused:
            return _refusal(refused.status, refused.reason)
        except (web.RequestPayloadError, ConnectionError):
            return _refusal(_UNREADABLE, "the request's body can't be read")
        except Exception:  # noqa: BLE001 - whatever it is, strangers are told nothing of it
            _log.exception("a request could not be answered")
            return _refusal(_FAILED, "the witness made a mistake")

    async def _in_turn(self, work: Callable[[], T]) -> T | None:
        """Returns what ``work`` returns, or None where its turn does not come in time."""
        if self._waiting >= WAITING:
            return None
        self._waiting += 1
        doing = asyncio.get_running_loop().run_in_executor(self._thread, work)
        # Counted until it is done, not until nobody waits for it.
        doing.add_done_callback(self._done)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.shield(doing)
        except TimeoutError:
            return None

    def _done(self, done: "asyncio.Future[T]") -> None:
        self._waiting -= 1
        if not done.cancelled():
            done.exception()


async def serve(witness: Witness, listening: Listening) -> None:
    """Serves until SIGTERM or SIGINT, and finishes what is under way. Raises OSError, ssl.SSLError."""
    server = WitnessServer(witness)
    runner = runner_of(server)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    watching = loop.create_task(_watch(server, runner))
    try:
        await runner.setup()
        site = web.TCPSite(runner, listening.host, listening.port, ssl_context=_tls(listening))
        await site.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        _tell(runner, listening)
        await stop.wait()
    finally:
        watching.cancel()
        await runner.cleanup()
        server.close()


def runner_of(server: WitnessServer) -> web.AppRunner:
    """Returns what reads requests for a server: as they come, without unpacking anything."""
    return web.AppRunner(
        server.application(),
        access_log=None,
        logger=_http_log,
        auto_decompress=False,
        shutdown_timeout=ANSWER_SECONDS,
    )


async def _watch(server: WitnessServer, runner: web.AppRunner) -> None:
    while True:
        await asyncio.sleep(HEADER_SECONDS / 4)
        if runner.server is not None:
            server.end_silent(runner.server.connections, asyncio.get_running_loop().time())


def _tell(runner: web.AppRunner, listening: Listening) -> None:
    host, port = runner.addresses[0][:2]
    scheme = "http" if listening.certificate is None else "https"
    address = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
    _log.info("the witness listens on %s", address)
    if listening.ready_file is not None:
        # Whole or not there: others wait for it.
        partial = listening.ready_file.with_name(f".{listening.ready_file.name}.{os.getpid()}")
        partial.write_text(json.dumps({"url": address, "pid": os.getpid()}) + "\n", encoding="utf-8")
        partial.replace(listening.ready_file)


def _tls(listening: Listening) -> ssl.SSLContext | None:
    if listening.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(listening.certificate, listening.certificate_key)
    return context


async def _body(request: web.Request) -> bytes | None:
    """Returns the body, or None where it is too long; no more than that is read."""
    if (request.content_length or 0) > MAX_REQUEST_BYTES:
        return None
    body = bytearray()
    async for chunk in request.content.iter_chunked(MAX_REQUEST_BYTES):
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            return None
    return bytes(body)


def _response(status: int, body: bytes, content_type: str) -> web.Response:
    return web.Response(status=status, body=body, headers={"Content-Type": content_type})


def _refusal(status: int, words: str) -> web.Response:
    return _response(status, f"{words}\n".encode(), PLAIN)


def _busy() -> web.Response:
    response = _refusal(Status.UNAVAILABLE, "the witness can't answer now")
    response.headers["Retry-After"] = "1"
    return response
