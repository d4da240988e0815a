"""What public notices and the entries of the feed are, whatever keeps them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.notices import Ending, Notice, NoticeState
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at
from tests.contracts.post_contract import delivered

LATER = timedelta(days=7)


async def added(uow: UnitOfWork, state: NoticeState = NoticeState.WAITING) -> Notice:
    """Returns a notice of a new delivery, in a state."""
    async with uow.writing() as tx:
        (delivery,) = await delivered(tx)
        notice = Notice(examples.new_id(), delivery.mailbox_id, delivery.id, "NOTICE", NOON)
        assert await tx.notices.add(notice) == notice
        if state is not NoticeState.WAITING:
            notice = replace(
                notice,
                state=state,
                document="{«Ծանուցում»}".encode(),
                place="https://notices.example.am/1",
                deadline=NOON + LATER,
                published_at=at(1),
            )
            await tx.notices.change(notice)
        await tx.commit()
    return notice


class NoticeContract:
    """A step of a delivery has one notice."""

    async def test_a_notice_comes_back_as_it_was_changed(self, uow: UnitOfWork) -> None:
        notice = replace(
            await added(uow, NoticeState.PUBLISHED),
            state=NoticeState.WITHDRAWN,
            reason="FAILED",
            job_id=7,
            ending=Ending.OPERATOR,
            ended_at=at(9),
        )
        async with uow.writing() as tx:
            await tx.notices.change(notice)
            await tx.commit()
        async with uow.writing() as tx:
            assert await tx.notices.get(notice.id) == notice
            assert await tx.notices.lock(notice.id) == notice
            assert await tx.notices.get(examples.new_id()) is None

    async def test_a_step_has_one_notice_the_first(self, uow: UnitOfWork) -> None:
        notice = await added(uow)
        async with uow.writing() as tx:
            assert await tx.notices.add(replace(notice, id=examples.new_id(), asked_at=at(5))) == notice
            other = replace(notice, id=examples.new_id(), step="NOTICE-AGAIN")
            assert await tx.notices.add(other) == other

    async def test_none_is_published_without_what_was_and_where(self, uow: UnitOfWork) -> None:
        notice = await added(uow)
        with pytest.raises(StorageFault) as raised:
            async with uow.writing() as tx:
                await tx.notices.change(replace(notice, state=NoticeState.PUBLISHED))
        assert raised.value.constraint == "ck_notices_published"

    async def test_those_that_nobody_needs_are_found_and_why(self, uow: UnitOfWork) -> None:
        public = [await added(uow, NoticeState.PUBLISHED) for _ in range(3)]
        await added(uow)
        await added(uow, NoticeState.WITHDRAWING)
        notified, withdrawn, _ = public
        async with uow.writing() as tx:
            await tx.deliveries.set_notified(notified.mailbox_id, notified.delivery_id, at(3))
            await tx.deliveries.set_withdrawn(withdrawn.mailbox_id, withdrawn.delivery_id, at(3))
            await tx.commit()
        mine = {each.id for each in public}

        async def ended(seconds: float) -> dict[object, Ending]:
            async with uow.writing() as tx:
                found = await tx.notices.lock_ended(at(seconds), limit=1000)
            return {notice.id: why for notice, why in found if notice.id in mine}

        assert await ended(LATER.total_seconds() - 1) == {
            notified.id: Ending.NOTIFIED,
            withdrawn.id: Ending.WITHDRAWN,
        }
        assert await ended(LATER.total_seconds()) == dict.fromkeys(mine, Ending.OVER)

    async def test_failed_ones_that_may_be_public_are_found_once_nobody_needs_them(
        self, uow: UnitOfWork
    ) -> None:
        needed, notified, withdrawn, never = [await added(uow, NoticeState.FAILED) for _ in range(4)]
        async with uow.writing() as tx:
            await tx.notices.change(replace(never, document=None))
            for each in (notified, never):
                await tx.deliveries.set_notified(each.mailbox_id, each.delivery_id, at(3))
            await tx.deliveries.set_withdrawn(withdrawn.mailbox_id, withdrawn.delivery_id, at(3))
            await tx.commit()
        mine = {each.id for each in (needed, notified, withdrawn, never)}
        async with uow.writing() as tx:
            # As the sweep does: first those that are public for certain.
            for notice, _ in await tx.notices.lock_ended(NOON, limit=1000):
                if notice.state is NoticeState.PUBLISHED:
                    await tx.notices.change(replace(notice, state=NoticeState.WITHDRAWING))
            found = await tx.notices.lock_ended(NOON, limit=1000)
        assert {notice.id: why for notice, why in found if notice.id in mine} == {
            notified.id: Ending.NOTIFIED,
            withdrawn.id: Ending.WITHDRAWN,
        }

    async def test_they_are_listed_by_state_in_order_without_documents(self, uow: UnitOfWork) -> None:
        waiting, public = await added(uow), await added(uow, NoticeState.PUBLISHED)
        failed = await added(uow, NoticeState.FAILED)
        async with uow.reading() as tx:
            both = [NoticeState.WAITING, NoticeState.PUBLISHED]
            found = await tx.notices.listed(both, after=examples.id_before(waiting.id), limit=100)
            assert found == [waiting, replace(public, document=None)]
            assert await tx.notices.listed([NoticeState.FAILED], after=failed.id, limit=1) == []
            assert len(await tx.notices.listed(both, after=None, limit=1)) == 1


class NoticeEntryContract:
    """The feed shows the newest change first, and forgets what was withdrawn."""

    async def test_the_newest_change_comes_first_and_the_same_again_is_none(self, uow: UnitOfWork) -> None:
        one, two = examples.new_id(), examples.new_id()
        async with uow.writing() as tx:
            entries = tx.notice_entries
            await entries.put(one, b"1", at(1))
            await entries.put(two, b"2", at(2))
            first, second = await entries.get(one), await entries.get(two)
            assert first is not None
            assert second is not None
            await entries.put(one, b"1", at(3))
            assert await entries.get(one) == first
            assert list(await entries.newest(before=None, limit=2)) == [second, first]
            await entries.put(one, b"1, corrected", at(4))
            changed = await entries.get(one)
            assert changed is not None
            assert (changed.published_at, changed.changed_at) == (at(1), at(4))
            assert changed.number > second.number
            assert list(await entries.newest(before=changed.number, limit=1)) == [second]

    async def test_of_a_withdrawn_one_nothing_is_left_but_that_it_was(self, uow: UnitOfWork) -> None:
        one, unknown = examples.new_id(), examples.new_id()
        async with uow.writing() as tx:
            entries = tx.notice_entries
            await entries.put(one, b"1", at(1))
            await entries.withdraw(one, at(2))
            await entries.withdraw(one, at(3))
            await entries.withdraw(unknown, at(2))
            (left,) = await entries.newest(before=None, limit=1)
            assert (left.notice_id, left.document, left.changed_at) == (one, None, at(2))
            assert await entries.get(unknown) is None
            await entries.put(one, b"1", at(4))
            back = await entries.get(one)
            assert back is not None
            assert back.document == b"1"

    async def test_withdrawn_ones_are_forgotten_so_many_at_once_and_none_too_early(
        self, uow: UnitOfWork
    ) -> None:
        long_ago = NOON - timedelta(days=4000)
        ids = [examples.new_id() for _ in range(4)]
        async with uow.writing() as tx:
            entries = tx.notice_entries
            for number, each in enumerate(ids):
                await entries.put(each, b"old", long_ago)
                if number:
                    await entries.withdraw(each, long_ago + timedelta(hours=number))
            before = long_ago + timedelta(hours=3)
            assert await entries.forget(before, limit=1) == 1
            assert await entries.forget(before, limit=9) == 1
            left = [await entries.get(each) for each in ids]
            assert [each is not None for each in left] == [True, False, False, True]
