"""Letters among print houses: leased to one at a time, read piece by piece, reported in order (BOX-11)."""

from dataclasses import replace
from datetime import datetime, timedelta
from unittest.mock import ANY
from uuid import UUID

import pytest

from namak.evidence.details_outside import LetterHandedOverDetails, LetterPrintedDetails, LetterRefusedDetails
from namak.evidence.document import EvidenceDocument
from server.domain.caller import Connection, Operator, PrintHouse
from server.domain.deliveries import DeliveryState
from server.domain.letter_orders import LetterState, Report
from server.domain.print_houses import PrintHouseState
from server.domain.refusals import (
    InvalidFields,
    InvalidPageToken,
    LetterCancelled,
    LetterFileDiffers,
    LetterLeaseEnded,
    LetterOutOfOrder,
    LetterTrackingDiffers,
    PrintHouseSuspended,
    RequestIdReused,
    ResourceNotPermitted,
    ServiceUnavailable,
)
from server.jurisdictions.am import AM
from server.usecases.letter_desk import (
    AT_ONCE,
    PIECE_BYTES,
    LeaseLetters,
    ListLetterOrders,
    ReadLetter,
)
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery
from tests.fakes.unit_of_work import LostCommit
from tests.unit.usecases.print_house_world import LEASE, MINUTE, Houses, refusal
from tests.unit.usecases.test_ladder import NOTICE_DUE


@pytest.fixture
def post() -> Houses:
    return Houses()


async def test_letters_are_leased_the_longest_waiting_first_and_to_one_house(post: Houses) -> None:
    first, second = await post.waiting(), await post.waiting()

    (got,) = await post.lease(most=1)
    assert got.id == first.id
    assert got.lease is not None
    assert got.lease.until == post.clock.now() + LEASE
    assert [each.id for each in await post.lease(post.elsewhere)] == [second.id]
    assert await post.lease() == []


async def test_a_house_that_leases_and_disappears_loses_its_letters_to_the_next(post: Houses) -> None:
    letter = await post.leased()
    post.clock.move(LEASE - timedelta(microseconds=1))
    assert await post.lease(post.elsewhere) == []
    post.clock.move(timedelta(microseconds=1))

    assert isinstance(await refusal(lambda: post.report(letter, Report.PRINTED)), LetterLeaseEnded)
    assert isinstance(await refusal(lambda: post.read(letter)), LetterLeaseEnded)
    assert [each.id for each in await post.lease(post.elsewhere)] == [letter.id]
    assert isinstance(await refusal(lambda: post.report(letter, Report.PRINTED)), ResourceNotPermitted)
    await post.report(letter, Report.PRINTED, post.elsewhere)


async def test_what_was_printed_in_time_is_reported_further_after_the_lease(post: Houses) -> None:
    letter = await post.leased()
    await post.report(letter, Report.PRINTED)
    post.clock.move(LEASE * 9)

    assert await post.lease(post.elsewhere) == []
    assert (await post.report(letter, Report.POSTED)).state is LetterState.POSTED


async def test_many_letters_are_leased_in_batches_and_no_more_than_asked_for(post: Houses) -> None:
    letter = await post.waiting()
    for number in range(AT_ONCE + 9):
        other = replace(letter, id=post.world.entropy.new_id(), step=f"S{number}", tracking=f"T{number:09}")
        post.world.uow.committed.letter_orders[other.id] = other
    commits = post.world.uow.commits

    assert len(await post.lease(most=AT_ONCE + 3)) == AT_ONCE + 3
    assert post.world.uow.commits == commits + 2
    assert len(await post.lease(most=1000)) == 7


async def test_a_stream_that_breaks_has_leased_a_batch_at_most(post: Houses) -> None:
    await post.waiting()
    await post.waiting()
    stream = post.desk.lease(LeaseLetters(post.here, 1000))
    await anext(stream)
    await stream.aclose()

    assert await post.lease(post.elsewhere) == []
    post.clock.move(LEASE)
    assert len(await post.lease(post.elsewhere)) == 2


@pytest.mark.parametrize("ended", [DeliveryState.NOTIFIED, DeliveryState.WITHDRAWN])
async def test_what_nobody_needs_any_more_is_cancelled_instead_of_leased(
    post: Houses, ended: DeliveryState
) -> None:
    letter, other = await post.waiting(), await post.waiting()
    post.end(letter, ended)

    assert [each.id for each in await post.lease()] == [other.id]
    assert post.letter(letter.id).state is LetterState.CANCELLED
    assert post.world.uow.committed.letter_files.keys() == {other.id}


