"""Deleting the sign-ins that nobody will complete any more, and old counts of tries."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from server.domain.refusals import Refused
from server.usecases.ports import Transaction, UnitOfWork

EVERY: Final = timedelta(minutes=1)
AFTER: Final = timedelta(days=1)
AT_ONCE: Final = 1000
_ROUNDS: Final = 20
"""How often at one go: together more than the sign-ins that may be started meanwhile (`tries.Starts`)."""

_Forget = Callable[[Transaction, datetime], Awaitable[int]]


class Forgetting:
    """Forgets in short transactions of its own, so that nobody's sign-in waits for rows of others."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._forgot_at: datetime | None = None

    async def now_and_then(self, at: datetime) -> None:
        """Deletes, once in `EVERY`, what is over since `AFTER`: all of it, or else the next call goes on.

        Whoever calls does not fail when this does; the next call tries again.
        """
        if self._forgot_at is not None and at - self._forgot_at < EVERY:
            return
        # Before anything is awaited: one call at a time does it.
        self._forgot_at = at
        try:
            done = [await self._all_of(forget, at - AFTER) for forget in (_sign_ins, _tries)]
        except Refused:
            done = [False]
        if not all(done):
            self._forgot_at = None

    async def _all_of(self, forget: _Forget, before: datetime) -> bool:
        for _ in range(_ROUNDS):
            async with self._uow.writing() as tx:
                forgotten = await forget(tx, before)
                await tx.commit()
            if forgotten < AT_ONCE:
                return True
        return False


async def _sign_ins(tx: Transaction, before: datetime) -> int:
    return await tx.sign_ins.forget(before, limit=AT_ONCE)


async def _tries(tx: Transaction, before: datetime) -> int:
    return await tx.tries.forget(before, limit=AT_ONCE)
