"""Asks the register of entities again, by itself, who may sign for entities (BOX-10): a director who was
dismissed loses the right within the profile's period, without anybody's request.
"""

from datetime import timedelta
from typing import Final

import structlog

from server.domain.administration import TheServer
from server.domain.refusals import Refused
from server.usecases.ports import Clock, UnitOfWork
from server.usecases.signatories import RefreshSignatories, SignatoryRegister

_log = structlog.get_logger(__name__)

AT_ONCE: Final = 100
"""About so many entities the register is asked in one round at most."""


class SignatoryRounds:
    """Refreshes what the register said longest ago. Every replica may do so at the same time: the request id
    names what was said last, so that only one of two asks and enters.
    """

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, register: SignatoryRegister, period: timedelta
    ) -> None:
        """`period` is how long what the register said is relied on before it is asked again."""
        self._uow = uow
        self._clock = clock
        self._register = register
        self._period = period

    async def work_off(self) -> int:
        """Asks about entities whose time has come, those first whose last answer is oldest; returns of how
        many the register has answered. One that gets no answer holds up no other: it is asked about again the
        next time, and until then those known may sign.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        async with self._uow.reading() as tx:
            stale = await tx.signatories.said_before(self._clock.now() - self._period, limit=AT_ONCE)
        unanswered, reason = 0, ""
        for address, said_at in stale:
            request_id = f"{address} since {said_at:%Y-%m-%dT%H:%M:%S.%fZ}"
            try:
                await self._register.refresh(RefreshSignatories(TheServer(), request_id, address))
            except Refused as refused:
                unanswered += 1
                reason = refused.reason.value
        if unanswered:
            _log.warning(
                "the register was not asked about all signatories", entities=unanswered, reason=reason
            )
        return len(stale) - unanswered
