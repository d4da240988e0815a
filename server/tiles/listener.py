"""Hands the log out over HTTP: GET and HEAD alone, at exactly the paths that C2SP tlog-tiles has.

It is plain and on loopback: in front of it stands a web server that speaks TLS, bounds each
client, and caches.
Each shard is below the path of its origin, `/2026/checkpoint` for `log.example.am/2026`.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import structlog
from aiohttp import web

from namak.evidence.succession import SUCCESSOR_FILE
from server.domain.refusals import Refused
from server.http_files import HttpListener, is_known, tag_of
from server.tiles.paths import CHECKPOINT, MEDIA_TYPES, tile_at
from server.tiles.published import PublishedTiles

_log = structlog.get_logger(__name__)

ANSWER_SECONDS: Final = 20.0
"""Whatever takes longer is not answered."""
AT_ONCE: Final = 64
"""So many are answered at a time; further ones wait, within their time."""

_HEADERS: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
# A tile never changes; asking again costs nothing but the question where a checkpoint is still the newest.
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_EACH_TIME: Final = {"Cache-Control": "no-cache"}
_NOT_AT_ALL: Final = {"Cache-Control": "no-store"}


class TilesListener(HttpListener):
    """Answers until it is closed."""

    def __init__(
        self,
        shards: Iterable[PublishedTiles],
        listen: str,
        *,
        answered: Callable[[str, int], None] | None = None,
    ) -> None:
        """`listen` is HOST:PORT. `answered` is told of each question what it was for, `checkpoint`, `tile` or
        `none` of the log's files, and the status that it got.

        Raises ValueError: two shards would stand at the same paths.
        """
        self._answered = answered
        self._shards: dict[str, PublishedTiles] = {}
        for shard in shards:
            prefix = f"/{shard.origin.partition('/')[2]}/"
            if prefix in self._shards:
                raise ValueError(
                    f"{self._shards[prefix].origin} and {shard.origin} would stand at the same paths"
                )
            self._shards[prefix] = shard
        self._shown: dict[str, int] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        application = web.Application()
        application.router.add_get("/{path:.*}", self._get)
        super().__init__(application, listen)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        answer = await self._whatever(request)
        if self._answered is not None:
            self._answered(self._file(request.raw_path), answer.status)
        return answer

    def _file(self, wanted: str) -> str:
        for prefix in self._shards:
            if wanted.startswith(prefix):
                rest = wanted.removeprefix(prefix)
                return CHECKPOINT if rest == CHECKPOINT else "none" if tile_at(rest) is None else "tile"
        return "none"

    async def _whatever(self, request: web.Request) -> web.StreamResponse:
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._turns:
                return await self._answer(request)
        except (Refused, TimeoutError):
            return web.Response(status=503, headers={**_HEADERS, **_NOT_AT_ALL, "Retry-After": "5"})
        except Exception:  # noqa: BLE001 - whatever it is, strangers are told nothing of it
            _log.exception("a file of the log could not be answered")
            return web.Response(status=500, headers={**_HEADERS, **_NOT_AT_ALL})

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        # As it was sent: another spelling of a path is another path, and caches would keep each.
        wanted = request.raw_path
        for prefix, shard in self._shards.items():
            if wanted == prefix + CHECKPOINT:
                return _found(request, await self._checkpoint(shard), is_checkpoint=True)
            if wanted == prefix + SUCCESSOR_FILE:
                return _found(request, await shard.successor(), is_checkpoint=True)
            if wanted.startswith(prefix) and (file := tile_at(wanted.removeprefix(prefix))) is not None:
                return _found(request, await shard.file(file), is_checkpoint=False)
        return _found(request, None, is_checkpoint=False)

    async def _checkpoint(self, shard: PublishedTiles) -> bytes | None:
        shown = await shard.checkpoint(at_least=self._shown.get(shard.origin, 0))
        if shown is None:
            return None
        # Another answer may have been faster, and shown a larger one.
        self._shown[shard.origin] = max(self._shown.get(shard.origin, 0), shown.checkpoint.size)
        return shown.note


def _found(request: web.Request, content: bytes | None, *, is_checkpoint: bool) -> web.StreamResponse:
    if content is None:
        # It may be there in a moment.
        return web.Response(status=404, headers={**_HEADERS, **_NOT_AT_ALL})
    headers = {
        **_HEADERS,
        **(_EACH_TIME if is_checkpoint else _FOR_EVER),
        "ETag": tag_of(content),
    }
    if is_known(request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    return web.Response(body=content, headers={**headers, "Content-Type": MEDIA_TYPES[is_checkpoint]})