async def test_a_withdrawal_takes_the_letter_from_the_house_that_has_it(post: Houses) -> None:
    letter = await post.leased()
    withdrawal = Withdrawal(
        uow=post.world.uow, clock=post.clock, entropy=post.world.entropy, log=post.world.log, profile=AM
    )
    await withdrawal.withdraw(WithdrawDelivery(post.world.agency, "w", letter.delivery_id, 0))

    assert isinstance(await refusal(lambda: post.read(letter)), LetterCancelled)
    assert isinstance(await refusal(lambda: post.report(letter, Report.PRINTED)), LetterCancelled)
    post.clock.move(LEASE)
    assert await post.lease(post.elsewhere) == []
    assert isinstance(await refusal(lambda: post.report(letter, Report.PRINTED)), LetterCancelled)
    assert post.events(post.message(letter)) == ["Withdrawn"]


async def test_a_suspended_house_gets_nothing_and_reports_what_it_has(post: Houses) -> None:
    letter = await post.leased()
    await post.waiting()
    post.state_of(post.here, PrintHouseState.SUSPENDED)

    assert isinstance(await refusal(lambda: post.lease()), PrintHouseSuspended)
    assert await post.read(letter)
    assert (await post.report(letter, Report.PRINTED)).state is LetterState.PRINTED
    post.state_of(post.here, PrintHouseState.REMOVED)
    assert isinstance(await refusal(lambda: post.lease()), ResourceNotPermitted)


