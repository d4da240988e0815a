"""Talks HTTP to witnesses of the log; every answer bounded in time and size.

Nothing secret passes, and what counts of an answer is a signature by a known key: so plain HTTP will do, and
the system's certificate authorities are as good as any.
"""

import asyncio
import ssl
from pathlib import Path

import aiohttp

from namak.evidence.tlog_witness import ADD_CHECKPOINT, MAX_ANSWER_BYTES
from server.usecases.witness_ports import WitnessAnswer, WitnessUnreached

CONNECTIONS_EACH = 2
"""To one witness: a request that hangs, and one more."""

_HEADERS = {"Content-Type": "text/plain; charset=utf-8", "Accept-Encoding": "identity"}


class HttpWitnesses:
    """A `WitnessClient`. Connections are kept, made when needed in the loop that uses them."""

    def __init__(self, *, seconds: float, authorities: Path | None = None) -> None:
        """Takes how long an answer may take, and roots (PEM) that witnesses' certificates must lead to, those
        of the system by default.

        Raises:
            OSError, ssl.SSLError: the roots can't be read.
        """
        self._seconds = seconds
        self._context = ssl.create_default_context(cafile=None if authorities is None else str(authorities))
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._session: aiohttp.ClientSession | None = None

    async def add_checkpoint(self, url: str, body: bytes) -> WitnessAnswer:
        """See `WitnessClient`."""
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._opened().post(
                    f"{url.rstrip('/')}/{ADD_CHECKPOINT}",
                    data=body,
                    headers=_HEADERS,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                content = await _read(response)
                return WitnessAnswer(response.status, response.content_type.lower(), content)
        except TimeoutError:
            raise WitnessUnreached("timed out") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Of its kind only: texts name addresses at length. A wrong URL is a ValueError.
            raise WitnessUnreached(type(error).__name__) from None

    async def close(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    ssl=self._context, limit=0, limit_per_host=CONNECTIONS_EACH, keepalive_timeout=60
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _read(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(MAX_ANSWER_BYTES):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise WitnessUnreached("too long")
    return bytes(content)
