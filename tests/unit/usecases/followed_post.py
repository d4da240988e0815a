"""A log in memory, and one replica on which it is followed."""

import asyncio
import hashlib
import ipaddress
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from namak.evidence.events import Event
from server.domain.caller import Connection, Holder, Sender
from server.domain.facts import Fact
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.transparency.news import News
from server.transparency.shard_directory import ShardDirectory
from server.transparency.tail import Tail
from server.transparency.troubles import Watchman
from server.usecases.following import Follow, Following, Followings
from server.usecases.log_ports import LogCursor
from tests.fakes.published_log import PUBLISHED_AT, MemoryFacts, MemoryLogReader, MemoryShard
from tests.fakes.unit_of_work import FakeUnitOfWork
from tests.unit.usecases.world import FixedClock, MemoryLog

OLD, NEW = "log.e-citizen.am/2026", "log.e-citizen.am/2027"
SRC, OTHER = uuid4(), uuid4()
ANI = uuid4()
CONNECTION = Connection(bytes(32), ipaddress.ip_address("127.0.0.1"))
AGENCY = Sender(CONNECTION, SRC, None, ())
HOLDER = Holder(CONNECTION, "5001950015")
PATIENCE = 60.0


class Post:
    """A log of one or two shards, and one replica on which it is followed."""

    def __init__(self, *origins: str, idle: float = 0.01, followers: int = 1000, of_one: int = 400) -> None:
        self.shards = [MemoryShard(origin) for origin in origins or (NEW,)]
        self.reader = MemoryLogReader(*self.shards)
        self.facts = MemoryFacts(*self.shards)
        self.log = MemoryLog()
        self.uow = FakeUnitOfWork()
        self.uow.committed.mailboxes[ANI] = Mailbox(
            ANI, "5001950015@e-citizen.am", HolderKind.PERSON, "5001950015", MailboxState.OPEN, PUBLISHED_AT
        )
        self.published = News()
        self.tail = Tail(
            self.reader,
            ShardDirectory([shard.verifier for shard in self.shards], self.reader),
            self.published,
            poll=0.05,
            watchman=Watchman("tail"),
            followers=followers,
            followers_of_one=of_one,
        )
        self.following = Following(
            uow=self.uow,
            clock=FixedClock(),
            log=self.log,
            facts=self.facts,
            subscriptions=self.tail,
            idle_seconds=idle,
        )

    def record(
        self,
        *events: Event,
        organisation: UUID = SRC,
        shard: int = -1,
        size: int = 20,
        publish: bool = True,
    ) -> None:
        """Integrates facts of one delivery, and publishes them."""
        delivery_id = uuid4()
        for event in events:
            data = uuid4().hex.encode().ljust(size)
            fact = Fact(
                uuid4(),
                event,
                ANI,
                organisation,
                delivery_id,
                PUBLISHED_AT,
                data,
                hashlib.sha256(data).digest(),
            )
            self.shards[shard].integrate(fact)
        if publish:
            self.publish(shard)

    def publish(self, shard: int = -1) -> None:
        self.shards[shard].publish()
        self.published.arrive()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Runs the replica's look at the end of the log."""
        task = asyncio.create_task(self.tail.run())
        try:
            async with asyncio.timeout(PATIENCE):
                yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def follow(
        self,
        caller: Sender | Holder = AGENCY,
        index: int | None = 0,
        *,
        origin: str = "",
        receipts: bool = False,
    ) -> AsyncGenerator[Followings, None]:
        cursor = None if index is None else LogCursor(origin or self.shards[-1].origin, index)
        return self.following.follow(Follow(caller, cursor, receipts))
