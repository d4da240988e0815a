"""Talks HTTP to time-stamping authorities (RFC 3161, 3.4); every answer bounded in time and size.

Nothing secret passes, and what counts of an answer is a signature that leads to known roots: so plain HTTP
will do, and the system's certificate authorities are as good as any.
"""

import asyncio
import ssl

import aiohttp

from namak.evidence.timestamp import MAX_REPLY_BYTES, QUERY_TYPE
from server.usecases.timestamp_ports import AuthorityAnswer, AuthorityUnreached

_HEADERS = {"Content-Type": QUERY_TYPE, "Accept-Encoding": "identity"}


class HttpTimestampAuthorities:
    """A `TimestampClient`. Connections are made when needed, in the loop that uses them, and not kept:
    minutes lie between two questions.
    """

    def __init__(self, *, seconds: float) -> None:
        """Takes how long an answer may take."""
        self._seconds = seconds
        self._context = ssl.create_default_context()
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, url: str, query: bytes) -> AuthorityAnswer:
        """See `TimestampClient`."""
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._opened().post(
                    url,
                    data=query,
                    headers=_HEADERS,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                content = await _read(response)
                return AuthorityAnswer(response.status, response.content_type.lower(), content)
        except TimeoutError:
            raise AuthorityUnreached("timed out") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Of its kind only: texts name addresses at length, and addresses may hold an account's name.
            raise AuthorityUnreached(type(error).__name__) from None

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._context, limit=0, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(MAX_REPLY_BYTES):
        content += chunk
        if len(content) > MAX_REPLY_BYTES:
            raise AuthorityUnreached("too long")
    return bytes(content)
