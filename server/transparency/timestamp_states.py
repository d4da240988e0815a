"""How far each authority has stamped each shard, for everybody who asks."""

from collections.abc import Callable, Collection, Mapping, Sequence

from server.transparency.timestamp_link import TimestampTerms
from server.transparency.timestamp_ports import LogTimestamps
from server.transparency.timestamping import Timestamping
from server.transparency.witnessing import Witnessing
from server.usecases.log_ports import AuthorityState


class TimestampStates:
    """Implements `TimestampView`; any replica serves it. Of troubles only the one that leads knows."""

    def __init__(
        self,
        store: LogTimestamps,
        terms: TimestampTerms | None,
        work: Sequence[Witnessing | Timestamping],
        *,
        leading: Callable[[], bool],
    ) -> None:
        """Takes whom the settings name, and what asks them on this replica, of which there may come more."""
        self._store = store
        self._names = () if terms is None else tuple(each.name for each in terms.authorities)
        self._work = work
        self._leading = leading

    async def states(self, origins: Collection[str]) -> Mapping[str, Sequence[AuthorityState]]:
        """See `TimestampView`."""
        return {origin: await self._of(origin) for origin in origins}

    async def _of(self, origin: str) -> Sequence[AuthorityState]:
        newest = await self._store.newest(origin)
        work = next(
            (each for each in self._work if isinstance(each, Timestamping) and each.origin == origin), None
        )
        troubles = work.troubles if self._leading() and work is not None else {}
        states = []
        for name in sorted({*self._names, *newest}):
            token = newest.get(name)
            size, at = (0, None) if token is None else (token.size, token.gen_time)
            trouble = troubles.get(name)
            states.append(AuthorityState(name, size, at, None if trouble is None else trouble.value))
        return states
