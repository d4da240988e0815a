"""Nudges in memory."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from server.domain.forwarding import TargetKind
from server.domain.nudges import Nudge, NudgeCount, NudgeState
from tests.fakes.state import State


class FakeNudges:
    """Nudges of one transaction."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._nudges = state.nudges

    async def add(self, nudges: Sequence[Nudge]) -> None:
        for each in nudges:
            others = await self.of_step(each.mailbox_id, each.delivery_id, each.step)
            self._state.require(
                all((other.target_id, other.attempt) != (each.target_id, each.attempt) for other in others),
                "uq_ladder_nudges_attempt",
            )
            key = (each.mailbox_id, each.delivery_id)
            self._state.require(
                key in self._state.deliveries, "fk_ladder_nudges_mailbox_id_delivery_id_deliveries"
            )
            self._nudges[each.id] = each

    async def get(self, nudge_id: UUID) -> Nudge | None:
        return self._nudges.get(nudge_id)

    async def of_step(self, mailbox_id: UUID, delivery_id: UUID, step: str) -> Sequence[Nudge]:
        wanted = (mailbox_id, delivery_id, step)
        found = [
            each for each in self._nudges.values() if (each.mailbox_id, each.delivery_id, each.step) == wanted
        ]
        return sorted(found, key=lambda each: each.id)

    async def move(
        self, nudge: Nudge, to: NudgeState, *, at: datetime, segments: int = 0, why: str = ""
    ) -> bool:
        kept = self._nudges.get(nudge.id)
        if kept is None or kept.state is not nudge.state:
            return False
        self._nudges[nudge.id] = replace(
            kept, state=to, segments=kept.segments + segments, why=why, result_at=at
        )
        return True

    async def counted(self, since: datetime, until: datetime) -> Sequence[NudgeCount]:
        found: Counter[tuple[TargetKind, NudgeState]] = Counter()
        segments: Counter[tuple[TargetKind, NudgeState]] = Counter()
        for each in self._nudges.values():
            if since <= each.asked_at < until:
                found[each.kind, each.state] += 1
                segments[each.kind, each.state] += each.segments
        return [NudgeCount(*key, found[key], segments[key]) for key in sorted(found)]
