"""Short messages in memory: what was sent and reported, and a route that keeps what it is given."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.sms import DeliveryReport, Segment, SentSegment
from server.usecases.sms_ports import SmsNotSent
from tests.fakes.state import State


class FakeSmsSegments:
    """Segments of one transaction."""

    def __init__(self, state: State) -> None:
        self._segments = state.sms_segments

    async def add(self, segments: Sequence[SentSegment]) -> None:
        for each in segments:
            self._segments.setdefault((each.text_id, each.number), each)

    async def of_text(self, text_id: UUID) -> Sequence[SentSegment]:
        found = [each for each in self._segments.values() if each.text_id == text_id]
        return sorted(found, key=lambda each: each.number)

    async def lock_text(self, text_id: UUID) -> Sequence[SentSegment]:
        return await self.of_text(text_id)

    async def named(self, centre_ids: Sequence[str]) -> Sequence[SentSegment]:
        found = [each for each in self._segments.values() if each.centre_id in centre_ids]
        found.sort(key=lambda each: (each.text_id, each.number))
        return sorted(found, key=lambda each: each.sent_at, reverse=True)[:10]

    async def report(self, segment: SentSegment, failure: str, at: datetime) -> bool:
        kept = self._segments.get((segment.text_id, segment.number))
        if kept is None or kept.failure is not None:
            return False
        self._segments[segment.text_id, segment.number] = replace(kept, failure=failure)
        return True

    async def forget(self, before: datetime, *, limit: int) -> int:
        old = [key for key, each in self._segments.items() if each.sent_at < before][:limit]
        for key in old:
            del self._segments[key]
        return len(old)


class FakeSmsReports:
    """Reports of one transaction."""

    def __init__(self, state: State) -> None:
        self._reports = state.sms_reports

    async def add(self, report_id: UUID, report: DeliveryReport, at: datetime) -> None:
        self._reports[report_id] = report

    async def get(self, report_id: UUID) -> DeliveryReport | None:
        return self._reports.get(report_id)

    async def remove(self, report_id: UUID) -> None:
        self._reports.pop(report_id, None)


class FakeSmsRoute:
    """Takes segments, or refuses them.

    Attributes:
        taken: to whom and what, in order.
        answers: what the next segments meet, by turns; then they are taken, and numbered from 1.
    """

    def __init__(self) -> None:
        self.taken: list[tuple[str, Segment]] = []
        self.answers: list[SmsNotSent | str] = []

    async def submit(self, to: str, segment: Segment, *, reports: bool) -> str:
        answer = self.answers.pop(0) if self.answers else str(len(self.taken) + 1)
        if isinstance(answer, SmsNotSent):
            raise answer
        self.taken.append((to, segment))
        return answer
