"""What sending short messages asks of the storage and of a route, and what the route tells of them
afterwards.

`server.usecases.ports` says what holds of all.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from server.domain.sms import DeliveryReport, Segment, SentSegment
from server.usecases.forwarding_ports import NotSent


class SmsNotSent(NotSent):
    """A segment was not taken: UNREACHABLE, NOT_LET_IN, LINK_LOST, NO_ANSWER, BUSY, or for good
    INVALID_PHONE, INVALID_SOURCE, REFUSED. After LINK_LOST and NO_ANSWER it may have been taken all the same.
    """


TakeReport = Callable[[DeliveryReport], Awaitable[None]]
"""Takes a report in. When it raises, the centre is asked to send the report again."""


class SmsRoute(Protocol):
    """Sends short messages."""

    async def submit(self, to: str, segment: Segment, *, reports: bool) -> str:
        """Hands one segment over to the phone of this number (E.164), as soon as window and rate permit.

        Returns the centre's identifier of it, by which its delivery report names it, where `reports` asks for
        one; empty where the centre gives none. When it returns, the centre answers for it.

        Raises:
            SmsNotSent.
        """
        ...


class SmsSegments(Protocol):
    """Segments that a centre has taken, and what it reported of them."""

    async def add(self, segments: Sequence[SentSegment]) -> None:
        """Keeps segments; one that is there stays as it is."""
        ...

    async def of_text(self, text_id: UUID) -> Sequence[SentSegment]:
        """Returns those of a text, by number."""
        ...

    async def lock_text(self, text_id: UUID) -> Sequence[SentSegment]:
        """Returns them, and lets nobody else change them meanwhile."""
        ...

    async def named(self, centre_ids: Sequence[str]) -> Sequence[SentSegment]:
        """Returns those that a centre gave one of these identifiers, the last ones first; ten at most."""
        ...

    async def report(self, segment: SentSegment, failure: str, at: datetime) -> bool:
        """Keeps what was reported of a segment; False, and nothing, where something was before."""
        ...

    async def forget(self, before: datetime, *, limit: int) -> int:
        """Forgets segments that were taken before then, so many at most; returns how many."""
        ...


class SmsReports(Protocol):
    """Reports that were taken in and not looked at yet."""

    async def add(self, report_id: UUID, report: DeliveryReport, at: datetime) -> None: ...

    async def get(self, report_id: UUID) -> DeliveryReport | None: ...

    async def remove(self, report_id: UUID) -> None: ...


class SmsTransaction(Protocol):
    """The part of a transaction that deals with short messages."""

    @property
    def sms_segments(self) -> SmsSegments: ...
    @property
    def sms_reports(self) -> SmsReports: ...


class ReportedText(Protocol):
    """Whoever wants to know what became of texts of a kind."""

    async def __call__(self, text_id: UUID, failure: str, /) -> bool:
        """Records what was reported of a text: why its phone did not get it, or nothing where it has all of
        it. Told again it does nothing. False: it is not known yet that the text was sent; to be told later.
        """
        ...
