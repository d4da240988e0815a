"""The listener's other door: reports of what became of forwarded copies and nudges, from the null sender to
the address that names a mail's token (RFC 5321, 4.5.5; RFC 3464). Any mail server may bring one, and none is
answered.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Final
from uuid import UUID

import structlog

from server.domain.delivery_reports import ReportedFailure, failure_of, read_report
from server.domain.forwarding import bounce_token, is_bounce_address
from server.domain.malformed import Malformed
from server.domain.refusals import Refused
from server.smtp.replies import of_refusal
from server.usecases.returned_mails import Awaited, Returned

_log = structlog.get_logger(__name__)

NULL_SENDER: Final = "<>"
"""As aiosmtpd gives it."""
PER_MINUTE: Final = 600
"""So many reports of one client address are taken within a minute; it is told to bring others later."""
_MINUTE: Final = 60.0
_LARGE: Final = 64 * 1024
"""Mails from so many bytes on are read beside the event loop."""
_HEARD: Final = "250 2.0.0 OK"
"""Whatever a mail says: to whom reports come nobody answers."""


class ReportDesk:
    """Takes reports in."""

    def __init__(
        self,
        returned: Returned,
        bounces: str,
        *,
        per_minute: int = PER_MINUTE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`bounces` is the address without a token."""
        self._returned = returned
        self._bounces = bounces
        self._per_minute = per_minute
        self._monotonic = monotonic
        self._minute = 0
        self._counted: Counter[str] = Counter()

    def is_here(self, address: str) -> bool:
        """Tells whether an address is one that reports come to."""
        return is_bounce_address(self._bounces, address)

    async def recipient(self, client: str, address: str) -> UUID | str:
        """Returns the token in an address that a report may come to, or the answer why none may."""
        if not self._has_room(client):
            return "451 4.7.1 too many reports from this address; bring them later"
        token = bounce_token(self._bounces, address)
        try:
            awaited = Awaited.NO if token is None else await self._returned.awaited(token)
        except Refused as refused:
            return of_refusal(refused)
        if token is None or awaited is Awaited.NO:
            return "550 5.1.1 no report is awaited here"
        if awaited is Awaited.NOT_YET:
            return "451 4.3.0 the mail is not known to have been sent yet; bring the report later"
        return token

    async def take(self, token: UUID, content: bytes) -> str:
        """Records what a report says, if it is one of a failure, and returns the answer: that it was heard,
        unless it must come again.
        """
        try:
            if len(content) < _LARGE:
                reports = read_report(content)
            else:
                reports = await asyncio.to_thread(read_report, content)
        except Malformed as problem:
            # Somebody's vacation, or a bounce in words that only people understand: no evidence of a failure.
            _log.info("what came back of a mail is no report", reason=problem.reason)
            return _HEARD
        failure = failure_of(reports)
        if failure is None:
            actions = sorted({each.action.value for each in reports})
            _log.info("a report about a mail tells of no failure", actions=actions)
            return _HEARD
        return await self._record(token, failure)

    async def _record(self, token: UUID, failure: ReportedFailure) -> str:
        try:
            # Not cancelled with the connection: what was begun is decided.
            mail = await asyncio.shield(self._returned.failed(token, failure))
        except Refused as refused:
            return of_refusal(refused)
        if mail is None:
            _log.info("a mail came back again")
            return _HEARD
        _log.info(
            "a mail came back",
            reason=failure.cause,
            status=failure.status,
            delivery_id=str(mail.delivery_id),
            target_id=str(mail.target_id),
        )
        return _HEARD

    def _has_room(self, client: str) -> bool:
        minute = int(self._monotonic() // _MINUTE)
        if minute != self._minute:
            self._minute = minute
            self._counted.clear()
        self._counted[client] += 1
        return self._counted[client] <= self._per_minute
