"""What segments and reports are, whatever keeps them."""

from dataclasses import replace
from uuid import UUID

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
