"""Servers of authorities, for tests: real `openssl ocsp` processes, and a small HTTP server that may lie."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from tests.integration.gateways.authorities import DAY, NOW, Entry, Issued

_ACCEPTS = re.compile(rb"ACCEPT \S*:(\d+)")
_REASONS = {"key_compromise": "keyCompromise", "certificate_hold": "certificateHold"}


def index_of(good: tuple[Issued, ...], revoked: tuple[Entry, ...]) -> str:
    """What `openssl ca` would have written of these certificates."""
    ends = (NOW + 30 * DAY).strftime("%y%m%d%H%M%SZ")
    lines = [f"V\t{ends}\t\t{_serial(one.serial)}\tunknown\t/CN=good" for one in good]
    for entry in revoked:
        since = entry.since.strftime("%y%m%d%H%M%SZ")
        why = "" if entry.reason is None else f",{_REASONS[entry.reason.name]}"
        lines.append(f"R\t{ends}\t{since}{why}\t{_serial(entry.serial)}\tunknown\t/CN=revoked")
    return "".join(f"{line}\n" for line in lines)


def _serial(number: int) -> str:
    text = f"{number:X}"
    return text if len(text) % 2 == 0 else f"0{text}"


@contextlib.asynccontextmanager
async def openssl_responder(
    directory: Path,
    authority: Issued,
    signer: Issued,
    *,
    good: tuple[Issued, ...] = (),
    revoked: tuple[Entry, ...] = (),
    options: tuple[str, ...] = ("-nmin", "5"),
) -> AsyncIterator[str]:
    """Runs a responder of the authority whose answers `signer` signs; yields its address."""
    arguments = _laid_out(directory, authority, signer, index_of(good, revoked))
    process = await asyncio.create_subprocess_exec(
        "openssl",
        "ocsp",
        *arguments,
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{await _port(process)}/"
    finally:
        process.kill()
        # Reads to the end, so that the pipe is closed.
        await process.communicate()


def _laid_out(directory: Path, authority: Issued, signer: Issued, index: str) -> list[str]:
    """Writes what the responder reads; returns its arguments."""
    directory.mkdir(parents=True, exist_ok=True)
    written = directory / "index.txt"
    written.write_text(index)
    authority_file, _ = authority.write(directory, "authority")
    certificate, key = signer.write(directory, "signer")
    named = {"-index": written, "-CA": authority_file, "-rsigner": certificate, "-rkey": key}
    return [*(str(text) for pair in named.items() for text in pair), "-port", "0"]


async def _port(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while line := await process.stdout.readline():
            if found := _ACCEPTS.search(line):
                return int(found[1])
    raise AssertionError("the responder did not start")


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class HttpServer:
    """Serves bytes by path, or whatever a handler does; counts what it is asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    handlers: dict[str, Handler] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    port: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.removeprefix("/")
        self.asked.append(path)
        if path in self.handlers:
            return await self.handlers[path](request)
        if path not in self.files:
            raise web.HTTPNotFound
        return web.Response(body=self.files[path], headers=self.headers.get(path))


@contextlib.asynccontextmanager
async def http_serving() -> AsyncIterator[HttpServer]:
    server = HttpServer()
    runner = web.ServerRunner(web.Server(server.answer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()
