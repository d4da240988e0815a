"""The leader's work, in the order that keeps the log one: finish what is committed, then integrate more."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from namak.evidence.tree import EMPTY_ROOT
from server.hsm.errors import HsmError, HsmKeyChanged, HsmUnavailable
from server.transparency.guard import GuardMoved
from server.transparency.integrator import integrate
from server.transparency.ports import Head, HeadMoved, LeaderSession
from server.transparency.publisher import check_committed, publish
from server.transparency.settings import Pace
from server.transparency.shard import Shard
from server.transparency.steps import OnStep
from server.transparency.troubles import ForkRefused, LogTrouble, Trouble, Watchman
from server.usecases.ports import Clock


class SteppedDown(Exception):
    """This process can't lead now; another replica may. `moved` if another one leads already."""

    def __init__(self, *, moved: bool) -> None:
        super().__init__("another replica leads" if moved else "this replica can't lead now")
        self.moved = moved


class Leader:
    """Does the leader's work over a session that holds the lock."""

    def __init__(
        self,
        shards: Sequence[Shard],
        *,
        pace: Pace,
        clock: Clock,
        on_step: OnStep,
        watchman: Watchman,
        shards_watchman: Watchman,
    ) -> None:
        """Takes the shards, the current one first; trees of the others are only finished."""
        self._current = shards[0]
        self._shards: Mapping[str, Shard] = {shard.origin: shard for shard in shards}
        self._pace = pace
        self._clock = clock
        self._on_step = on_step
        self._watchman = watchman
        self._shards_watchman = shards_watchman
        # Whether, as far as this leader knows, no committed tree waits to be published.
        self._finished = False

    async def inspect(self, session: LeaderSession) -> None:
        """Checks, before anything is done, that the database is not behind what was signed.

        Raises:
            As `advance`.
        """
        self._finished = False
        with self._telling():
            heads = {head.origin: head for head in await session.heads()}
            for origin, shard in self._shards.items():
                await check_committed(session, shard, heads.get(origin, Head(origin, 0, EMPTY_ROOT, 0)))

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
            raise SteppedDown(moved=False) from trouble
        except (HsmUnavailable, HsmKeyChanged) as failure:
            self._watchman.begins(_kind(failure), {"cause": str(failure)})
            raise SteppedDown(moved=False) from failure

    async def _advance(self, session: LeaderSession, told: bool) -> bool:
        if not self._finished and await self._finish(session):
            self._finished = True
            return True
        self._finished = False
        integrated = None
        if told or await session.waiting():
            integrated = await integrate(
                session,
                self._current.origin,
                limit=self._pace.batch,
                clock=self._clock,
                on_step=self._on_step,
            )
        if integrated is not None:
            await publish(session, self._current, integrated.head, clock=self._clock, on_step=self._on_step)
        self._finished = True
        return integrated is not None

    async def _finish(self, session: LeaderSession) -> bool:
        """Publishes the committed tree of each shard that waits for it."""
        waiting = [head for head in await session.heads() if head.unpublished]
        if unknown := [head for head in waiting if head.origin not in self._shards]:
            # Receipts of its last facts stay pending until its key is configured; the current shard goes on.
            first = unknown[0]
            self._shards_watchman.begins(
                Trouble.SHARD_UNKNOWN, {"origin": first.origin, "size": first.integrated_size}
            )
        else:
            self._shards_watchman.ends()
        ours = [head for head in waiting if head.origin in self._shards]
        for head in sorted(ours, key=lambda head: head.origin == self._current.origin):
            shard = self._shards[head.origin]
            await publish(session, shard, head, clock=self._clock, on_step=self._on_step)
        return bool(ours)


def _kind(failure: HsmError) -> Trouble:
    return Trouble.HSM_KEY_CHANGED if isinstance(failure, HsmKeyChanged) else Trouble.HSM_UNAVAILABLE
