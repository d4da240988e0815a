"""What nudges are, whatever keeps them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.forwarding import TargetKind
from server.domain.nudges import Nudge, NudgeCount, NudgeState
from server.domain.sms import SentSegment, TextKind
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at
from tests.contracts.post_contract import delivered

LONG_AGO = NOON - timedelta(days=3000)


async def asked(uow: UnitOfWork, **values: object) -> Nudge:
    """Returns a nudge of a new delivery, not added."""
    async with uow.writing() as tx:
        (delivery,) = await delivered(tx)
        await tx.commit()
    new = Nudge(
        examples.new_id(),
        delivery.mailbox_id,
        delivery.id,
        "NUDGE",
        examples.new_id(),
        TargetKind.PHONE,
        NOON,
    )
    return replace(new, **values)  # type: ignore[arg-type]


class NudgeContract:
    """A step has one nudge to each target, which moves on once at a time."""

    async def test_a_nudge_comes_back_and_moves_on_by_compare_and_set(self, uow: UnitOfWork) -> None:
        nudge = await asked(uow)
        other = replace(nudge, id=examples.new_id(), target_id=examples.new_id(), kind=TargetKind.EMAIL)
        async with uow.writing() as tx:
            await tx.nudges.add([nudge, other])
            assert await tx.nudges.move(nudge, NudgeState.SENT, at=at(1), segments=2)
            assert not await tx.nudges.move(nudge, NudgeState.FAILED, at=at(2), why="REFUSED")
            await tx.commit()
        sent = replace(nudge, state=NudgeState.SENT, segments=2, result_at=at(1))
        async with uow.writing() as tx:
            assert await tx.nudges.get(nudge.id) == sent
            assert await tx.nudges.get(examples.new_id()) is None
            assert await tx.nudges.of_step(nudge.mailbox_id, nudge.delivery_id, "NUDGE") == [sent, other]
            assert await tx.nudges.of_step(nudge.mailbox_id, nudge.delivery_id, "OTHER") == []
            assert await tx.nudges.move(sent, NudgeState.FAILED, at=at(3), why="EXPIRED")
            await tx.commit()
        failed = replace(sent, state=NudgeState.FAILED, why="EXPIRED", result_at=at(3))
        async with uow.reading() as tx:
            assert await tx.nudges.of_step(nudge.mailbox_id, nudge.delivery_id, "NUDGE") == [failed, other]

    async def test_a_step_has_no_two_nudges_to_one_target_at_one_attempt(self, uow: UnitOfWork) -> None:
        nudge = await asked(uow)
        async with uow.writing() as tx:
            await tx.nudges.add([nudge, replace(nudge, id=examples.new_id(), attempt=2)])
            await tx.commit()
        async with uow.writing() as tx:
            with pytest.raises(StorageFault) as raised:
                await tx.nudges.add([replace(nudge, id=examples.new_id())])
        assert raised.value.constraint == "uq_ladder_nudges_attempt"

    async def test_nudges_are_counted_by_kind_and_state_with_their_segments(self, uow: UnitOfWork) -> None:
        one, two, late = [
            await asked(uow, asked_at=LONG_AGO + timedelta(hours=hours)) for hours in (0, 1, 24)
        ]
        mail = await asked(uow, asked_at=LONG_AGO, kind=TargetKind.EMAIL)
        async with uow.writing() as tx:
            await tx.nudges.add([one, two, late, mail])
            await tx.nudges.move(one, NudgeState.SENT, at=NOON, segments=2)
            await tx.nudges.move(two, NudgeState.SENT, at=NOON, segments=1)
            found = await tx.nudges.counted(LONG_AGO, LONG_AGO + timedelta(days=1))
            nothing = await tx.nudges.counted(LONG_AGO - timedelta(days=1), LONG_AGO)
        assert found == [
            NudgeCount(TargetKind.EMAIL, NudgeState.WAITING, 1, 0),
            NudgeCount(TargetKind.PHONE, NudgeState.SENT, 2, 3),
        ]
        assert nothing == []

    async def test_a_short_message_may_be_a_nudge(self, uow: UnitOfWork) -> None:
        segment = SentSegment(examples.new_id(), 1, 1, TextKind.NUDGE, "n", "123456", NOON)
        async with uow.writing() as tx:
            await tx.sms_segments.add([segment])
            assert await tx.sms_segments.of_text(segment.text_id) == [segment]
