"""Has the newest checkpoint stamped by time-stamping authorities from time to time, and stores their tokens.

Beside everything else: the leader's work, submissions, receipts and witnesses wait for none of it. All
authorities are asked at the same time, about the same note; one that is slow or wrong delays nobody, and is
asked about the newest one next. There is no quorum: each token counts by itself.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from server.domain.refusals import ServiceUnavailable
from server.transparency.news import News
from server.transparency.timestamp_link import TimestampLink, TimestampTerms
from server.transparency.timestamp_ports import LogTimestamp, LogTimestamps
from server.transparency.troubles import Trouble, Watchman
from server.usecases.ports import Clock

_log = structlog.get_logger(__name__)

_IDLE_SECONDS = 10.0
"""How often it looks for a new checkpoint by itself, should it not be told."""
_LOOK_SECONDS = 1.0
"""How often it looks who is to be asked again."""

NewestNote = Callable[[], Awaitable[tuple[int, bytes] | None]]
"""Returns size and note of the newest checkpoint that is to be stamped. Raises `ServiceUnavailable`."""


class Timestamping:
    """Has one shard stamped while `leading`; two replicas that do so at once pay twice and do no harm."""

    def __init__(
        self,
        origin: str,
        terms: TimestampTerms,
        newest: NewestNote,
        store: LogTimestamps,
        clock: Clock,
        *,
        news: News,
        stamped: News | None = None,
        leading: Callable[[], bool],
        ended: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Takes what is to be stamped, what tells that there may be more, whom to tell of tokens, and the
        size of the shard's last tree once there is one.
        """
        self.origin = origin
        self._terms = terms
        self._newest = newest
        self._store = store
        self._news = news
        self._stamped = News() if stamped is None else stamped
        self._leading = leading
        self._ended = ended
        self._links = [
            TimestampLink(origin, authority, terms, clock, _loop_time) for authority in terms.authorities
        ]
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._note: tuple[int, bytes] | None = None
        # Of each authority, the newest note that it stamped: its size, and its digest.
        self._done: dict[str, tuple[int, bytes]] = {}
        self.watchman = Watchman(f"log timestamping {origin}")

    @property
    def watchmen(self) -> Sequence[Watchman]:
        """Who watches it, and each authority."""
        return [self.watchman, *(link.watchman for link in self._links)]

    async def run(self) -> None:
        """Has the shard stamped until cancelled."""
        next_note = 0.0
        self._forget()
        pause = min(self._terms.interval, _LOOK_SECONDS)
        try:
            while True:
                seen, idle = self._news.count, 0.0
                if not self._leading():
                    # What another replica has stamped meanwhile is looked up when this one leads again.
                    self._forget()
                    idle = _IDLE_SECONDS
                elif self._is_over():
                    idle = _IDLE_SECONDS
                elif self._note is None or _loop_time() >= next_note:
                    if await self._looked():
                        next_note = _loop_time() + self._terms.interval
                    else:
                        idle = _IDLE_SECONDS
                if self._note is not None:
                    self._ask_who_is_ready(*self._note)
                await asyncio.sleep(pause)
                if idle:
                    await self._news.beyond(seen, idle)
        finally:
            asking = list(self._asking.values())
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    @property
    def troubles(self) -> Mapping[str, Trouble]:
        """What keeps tokens away, by authority, as far as this replica asked them."""
        conditions = {link.authority.name: link.watchman.condition for link in self._links}
        return {name: each.kind for name, each in conditions.items() if each is not None}

    def _is_over(self) -> bool:
        """Whether the shard ended, and all have stamped its last tree: then it costs nothing."""
        note, ended = self._note, self._ended()
        if note is None or note[0] != ended:
            return ended == 0
        return not any(self._lacks(link, *note) for link in self._links)

    def _forget(self) -> None:
        self._note = None

    async def _looked(self) -> bool:
        """Looks for a newer note; returns whether there is one, or an authority to ask about the last one."""
        try:
            note = await self._newest()
            if note is not None and self._note is None:
                stamped = await self._store.newest(self.origin)
                self._done = {name: (each.size, each.note_digest) for name, each in stamped.items()}
        except ServiceUnavailable:
            # The log itself says so; here it is tried again.
            return self._note is not None
        self._note = note
        return note is not None and any(self._lacks(link, *note) for link in self._links)

    def _lacks(self, link: TimestampLink, size: int, note: bytes) -> bool:
        done = self._done.get(link.authority.name)
        # Where there are witnesses now and were none, the same tree has another note.
        return done is None or done[0] < size or (done[0] == size and done[1] != _digest(note))

    def _ask_who_is_ready(self, size: int, note: bytes) -> None:
        for link in self._links:
            if link.authority.name not in self._asking and link.ready and self._lacks(link, size, note):
                self._asking[link.authority.name] = asyncio.create_task(
                    self._ask(link, size, note), name=link.watchman.part
                )

    async def _ask(self, link: TimestampLink, size: int, note: bytes) -> None:
        try:
            timestamp = await link.timestamp(size, note)
            if timestamp is not None:
                await self._keep(timestamp)
                self._done[link.authority.name] = size, timestamp.note_digest
        except Exception:  # noqa: BLE001 - a mistake of ours about one authority must not keep us from the others
            _log.exception("a time-stamping authority could not be asked", part=link.watchman.part)
        finally:
            del self._asking[link.authority.name]

    async def _keep(self, timestamp: LogTimestamp) -> None:
        """Stores a token, however long the database is away: it may have cost money."""
        while True:
            try:
                await self._store.keep(timestamp)
            except ServiceUnavailable:
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                return self._stamped.arrive()


def _digest(note: bytes) -> bytes:
    return hashlib.sha256(note).digest()


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
