"""What segments and reports are, whatever keeps them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from server.domain.sender_sms import SenderSms, SmsFilter, SmsState
from server.domain.sms import DeliveryReport, SentSegment, TextKind
from server.usecases.ports import UnitOfWork
from tests.contracts import examples
from tests.contracts.examples import NOON, at


def segment(text_id: UUID, number: int, centre_id: str) -> SentSegment:
    return SentSegment(text_id, number, 2, TextKind.COPY, centre_id, "123456", at(number))


class SmsContract:
    """Segments are a text's; a report is kept until it was looked at."""

    async def test_segments_come_back_and_the_first_report_stays(self, uow: UnitOfWork) -> None:
        text_id, names = examples.new_id(), [f"x{examples.number()}", f"y{examples.number()}"]
        one, two = (segment(text_id, number, name) for number, name in enumerate(names, 1))
        async with uow.writing() as tx:
            await tx.sms_segments.add([two, one])
            await tx.sms_segments.add([replace(one, centre_id="other")])
            await tx.commit()
        async with uow.writing() as tx:
            assert await tx.sms_segments.of_text(text_id) == [one, two]
            assert await tx.sms_segments.lock_text(text_id) == [one, two]
            assert await tx.sms_segments.named([*names, "neither"]) == [two, one]
            assert await tx.sms_segments.named(["other"]) == []
            assert await tx.sms_segments.report(one, "EXPIRED", NOON)
            assert not await tx.sms_segments.report(one, "", NOON)
            assert await tx.sms_segments.report(two, "", NOON)
            assert not await tx.sms_segments.report(replace(one, number=3), "", NOON)
            await tx.commit()
        async with uow.reading() as tx:
            found = await tx.sms_segments.of_text(text_id)
        assert found == [replace(one, failure="EXPIRED"), replace(two, failure="")]

    async def test_old_segments_are_forgotten_so_many_at_once(self, uow: UnitOfWork) -> None:
        old, new = examples.new_id(), examples.new_id()
        async with uow.writing() as tx:
            while await tx.sms_segments.forget(NOON, limit=1000):
                pass
            await tx.sms_segments.add(
                [replace(segment(old, number, "o"), sent_at=at(-60)) for number in (1, 2)]
            )
            await tx.sms_segments.add([segment(new, 1, "n")])
            assert await tx.sms_segments.forget(NOON, limit=1) == 1
            assert await tx.sms_segments.forget(NOON, limit=5) == 1
            assert await tx.sms_segments.of_text(old) == []
            assert len(await tx.sms_segments.of_text(new)) == 1

    async def test_a_report_is_there_until_it_is_removed(self, uow: UnitOfWork) -> None:
        report_id, report = examples.new_id(), DeliveryReport("17", "37491123456", "EXPIRED")
        async with uow.writing() as tx:
            await tx.sms_reports.add(report_id, report, NOON)
            await tx.commit()
        async with uow.writing() as tx:
            assert await tx.sms_reports.get(report_id) == report
            assert await tx.sms_reports.get(examples.new_id()) is None
            await tx.sms_reports.remove(report_id)
            await tx.sms_reports.remove(report_id)
            await tx.commit()
        async with uow.reading() as tx:
            assert await tx.sms_reports.get(report_id) is None