async def test_a_letter_is_read_piece_by_piece_from_any_byte(post: Houses) -> None:
    letter = await post.leased()
    pdf = bytes(range(256)) * (PIECE_BYTES // 100)
    post.world.uow.committed.letter_files[letter.id] = pdf
    post.world.uow.committed.letter_orders[letter.id] = replace(letter, file_size=len(pdf))

    assert await post.read(letter) == pdf
    assert await post.read(letter, offset=PIECE_BYTES + 7) == pdf[PIECE_BYTES + 7 :]
    assert await post.read(letter, offset=len(pdf)) == b""
    assert isinstance(await refusal(lambda: post.read(letter, offset=len(pdf) + 1)), InvalidFields)
    pieces = [piece async for piece in post.desk.read(ReadLetter(post.here, letter.id))]
    assert max(map(len, pieces)) == PIECE_BYTES


async def test_another_houses_letter_and_none_are_one_answer(post: Houses) -> None:
    letter, nobodys = await post.leased(), await post.waiting()
    for wrong in (
        lambda: post.read(letter, post.elsewhere),
        lambda: post.read(nobodys),
        lambda: post.read(replace(letter, id=UUID(int=5))),
        lambda: post.report(letter, Report.PRINTED, post.elsewhere),
        lambda: post.report(nobodys, Report.PRINTED),
        lambda: post.report(replace(letter, id=UUID(int=5)), Report.PRINTED),
    ):
        refused = await refusal(wrong)
        assert isinstance(refused, ResourceNotPermitted)
        assert (await refusal(wrong)).metadata == refused.metadata
    assert post.events(post.message(letter)) == []


async def test_a_letter_that_is_handed_over_notifies_as_of_when_the_house_says(post: Houses) -> None:
    letter = await post.posted()
    handed = post.clock.now() + timedelta(hours=20)
    post.clock.move(timedelta(days=1))
    wakes = post.world.log.wakes
    reported = await post.report(letter, Report.HANDED_OVER, at=handed)

    message = post.message(letter)
    assert post.events(message) == [
        "LetterPrinted",
        "LetterPosted",
        "LetterHandedOver",
        "NotificationEffected",
    ]
    assert (message.state, message.notified_at) == (DeliveryState.NOTIFIED, handed)
    effect = post.effect(message)
    assert (effect.rule, effect.effective_time) == ("LADDER-1-LETTER", handed)
    fact = next(each for each in post.facts(message) if each.id == reported.report.evidence_id)
    details = EvidenceDocument.parse(fact.data).details
    assert isinstance(details, LetterHandedOverDetails)
    assert (details.step, details.reported_time) == ("LETTER", handed)
    assert (details.tracking, details.receiver, details.scan) == (letter.tracking, "Անի Հ.", "73" * 32)
    assert post.world.log.wakes == wakes + 1
    assert not post.is_waiting or await post.at(NOTICE_DUE) <= 1


async def test_a_letter_that_is_refused_and_comes_back_leaves_facts_and_the_ladder_goes_on(
    post: Houses,
) -> None:
    letter = await post.posted()
    refused = await post.report(letter, Report.REFUSED, cause="NOT_WANTED")
    back = await post.report(letter, Report.RETURNED)

    message = post.message(letter)
    assert (refused.state, back.state) == (LetterState.REFUSED, LetterState.RETURNED)
    assert post.events(message)[2:] == ["LetterRefused", "LetterReturned"]
    details = EvidenceDocument.parse(post.facts(message)[-2].data).details
    assert isinstance(details, LetterRefusedDetails)
    assert (details.cause, details.scan) == ("NOT_WANTED", None)
    assert message.state is DeliveryState.CONSIGNED
    await post.at(NOTICE_DUE)
    assert [step for step, *_ in post.steps(message)] == ["LETTER", "NOTICE"]


async def test_once_it_is_posted_its_pdf_is_there_no_more(post: Houses) -> None:
    letter = await post.leased()
    await post.report(letter, Report.PRINTED)
    assert await post.read(letter)
    await post.report(letter, Report.POSTED)

    refused = await refusal(lambda: post.read(letter))
    assert isinstance(refused, LetterOutOfOrder)
    assert refused.metadata["state"] == "POSTED"
    assert post.world.uow.committed.letter_files == {}


async def test_a_repeated_report_is_answered_with_the_first_answer_and_recorded_once(post: Houses) -> None:
    letter = await post.leased()
    at = post.clock.now()
    first = await post.report(letter, Report.PRINTED, request_id="p", at=at)
    await post.report(letter, Report.POSTED)

    assert await post.report(letter, Report.PRINTED, request_id="p", at=at) == first
    assert post.events(post.message(letter)) == ["LetterPrinted", "LetterPosted"]
    with pytest.raises(RequestIdReused):
        await post.report(letter, Report.RETURNED, request_id="p")
    with pytest.raises(RequestIdReused):
        await post.report(letter, Report.PRINTED, request_id="p", at=at - MINUTE)


async def test_request_ids_are_each_houses_own(post: Houses) -> None:
    letter = await post.leased()
    await post.waiting()
    (other,) = await post.lease(post.elsewhere)
    await post.report(letter, Report.PRINTED, request_id="1")
    await post.report(other, Report.PRINTED, post.elsewhere, request_id="1")


async def test_the_same_report_under_another_request_id_is_out_of_order(post: Houses) -> None:
    letter = await post.leased()
    await post.report(letter, Report.PRINTED)
    refused = await refusal(lambda: post.report(letter, Report.PRINTED))

    assert isinstance(refused, LetterOutOfOrder)
    assert refused.metadata["state"] == "PRINTED"
    assert post.events(post.message(letter)) == ["LetterPrinted"]


@pytest.mark.parametrize("report", [Report.POSTED, Report.HANDED_OVER, Report.REFUSED, Report.RETURNED])
async def test_a_step_that_was_left_out_is_refused_and_nothing_recorded(post: Houses, report: Report) -> None:
    letter = await post.leased()
    refused = await refusal(lambda: post.report(letter, report))

    assert isinstance(refused, LetterOutOfOrder)
    assert refused.metadata["state"] == "WAITING"
    assert post.events(post.message(letter)) == []
    assert post.letter(letter.id) == letter


async def test_another_file_and_another_number_are_refused(post: Houses) -> None:
    letter = await post.leased()
    wrong_file = await refusal(lambda: post.report(letter, Report.PRINTED, file=b"f" * 32))
    await post.report(letter, Report.PRINTED)
    wrong_number = await refusal(lambda: post.report(letter, Report.POSTED, tracking="RR000000014AM"))

    assert isinstance(wrong_file, LetterFileDiffers)
    assert isinstance(wrong_number, LetterTrackingDiffers)
    assert post.letter(letter.id).state is LetterState.PRINTED


async def test_a_time_that_can_not_be_is_refused_and_nothing_recorded(post: Houses) -> None:
    letter = await post.leased()

    async def wrong(report: Report, at: datetime) -> str:
        refused = await refusal(lambda: post.report(letter, report, at=at))
        assert isinstance(refused, InvalidFields)
        ((field, reason),) = [(each.field, each.reason) for each in refused.problems]
        assert field == "report_time"
        return reason

    tick = timedelta(microseconds=1)
    assert await wrong(Report.PRINTED, post.clock.now() + tick) == "IN_FUTURE"
    assert await wrong(Report.PRINTED, letter.ordered_at - tick) == "BEFORE_LETTER"
    printed = post.clock.now()
    await post.report(letter, Report.PRINTED)
    post.clock.move(MINUTE)
    assert await wrong(Report.POSTED, printed - tick) == "BEFORE_EARLIER_REPORT"
    assert post.events(post.message(letter)) == ["LetterPrinted"]


async def test_late_reports_of_what_was_notified_otherwise_are_facts_that_change_nothing(
    post: Houses,
) -> None:
    letter = await post.posted()
    post.end(letter, DeliveryState.NOTIFIED)
    await post.report(letter, Report.HANDED_OVER)

    assert post.events(post.message(letter))[-1] == "LetterHandedOver"


@pytest.mark.parametrize("report", [Report.HANDED_OVER, Report.REFUSED, Report.RETURNED])
async def test_a_number_that_a_house_gives_with_a_report_must_be_the_letters(
    post: Houses, report: Report
) -> None:
    letter = await post.posted()
    wrong = await refusal(lambda: post.report(letter, report, tracking="RR000000014AM"))
    assert isinstance(wrong, LetterTrackingDiffers)
    told = await post.report(letter, report, tracking=letter.tracking)
    assert getattr(told.details, "tracking", "") == letter.tracking


@pytest.mark.parametrize("lost", LostCommit)
async def test_a_report_whose_answer_is_lost_is_repeated_without_harm(post: Houses, lost: LostCommit) -> None:
    letter = await post.leased()
    at = post.clock.now()
    post.world.uow.next_commit = lost
    with pytest.raises(ServiceUnavailable):
        await post.report(letter, Report.PRINTED, request_id="p", at=at)

    again = await post.report(letter, Report.PRINTED, request_id="p", at=at)
    assert again.state is LetterState.PRINTED
    assert post.events(post.message(letter)) == ["LetterPrinted"]


async def test_the_operator_sees_all_letters_and_a_house_its_own(post: Houses) -> None:
    letter, waiting = await post.leased(), await post.waiting()
    await post.report(letter, Report.PRINTED)
    operator = Operator(Connection(bytes(32), post.world.agency.connection.address))

    async def listed(
        by: Operator | PrintHouse, *states: LetterState, size: int = 9, token: str = ""
    ) -> list[UUID]:
        asked = ListLetterOrders(by, states, None, size, token)
        return [each.order.id for each in (await post.desk.list_orders(asked)).items]

    assert await listed(operator) == [waiting.id, letter.id]
    assert await listed(operator, LetterState.PRINTED) == [letter.id]
    assert await listed(post.here) == [letter.id]
    assert await listed(post.elsewhere) == []
    page = await post.desk.list_orders(ListLetterOrders(operator, (), None, 1, ""))
    assert await listed(operator, size=1, token=page.next_page_token) == [letter.id]
    with pytest.raises(InvalidPageToken):
        await listed(post.here, token=page.next_page_token)
    (view,) = (await post.desk.list_orders(ListLetterOrders(post.here, (), letter.delivery_id, 1, ""))).items
    assert [each.report.report for each in view.reports] == [Report.PRINTED]
    assert [each.details for each in view.reports] == [
        LetterPrintedDetails(ANY, "LETTER", ANY, file=letter.file.hex())
    ]


async def test_another_letter_than_a_ladders_names_no_step_in_its_evidence(post: Houses) -> None:
    letter = await post.waiting()
    answer = replace(letter, by_ladder=False, step="ANSWER")
    post.world.uow.committed.letter_orders[letter.id] = answer
    post.end(answer, DeliveryState.NOTIFIED)
    (leased,) = await post.lease()
    await post.report(leased, Report.PRINTED)

    details = EvidenceDocument.parse(post.facts(post.message(letter))[-1].data).details
    assert getattr(details, "step", "") is None
