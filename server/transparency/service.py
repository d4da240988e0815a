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
from server.transparency.news import within
from server.transparency.ports import LeaderSession, LogStorage, Signal
from server.transparency.public_log import ShardsInPublic
from server.transparency.receipts import TransparencyLog
from server.transparency.replica import Replica
from server.transparency.served import ServedLog
from server.transparency.settings import DEFAULT_PACE, Pace
from server.transparency.shard import Shard
from server.transparency.shard_directory import ShardDirectory
from server.transparency.shard_order import ConfiguredShards, check_settings
from server.transparency.steps import OnStep, unobserved
from server.transparency.tail import Tail
from server.transparency.timestamp_link import TimestampTerms
from server.transparency.timestamp_states import TimestampStates
from server.transparency.timestamped_receipts import TimestampedReceipts
from server.transparency.troubles import Condition, ForkRefused, LogTrouble, Trouble, Watchman, cause_of
from server.transparency.waker import Waker
from server.transparency.witness_link import WitnessTerms
from server.transparency.witness_states import WitnessStates
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
        come next; and the keys of those before it, the oldest first. Which is current the
        database says.

        Without `witnesses`, checkpoints are signed by the log alone, and without `timestamps` nobody stamps
        them.
        """
        self._storage, self._pace = storage, pace
        self._replica = replica = Replica()
        self._led = False
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._campaign_task: asyncio.Task[None] | None = None
        self._waker = Waker(storage.sender, interval=pace.notify_interval, wake_here=replica.wake_leader)
        self._configured = configured = ConfiguredShards(shards, former)
        self._directory = directory = ShardDirectory(
            *([*former, shards[0].verifier], storage.reader),
            to_come=[shard.verifier for shard in shards[1:]],
        )
        self._follower = GuardFollower(shards, directory, storage.reader, replica.guarding)
        self._leader = Leader(
            configured,
            pace=pace,
            clock=clock,
            on_step=replica.telling_of_publications(on_step),
            watchman=replica.signing,
            shards_watchman=replica.shards,
        )
        self._served = ServedLog(
            *(replica, configured, directory, storage),
            clock=clock,
            pace=pace,
            waker=self._waker,
            healthy=lambda: not self.status.troubles,
            witnesses=witnesses,
            timestamps=timestamps,
        )

    @property
    def log(self) -> TransparencyLog:
        """The port `Log` for use cases."""
        return self._served.receipts

    @property
    def tail(self) -> Tail:
        """Tells those who follow the log on this replica."""
        return self._served.tail

    @property
    def public(self) -> ShardsInPublic:
        """What everybody may see of the log."""
        return self._served.public

    @property
    def witnessed(self) -> WitnessedReceipts:
        """Gives receipts that witnesses vouch for."""
        return self._served.vouching.witnessed

    @property
    def timestamped(self) -> TimestampedReceipts:
        """Gives receipts that time-stamping authorities vouch for."""
        return self._served.vouching.timestamped

    @property
    def stamping(self) -> TimestampStates:
        """Tells how far the log is stamped."""
        return self._served.vouching.stamping

    @property
    def cosigning(self) -> WitnessStates:
        """Tells how far, and by whom, the log is witnessed."""
        return self._served.vouching.cosigning

    @property
    def status(self) -> LogStatus:
        """How it fares now."""
        conditions = [watchman.condition for watchman in self._watchmen]
        return LogStatus(self._replica.leading, tuple(each for each in conditions if each is not None))

    @property
    def _watchmen(self) -> Sequence[Watchman]:
        return (*self._replica.watchmen, self._waker.watchman)

    @property
    def conditions(self) -> Mapping[str, Condition | None]:
        """How each part fares now, each witness and time-stamping authority among them; None is well."""
        found: dict[str, Condition | None] = {}
        for watchman in (*self._watchmen, *self._served.vouching.watchmen):
            # A witness of two shards is one part.
            found[watchman.part] = found.get(watchman.part) or watchman.condition
        return found

    async def start(self) -> None:
        """Starts the tasks; returns at once, whether the database and the key answer or not."""
        _log.info("has keys of the log", shards=[*self._configured.keys])
        self._campaign_task = self._supervised(self._replica.signing, self._campaign)
        self._tasks = [
            self._supervised(self._replica.listening, self._listen),
            self._supervised(self._waker.watchman, self._waker.run),
            self._supervised(self._replica.guarding, self._follow),
            self._supervised(self._replica.tailing, self.tail.run),
            self._supervised(self._replica.surveying, self._survey),
            *(self._supervised(each.watchman, each.run) for each in self._served.vouching.parts),
        ]

    async def stop(self, drain_seconds: float) -> None:
        """Finishes the step under way, at most `drain_seconds` long, and lets go of the lock.

        Entries still queued are the next leader's. Stop serving calls before: those who wait for receipts
        need the log to run.
        """
        self._stopping.set()
        self._replica.recorded.arrive()
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
        pace = self._pace
        backoff = Backoff(pace.retry_first, pace.retry_longest)
        keyless = Backoff(pace.retry_longest, pace.keyless_longest)
        while not self._stopping.is_set():
            pauses = backoff
            try:
                async with session_of(self._storage.sessions) as session:
                    self._replica.database.ends()
                    if await elected(session, self._pace, self._pause):
                        await self._lead(session, backoff)
            except ServiceUnavailable as unavailable:
                self._replica.database.begins(Trouble.DATABASE_UNAVAILABLE, cause_of(unavailable))
            except SteppedDown as down:
                if down.moved:
                    _log.warning("another replica leads the log")
                pauses = keyless if down.keyless else backoff
            finally:
                self._replica.leading = False
                if self._led:
                    self._led = False
                    _log.info("stopped leading the log")
            if pauses is backoff:
                keyless.reset()
            await self._pause(pauses.seconds())

    async def _lead(self, session: LeaderSession, backoff: Backoff) -> None:
        self._replica.leading = True
        before = self._replica.recorded.count
        async with kept_alive(session, self._pace):
            while not self._stopping.is_set():
                seen, began = self._replica.recorded.count, asyncio.get_running_loop().time()
                told, before = seen != before, seen
                try:
                    if not self._led:
                        await self._leader.inspect(session)
                        # Who only finds that it can't lead says what keeps it, and no more.
                        self._led = True
                        _log.info("leads the log")
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
                    await self._replica.recorded.beyond(seen, self._pace.poll)

    async def _listen(self) -> None:
        backoff = Backoff(self._pace.retry_first, self._pace.retry_longest)

        def ready() -> None:
            self._replica.listening.ends()
            backoff.reset()
            # Anything may have been missed while nobody listened.
            self._replica.recorded.arrive()
            self._replica.published.arrive()

        while True:
            try:
                await self._storage.listener.listen(self._hear, ready)
            except ServiceUnavailable as unavailable:
                self._replica.listening.begins(Trouble.DATABASE_UNAVAILABLE, cause_of(unavailable))
            await asyncio.sleep(backoff.seconds())

    async def _follow(self) -> None:
        """Keeps this replica's guard up to date while another one leads."""
        while True:
            seen = self._replica.published.count
            if not self._replica.leading:
                with contextlib.suppress(ServiceUnavailable):
                    await self._follower.follow()
            elif self._replica.signing.condition is None:
                # A leader looks at the guard itself, each time.
                self._replica.guarding.ends()
            # A guard some seconds behind is as good: the tree to be signed must extend it all the same.
            await asyncio.sleep(self._pace.follow_interval)
            await self._replica.published.beyond(seen, self._pace.follow_poll)

    async def _survey(self) -> None:
        """Keeps up with which shards there are, and tells early what this replica's settings have wrong."""
        while True:
            seen = self._replica.published.count
            try:
                await self._directory.refresh()
                if self._directory.registered:
                    self._vouch_for_all()
                    check_settings(self._configured, self._directory.registered)
                self._replica.surveying.ends()
            except LogTrouble as trouble:
                self._replica.surveying.begins(trouble.kind, trouble.fields)
            except ServiceUnavailable:
                pass  # the log itself says so
            # Who must know at once asks by itself.
            await asyncio.sleep(self._pace.follow_interval)
            await self._replica.published.beyond(seen, self._pace.receipt_poll)

    def _vouch_for_all(self) -> None:
        """Sees to the ends of those shards, too, that the settings forgot."""
        for shard in self._directory.registered:
            for part in self._served.vouching.begin(Verifier.parse(shard.vkey)):
                self._tasks.append(self._supervised(part.watchman, part.run))

    def _hear(self, signal: Signal) -> None:
        if signal is Signal.RECORDED:
            self._replica.recorded.arrive()
        elif not self._replica.leading:
            self._replica.published.arrive()
            # Somebody else publishes: what kept this replica from it is no longer the log's trouble.
            self._replica.signing.ends()
        # A leader publishes alone, and what it published all here know already. Should another one have
        # begun to, those who wait look by themselves a little later.

    async def _pause(self, seconds: float) -> bool:
        """Pauses; returns False at once when the service is to stop."""
        return not await within(seconds, self._stopping.wait())
