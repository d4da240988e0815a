"""The fake unit of work's sign-ins of which something is left to record."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.sign_in_effects import OutstandingSignIn, SignedInMailbox
from tests.fakes.repositories import FakeMailboxes
from tests.fakes.state import State


class FakeOutstandingSignIns:
    def __init__(self, state: State) -> None:
        self._state = state

    async def add(self, outstanding: OutstandingSignIn) -> None:
        kept = self._state.outstanding_sign_ins
        self._state.require(outstanding.sign_in_id not in kept, "pk_outstanding_sign_ins")
        self._state.require(0 <= outstanding.after < outstanding.up_to, "ck_outstanding_sign_ins_after")
        kept[outstanding.sign_in_id] = (outstanding, outstanding.signed_in_at)

    async def mailbox_of(self, person_number: str) -> SignedInMailbox | None:
        mailboxes = FakeMailboxes(self._state)
        found = await mailboxes.of_person(person_number)
        if found is None:
            return None
        outstanding = (each for each, _ in self._state.outstanding_sign_ins.values())
        sequence = (await mailboxes.head(found.id)).sequence
        return SignedInMailbox(found.id, sequence, any(each.mailbox_id == found.id for each in outstanding))

    async def take(self, except_for: Collection[UUID]) -> OutstandingSignIn | None:
        oldest: dict[UUID, tuple[datetime, UUID]] = {}
        for each, _ in self._state.outstanding_sign_ins.values():
            key = (each.signed_in_at, each.sign_in_id)
            oldest[each.mailbox_id] = min(key, oldest.get(each.mailbox_id, key))
        found = [
            (worked_at, each.sign_in_id, each)
            for each, worked_at in self._state.outstanding_sign_ins.values()
            if oldest[each.mailbox_id] == (each.signed_in_at, each.sign_in_id)
            and each.sign_in_id not in except_for
        ]
        return min(found)[2] if found else None

    async def advance(self, sign_in_id: UUID, after: int, at: datetime) -> None:
        outstanding, _ = self._state.outstanding_sign_ins[sign_in_id]
        self._state.require(after < outstanding.up_to, "ck_outstanding_sign_ins_after")
        self._state.outstanding_sign_ins[sign_in_id] = (replace(outstanding, after=after), at)

    async def finish(self, sign_in_id: UUID) -> None:
        del self._state.outstanding_sign_ins[sign_in_id]
