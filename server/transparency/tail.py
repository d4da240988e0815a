"""The end of the log, gone through once for all who follow it on this replica.

A follower whose facts come is told to look; nothing is kept for it, so a thousand idle ones cost one query
for each checkpoint, and one that reads slowly costs no memory.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise

from server.domain.refusals import Overloaded, ServiceUnavailable
from server.transparency.news import News, within
from server.transparency.ports import LogReader, Owner
from server.transparency.shard_directory import ShardDirectory
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
        directory: ShardDirectory,
        published: News,
        *,
        poll: float,
        watchman: Watchman,
        followers: int = FOLLOWERS,
        followers_of_one: int = FOLLOWERS_OF_ONE,
    ) -> None:
        """Takes which shards there are, what tells of checkpoints, how often to look without being told, who
        is to know of trouble, and how many followers to take on.
        """
        self._reader = reader
        self._directory = directory
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
        # The shard after each one that is complete and was gone through.
        self._successors: Mapping[str, str] = {}
        self._current: str | None = None

    @property
    def current(self) -> str:
        """The origin of the shard that new facts go to, as of the last look at what is published."""
        return self._directory.current if self._current is None else self._current

    @property
    def followers(self) -> int:
        """How many follow now."""
        return self._count

    async def first(self) -> str:
        """See `Subscriptions`."""
        return (await self._directory.refresh())[0].origin

    async def size(self, origin: str) -> int | None:
        """See `Subscriptions`."""
        line = await self._directory.refresh()
        return next((shard.published_size for shard in line if shard.origin == origin), None)

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
                self._current = None
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
        line = await self._directory.refresh()
        if not self._count:
            return
        for shard in line:
            size = shard.published_size
            first = self._horizons.get(shard.origin)
            if first is None or size < first:
                # A first look; or the database was put back, and then those who follow look themselves.
                self._tell_all()
                self._horizons[shard.origin] = size
                continue
            while first < size and shard.origin in self._horizons:
                end = min(first + _LEAVES_AT_ONCE, size)
                owners = await self._reader.owners(shard.origin, first, end)
                if self._horizons.get(shard.origin) != first:
                    # All who followed have left meanwhile, and perhaps others came.
                    return
                for owner in owners:
                    self._tell(owner)
                self._horizons[shard.origin] = first = end
        self._successors = {shard.origin: after.origin for shard, after in pairwise(line) if shard.complete}
        self._current = line[-1].origin

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
        """Returns the shard after one that is frozen and published to its end."""
        return self._successors.get(origin)


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
