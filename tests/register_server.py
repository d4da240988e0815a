"""State registers on loopback, for persons and for entities: true, slow, down, overwhelmed, or lying."""

import asyncio
import contextlib
import json
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

PERSONS, ENTITIES = "persons", "entities"

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""How to answer instead of by the records."""


def person(number: str, **changed: Any) -> dict[str, Any]:
    """Returns a person's record as the register writes it."""
    return {
        "number": number,
        "name": "Անի Գրիգորյան",
        "state": "alive",
        "document": {"kind": "id-card", "number": "004512345", "expires_on": "2034-05-01"},
        "address": "ք. Երևան, Աբովյան փ. 1, բն. 2",
    } | changed


def entity(code: str, **changed: Any) -> dict[str, Any]:
    """Returns an entity's record as the register writes it."""
    return {
        "number": code,
        "name": "«Նամակ» ՍՊԸ",
        "state": "registered",
        "registration": {"number": "264.110.1", "issued_on": "2019-03-14"},
        "address": "ք. Երևան, Մաշտոցի պող. 10",
        "signatories": [{"number": "5001950015", "name": "Անի Գրիգորյան"}],
    } | changed


def answering(
    body: bytes | str | Mapping[str, Any],
    status: int = 200,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Behaviour:
    """Returns a behaviour that answers so."""
    text = json.dumps(body) if isinstance(body, Mapping) else body
    data = text.encode() if isinstance(text, str) else text

    async def behaviour(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=data, status=status, content_type=content_type, headers=headers)

    return behaviour


async def hanging_up(request: web.Request) -> web.StreamResponse:
    """Breaks the connection off without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def breaking_off(request: web.Request) -> web.StreamResponse:
    """Announces more than it sends."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    response.content_type = "application/json"
    await response.prepare(request)
    await response.write(b'{"number": ')
    assert request.transport is not None
    request.transport.abort()
    return response


async def endless(request: web.Request) -> web.StreamResponse:
    """Sends spaces until nobody reads any more."""
    response = web.StreamResponse()
    response.content_type = "application/json"
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b" " * 65536)
    return response


class RegisterServer:
    """What stands in the registers, and what was asked.

    Attributes:
        asked: how often each number was asked for.
        headers: those of the newest question.
        behaviours: how to answer for a number, instead of by the records; the first of a list is for the next
            question, the last for all that follow.
        release: questions wait for it; it is set, unless a test clears it.
        token: what callers must bring, if anything.
        is_silent: every connection is broken off.
    """

    def __init__(self) -> None:
        self.port = 0
        self.scheme = "http"
        self.records: dict[str, dict[str, Any]] = {PERSONS: {}, ENTITIES: {}}
        self.asked: Counter[str] = Counter()
        self.headers: Mapping[str, str] = {}
        self.behaviours: dict[str, list[Behaviour]] = {}
        self.release = asyncio.Event()
        self.release.set()
        self.token = ""
        self.is_silent = False
        self._came = asyncio.Condition()

    def url(self, kind: str) -> str:
        """Where a register is."""
        return f"{self.scheme}://127.0.0.1:{self.port}/v1/{kind}"

    def show(self, kind: str, record: Mapping[str, Any]) -> None:
        """Puts a record into a register."""
        self.records[kind][record["number"]] = dict(record)

    def behave(self, number: str, *behaviours: Behaviour) -> None:
        """Answers questions for a number in these ways, one after the other; no behaviour: truly again."""
        self.behaviours[number] = list(behaviours)

    def fall_silent(self) -> None:
        """Breaks every connection off from now on."""
        self.is_silent = True

    async def wait_for(self, number: str, times: int = 1) -> None:
        """Waits until a question has come so often."""
        async with asyncio.timeout(60), self._came:
            await self._came.wait_for(lambda: self.asked[number] >= times)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers one question."""
        kind, number = request.match_info["kind"], request.match_info["number"]
        async with self._came:
            self.asked[number] += 1
            self.headers = dict(request.headers)
            self._came.notify_all()
        await self.release.wait()
        if self.is_silent:
            return await hanging_up(request)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        if behaviours := self.behaviours.get(number):
            return await (behaviours.pop(0) if len(behaviours) > 1 else behaviours[0])(request)
        record = self.records[kind].get(number)
        if record is None:
            return web.json_response({"number": number, "state": "absent"}, status=404)
        return web.json_response(record)


@contextlib.asynccontextmanager
async def registers_serving(context: ssl.SSLContext | None = None) -> AsyncIterator[RegisterServer]:
    """Yields registers that answer on a free port of 127.0.0.1."""
    server = RegisterServer()
    server.scheme = "https" if context else "http"
    application = web.Application()
    application.router.add_get("/v1/{kind:persons|entities}/{number}", server.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    addresses: Sequence[Any] = runner.addresses
    server.port = addresses[0][1]
    try:
        yield server
    finally:
        server.release.set()
        await runner.cleanup()
