"""Ending the sessions of portals whose certificate was revoked.

Nobody gets in with them any more: the door refuses the certificate. But a holder has a bounded number of
sessions (SIGN-5), and must not be kept from signing in elsewhere by one that is of no use.
"""

import asyncio
from typing import Final

from server.usecases.ports import Clock, UnitOfWork

AT_ONCE: Final = 1000
"""So many sessions are ended in one transaction at most."""


class PortalSessions:
    """Ends them in short transactions. Every replica may do so at the same time."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def work_off(self) -> None:
        """Goes on until no open session of a revoked certificate is left that others do not have in hand.

        Raises:
            ServiceUnavailable: the database does not answer; the next time goes on.
        """
        while True:
            async with self._uow.writing() as tx:
                ended = await tx.sessions.end_of_revoked_portals(self._clock.now(), limit=AT_ONCE)
                await tx.commit()
            if ended < AT_ONCE:
                return
            await asyncio.sleep(0)
