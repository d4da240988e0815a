"""Asks the authorities' servers over HTTP: configured hosts only, every answer bounded in time and size.

What comes back proves itself by its signature, so plain HTTP is what authorities use (RFC 5280, 8). The
addresses stand in certificates: whoever gets one issued must not be able to send this server anywhere.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import aiohttp

_OK: Final = 200
_CONNECTIONS: Final = 64
_CONNECTIONS_A_HOST: Final = 16
_URL_LENGTH: Final = 1024
_PORTS: Final = {"http": 80, "https": 443}
# Nothing may be packed: the bounds are on what is read.
_HEADERS: Mapping[str, str] = MappingProxyType({"Accept-Encoding": "identity"})
_QUESTION: Mapping[str, str] = MappingProxyType({"Content-Type": "application/ocsp-request"})


class Unfetched(Exception):
    """There is no answer; the text is the kind of trouble, without address or content."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host and a port that may be asked."""

    host: str
    port: int


def place_of(text: str) -> Place:
    """Returns the place that a setting names: `HOST`, which is port 80, or `HOST:PORT`.

    Raises ValueError.
    """
    parts = urlsplit(f"//{text}")
    if parts.hostname is None or parts.path or parts.query or parts.username is not None:
        raise ValueError(f"{text!r} is no host, with or without a port")
    return Place(parts.hostname, parts.port or _PORTS["http"])


class Fetcher:
    """Fetches from the places permitted. Redirects are not followed, and no proxy is asked.

    It opens its connections when first needed, in the loop that needs them; `close` ends them.
    """

    def __init__(self, places: Collection[Place]) -> None:
        self._places = frozenset(places)
        self._session: aiohttp.ClientSession | None = None

    def may_ask(self, url: str) -> bool:
        """Tells whether the URL leads to a permitted place."""
        if len(url) > _URL_LENGTH or not url.isascii() or not url.isprintable():
            return False
        try:
            parts = urlsplit(url)
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            return False
        return (
            port is not None
            and parts.scheme in _PORTS
            and parts.username is None
            and parts.hostname is not None
            and Place(parts.hostname, port) in self._places
        )

    async def get(self, url: str, *, most_bytes: int, limit: timedelta) -> bytes:
        """Returns what lies there. Raises Unfetched."""
        return await self._bounded("GET", url, None, most_bytes, limit)

    async def ask(self, url: str, question: bytes, *, most_bytes: int, limit: timedelta) -> bytes:
        """Returns the answer to an OCSP question (RFC 6960, A.1). Raises Unfetched."""
        return await self._bounded("POST", url, question, most_bytes, limit)

    async def close(self) -> None:
        """Ends the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _bounded(
        self, method: str, url: str, data: bytes | None, most_bytes: int, limit: timedelta
    ) -> bytes:
        if not self.may_ask(url):
            raise Unfetched("its host is not among those that may be asked")
        try:
            async with asyncio.timeout(limit.total_seconds()):
                return await self._fetch(method, url, data, most_bytes)
        except TimeoutError:
            raise Unfetched("the server did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise Unfetched("the server cannot be reached, or breaks off") from None

    async def _fetch(self, method: str, url: str, data: bytes | None, most_bytes: int) -> bytes:
        headers = _HEADERS if data is None else {**_HEADERS, **_QUESTION}
        async with self._opened().request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as response:
            if response.status != _OK:
                raise Unfetched(f"the server answers with status {response.status}")
            if response.content_length is not None and response.content_length > most_bytes:
                raise Unfetched(f"the answer has more than {most_bytes} bytes")
            pieces, size = [], 0
            async for piece in response.content.iter_any():
                size += len(piece)
                if size > most_bytes:
                    raise Unfetched(f"the answer has more than {most_bytes} bytes")
                pieces.append(piece)
            return b"".join(pieces)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS, limit_per_host=_CONNECTIONS_A_HOST),
                # The bound is the caller's, over everything.
                timeout=aiohttp.ClientTimeout(total=None),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
            )
        return self._session
