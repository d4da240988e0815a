"""The fake unit of work's confirmations by phone."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.phone_confirmations import PhoneConfirmation, PhoneEnding
from tests.fakes.state import State


class FakePhoneConfirmations:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, confirmation: PhoneConfirmation) -> None:
        state = self._state
        state.require(confirmation.id not in state.phone_confirmations, "pk_phone_confirmations")
        state.require(
            (confirmation.mailbox_id, confirmation.statement_id) in state.statements,
            "fk_phone_confirmations_mailbox_id_statement_id_statements",
        )
        state.require(confirmation.expires_at > confirmation.started_at, "ck_phone_confirmations_expires_at")
        state.phone_confirmations[confirmation.id] = confirmation

    async def get(self, confirmation_id: UUID) -> PhoneConfirmation | None:
        return self._state.phone_confirmations.get(confirmation_id)

    async def keep(self, confirmation_id: UUID, cms: bytes) -> bool:
        found = self._open(confirmation_id)
        if found is not None:
            self._state.phone_confirmations[confirmation_id] = replace(found, cms=cms)
        return found is not None

    async def end(self, confirmation_id: UUID, ending: PhoneEnding) -> bool:
        found = self._open(confirmation_id)
        if found is not None:
            self._state.phone_confirmations[confirmation_id] = replace(found, ending=ending)
        return found is not None

    async def forget(self, before: datetime, *, limit: int) -> int:
        return self._forget([each.id for each in self._old(before) if each.cms is None][:limit])

    async def forget_signed(self, before: datetime, *, limit: int) -> int:
        return self._forget([each.id for each in self._old(before) if each.cms is not None][:limit])

    def _old(self, before: datetime) -> list[PhoneConfirmation]:
        return [each for each in self._state.phone_confirmations.values() if each.expires_at < before]

    def _forget(self, found: list[UUID]) -> int:
        for each_id in found:
            del self._state.phone_confirmations[each_id]
        return len(found)

    def _open(self, confirmation_id: UUID) -> PhoneConfirmation | None:
        found = self._state.phone_confirmations.get(confirmation_id)
        return found if found and found.cms is None and found.ending is None else None
