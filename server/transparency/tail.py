"""The end of the log, gone through once for all who follow it on this replica.

A follower whose facts come is told to look; nothing is kept for it, so a thousand idle ones cost one query
for each checkpoint, and one that reads slowly costs no memory.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from server.domain.refusals import Overloaded, ServiceUnavailable
from server.transparency.news import News, within
from server.transparency.ports import LogReader, Owner, ShardRow
from server.transparency.troubles import Trouble, Watchman, cause_of
from server.usecases.log_ports import Followed, LaidInto, SentBy

FOLLOWERS = 1000
"""How many may follow the log on one replica."""
FOLLOWERS_OF_ONE = 400
"""How many of them may follow the same organisation or mailbox."""
_LEAVES_AT_ONCE = 2000


class Tail:
    """Implements `Subscriptions`."""

    def __init__(
        self,
        reader: LogReader,
        origins: Sequence[str],
        published: News,
        *,
        poll: float,
        watchman: Watchman,
        followers: int = FOLLOWERS,
        followers_of_one: int = FOLLOWERS_OF_ONE,
    ) -> None:
        """Takes the shards' origins, the oldest first, what tells of checkpoints, how often to look without
        being told, who is to know of trouble, and how many followers to take on.
        """
        self._reader = reader
        self._origins = tuple(origins)
        self._published = published
        self._poll = poll
        self._watchman = watchman
        self._most = followers
        self._most_of_one = followers_of_one
        self._followers: defaultdict[object, set[_Follower]] = defaultdict(set)
        self._count = 0
        self._followed = asyncio.Event()
        self._turn = asyncio.Lock()
        # Up to where each shard was gone through; nothing while nobody follows.
        self._horizons: dict[str, int] = {}
        self._complete: frozenset[str] = frozenset()

    @property
    def current(self) -> str:
        """The origin of the shard that new facts go to."""
        return self._origins[-1]

    @property
    def followers(self) -> int:
        """How many follow now."""
        return self._count

    async def size(self, origin: str) -> int | None:
        """See `Subscriptions`."""
        if origin not in self._origins:
            return None
        row = (await self._reader.shards([origin])).get(origin)
        return 0 if row is None else row.published_size

    @contextmanager
    def subscribe(self, followed: Followed) -> Iterator["_Follower"]:
        """See `Subscriptions`."""
        key = _key(followed)
        own = len(self._followers.get(key, ()))
        # As much as is left free afterwards, so that whoever comes next finds room (`WaitingLine.put`).
        if own >= self._most_of_one or own + 1 > self._most - self._count:
            raise Overloaded("stream of facts")
        follower = _Follower(self)
        self._followers[key].add(follower)
        self._count += 1
        self._followed.set()
        try:
            yield follower
        finally:
            self._count -= 1
            self._followers[key].discard(follower)
            if not self._followers[key]:
                del self._followers[key]
            if not self._count:
                # Nobody is told of what comes now: the next to follow begins with another horizon.
                self._followed.clear()
                self._horizons.clear()
                self._watchman.ends()

    async def run(self) -> None:
        """Goes through what is published, until cancelled."""
        while True:
            await self._followed.wait()
            seen = self._published.count
            try:
                async with self._turn:
                    await self._advance()
                self._watchman.ends()
            except ServiceUnavailable as unavailable:
                self._watchman.begins(Trouble.DATABASE_UNAVAILABLE, cause_of(unavailable))
            await self._published.beyond(seen, self._poll)

    async def known(self) -> None:
        """Makes sure that the horizons are known.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        async with self._turn:
            if not self._horizons:
                await self._advance()

    async def _advance(self) -> None:
        """Goes through what was published since the last time, and tells those whom it concerns."""
        shards = await self._reader.shards(self._origins)
        if not self._count:
            return
        for origin in self._origins:
            size = shards[origin].published_size if origin in shards else 0
            first = self._horizons.get(origin)
            if first is None or size < first:
                # A first look; or the database was put back, and then those who follow look themselves.
                self._tell_all()
                self._horizons[origin] = size
                continue
            while first < size and origin in self._horizons:
                end = min(first + _LEAVES_AT_ONCE, size)
                owners = await self._reader.owners(origin, first, end)
                if self._horizons.get(origin) != first:
                    # All who followed have left meanwhile, and perhaps others came.
                    return
                for owner in owners:
                    self._tell(owner)
                self._horizons[origin] = first = end
        self._complete = frozenset(self._complete_among(shards))

    def _complete_among(self, shards: Mapping[str, ShardRow]) -> Iterator[str]:
        """A shard is complete when all of it is published, and a leader has gone over to the one after it."""
        for origin, after in zip(self._origins, self._origins[1:], strict=False):
            row, successor = shards.get(origin), shards.get(after)
            published = row is None or row.integrated_size == row.published_size
            if published and successor is not None and successor.published_size > 0:
                yield origin

    def _tell(self, owner: Owner) -> None:
        for key in (owner.organisation_id, owner.owner_id):
            for follower in self._followers.get(key, ()):
                follower.tell()

    def _tell_all(self) -> None:
        for followers in self._followers.values():
            for follower in followers:
                follower.tell()

    def horizon(self, origin: str) -> int:
        """Returns up to where a shard was gone through."""
        return self._horizons.get(origin, 0)

    def successor(self, origin: str) -> str | None:
        """Returns the shard after a complete one."""
        if origin not in self._complete:
            return None
        return self._origins[self._origins.index(origin) + 1]


class _Follower:
    """Implements `Subscription`: one flag, however much is published."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._told = asyncio.Event()

    def tell(self) -> None:
        self._told.set()

    async def ready(self) -> None:
        await self._tail.known()

    def horizon(self, origin: str) -> int:
        return self._tail.horizon(origin)

    def successor(self, origin: str) -> str | None:
        return self._tail.successor(origin)

    def take(self) -> bool:
        told = self._told.is_set()
        self._told.clear()
        return told

    async def told(self, seconds: float) -> None:
        await within(seconds, self._told.wait())


def _key(followed: Followed) -> object:
    match followed:
        case SentBy():
            return followed.organisation_id
        case LaidInto():
            return followed.mailbox_id
