"""What a site publishes after it was asked to delete it, or in an attempt that counts as failed, goes too."""

import pytest

from server.domain.jobs import PUBLISH_NOTICE, WITHDRAW_NOTICE
from server.domain.notices import Ending, NoticeState
from server.usecases.notice_desk import Decision
from server.usecases.notice_ports import NoticeTrouble
from server.usecases.reading import OpenMessage
from tests.fakes.notice_place import nothing
from tests.unit.usecases.notice_world import NoticeWorld


class Killed(BaseException):
    """The worker is killed."""


@pytest.mark.parametrize("end", [NoticeTrouble("TIMED_OUT"), Killed()], ids=["answer-lost", "worker-killed"])
async def test_a_publication_that_comes_through_after_the_withdrawal_is_taken_back(
    end: BaseException,
) -> None:
    world = NoticeWorld()
    await world.ordered()

    async def late() -> None:
        world.place.after_publishing = nothing
        document = world.place.shown[world.notice.id]
        assert await world.desk.withdraw(world.notice.id, despite_effect=False) is Decision.DONE
        assert await world.withdraw() is None
        assert world.notice.state is NoticeState.WITHDRAWN
        world.place.shown[world.notice.id] = document
        raise end

    world.place.after_publishing = late
    try:
        await world.run(is_last=True)
    except Killed:
        assert await world.run(is_last=True) is None, "the next worker does the job"

    assert world.place.shown
    assert world.waiting == [WITHDRAW_NOTICE.name]
    assert await world.withdraw() is None
    assert world.place.shown == {}
    assert (world.notice.state, world.notice.ending) == (NoticeState.WITHDRAWN, Ending.OPERATOR)


async def test_a_failed_one_that_may_be_public_is_taken_back_once_nobody_needs_it() -> None:
    world = NoticeWorld()
    delivery = await world.ordered()
    world.place.trouble, world.place.taken_first = NoticeTrouble("TIMED_OUT"), True
    assert await world.run(is_last=True) == "TIMED_OUT"
    assert world.notice.state is NoticeState.FAILED
    assert world.place.shown
    assert await world.sweep.work_off() == 0, "the operator may yet have it published"

    await world.world.reading.open_message(OpenMessage(world.world.ani, delivery.id))
    assert await world.sweep.work_off() == 1

    world.place.trouble = None
    assert await world.withdraw() is None
    assert world.place.shown == {}
    assert (world.notice.state, world.notice.ending) == (NoticeState.WITHDRAWN, Ending.NOTIFIED)
    assert world.waiting == [PUBLISH_NOTICE.name], "the dead letter"
