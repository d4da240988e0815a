"""Hands the feed out over HTTP: GET and HEAD alone, each file with what lets others ask only for changes.

It is plain and on loopback: in front of it stands a web server that speaks TLS, bounds
each client, and caches.
"""

import asyncio
from datetime import UTC, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

import structlog
from aiohttp import web

from server.domain.languages import chosen
from server.domain.refusals import Refused
from server.feed.channel import HTML, PageName
from server.feed.pages import FeedPages, File, Withdrawn
from server.feed.web_page import SECURITY_POLICY
from server.http_files import HttpListener, is_known, tag_of
from server.usecases.ports import Clock

_log = structlog.get_logger(__name__)

FRESH_SECONDS: Final = 60
"""So long others may show what they fetched without asking again: a notice that is withdrawn goes soon."""
ANSWER_SECONDS: Final = 20.0
"""Whatever takes longer is not answered."""

_SETTLED = timedelta(seconds=2)
_HEADERS = {
    "Cache-Control": f"public, max-age={FRESH_SECONDS}",
    "Content-Security-Policy": SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, noarchive",
    "Referrer-Policy": "no-referrer",
    "Access-Control-Allow-Origin": "*",
}


class FeedListener(HttpListener):
    """Answers until it is closed."""

    def __init__(self, pages: FeedPages, clock: Clock, listen: str) -> None:
        """`listen` is HOST:PORT."""
        self._pages = pages
        self._clock = clock
        application = web.Application()
        application.router.add_get("/", self._home)
        application.router.add_get("/{name}", self._file)
        super().__init__(application, listen)

    async def _home(self, request: web.Request) -> web.StreamResponse:
        wish = request.headers.get("Accept-Language", "")
        language = chosen(wish, self._pages.channel.languages)
        return await self._answer(request, str(PageName(language, HTML)), Vary="Accept-Language")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, request.match_info["name"])

    async def _answer(self, request: web.Request, name: str, **more: str) -> web.StreamResponse:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                file = await self._pages.file(name)
        except Withdrawn:
            return web.Response(status=410, headers=_HEADERS)
        except (Refused, TimeoutError):
            return web.Response(status=503, headers={"Retry-After": "30", "Cache-Control": "no-store"})
        except Exception:  # noqa: BLE001 - whatever it is, strangers are told nothing of it
            _log.exception("a page of notices could not be made")
            return web.Response(status=500, headers={"Cache-Control": "no-store"})
        if file is None:
            return web.Response(status=404, headers=_HEADERS)
        headers = {**_HEADERS, **more, **self._validators(file)}
        if _is_unchanged(request, headers):
            return web.Response(status=304, headers=headers)
        return web.Response(body=file.content, headers={**headers, "Content-Type": file.media_type})

    def _validators(self, file: File) -> dict[str, str]:
        tag = {"ETag": tag_of(file.content)}
        changed = file.changed_at.astimezone(UTC).replace(microsecond=0)
        if self._clock.now() - changed < _SETTLED:
            # It may change once more within this second, and nobody could tell by the time.
            return tag
        return {**tag, "Last-Modified": format_datetime(changed, usegmt=True)}


def _is_unchanged(request: web.Request, headers: dict[str, str]) -> bool:
    """RFC 9110, 13.2.2: the tag goes before the time."""
    if (known := is_known(request, headers["ETag"])) is not None:
        return known
    since, changed = request.if_modified_since, headers.get("Last-Modified")
    return since is not None and changed is not None and parsedate_to_datetime(changed) <= since