class SenderSmsContract:
    """Senders' short messages are an organisation's; their words are forgotten in time."""

    async def test_a_short_message_comes_back_and_moves_on(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        one, two = sender_sms(organisation.id), sender_sms(organisation.id, request_id="other")
        sent, failed = examples.new_id(), examples.new_id()
        async with uow.writing() as tx:
            await tx.organisations.add(organisation)
            await tx.sender_texts.add([one, two])
            await tx.commit()
        async with uow.writing() as tx:
            assert await tx.sender_texts.get(one.id) == one
            assert await tx.sender_texts.get(examples.new_id()) is None
            assert await tx.sender_texts.under(organisation.id, one.request_id) == [one]
            assert await tx.sender_texts.move(one, SmsState.SENT, why="", at=at(1), evidence_id=sent)
            assert not await tx.sender_texts.move(one, SmsState.SENT, why="", at=at(1), evidence_id=sent)
            moved = replace(one, state=SmsState.SENT, result_at=at(1), later_evidence=(sent,))
            assert await tx.sender_texts.get(one.id) == moved
            assert await tx.sender_texts.move(
                moved, SmsState.FAILED, why="EXPIRED", at=at(2), evidence_id=failed
            )
            await tx.commit()
        last = replace(
            moved, state=SmsState.FAILED, why="EXPIRED", result_at=at(2), later_evidence=(sent, failed)
        )
        async with uow.reading() as tx:
            assert await tx.sender_texts.get(one.id) == last

    async def test_texts_of_a_day_are_counted_up_to_the_limit_and_the_next_day_anew(
        self, uow: UnitOfWork
    ) -> None:
        address, other, day = examples.new_id(), examples.new_id(), NOON.date()
        async with uow.writing() as tx:
            assert await tx.sender_texts.take_room(address, day, 3, limit=5)
            assert not await tx.sender_texts.take_room(address, day, 3, limit=5)
            assert await tx.sender_texts.take_room(address, day, 2, limit=5)
            assert not await tx.sender_texts.take_room(other, day, 6, limit=5)
            assert await tx.sender_texts.take_room(other, day, 5, limit=5)
            await tx.commit()
        async with uow.writing() as tx:
            assert not await tx.sender_texts.take_room(address, day, 1, limit=5)
        tomorrow = day + timedelta(days=1)
        async with uow.writing() as tx:
            assert await tx.sender_texts.take_room(address, tomorrow, 4, limit=5)
            # A clock that is late does not open the day that is over again.
            assert not await tx.sender_texts.take_room(address, day, 2, limit=5)
            assert await tx.sender_texts.take_room(address, day, 1, limit=5)
            assert not await tx.sender_texts.take_room(address, tomorrow, 1, limit=5)

    async def test_short_messages_are_listed_by_what_is_wanted(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        delivery_id, entry_id = examples.new_id(), examples.new_id()
        alone = sender_sms(organisation.id, request_id="alone")
        beside = replace(sender_sms(organisation.id), delivery_id=delivery_id, sender_address_id=entry_id)
        async with uow.writing() as tx:
            await tx.organisations.add(organisation)
            await tx.sender_texts.add([alone, beside])
            await tx.commit()

        async def listed(wanted: SmsFilter, entry: UUID | None = None, before: UUID | None = None) -> object:
            async with uow.reading() as tx:
                return await tx.sender_texts.listed(organisation.id, entry, wanted, before=before, limit=5)

        newest = sorted([alone, beside], key=lambda each: each.id, reverse=True)
        assert await listed(SmsFilter()) == newest
        assert await listed(SmsFilter(), before=newest[0].id) == newest[1:]
        assert await listed(SmsFilter(), entry_id) == [beside]
        assert await listed(SmsFilter(delivery_id=delivery_id)) == [beside]
        assert await listed(SmsFilter(request_id="alone")) == [alone]
        assert await listed(SmsFilter(states=frozenset({SmsState.ACCEPTED}))) == newest
        assert await listed(SmsFilter(states=frozenset({SmsState.SENT}))) == []

    async def test_old_words_are_forgotten_so_many_at_once(self, uow: UnitOfWork) -> None:
        organisation = examples.organisation()
        old = [replace(sender_sms(organisation.id), submitted_at=at(-60)) for _ in range(2)]
        new = sender_sms(organisation.id)
        async with uow.writing() as tx:
            while await tx.sender_texts.forget_words(NOON, limit=1000):
                pass
            await tx.organisations.add(organisation)
            await tx.sender_texts.add([*old, new])
            assert await tx.sender_texts.forget_words(NOON, limit=1) == 1
            assert await tx.sender_texts.forget_words(NOON, limit=5) == 1
            assert await tx.sender_texts.get(old[0].id) == replace(old[0], text=None)
            assert await tx.sender_texts.get(new.id) == new


def sender_sms(organisation_id: UUID, request_id: str = "1") -> SenderSms:
    return SenderSms(
        id=examples.new_id(),
        organisation_id=organisation_id,
        sender_address_id=examples.new_id(),
        sender="notices@src.am",
        request_id=request_id,
        delivery_id=None,
        phone="+37491123456",
        text="Ձեզ նամակ կա",
        segments=1,
        submitted_at=NOON,
        acceptance_id=examples.new_id(),
    )
