"""Questions by HTTP POST to services that strangers run; every answer bounded in time and size.

For where nothing secret passes, and what counts of an answer is a signature by somebody known: so plain HTTP
will do, and the system's certificate authorities are as good as any.
"""

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

import aiohttp

_KEPT_SECONDS = 60


class NotAnswered(Exception):
    """There is no answer, or none that may be read; the text is its kind, one word."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; `media_type` in small letters, without parameters."""

    status: int
    media_type: str
    body: bytes


class BoundedPosts:
    """Connections are made when needed, in the loop that uses them."""

    def __init__(
        self,
        media_type: str,
        *,
        seconds: float,
        most_bytes: int,
        kept: int = 0,
        authorities: Path | None = None,
    ) -> None:
        """Takes the media type of what is sent, how long an answer may take and be, how many connections to
        one host are kept (0: each serves once, and there may be any number), and roots (PEM) that the
        services' certificates must lead to, those of the system by default.

        Raises:
            OSError, ssl.SSLError: the roots can't be read.
        """
        self._headers = {"Content-Type": media_type, "Accept-Encoding": "identity"}
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._kept = kept
        self._context = ssl.create_default_context(cafile=None if authorities is None else str(authorities))
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, body: bytes) -> Answer:
        """Returns the answer, whatever its status. Raises `NotAnswered`."""
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._opened().post(
                    url,
                    data=body,
                    headers=self._headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                content = await self._read(response)
                return Answer(response.status, response.content_type.lower(), content)
        except TimeoutError:
            raise NotAnswered("timed out") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Of its kind only: texts name addresses at length, and addresses may hold an account's name. A
            # wrong URL is a ValueError.
            raise NotAnswered(type(error).__name__) from None

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._connector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session

    def _connector(self) -> aiohttp.TCPConnector:
        if not self._kept:
            return aiohttp.TCPConnector(ssl=self._context, limit=0, force_close=True)
        return aiohttp.TCPConnector(
            ssl=self._context, limit=0, limit_per_host=self._kept, keepalive_timeout=_KEPT_SECONDS
        )

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_chunked(self._most_bytes):
            content += chunk
            if len(content) > self._most_bytes:
                raise NotAnswered("too long")
        return bytes(content)
