"""How far each authority has stamped each shard, for everybody who asks."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from server.domain.log_standing import Wait
from server.transparency.ports import LogStorage
from server.transparency.timestamp_link import TimestampTerms
from server.transparency.timestamping import Timestamping
from server.transparency.troubles import Trouble
from server.transparency.witnessing import Witnessing
from server.usecases.log_ports import AuthorityState, ShardState

_ANSWERS: Final = timedelta(seconds=30)
"""An authority answers by then, or is not waited for."""


class TimestampStates:
    """Implements `TimestampView`; any replica serves it. Of troubles only the one that leads knows."""

    def __init__(
        self,
        storage: LogStorage,
        terms: TimestampTerms | None,
        work: Sequence[Witnessing | Timestamping],
        *,
        leading: Callable[[], bool],
        after_witnesses: bool,
    ) -> None:
        """Takes whom the settings name, and what asks them on this replica, of which there may come more;
        and whether they stamp what witnesses cosigned.
        """
        self._storage = storage
        self._terms = terms
        self._after_witnesses = after_witnesses
        self._names = () if terms is None else tuple(each.name for each in terms.authorities)
        self._work = work
        self._leading = leading

    async def states(self, origins: Collection[str]) -> Mapping[str, Sequence[AuthorityState]]:
        """See `TimestampView`."""
        return {origin: await self._of(origin) for origin in origins}

    async def waits(self, shards: Sequence[ShardState]) -> Mapping[str, Wait]:
        """See `TimestampView`."""
        terms = self._terms
        return {} if terms is None else {shard.origin: await self._wait(shard, terms) for shard in shards}

    async def _wait(self, shard: ShardState, terms: TimestampTerms) -> Wait:
        newest = await self._storage.timestamps.newest(shard.origin)
        # What a receipt needs is stamped as far as the last one of a quorum has come.
        sizes = sorted((token.size for token in newest.values()), reverse=True)
        stamped = sizes[terms.quorum - 1] if len(sizes) >= terms.quorum else 0
        usual = timedelta(seconds=2 * terms.interval) + _ANSWERS
        since = await self._since(shard, stamped)
        well = len(terms.authorities) - len(self._troubles(shard.origin))
        return Wait(since, usual, too_few=since is not None and well < terms.quorum)

    async def _since(self, shard: ShardState, stamped: int) -> datetime | None:
        """Returns since when there is a checkpoint to stamp that is larger than one of so many leaves."""
        if not self._after_witnesses:
            if stamped >= shard.size:
                return None
            return await self._storage.witnessed.integrated_beyond(shard.origin, stamped)
        first = await self._storage.witnessed.first_over(shard.origin, stamped)
        return None if first is None else first.witnessed_at

    def _troubles(self, origin: str) -> Mapping[str, Trouble]:
        work = next(
            (each for each in self._work if isinstance(each, Timestamping) and each.origin == origin), None
        )
        return work.troubles if self._leading() and work is not None else {}

    async def _of(self, origin: str) -> Sequence[AuthorityState]:
        newest = await self._storage.timestamps.newest(origin)
        troubles = self._troubles(origin)
        states = []
        for name in sorted({*self._names, *newest}):
            token = newest.get(name)
            size, at = (0, None) if token is None else (token.size, token.gen_time)
            trouble = troubles.get(name)
            states.append(AuthorityState(name, size, at, None if trouble is None else trouble.value))
        return states
