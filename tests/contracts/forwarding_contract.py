"""What forwarding targets and copies are, whatever keeps them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from server.domain.forwarding import (
    LOOKED_BACK,
    CopyState,
    ForwardedContent,
    ForwardedCopy,
    ForwardingTarget,
    Result,
    TargetKind,
    TargetResult,
    VerificationCode,
)
from server.storage.failures import StorageFault
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at
from tests.contracts.post_contract import delivered

CODE = VerificationCode(b"salt", bytes(range(32)), at(1800), 5)


async def added(uow: UnitOfWork) -> tuple[ForwardingTarget, ForwardedCopy]:
    """Returns a target that is not verified, of a mailbox with a message, and what would be its copy."""
    async with uow.writing() as tx:
        (delivery,) = await delivered(tx)
        target = ForwardingTarget(
            examples.new_id(),
            delivery.mailbox_id,
            TargetKind.EMAIL,
            f"a{examples.number()}@example.am",
            "hy",
            ForwardedContent.WHOLE,
            NOON,
        )
        await tx.forwarding_targets.add(target)
        await tx.commit()
    return target, ForwardedCopy(delivery.mailbox_id, delivery.id, target.id, examples.new_id())


class ForwardingContract:
    """Targets are a mailbox's; a mailbox is marked while one of them is verified."""

    async def test_a_target_comes_back_as_it_was_added_and_changed(self, uow: UnitOfWork) -> None:
        target, _ = await added(uow)
        last = TargetResult(Result.FAILED, at(60), "REFUSED", "550 no", 3)
        async with uow.writing() as tx:
            await tx.forwarding_targets.set_code(target.id, CODE)
            await tx.forwarding_targets.set_all_last({target.id: last, examples.new_id(): last})
            await tx.commit()

        async with uow.reading() as tx:
            found = await tx.forwarding_targets.get(target.mailbox_id, target.id)
            assert found == replace(target, code=CODE, last=last)
            assert await tx.forwarding_targets.of_mailbox(target.mailbox_id) == [found]
            assert await tx.forwarding_targets.get(examples.new_id(), target.id) is None

    async def test_content_and_language_are_changed_and_nothing_else(self, uow: UnitOfWork) -> None:
        (target, _), (other, _) = await added(uow), await added(uow)
        wanted = replace(target, content=ForwardedContent.NOTICE, language="ru")
        async with uow.writing() as tx:
            await tx.forwarding_targets.set_code(target.id, CODE)
            await tx.forwarding_targets.change(replace(wanted, address="b@example.am", added_at=at(7)))
            await tx.forwarding_targets.change(replace(wanted, id=other.id))
            await tx.commit()

        async with uow.reading() as tx:
            found = await tx.forwarding_targets.get(target.mailbox_id, target.id)
            assert found == replace(wanted, code=CODE)
            assert await tx.forwarding_targets.get(other.mailbox_id, other.id) == other

    async def test_that_a_phone_has_its_copy_comes_back(self, uow: UnitOfWork) -> None:
        target, copy = await added(uow)
        last = TargetResult(Result.DELIVERED, at(60))
        async with uow.writing() as tx:
            await tx.forwarding_targets.set_last(target.id, last)
            await tx.forwarded_copies.add([copy])
            assert await tx.forwarded_copies.move(copy, CopyState.DELIVERED, ForwardedContent.NOTICE)
            await tx.commit()

        async with uow.reading() as tx:
            found = await tx.forwarding_targets.get(target.mailbox_id, target.id)
            assert found is not None
            assert found.last == last
            kept = await tx.forwarded_copies.by_token(copy.token)
            assert kept == replace(copy, state=CopyState.DELIVERED, content=ForwardedContent.NOTICE)

    async def test_a_mailbox_has_an_address_once(self, uow: UnitOfWork) -> None:
        target, _ = await added(uow)
        with pytest.raises(StorageFault):
            async with uow.writing() as tx:
                await tx.forwarding_targets.add(replace(target, id=examples.new_id()))

    async def test_a_mailbox_is_marked_from_verifying_to_removing(self, uow: UnitOfWork) -> None:
        target, _ = await added(uow)
        marks = []
        async with uow.writing() as tx:
            await tx.forwarding_targets.set_code(target.id, CODE)
            marks.append(await tx.mailboxes.get(target.mailbox_id))
            await tx.forwarding_targets.verify(target.mailbox_id, target.id, at(9))
            verified = await tx.forwarding_targets.get(target.mailbox_id, target.id)
            marks.append(await tx.mailboxes.get(target.mailbox_id))
            await tx.forwarding_targets.remove(target.mailbox_id, target.id)
            await tx.forwarding_targets.refresh_mark(target.mailbox_id)
            marks.append(await tx.mailboxes.get(target.mailbox_id))
            await tx.commit()

        assert verified == replace(target, verified_at=at(9))
        assert [mailbox.forwards for mailbox in marks if mailbox] == [False, True, False]

    async def test_codes_are_counted_by_mailbox_and_by_address(self, uow: UnitOfWork) -> None:
        one, _ = await added(uow)
        other, _ = await added(uow)
        since = NOON - timedelta(days=1)
        async with uow.writing() as tx:
            targets = tx.forwarding_targets
            for seconds in (1, 2):
                await targets.count_code(one.mailbox_id, one.address, at(seconds))
            await targets.count_code(other.mailbox_id, one.address, at(3))
            ask = targets.code_in_the_way
            assert await ask(one.mailbox_id, "x@example.am", since=since, most=3) is None
            assert await ask(one.mailbox_id, "x@example.am", since=since, most=2) == at(1)
            assert await ask(one.mailbox_id, "x@example.am", since=since, most=1) == at(2)
            assert await ask(other.mailbox_id, one.address, since=since, most=3) == at(1)
            assert await ask(other.mailbox_id, one.address, since=at(2), most=2) is None
            assert await ask(one.mailbox_id, one.address, since=since, most=2) == at(2), "the later of both"
            await tx.commit()

    async def test_codes_are_forgotten_so_many_at_once_and_none_too_early(self, uow: UnitOfWork) -> None:
        target, _ = await added(uow)
        long_ago = NOON - timedelta(days=4000)
        async with uow.writing() as tx:
            targets = tx.forwarding_targets

            async def left(most: int) -> bool:
                found = await targets.code_in_the_way(
                    target.mailbox_id, target.address, since=long_ago - timedelta(1), most=most
                )
                return found is not None

            for hours in range(4):
                await targets.count_code(target.mailbox_id, target.address, long_ago + timedelta(hours=hours))
            before = long_ago + timedelta(hours=3)
            assert await targets.forget_codes(before, limit=2) == 2
            assert [await left(most) for most in (2, 3)] == [True, False]
            assert await targets.forget_codes(before, limit=2) == 1
            assert await targets.forget_codes(before, limit=2) == 0
            assert [await left(most) for most in (1, 2)] == [True, False]
            await tx.commit()

    async def test_a_wrong_try_is_taken_from_the_code_that_it_was_of_and_no_other(
        self, uow: UnitOfWork
    ) -> None:
        target, _ = await added(uow)
        other = replace(CODE, digest=bytes(32), tries_left=1)
        async with uow.writing() as tx:
            targets = tx.forwarding_targets
            assert await targets.set_code(target.id, CODE)
            assert await targets.count_wrong_try(target.id, CODE)
            first = await targets.get(target.mailbox_id, target.id)
            assert await targets.set_code(target.id, other)
            assert not await targets.count_wrong_try(target.id, CODE)
            second = await targets.get(target.mailbox_id, target.id)
            assert await targets.count_wrong_try(target.id, other)
            assert not await targets.count_wrong_try(target.id, other)
            third = await targets.get(target.mailbox_id, target.id)
            await tx.commit()

        codes = [found.code for found in (first, second, third) if found]
        assert codes == [replace(CODE, tries_left=4), other, replace(other, tries_left=0)]

    async def test_a_target_that_is_verified_or_gone_gets_no_code(self, uow: UnitOfWork) -> None:
        target, _ = await added(uow)
        async with uow.writing() as tx:
            targets = tx.forwarding_targets
            await targets.verify(target.mailbox_id, target.id, at(9))
            assert not await targets.set_code(target.id, CODE)
            assert await targets.get(target.mailbox_id, target.id) == replace(target, verified_at=at(9))
            await targets.remove(target.mailbox_id, target.id)
            assert not await targets.set_code(target.id, CODE)
            await tx.commit()

    async def test_the_latest_result_is_kept_in_whichever_order_they_come(self, uow: UnitOfWork) -> None:
        target, _ = await added(uow)
        earlier, later = TargetResult(Result.FAILED, at(1), "BUSY"), TargetResult(Result.SENT, at(2))
        async with uow.writing() as tx:
            await tx.forwarding_targets.set_last(target.id, later)
            await tx.forwarding_targets.set_last(target.id, earlier)
            found = await tx.forwarding_targets.get(target.mailbox_id, target.id)
            await tx.commit()

        assert found is not None
        assert found.last == later

    async def test_what_is_no_copy_leaves_how_many_copies_failed_in_a_row(self, uow: UnitOfWork) -> None:
        target, _ = await added(uow)
        nudges = [
            TargetResult(Result.SENT, at(61)),
            TargetResult(Result.BOUNCED, at(62), "NO_SUCH_ADDRESS"),
            TargetResult(Result.DELIVERED, at(63)),
        ]
        found = []
        async with uow.writing() as tx:
            targets = tx.forwarding_targets
            await targets.set_last(examples.new_id(), nudges[0])
            await targets.set_all_last({target.id: TargetResult(Result.FAILED, at(60), "BUSY", in_a_row=3)})
            for nudge in nudges:
                await targets.set_last(target.id, nudge)
                kept = await targets.get(target.mailbox_id, target.id)
                found.append(None if kept is None else kept.last)
            await tx.commit()

        assert found == [replace(nudge, in_a_row=3) for nudge in nudges]

    async def test_many_targets_are_read_and_their_results_kept_at_once(self, uow: UnitOfWork) -> None:
        (one, _), (other, _), (unverified, _) = await added(uow), await added(uow), await added(uow)
        sent, old = TargetResult(Result.DELIVERED, at(60)), TargetResult(Result.FAILED, at(30), "BUSY")
        async with uow.writing() as tx:
            targets = tx.forwarding_targets
            for each in (one, other):
                await targets.verify(each.mailbox_id, each.id, at(9))
            await targets.set_all_last({other.id: sent})
            await targets.set_all_last({one.id: old, other.id: old, examples.new_id(): old})
            await targets.set_all_last({})
            found = await targets.verified_of({one.mailbox_id, other.mailbox_id, unverified.mailbox_id})
            await tx.commit()

        assert {each.id: each.last for each in found} == {one.id: old, other.id: sent}
        assert {each.verified_at for each in found} == {at(9)}

    async def test_many_copies_are_added_and_moved_at_once_each_by_compare_and_set(
        self, uow: UnitOfWork
    ) -> None:
        (_, one), (_, other), (_, third) = await added(uow), await added(uow), await added(uow)
        sent = replace(other, state=CopyState.SENT)
        async with uow.writing() as tx:
            copies = tx.forwarded_copies
            assert await copies.add([]) == []
            assert await copies.add([one]) == [one]
            assert await copies.add([other, replace(one, token=examples.new_id()), third]) == [other, third]
            changes = [(copy, CopyState.SENT, ForwardedContent.NOTICE) for copy in (one, sent, third)]
            moved = await copies.move_all(changes)
            assert set(moved) == {one.token, third.token}
            assert set(await copies.move_all(changes)) == set()
            found = await copies.of_deliveries([one.delivery_id, other.delivery_id])
            await tx.commit()

        carried = replace(one, state=CopyState.SENT, content=ForwardedContent.NOTICE)
        assert sorted(found, key=lambda copy: copy.token) == sorted(
            [carried, other], key=lambda copy: copy.token
        )

    async def test_a_copy_is_added_once_and_moves_by_compare_and_set(self, uow: UnitOfWork) -> None:
        _, copy = await added(uow)
        again = replace(copy, token=examples.new_id())
        async with uow.writing() as tx:
            assert await tx.forwarded_copies.add([copy]) == [copy]
            assert await tx.forwarded_copies.add([again]) == []
            assert await tx.forwarded_copies.move(copy, CopyState.SENT, ForwardedContent.WHOLE)
            assert not await tx.forwarded_copies.move(copy, CopyState.FAILED)
            await tx.commit()

        sent = replace(copy, state=CopyState.SENT, content=ForwardedContent.WHOLE)
        async with uow.writing() as tx:
            assert await tx.forwarded_copies.get(copy.delivery_id, copy.target_id) == sent
            assert await tx.forwarded_copies.by_token(copy.token) == sent
            assert await tx.forwarded_copies.by_token(examples.new_id()) is None
            assert await tx.forwarded_copies.move(sent, CopyState.BOUNCED)
            bounced = await tx.forwarded_copies.by_token(copy.token)
            assert bounced == replace(sent, state=CopyState.BOUNCED)
            await tx.commit()

    async def test_failures_in_a_row_are_counted_back_from_a_copy(self, uow: UnitOfWork) -> None:
        sent, failed, bounced = CopyState.SENT, CopyState.FAILED, CopyState.BOUNCED
        states = [
            failed,
            CopyState.DELIVERED,
            bounced,
            failed,
            CopyState.SKIPPED,
            bounced,
            failed,
            sent,
            failed,
        ]
        async with uow.writing() as tx:
            deliveries = await delivered(tx, LOOKED_BACK + 2)
            target, other = examples.new_id(), examples.new_id()
            mailbox = deliveries[0].mailbox_id
            copies = [
                ForwardedCopy(mailbox, delivery.id, target, examples.new_id(), state)
                for delivery, state in zip(deliveries, states, strict=False)
            ]
            always = [
                ForwardedCopy(mailbox, delivery.id, other, examples.new_id(), bounced)
                for delivery in deliveries
            ]
            await tx.forwarded_copies.add([*copies, *always])
            await tx.commit()

        async with uow.reading() as tx:
            found = await tx.forwarded_copies.failed_before([*copies, *always])
            none = await tx.forwarded_copies.failed_before([])
        assert [found[copy.token] for copy in copies] == [0, 1, 0, 1, 2, 2, 3, 4, 0]
        assert [found[copy.token] for copy in always] == [*range(LOOKED_BACK + 1), LOOKED_BACK]
        assert none == {}
