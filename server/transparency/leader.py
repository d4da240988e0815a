"""The leader's work, in the order that keeps the log one: finish what is committed, then integrate more."""

import contextlib
import time
from collections.abc import Iterator, Mapping

import structlog

from namak.evidence.tree import EMPTY_ROOT
from server.hsm.errors import HsmError, HsmKeyChanged, HsmUnavailable
from server.transparency.batching import BatchSize
from server.transparency.guard import GuardMoved
from server.transparency.integrator import Integrated, ShardFrozen, integrate
from server.transparency.ports import Head, HeadMoved, LeaderSession
from server.transparency.publisher import check_committed, publish
from server.transparency.settings import Pace
from server.transparency.shard import Shard
from server.transparency.shard_order import ConfiguredShards, check_settings, settled
from server.transparency.steps import OnStep
from server.transparency.troubles import ForkRefused, LogTrouble, ShardKeyMissing, Trouble, Watchman
from server.usecases.ports import Clock

_log = structlog.get_logger(__name__)


class SteppedDown(Exception):
    """This process can't lead now; another replica may. `moved` if another one leads already, `keyless` if it
    lacks the current shard's key, and so will until it is started with other settings.
    """

    def __init__(self, *, moved: bool, keyless: bool = False) -> None:
        super().__init__("another replica leads" if moved else "this replica can't lead now")
        self.moved = moved
        self.keyless = keyless


class Leader:
    """Does the leader's work over a session that holds the lock."""

    def __init__(
        self,
        configured: ConfiguredShards,
        *,
        pace: Pace,
        clock: Clock,
        on_step: OnStep,
        watchman: Watchman,
        shards_watchman: Watchman,
    ) -> None:
        """Takes the settings' shards. Which of them is the current one the database says."""
        self._configured = configured
        self._shards: Mapping[str, Shard] = configured.keys
        self._current = configured.origin
        self._batch = BatchSize(pace)
        self._clock = clock
        self._on_step = on_step
        self._watchman = watchman
        self._shards_watchman = shards_watchman
        # Whether, as far as this leader knows, no committed tree waits to be published.
        self._finished = False

    async def inspect(self, session: LeaderSession) -> None:
        """Checks, before anything is done, that the settings fit the log's shards and have the key that is
        needed, and that the database is not behind what was signed.

        Raises:
            As `advance`.
        """
        self._finished = False
        self._batch.begin()
        with self._telling():
            chain = await settled(session, self._configured, self._clock)
            heads = {head.origin: head for head in chain}
            for origin, shard in self._shards.items():
                # Of a shard that nobody has announced, nothing may have been signed either.
                await check_committed(session, shard, heads.get(origin, Head(origin, 0, EMPTY_ROOT, 0)))
            self._current = next(head.origin for head in chain if not head.frozen)
            # Where only it has the key of a tree that waits, it leads until that is published.
            if not any(head.unpublished and head.origin in self._shards for head in chain):
                self._key()

    async def advance(self, session: LeaderSession, *, told: bool = False) -> bool:
        """Publishes what is committed, or else integrates and publishes; returns whether it published.

        `told` says that facts were recorded since it was called last: it takes them without asking first
        whether any wait.

        Raises:
            ForkRefused: nothing may be signed; the lock must be held on to, so that no other replica signs
                what this one's guard contradicts.
            SteppedDown: the trouble may be this replica's own; the lock must be let go.
            ServiceUnavailable: the database does not answer.
        """
        with self._telling():
            published = await self._advance(session, told)
        self._watchman.ends()
        return published

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Tells the watchman of trouble, and decides whether it ends the leadership."""
        try:
            yield
        except (HeadMoved, GuardMoved) as moved:
            raise SteppedDown(moved=True) from moved
        except LogTrouble as trouble:
            self._watchman.begins(trouble.kind, trouble.fields)
            if isinstance(trouble, ForkRefused):
                raise
            raise SteppedDown(moved=False, keyless=isinstance(trouble, ShardKeyMissing)) from trouble
        except (HsmUnavailable, HsmKeyChanged) as failure:
            self._watchman.begins(_kind(failure), {"cause": str(failure)})
            raise SteppedDown(moved=False) from failure

    async def _advance(self, session: LeaderSession, told: bool) -> bool:
        if not self._finished and await self._finish(session):
            self._finished = True
            return True
        self._finished = False
        integrated = None
        # Of a shard that another one must lead on, nothing is taken; here it ends when it has to begin.
        self._key()
        if told or await session.waiting():
            began = time.monotonic()
            integrated = await self._integrate(session)
            self._batch.learn(0 if integrated is None else integrated.entries, time.monotonic() - began)
        if integrated is not None:
            await self._publish(session, integrated.head)
        # A shard whose key is missed may be given up meanwhile: then the alarm ends.
        self._finished = self._shards_watchman.condition is None
        return integrated is not None

    async def _publish(self, session: LeaderSession, head: Head) -> None:
        shard = self._shards[head.origin]
        if head.unpublished:
            await publish(session, shard, head, clock=self._clock, on_step=self._on_step)
        if head.frozen and head.successor is not None and head.origin == self._current:
            _log.info("the log goes over to another shard", origin=head.origin, successor=head.successor)
            await self._go_over(session, head.successor)

    async def _integrate(self, session: LeaderSession) -> Integrated | None:
        """Integrates into the current shard, whichever that has become."""
        while True:
            try:
                return await integrate(
                    session,
                    self._key().origin,
                    limit=self._batch.entries,
                    clock=self._clock,
                    on_step=self._on_step,
                )
            except ShardFrozen as frozen:
                await self._go_over(session, frozen.successor)

    async def _go_over(self, session: LeaderSession, successor: str) -> None:
        """Makes another shard the current one, if the key here is the one that was announced."""
        check_settings(self._configured, await session.shards())
        self._current = successor

    def _key(self) -> Shard:
        """Returns the current shard. Raises `ShardKeyMissing`."""
        shard = self._shards.get(self._current)
        if shard is None:
            raise ShardKeyMissing(origin=self._current)
        return shard

    async def _finish(self, session: LeaderSession) -> bool:
        """Publishes the committed tree of each shard that waits for it."""
        waiting = [head for head in await session.heads() if head.unpublished]
        if unknown := [head for head in waiting if self._is_unknown(head)]:
            # Receipts of its last facts stay pending until its key is configured; the current shard goes on.
            first = unknown[0]
            self._shards_watchman.begins(
                Trouble.SHARD_UNKNOWN, {"origin": first.origin, "size": first.integrated_size}
            )
        else:
            self._shards_watchman.ends()
        ours = [head for head in waiting if head.origin in self._shards]
        for head in sorted(ours, key=lambda head: head.origin == self._current):
            await self._publish(session, head)
        return bool(ours)

    def _is_unknown(self, head: Head) -> bool:
        """Tells whether a tree waits for a key that somebody should bring."""
        given_up = head.frozen and head.origin in self._configured.keys_lost
        return head.origin not in self._shards and not given_up


def _kind(failure: HsmError) -> Trouble:
    return Trouble.HSM_KEY_CHANGED if isinstance(failure, HsmKeyChanged) else Trouble.HSM_UNAVAILABLE
