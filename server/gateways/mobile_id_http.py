"""Talks HTTPS to a mobile-id service: one authority trusted, every answer bounded in time and size.

What goes wrong is told by its kind alone: addresses of sessions and bodies name citizens and their attempts.
"""

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp

ANSWER_BYTES = 64 * 1024
"""A longer answer is not read: a certificate and a signature have a tenth of it."""

CONNECTIONS = 1000
"""So many citizens may be waited for at once; others wait for their turn, within their own time."""

# Nothing may be packed: the bound above is on what is read.
_HEADERS: Mapping[str, str] = MappingProxyType({"Accept": "application/json", "Accept-Encoding": "identity"})
_OK = 200
_SERVER_ERRORS = 500
_TOO_MANY = 429


class Trouble(Exception):
    """There is no answer, and there may be one to the same question soon. The text is a kind of trouble."""


class Unreached(Trouble):
    """The service never got the question: no connection came about."""


class Rejected(Exception):
    """The service rejects the question itself, with a status of HTTP."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Service:
    """Where a mobile-id service is.

    Attributes:
        url: `https://HOST[:PORT]/PATH`, without a slash at its end.
        authorities: PEM, the authorities that vouch for the service's own certificate; no others count.
    """

    url: str
    authorities: Path


class Https:
    """Asks the service; every answer is a JSON object. Opened by `async with`, in the loop that uses it."""

    def __init__(self, service: Service) -> None:
        """Reads the authorities. Raises OSError or ssl.SSLError where they can't be read."""
        self._service = service
        self._context = _context(service.authorities)
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Https":
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._context, limit=CONNECTIONS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()

    async def post(self, path: str, body: Mapping[str, str], *, seconds: float) -> dict[str, Any]:
        """Returns the answer's object. Raises `Trouble`, `Rejected`."""
        return await self._ask("POST", path, seconds, json=dict(body))

    async def get(self, path: str, query: Mapping[str, str], *, seconds: float) -> dict[str, Any]:
        """Returns the answer's object. Raises `Trouble`, `Rejected`."""
        return await self._ask("GET", path, seconds, params=dict(query))

    async def _ask(self, method: str, path: str, seconds: float, **what: Any) -> dict[str, Any]:
        if self._client is None:
            raise RuntimeError("the connection to the mobile-id service is not open")
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.request(
                    method,
                    f"{self._service.url}/{path}",
                    headers=_HEADERS,
                    # A redirection could lead a question with a citizen's numbers anywhere.
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                    **what,
                ) as response,
            ):
                content = await _read(response)
        except aiohttp.ClientConnectorError as error:
            raise Unreached(type(error).__name__) from None
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Trouble(type(error).__name__) from None
        _check(response.status)
        return _object(content)


def _context(authorities: Path) -> ssl.SSLContext:
    # Not the machine's list of authorities: whoever of them certifies the service's name is nobody here.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=authorities)
    return context


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(ANSWER_BYTES):
        content += chunk
        if len(content) > ANSWER_BYTES:
            raise Trouble("the answer is too long")
    return bytes(content)


def _check(status: int) -> None:
    if status == _TOO_MANY or status >= _SERVER_ERRORS:
        raise Trouble(f"status {status}")
    if status != _OK:
        raise Rejected(status)


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise Trouble("the answer is no JSON") from None
    if not isinstance(value, dict):
        raise Trouble("the answer is no JSON object")
    return value
