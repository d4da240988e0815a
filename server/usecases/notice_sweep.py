"""Finds public notices whose time is over, or that nobody needs any more, and has them taken back."""

from datetime import timedelta
from typing import Final

from server.usecases.notices import take_back
from server.usecases.ports import Clock, UnitOfWork

MOST_AT_ONCE: Final = 100
KEPT_WITHDRAWN: Final = timedelta(days=30)
"""So long the post's own feed says of a notice that it was withdrawn, so that whoever copied it hears so."""


class NoticeSweep:
    """Looks for them. Every replica does: each notice is taken in hand by one."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def work_off(self) -> int:
        """Has all taken back that are to be; returns how many.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        done = 0
        while count := await self._batch():
            done += count
        await self._forget()
        return done

    async def _batch(self) -> int:
        async with self._uow.writing() as tx:
            ended = await tx.notices.lock_ended(self._clock.now(), limit=MOST_AT_ONCE)
            for notice, ending in ended:
                await take_back(tx, notice, ending)
            if ended:
                await tx.commit()
        return len(ended)

    async def _forget(self) -> None:
        count = MOST_AT_ONCE
        while count == MOST_AT_ONCE:
            async with self._uow.writing() as tx:
                before = self._clock.now() - KEPT_WITHDRAWN
                count = await tx.notice_entries.forget(before, limit=MOST_AT_ONCE)
                if count:
                    await tx.commit()
