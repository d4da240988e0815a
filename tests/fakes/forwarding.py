"""Forwarding targets and copies in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from uuid import UUID

from server.domain.forwarding import (
    LOOKED_BACK,
    CopyState,
    ForwardedContent,
    ForwardedCopy,
    ForwardingTarget,
    TargetResult,
    VerificationCode,
)
from tests.fakes.state import State


class FakeForwardingTargets:
    """Targets of one transaction."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._targets = state.forwarding_targets

    async def of_mailbox(self, mailbox_id: UUID) -> Sequence[ForwardingTarget]:
        found = [target for target in self._targets.values() if target.mailbox_id == mailbox_id]
        return sorted(found, key=lambda target: (target.added_at, target.id))

    async def verified_of(self, mailbox_ids: Collection[UUID]) -> Sequence[ForwardingTarget]:
        found = [target for each in sorted(mailbox_ids) for target in await self.of_mailbox(each)]
        return [target for target in found if target.verified_at is not None]

    async def get(self, mailbox_id: UUID, target_id: UUID) -> ForwardingTarget | None:
        target = self._targets.get(target_id)
        return target if target is not None and target.mailbox_id == mailbox_id else None

    async def add(self, target: ForwardingTarget) -> None:
        others = await self.of_mailbox(target.mailbox_id)
        self._state.require(
            all(each.address != target.address for each in others),
            "uq_forwarding_targets_mailbox_id_address",
        )
        self._targets[target.id] = target

    async def remove(self, mailbox_id: UUID, target_id: UUID) -> None:
        if await self.get(mailbox_id, target_id) is not None:
            del self._targets[target_id]

    async def change(self, target: ForwardingTarget) -> None:
        kept = await self.get(target.mailbox_id, target.id)
        if kept is not None:
            self._targets[target.id] = replace(kept, content=target.content, language=target.language)

    async def set_code(self, target_id: UUID, code: VerificationCode) -> bool:
        target = self._targets.get(target_id)
        if target is None or target.verified_at is not None:
            return False
        self._targets[target_id] = replace(target, code=code)
        return True

    async def count_wrong_try(self, target_id: UUID, code: VerificationCode) -> bool:
        target = self._targets.get(target_id)
        kept = None if target is None else target.code
        if target is None or kept is None or kept.digest != code.digest or kept.tries_left == 0:
            return False
        self._targets[target_id] = replace(target, code=replace(kept, tries_left=kept.tries_left - 1))
        return True

    async def verify(self, mailbox_id: UUID, target_id: UUID, at: datetime) -> None:
        self._targets[target_id] = replace(self._targets[target_id], verified_at=at, code=None)
        await self.refresh_mark(mailbox_id)

    async def refresh_mark(self, mailbox_id: UUID) -> None:
        forwards = any(target.verified_at for target in await self.of_mailbox(mailbox_id))
        mailboxes = self._state.mailboxes
        mailboxes[mailbox_id] = replace(mailboxes[mailbox_id], forwards=forwards)

    async def code_in_the_way(
        self, mailbox_id: UUID, address: str, *, since: datetime, most: int
    ) -> datetime | None:
        asked = [code for code in self._state.forwarding_codes if code[2] > since]
        counted = (
            sorted(code[2] for code in asked if code[0] == mailbox_id),
            sorted(code[2] for code in asked if code[1] == address),
        )
        return max((times[-most] for times in counted if len(times) >= most), default=None)

    async def count_code(self, mailbox_id: UUID, address: str, at: datetime) -> None:
        self._state.forwarding_codes.append((mailbox_id, address, at))

    async def forget_codes(self, before: datetime, *, limit: int) -> int:
        codes = self._state.forwarding_codes
        over = [code for code in codes if code[2] < before][:limit]
        codes[:] = [code for code in codes if code not in over]
        return len(over)

    async def set_last(self, target_id: UUID, last: TargetResult) -> None:
        target = self._targets.get(target_id)
        before = 0 if target is None or target.last is None else target.last.in_a_row
        await self.set_all_last({target_id: replace(last, in_a_row=before)})

    async def set_all_last(self, last: Mapping[UUID, TargetResult]) -> None:
        for target_id, each in last.items():
            target = self._targets.get(target_id)
            if target is not None and (target.last is None or target.last.at <= each.at):
                self._targets[target_id] = replace(target, last=each)


class FakeForwardedCopies:
    """Copies of one transaction."""

    def __init__(self, state: State) -> None:
        self._deliveries = state.deliveries
        self._copies = state.forwarded_copies

    async def add(self, copies: Sequence[ForwardedCopy]) -> Sequence[ForwardedCopy]:
        new = [copy for copy in copies if (copy.delivery_id, copy.target_id) not in self._copies]
        self._copies.update({(copy.delivery_id, copy.target_id): copy for copy in new})
        return new

    async def get(self, delivery_id: UUID, target_id: UUID) -> ForwardedCopy | None:
        return self._copies.get((delivery_id, target_id))

    async def by_token(self, token: UUID) -> ForwardedCopy | None:
        return next((copy for copy in self._copies.values() if copy.token == token), None)

    async def move(self, copy: ForwardedCopy, to: CopyState, content: ForwardedContent | None = None) -> bool:
        key = (copy.delivery_id, copy.target_id)
        if key not in self._copies or self._copies[key].state is not copy.state:
            return False
        kept = self._copies[key]
        self._copies[key] = replace(kept, state=to, content=content or kept.content)
        return True

    async def move_all(
        self, changes: Sequence[tuple[ForwardedCopy, CopyState, ForwardedContent]]
    ) -> Collection[UUID]:
        return {copy.token for copy, to, content in changes if await self.move(copy, to, content)}

    async def of_deliveries(self, delivery_ids: Collection[UUID]) -> Sequence[ForwardedCopy]:
        return [copy for copy in self._copies.values() if copy.delivery_id in delivery_ids]

    async def failed_before(self, copies: Collection[ForwardedCopy]) -> Mapping[UUID, int]:
        return {copy.token: self._failed_before(copy) for copy in copies}

    def _failed_before(self, copy: ForwardedCopy) -> int:
        before = sorted(
            (
                delivery
                for mailbox, delivery in self._deliveries
                if mailbox == copy.mailbox_id and delivery < copy.delivery_id
            ),
            reverse=True,
        )
        found = [self._copies.get((delivery, copy.target_id)) for delivery in before[:LOOKED_BACK]]
        states = [each.state for each in found if each is not None]
        telling = [state for state in states if state not in (CopyState.WAITING, CopyState.SKIPPED)]
        failed = (state in (CopyState.FAILED, CopyState.BOUNCED) for state in telling)
        return len(list(takewhile(bool, failed)))
