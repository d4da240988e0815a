"""Copies that come back after their targets' servers had taken them."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from server.domain.delivery_reports import ReportedFailure
from server.domain.forwarding import BOUNCE_PERIOD, CopyState, ForwardedCopy, Result
from server.domain.jobs import SEND_COPY, SPREAD
from server.domain.refusals import ServiceUnavailable
from server.usecases.forwarding import OfTarget
from server.usecases.returned_mails import Awaited
from tests.unit.usecases.forwarding_world import BUSY, HOME, REFUSED, Forwarding

BACK = ReportedFailure("NO_SUCH_ADDRESS", "5.1.1", "550 no such user")


@pytest.fixture
def scene() -> Forwarding:
    return Forwarding()


async def copied(scene: Forwarding) -> ForwardedCopy:
    """Returns the copy of a new message, sent or not."""
    delivery = await scene.sent()
    await scene.run(SPREAD)
    (copy,) = (
        each for each in scene.uow.committed.forwarded_copies.values() if each.delivery_id == delivery.id
    )
    return copy


async def test_a_copy_that_comes_back_is_told_once_and_touches_nothing_else(scene: Forwarding) -> None:
    """POST-7."""
    await scene.verified()
    copy = await copied(scene)
    before = dict(scene.uow.committed.deliveries)

    assert await scene.came_back(copy.token)
    assert not await scene.came_back(copy.token, "MAILBOX_FULL")
    assert not await scene.came_back(uuid4())
    assert await scene.last() == (Result.BOUNCED, "NO_SUCH_ADDRESS")
    assert scene.results() == [("RelayToNonERDS", None), ("RelayToNonERDSFailure", "NO_SUCH_ADDRESS")]
    assert scene.uow.committed.deliveries == before


async def test_a_copy_that_comes_back_after_its_target_was_removed_is_what_it_was(scene: Forwarding) -> None:
    target = await scene.verified()
    copy = await copied(scene)
    await scene.forwarding.remove_target(OfTarget(scene.ani, None, target, request_id="gone"))

    assert await scene.came_back(copy.token)
    assert scene.results() == [("RelayToNonERDS", None), ("RelayToNonERDSFailure", "NO_SUCH_ADDRESS")]


async def test_tokens_are_random_and_no_mail_shows_its_own(scene: Forwarding) -> None:
    await scene.verified()
    await scene.verified("other@example.am")
    await scene.sent()
    await scene.run(SPREAD)
    tokens = [copy.token for copy in scene.uow.committed.forwarded_copies.values()]
    assert [token.version for token in tokens] == [4, 4]
    assert len({token.hex[:8] for token in tokens}) == 2
    for mail in scene.mail.sent[2:]:  # behind the codes
        (own,) = (token for token in tokens if token.hex in mail.bounces_to)
        assert own.hex not in mail.message.as_string()
        assert str(own) not in mail.message.as_string()


async def test_reports_are_awaited_for_what_was_sent_and_for_a_month(scene: Forwarding) -> None:
    await scene.verified()
    token = (await copied(scene)).token
    assert await scene.returned.awaited(token) is Awaited.YES
    assert await scene.returned.awaited(uuid4()) is Awaited.NO
    await scene.came_back(token)
    assert await scene.returned.awaited(token) is Awaited.YES
    scene.clock.move(BOUNCE_PERIOD + timedelta(seconds=1))
    assert await scene.returned.awaited(token) is Awaited.NO


async def test_a_report_that_overtakes_the_record_of_sending_comes_again(scene: Forwarding) -> None:
    await scene.verified()
    scene.mail.failing = BUSY
    token = (await copied(scene)).token
    assert await scene.returned.awaited(token) is Awaited.NOT_YET
    assert not await scene.came_back(token)
    scene.mail.failing = None
    await scene.run(SEND_COPY)
    assert await scene.returned.awaited(token) is Awaited.YES
    assert await scene.came_back(token)


async def test_of_a_copy_that_is_told_as_failed_nothing_more_is_told(scene: Forwarding) -> None:
    await scene.verified()
    scene.mail.failing = REFUSED
    token = (await copied(scene)).token
    assert await scene.returned.awaited(token) is Awaited.YES
    assert not await scene.came_back(token)
    assert scene.results() == [("RelayToNonERDSFailure", "REFUSED")]


@pytest.mark.parametrize("state", [CopyState.SKIPPED, CopyState.DELIVERED])
async def test_nothing_is_awaited_of_what_was_not_mailed(scene: Forwarding, state: CopyState) -> None:
    await scene.verified()
    copy = await copied(scene)
    async with scene.uow.writing() as tx:
        await tx.forwarded_copies.move(copy, state)
        await tx.commit()
    assert await scene.returned.awaited(copy.token) is Awaited.NO
    assert not await scene.came_back(copy.token)


async def test_the_holder_sees_the_servers_words_and_how_many_failed_in_a_row(scene: Forwarding) -> None:
    await scene.verified()
    seen = []
    for comes_back in (True, True, False, True):
        copy = await copied(scene)
        if comes_back:
            await scene.came_back(copy.token)
        (target,) = await scene.forwarding.list_targets(scene.ani, None)
        assert target.last is not None
        seen.append((target.last.result, target.last.diagnostic, target.last.in_a_row))
    assert seen == [
        (Result.BOUNCED, "no such user", 1),
        (Result.BOUNCED, "no such user", 2),
        (Result.SENT, "", 0),
        (Result.BOUNCED, "no such user", 1),
    ]
    scene.mail.failing = REFUSED
    await copied(scene)
    (target,) = await scene.forwarding.list_targets(scene.ani, None)
    assert target.last is not None
    assert (target.last.result, target.last.diagnostic, target.last.in_a_row) == (Result.FAILED, "", 2)


async def test_while_the_database_is_away_a_report_is_not_taken(scene: Forwarding) -> None:
    await scene.verified(HOME)
    token: UUID = (await copied(scene)).token
    scene.uow.unavailable = True
    with pytest.raises(ServiceUnavailable):
        await scene.returned.awaited(token)
    with pytest.raises(ServiceUnavailable):
        await scene.returned.failed(token, BACK)
