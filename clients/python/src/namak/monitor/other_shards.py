"""The shards besides the one that is followed: where the log went over to the next one, what stands in those
before it must not go unseen.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from namak.monitor.alarms import Alarm, AlarmKind
from namak.monitor.following import Follower, Look, Terms
from namak.monitor.holding import Held, ReceiptCheck
from namak.monitor.sources import Source
from namak.monitor.state import State


class OtherShards:
    """Looks at them where one source shows them all."""

    def __init__(
        self,
        source_of: Callable[[str], Source | None],
        state: State,
        terms: Terms,
        *,
        now: Callable[[], float],
    ) -> None:
        """Takes where a shard is read, by its origin; None is of one that is not looked at."""
        self._source_of = source_of
        self._sources: dict[str, Source] = {}
        self._state = state
        self._now = now
        self._followed: set[str] = set()
        self.goes_on(terms)

    def goes_on(self, terms: Terms) -> None:
        """Takes other terms: the log went over to a shard that was not trusted before."""
        # One that ended stands still for ever.
        self._terms = replace(terms, max_age=None)

    async def look(self, current: str) -> Sequence[Alarm]:
        """Looks at every shard that was followed before this one: to its end, and whether it stays so.

        Raises SourceUnreached, StateUnusable, StateMoved.
        """
        self._followed.add(current)
        alarms: list[Alarm] = []
        for origin in sorted({log.verifier.name for log in self._terms.policy.logs} - {current}):
            source = self._source(origin)
            if source is None or not self._state.size(origin):
                continue
            look = await self._look(source)
            # The state may know other posts' logs, of which this one knows nothing.
            if look.known is not None or origin in self._followed:
                alarms += look.alarms
        return alarms

    async def check(self, held: Held, *, must: bool) -> None:
        """Checks the receipts that are of other shards against those, and counts them with the others.

        ``must`` says that the source has to show all of these shards.

        Raises as :meth:`look`.
        """
        for origin, receipts in list(held.others.items()):
            if (source := self._source(origin)) is None:
                continue
            look = await self._look(source)
            if look.known is None or look.known.checkpoint.origin != origin:
                if must:
                    problem = f"the log {origin} that it stands in is not shown"
                    held.alarms += [
                        Alarm(AlarmKind.RECEIPT, name, {"file": name, "problem": problem})
                        for name in receipts
                    ]
                continue
            check = ReceiptCheck(source, self._terms.policy, self._state, look.known)
            found = await check.check(receipts)
            del held.others[origin]
            held.found += found.found
            held.newer += found.newer
            held.alarms += [*look.alarms, *found.alarms]

    async def _look(self, source: Source) -> Look:
        return await Follower(source, self._state, self._terms, now=self._now).look()

    def _source(self, origin: str) -> Source | None:
        if (source := self._sources.get(origin)) is None and (source := self._source_of(origin)) is not None:
            self._sources[origin] = source
        return source
