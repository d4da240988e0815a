"""Deleting what is kept of signing in, and of codes for forwarding, once its time is over: the periods of
signing in are the jurisdiction's data.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from server.domain.forwarding import CODE_PERIOD
from server.domain.profile import Retention
from server.domain.sender_sms import TEXTS_KEPT
from server.domain.sms import SEGMENTS_KEPT
from server.usecases.ports import Clock, Transaction, UnitOfWork

AT_ONCE: Final = 1000
"""So many rows are deleted in one transaction at most: nobody's sign-in waits long for it."""
ROUNDS: Final = 20
"""How often at one go, of each kind: together more than the sign-ins that may be started until the next
(`tries.Starts`).
"""

_Forget = Callable[[Transaction, datetime], Awaitable[int]]


class Forgetting:
    """Forgets in short transactions of its own. Every replica may do so at the same time: each takes rows
    that no other one has.
    """

    def __init__(self, *, uow: UnitOfWork, clock: Clock, retention: Retention) -> None:
        self._uow = uow
        self._clock = clock
        self._retention = retention

    async def work_off(self) -> bool:
        """Deletes what is over; returns whether all of it was, or whether some is left for the next time.

        Raises:
            ServiceUnavailable: the database does not answer; the next time goes on.
        """
        now = self._clock.now()
        done = [await self._all_of(forget, now - period) for forget, period in self._periods()]
        return all(done)

    def _periods(self) -> list[tuple[_Forget, timedelta]]:
        return [
            (forget, period)
            for forgets, period in (
                ((_sign_ins, _questions), self._retention.unproved),
                ((_tries,), self._retention.tries),
                ((_sessions,), self._retention.sessions),
                ((_proved_sign_ins, _signed_by_phone), self._retention.proofs),
                ((_forwarding_codes,), CODE_PERIOD),
                ((_sms_segments,), SEGMENTS_KEPT),
                ((_sms_words,), TEXTS_KEPT),
            )
            for forget in forgets
        ]

    async def _all_of(self, forget: _Forget, before: datetime) -> bool:
        for _ in range(ROUNDS):
            async with self._uow.writing() as tx:
                forgotten = await forget(tx, before)
                await tx.commit()
            if forgotten < AT_ONCE:
                return True
            # Others are served meanwhile.
            await asyncio.sleep(0)
        return False


async def _sign_ins(tx: Transaction, before: datetime) -> int:
    return await tx.sign_ins.forget(before, limit=AT_ONCE)


async def _proved_sign_ins(tx: Transaction, before: datetime) -> int:
    return await tx.sign_ins.forget_proved(before, limit=AT_ONCE)


async def _sessions(tx: Transaction, before: datetime) -> int:
    return await tx.sessions.forget(before, limit=AT_ONCE)


async def _tries(tx: Transaction, before: datetime) -> int:
    return await tx.tries.forget(before, limit=AT_ONCE)


async def _questions(tx: Transaction, before: datetime) -> int:
    return await tx.phone_confirmations.forget(before, limit=AT_ONCE)


async def _signed_by_phone(tx: Transaction, before: datetime) -> int:
    return await tx.phone_confirmations.forget_signed(before, limit=AT_ONCE)


async def _forwarding_codes(tx: Transaction, before: datetime) -> int:
    return await tx.forwarding_targets.forget_codes(before, limit=AT_ONCE)


async def _sms_segments(tx: Transaction, before: datetime) -> int:
    return await tx.sms_segments.forget(before, limit=AT_ONCE)


async def _sms_words(tx: Transaction, before: datetime) -> int:
    return await tx.sender_texts.forget_words(before, limit=AT_ONCE)
