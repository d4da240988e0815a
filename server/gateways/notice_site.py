"""Public notices on a site that is somebody else's, a gazette: each under an address of its own, over HTTP.

`PUT <url>/<notice>` publishes the document in place of what was there, `DELETE` takes it back. 200, 201 and
204 say that it is done; so do 404 and 410 to a DELETE. Whatever else comes, or nothing, says nothing about
what is public, and it is tried again.

No redirects are followed, no proxy of the environment is used, no cookies are kept, and of an answer its
beginning alone is read: each would let somebody else decide where notices go, or how much is read.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from yarl import URL

from server.gateways.notice_http import read, session, troubles
from server.gateways.reread import Reread
from server.usecases.notice_ports import NoticeTrouble

_log = structlog.get_logger(__name__)

LONGEST_PLACE: Final = 500
"""A longer address is not taken as the place of a notice."""
MOST_RETRY_AFTER: Final = timedelta(hours=6)
"""A site that asks for a longer rest gets this one."""

_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_DONE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_FAULTS: Final[Mapping[int, tuple[str, bool]]] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: ("REFUSED_US", False),
        HTTPStatus.FORBIDDEN: ("REFUSED_US", False),
        HTTPStatus.REQUEST_TIMEOUT: ("TIMED_OUT", False),
        # Something else is in the way there now; what it is, people find out.
        HTTPStatus.CONFLICT: ("CONFLICT", False),
        HTTPStatus.LOCKED: ("CONFLICT", False),
        HTTPStatus.TOO_EARLY: ("BUSY", False),
        HTTPStatus.TOO_MANY_REQUESTS: ("BUSY", False),
        # The address is mistaken, or the site is being moved.
        HTTPStatus.NOT_FOUND: ("FAILED", False),
        HTTPStatus.GONE: ("FAILED", False),
    }
)
"""What statuses mean: a reason, and whether trying again is of no use."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the site is, and how we and it know each other. Files are read again when they change.

    Attributes:
        url: below which notices are published: `https://gazette.example.am/api/notices`.
        public_url: below which people read them, where that is another address.
        authorities: PEM file of the roots its certificate must lead to; None for plain HTTP on loopback.
        certificate, key: PEM files of ours, or None.
        token_file: file that holds a bearer token, or None.
        connect_seconds: how long a connection may take to come about, TLS and all.
        seconds: how long all of it may take.
    """

    url: str
    public_url: str
    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    token_file: Path | None = None
    connect_seconds: float = 5.0
    seconds: float = 30.0


class NoticeSite:
    """Publishes notices on a site. A connection is made for each, and not kept: there are few."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._tls = Reread(self._made_tls, site.authorities, site.certificate, site.key)
        self._token = Reread(self._read_token, site.token_file)

    def check(self) -> None:
        """Raises OSError, ValueError: a file of the settings can't be used."""
        self._credentials()

    async def publish(self, notice_id: UUID, document: bytes) -> str:
        """Puts a document; returns where the site says that it can be read, else where it should be."""
        status, location = await self._ask("PUT", notice_id, document)
        if status not in _DONE:
            raise _trouble(status)
        return _readable(location) or f"{self._site.public_url.rstrip('/')}/{notice_id}"

    async def withdraw(self, notice_id: UUID) -> None:
        """Deletes it."""
        status, _ = await self._ask("DELETE", notice_id, None)
        if status not in _DONE and status not in _GONE:
            raise _trouble(status)

    async def _ask(self, method: str, notice_id: UUID, body: bytes | None) -> tuple[int, str]:
        try:
            context, headers = await asyncio.to_thread(self._credentials)
        except (OSError, ValueError) as error:
            # Our own files, and an error of reading them.
            _log.error("the files for the site of notices can't be used", error=str(error))
            raise NoticeTrouble("MISCONFIGURED") from None
        if body is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        url = URL(f"{self._site.url.rstrip('/')}/{notice_id}", encoded=True)
        with troubles():
            async with (
                asyncio.timeout(self._site.seconds),
                session(self._site.connect_seconds) as client,
                client.request(
                    method, url, data=body, headers=headers, ssl=context, allow_redirects=False
                ) as answer,
            ):
                await read(answer)
                retry_after = answer.headers.get("Retry-After", "")
                if answer.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
                    raise NoticeTrouble("BUSY", wait=_wait(retry_after))
                return answer.status, answer.headers.get("Location", "")

    def _credentials(self) -> tuple[ssl.SSLContext | bool, dict[str, str]]:
        token = self._token.value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._tls.value() or True, headers

    def _made_tls(self) -> ssl.SSLContext | None:
        site = self._site
        if site.authorities is None:
            return None
        # Of these authorities only: those of the system vouch for half the world.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cafile=site.authorities)
        if site.certificate is not None:
            context.load_cert_chain(site.certificate, site.key)
        return context

    def _read_token(self) -> str | None:
        if self._site.token_file is None:
            return None
        token = self._site.token_file.read_text(encoding="utf-8").strip()
        if not token or not token.isascii() or not token.isprintable():
            raise ValueError(f"{self._site.token_file} holds no token")
        return token


def _trouble(status: int) -> NoticeTrouble:
    if status in _FAULTS:
        reason, for_good = _FAULTS[status]
        return NoticeTrouble(reason, for_good=for_good)
    if 300 <= status < 400:
        return NoticeTrouble("REDIRECTED")
    if 400 <= status < 500:
        return NoticeTrouble("REJECTED", for_good=True)
    return NoticeTrouble("FAILED")


def _wait(value: str) -> timedelta | None:
    # RFC 9110, 10.2.3 knows dates too; a site that names one is asked again by our own back-off.
    if not _SECONDS.fullmatch(value):
        return None
    return min(timedelta(seconds=int(value)), MOST_RETRY_AFTER)


def _readable(location: str) -> str:
    """Returns an address as it may stand in evidence; empty for what is none."""
    if not location.isascii() or not location.isprintable() or len(location) > LONGEST_PLACE:
        return ""
    try:
        parts = urlsplit(location)
        named = parts.hostname
    except ValueError:
        return ""
    return location if parts.scheme in ("http", "https") and named and " " not in location else ""
