"""Senders' short messages in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from server.domain.sender_sms import SenderSms, SmsFilter, SmsState
from tests.fakes.state import State


class FakeSenderTexts:
    """Short messages of one transaction."""

    def __init__(self, state: State) -> None:
        self._texts = state.sender_texts
        self._days = state.sender_sms_days

    async def add(self, texts: Sequence[SenderSms]) -> None:
        for each in texts:
            self._texts[each.id] = each

    async def take_room(self, sender_address_id: UUID, day: date, texts: int, *, limit: int) -> bool:
        last, counted = self._days.get(sender_address_id, (day, 0))
        counted = texts if day > last else counted + texts
        if counted > limit:
            return False
        self._days[sender_address_id] = (max(day, last), counted)
        return True

    async def get(self, sms_id: UUID) -> SenderSms | None:
        return self._texts.get(sms_id)

    async def under(self, organisation_id: UUID, request_id: str) -> Sequence[SenderSms]:
        found = [each for each in self._texts.values() if each.organisation_id == organisation_id]
        return sorted((each for each in found if each.request_id == request_id), key=lambda each: each.id)

    async def listed(
        self,
        organisation_id: UUID,
        sender_address_id: UUID | None,
        wanted: SmsFilter,
        *,
        before: UUID | None,
        limit: int,
    ) -> Sequence[SenderSms]:
        found = [
            each
            for each in self._texts.values()
            if each.organisation_id == organisation_id
            and sender_address_id in (None, each.sender_address_id)
            and (before is None or each.id < before)
            and wanted.request_id in (None, each.request_id)
            and wanted.delivery_id in (None, each.delivery_id)
            and (not wanted.states or each.state in wanted.states)
        ]
        return sorted(found, key=lambda each: each.id, reverse=True)[:limit]

    async def move(self, sms: SenderSms, to: SmsState, *, why: str, at: datetime, evidence_id: UUID) -> bool:
        kept = self._texts.get(sms.id)
        if kept is None or kept.state is not sms.state:
            return False
        later = (*kept.later_evidence, evidence_id)
        self._texts[sms.id] = replace(kept, state=to, why=why, result_at=at, later_evidence=later)
        return True

    async def forget_words(self, before: datetime, *, limit: int) -> int:
        old = [each for each in self._texts.values() if each.text is not None and each.submitted_at < before]
        for each in old[:limit]:
            self._texts[each.id] = replace(each, text=None)
        return len(old[:limit])
