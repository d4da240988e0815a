"""The running log of one replica: its tasks, from start to stop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from namak.evidence.note import Verifier
from server.domain.refusals import ServiceUnavailable
from server.transparency.guard_follower import GuardFollower
from server.transparency.leader import Leader, SteppedDown
from server.transparency.leadership import Backoff, elected, kept_alive, session_of
from server.transparency.news import News, within
from server.transparency.ports import LeaderSession, LogStorage, Signal
from server.transparency.proofs import ProofFinder
from server.transparency.public_log import ShardsInPublic
from server.transparency.receipts import TransparencyLog
from server.transparency.settings import DEFAULT_PACE, Pace
from server.transparency.shard import Shard
from server.transparency.shard_directory import ShardDirectory
from server.transparency.shard_order import ConfiguredShards, check_settings
from server.transparency.steps import OnStep, Step, unobserved
from server.transparency.tail import Tail
from server.transparency.timestamp_link import TimestampTerms
from server.transparency.timestamp_states import TimestampStates
from server.transparency.timestamped_receipts import TimestampedReceipts
from server.transparency.troubles import Condition, ForkRefused, LogTrouble, Trouble, Watchman, cause_of
from server.transparency.vouching import Vouching
from server.transparency.waker import Waker
from server.transparency.witness_link import WitnessTerms
from server.transparency.witnessed_receipts import WitnessedReceipts
from server.usecases.ports import Clock

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LogStatus:
    """How this replica's part of the log fares.

    Attributes:
        leading: whether this replica holds the leader's lock.
        troubles: what keeps it from going on, by part; nothing when all is well.
    """

    leading: bool
    troubles: tuple[Condition, ...]


class TransparencyService:
    """Leads the log or stands by to lead it, and serves receipts."""

    def __init__(
        self,
        shards: Sequence[Shard],
        storage: LogStorage,
        *,
        clock: Clock,
        former: Sequence[Verifier] = (),
        pace: Pace = DEFAULT_PACE,
        on_step: OnStep = unobserved,
        witnesses: WitnessTerms | None = None,
        timestamps: TimestampTerms | None = None,
    ) -> None:
        """Takes the shards that this process has keys for, that of `[log]` first, then the one that is to
        come next; and the keys of those before it, the oldest first. Which is current the database says.

        Without `witnesses`, checkpoints are signed by the log alone, and without `timestamps` nobody stamps
        them.
        """
        self._storage = storage
        self._pace = pace
        self._leading = False
        self._stopping = asyncio.Event()
        self._recorded = News()
        self._published = News()
        self._waker = Waker(storage.sender, interval=pace.notify_interval, wake_here=self._wake_own_leader)
        self._signing = Watchman("log")
        self._database = Watchman("log leadership")
        self._listening = Watchman("log listener")
        self._guarding = Watchman("log guard")
        self._tailing = Watchman("log tail")
        self._surveying = Watchman("log shard list")
        shards_watchman = Watchman("log shards")
        self._watchmen = (
            *(self._signing, self._database, self._listening, self._guarding, shards_watchman),
            *(self._waker.watchman, self._tailing, self._surveying),
        )
        self._configured = configured = ConfiguredShards(shards, former)
        self._directory = directory = ShardDirectory(
            *([*former, shards[0].verifier], storage.reader),
            to_come=[shard.verifier for shard in shards[1:]],
        )
        self._follower = GuardFollower(shards, directory, storage.reader, self._guarding)
        self._leader = Leader(
            configured,
            pace=pace,
            clock=clock,
            on_step=self._telling_of_publications(on_step),
            watchman=self._signing,
            shards_watchman=shards_watchman,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._campaign_task: asyncio.Task[None] | None = None
        self._receipts = TransparencyLog(
            directory=directory,
            reader=storage.reader,
            proofs=ProofFinder(storage.reader, directory.verifier),
            published=self._published,
            waker=self._waker,
            poll=pace.receipt_poll,
        )
        self._vouching = Vouching(
            *(configured, directory, storage),
            clock=clock,
            pace=pace,
            published=self._published,
            leads=self._leads,
            leading=lambda: self._leading,
            witnesses=witnesses,
            timestamps=timestamps,
        )
        self.tail = Tail(
            storage.reader,
            directory,
            self._published,
            poll=pace.receipt_poll,
            watchman=self._tailing,
        )
        """Tells those who follow the log on this replica."""
        self.public = ShardsInPublic(
            directory, storage.reader, storage.witnessed, healthy=lambda: not self.status.troubles
        )
        """What everybody may see of the log."""

    @property
    def log(self) -> TransparencyLog:
        """The port `Log` for use cases."""
        return self._receipts

    @property
    def witnessed(self) -> WitnessedReceipts:
        """Gives receipts that witnesses vouch for."""
        return self._vouching.witnessed

    @property
    def timestamped(self) -> TimestampedReceipts:
        """Gives receipts that time-stamping authorities vouch for."""
        return self._vouching.timestamped

    @property
    def stamping(self) -> TimestampStates:
        """Tells how far the log is stamped."""
        return self._vouching.stamping

    @property
    def status(self) -> LogStatus:
        """How it fares now."""
        conditions = [watchman.condition for watchman in self._watchmen]
        return LogStatus(self._leading, tuple(each for each in conditions if each is not None))

    @property
    def conditions(self) -> Mapping[str, Condition | None]:
        """How each part fares now, each witness and time-stamping authority among them; None is well."""
        found: dict[str, Condition | None] = {}
        for watchman in (*self._watchmen, *self._vouching.watchmen):
            # A witness of two shards is one part.
            found[watchman.part] = found.get(watchman.part) or watchman.condition
        return found

    async def start(self) -> None:
        """Starts the tasks; returns at once, whether the database and the key answer or not."""
        self._campaign_task = self._supervised(self._signing, self._campaign)
        self._tasks = [
            self._supervised(self._listening, self._listen),
            self._supervised(self._waker.watchman, self._waker.run),
            self._supervised(self._guarding, self._follow),
            self._supervised(self._tailing, self.tail.run),
            self._supervised(self._surveying, self._survey),
            *(self._supervised(each.watchman, each.run) for each in self._vouching.parts),
        ]

    async def stop(self, drain_seconds: float) -> None:
        """Finishes the step under way, at most `drain_seconds` long, and lets go of the lock.

        Entries still queued are the next leader's. Stop serving calls before: those who wait for receipts
        need the log to run.
        """
        self._stopping.set()
        self._recorded.arrive()
        if self._campaign_task is not None:
            await asyncio.wait([self._campaign_task], timeout=drain_seconds)
            self._tasks.append(self._campaign_task)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks, self._campaign_task = [], None
        await self._storage.sender.close()
        await self._storage.reader.close()

    async def run(self, stop: asyncio.Event, drain_seconds: float = 5.0) -> None:
        """Runs until `stop` is set, or until cancelled."""
        await self.start()
        try:
            await stop.wait()
        finally:
            await self.stop(drain_seconds)

    def _supervised(self, watchman: Watchman, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        async def supervise() -> None:
            while not self._stopping.is_set():
                try:
                    await work()
                except Exception as failure:  # noqa: BLE001 - a mistake of ours ends one attempt, never the log
                    watchman.begins(Trouble.INTERNAL, {"error": type(failure).__name__})
                    _log.exception("a task of the log failed", part=watchman.part)
                    await self._pause(self._pace.retry_longest)

        return asyncio.create_task(supervise(), name=watchman.part)

    async def _campaign(self) -> None:
        """Stands for leadership, leads, and stands again."""
        backoff = Backoff(self._pace)
        while not self._stopping.is_set():
            try:
                async with session_of(self._storage.sessions) as session:
                    self._database.ends()
                    if await elected(session, self._pace, self._pause):
                        await self._lead(session, backoff)
            except ServiceUnavailable as unavailable:
                self._database.begins(Trouble.DATABASE_UNAVAILABLE, cause_of(unavailable))
            except SteppedDown as down:
                if down.moved:
                    _log.warning("another replica leads the log")
            finally:
                if self._leading:
                    self._leading = False
                    _log.info("stopped leading the log")
            await self._pause(backoff.seconds())

    async def _lead(self, session: LeaderSession, backoff: Backoff) -> None:
        self._leading = True
        _log.info("leads the log")
        inspected, before = False, self._recorded.count
        async with kept_alive(session, self._pace):
            while not self._stopping.is_set():
                seen, began = self._recorded.count, asyncio.get_running_loop().time()
                told, before = seen != before, seen
                try:
                    if not inspected:
                        await self._leader.inspect(session)
                        inspected = True
                    published = await self._leader.advance(session, told=told)
                except ForkRefused:
                    await self._pause(self._pace.retry_longest)
                    continue
                backoff.reset()
                if published:
                    # Busy: what comes meanwhile goes into one checkpoint.
                    took = asyncio.get_running_loop().time() - began
                    await self._pause(self._pace.rest(took))
                else:
                    await self._recorded.beyond(seen, self._pace.poll)

    async def _listen(self) -> None:
        backoff = Backoff(self._pace)

        def ready() -> None:
            self._listening.ends()
            backoff.reset()
            # Anything may have been missed while nobody listened.
            self._recorded.arrive()
            self._published.arrive()

        while True:
            try:
                await self._storage.listener.listen(self._hear, ready)
            except ServiceUnavailable as unavailable:
                self._listening.begins(Trouble.DATABASE_UNAVAILABLE, cause_of(unavailable))
            await asyncio.sleep(backoff.seconds())

    async def _follow(self) -> None:
        """Keeps this replica's guard up to date while another one leads."""
        while True:
            seen = self._published.count
            if not self._leading:
                with contextlib.suppress(ServiceUnavailable):
                    await self._follower.follow()
            elif self._signing.condition is None:
                # A leader looks at the guard itself, each time.
                self._guarding.ends()
            # A guard some seconds behind is as good: the tree to be signed must extend it all the same.
            await asyncio.sleep(self._pace.follow_interval)
            await self._published.beyond(seen, self._pace.follow_poll)

    async def _survey(self) -> None:
        """Keeps up with which shards there are, and tells early what this replica's settings have wrong."""
        while True:
            seen = self._published.count
            try:
                await self._directory.refresh()
                if self._directory.registered:
                    self._vouch_for_all()
                    check_settings(self._configured, self._directory.registered)
                self._surveying.ends()
            except LogTrouble as trouble:
                self._surveying.begins(trouble.kind, trouble.fields)
            except ServiceUnavailable:
                pass  # the log itself says so
            # Who must know at once asks by itself.
            await asyncio.sleep(self._pace.follow_interval)
            await self._published.beyond(seen, self._pace.receipt_poll)

    def _vouch_for_all(self) -> None:
        """Sees to the ends of those shards, too, that the settings forgot."""
        for shard in self._directory.registered:
            for part in self._vouching.begin(Verifier.parse(shard.vkey)):
                self._tasks.append(self._supervised(part.watchman, part.run))

    def _hear(self, signal: Signal) -> None:
        if signal is Signal.RECORDED:
            self._recorded.arrive()
        elif not self._leading:
            self._published.arrive()
            # Somebody else publishes: what kept this replica from it is no longer the log's trouble.
            self._signing.ends()
        # A leader publishes alone, and what it published all here know already. Should another one have
        # begun to, those who wait look by themselves a little later.

    def _leads(self, origin: str) -> Callable[[], bool]:
        """Returns who tells whether this replica leads, and the shard was opened."""
        return lambda: self._leading and self._directory.get(origin) is not None

    def _wake_own_leader(self) -> bool:
        if self._leading:
            self._recorded.arrive()
        return self._leading

    def _telling_of_publications(self, on_step: OnStep) -> OnStep:
        """Has those who wait in this process told of a publication without the way through the database."""

        async def stepped(step: Step) -> None:
            if step is Step.PUBLISHED:
                self._published.arrive()
            await on_step(step)

        return stepped

    async def _pause(self, seconds: float) -> bool:
        """Pauses; returns False at once when the service is to stop."""
        return not await within(seconds, self._stopping.wait())
