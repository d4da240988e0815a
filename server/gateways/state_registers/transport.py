"""One question over HTTP: a GET of the number below the register's address. The only place that speaks HTTP.

The number stands in the path, as registers have it. So nothing here logs, raises or returns an address, an
exception's text, or anything else that the number could travel in: what went wrong is a `Fault`.

No redirects are followed, no proxy of the environment is used, no cookies are kept, and compressed answers
are not taken: each would let somebody else decide where a number goes or how much is read.
"""

import asyncio
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import aiohttp
import structlog
from yarl import URL

from server.domain.state_records import Fault
from server.gateways.reread import Reread

ANSWER_BYTES: Final = 256 * 1024
"""A longer answer is not read."""
AT_ONCE: Final = 16
"""Questions to one register at the same time; more wait for their turn, within their time."""
MOST_RETRY_AFTER: Final = 600.0
"""A register that asks for a longer rest, in seconds, gets this one."""

_JSON = "application/json"
_HEADER_BYTES = 8190

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
NUMBER: Final = re.compile(r"[0-9A-Za-z]{1,32}", re.ASCII)
"""What may be asked for: the identifiers of all three jurisdictions, and nothing that a path could be bent
with.
"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a register is, and how we and it know each other.

    Attributes:
        url: below which the numbers are, `https://registers.example.am/persons`.
        authorities: PEM file of the roots its certificate must lead to; None for plain HTTP on loopback.
        certificate, key: PEM files of ours, or None.
        token_file: file that holds a bearer token, or None.
        connect_seconds: how long a connection may take to come about, TLS and all.

    Files are read again when they change.
    """

    url: str
    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    token_file: Path | None = None
    connect_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came: a body of at most `ANSWER_BYTES`, and how old its sender says it is, in seconds."""

    is_found: bool
    body: bytes
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing usable came.

    `may_repeat` says that asking once more at once may help; `retry_after` is in seconds, where the register
    named a time.
    """

    fault: Fault
    may_repeat: bool = False
    retry_after: float | None = None


class Transport:
    """Asks one register; made and used within one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._session: aiohttp.ClientSession | None = None
        self._tls = Reread(self._made_tls, endpoint.authorities, endpoint.certificate, endpoint.key)
        self._token = Reread(self._read_token, endpoint.token_file)

    async def close(self) -> None:
        """Closes the connections; no question may be under way."""
        if self._session is not None:
            await self._session.close()

    async def get(self, number: str) -> Reply | Failure:
        """Asks for a number, once. Takes the time that the caller gives it.

        Raises ValueError for what is no number.
        """
        if not NUMBER.fullmatch(number):
            raise ValueError("a register is asked for letters and digits only")
        try:
            context, headers = await asyncio.to_thread(self._credentials)
        except (OSError, ValueError) as error:
            # Our own files, and an error of reading them: it names a file, and knows no number.
            _log.error("the files for a register can't be used", url=self._endpoint.url, error=str(error))
            return Failure(Fault.UNTRUSTED)
        url = URL(f"{self._endpoint.url.rstrip('/')}/{number}", encoded=True)
        try:
            async with self._opened().get(url, headers=headers, ssl=context, allow_redirects=False) as answer:
                return await _read(answer)
        except TimeoutError:
            # The connection's own time; the question's ends the task that waits here instead.
            return Failure(Fault.UNREACHABLE, may_repeat=True)
        except (ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError):
            return Failure(Fault.UNTRUSTED)
        except aiohttp.ClientOSError as error:
            # A register that does not take our certificate says so after the handshake (TLS 1.3).
            stranger = isinstance(error.__cause__, ssl.SSLError)
            return Failure(Fault.UNTRUSTED) if stranger else Failure(Fault.UNREACHABLE, may_repeat=True)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, OSError):
            return Failure(Fault.UNREACHABLE, may_repeat=True)
        except (aiohttp.ClientError, ValueError):
            return Failure(Fault.MALFORMED)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            seconds = self._endpoint.connect_seconds
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": _JSON, "Accept-Encoding": "identity", "User-Agent": "namak"},
                auto_decompress=False,
                trust_env=False,
                max_line_size=_HEADER_BYTES,
                max_field_size=_HEADER_BYTES,
            )
        return self._session

    def _credentials(self) -> tuple[ssl.SSLContext | bool, dict[str, str]]:
        token = self._token.value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._tls.value() or True, headers

    def _made_tls(self) -> ssl.SSLContext | None:
        endpoint = self._endpoint
        if endpoint.authorities is None:
            return None
        # Of these authorities only: those of the system vouch for half the world.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cafile=endpoint.authorities)
        if endpoint.certificate is not None:
            context.load_cert_chain(endpoint.certificate, endpoint.key)
        return context

    def _read_token(self) -> str | None:
        if self._endpoint.token_file is None:
            return None
        token = self._endpoint.token_file.read_text(encoding="utf-8").strip()
        if not token or not token.isascii() or not token.isprintable():
            raise ValueError(f"{self._endpoint.token_file} holds no token")
        return token


async def _read(answer: aiohttp.ClientResponse) -> Reply | Failure:
    if answer.status not in (200, 404):
        return _refusal(answer)
    encoding = answer.headers.get("Content-Encoding", "identity")
    if answer.content_type != _JSON or encoding.lower() != "identity":
        # With 404: not the register's word, but that of a proxy, or the address is mistaken.
        return Failure(Fault.MALFORMED)
    age = answer.headers.get("Age", "0")
    if not _SECONDS.fullmatch(age):
        return Failure(Fault.MALFORMED)
    body = bytearray()
    while chunk := await answer.content.read(ANSWER_BYTES + 1 - len(body)):
        body += chunk
        if len(body) > ANSWER_BYTES:
            return Failure(Fault.TOO_LARGE)
    return Reply(answer.status == 200, bytes(body), float(age))


def _refusal(answer: aiohttp.ClientResponse) -> Failure:
    status = answer.status
    wait = _retry_after(answer.headers.get("Retry-After"))
    if status in (401, 403):
        return Failure(Fault.REFUSED_US)
    if status == 429 or (status == 503 and wait is not None):
        return Failure(Fault.BUSY, retry_after=wait)
    return Failure(Fault.FAILED, may_repeat=status in (500, 502, 503, 504))


def _retry_after(value: str | None) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date; what is neither counts as not said."""
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return min(float(value), MOST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), MOST_RETRY_AFTER)
