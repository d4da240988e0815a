"""What asking the places of public notices over HTTP has in common: little is read, troubles have a word."""

import contextlib
import ssl
from collections.abc import Iterator
from typing import Final

import aiohttp

from server.usecases.notice_ports import NoticeTrouble

ANSWER_BYTES: Final = 64 * 1024
"""A longer answer is a failure."""

_HEADER_BYTES = 8190


def session(connect_seconds: float) -> aiohttp.ClientSession:
    """Returns connections for one question."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity", "User-Agent": "namak"},
        auto_decompress=False,
        trust_env=False,
        max_line_size=_HEADER_BYTES,
        max_field_size=_HEADER_BYTES,
    )


@contextlib.contextmanager
def troubles() -> Iterator[None]:
    """Has what goes wrong within raised as `NoticeTrouble`."""
    try:
        yield
    except TimeoutError:
        raise NoticeTrouble("TIMED_OUT") from None
    except (ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError):
        raise NoticeTrouble("UNTRUSTED") from None
    except aiohttp.ClientOSError as error:
        # A site that does not take our certificate says so after the handshake (TLS 1.3).
        stranger = isinstance(error.__cause__, ssl.SSLError)
        raise NoticeTrouble("UNTRUSTED" if stranger else "UNREACHABLE") from None
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, OSError):
        raise NoticeTrouble("UNREACHABLE") from None
    except (aiohttp.ClientError, ValueError):
        raise NoticeTrouble("FAILED") from None


async def read(answer: aiohttp.ClientResponse) -> bytes:
    """Reads an answer to its end, so that what was said is known to be whole."""
    body = bytearray()
    while chunk := await answer.content.read(ANSWER_BYTES + 1 - len(body)):
        body += chunk
        if len(body) > ANSWER_BYTES:
            raise NoticeTrouble("TOO_LARGE")
    return bytes(body)
