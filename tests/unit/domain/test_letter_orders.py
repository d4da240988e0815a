"""Letters on paper among print houses: who may have one, and which reports are taken."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain.deliveries import DeliveryState
from server.domain.letter_orders import (
    EVENTS,
    STEPS,
    LetterOrder,
    LetterReport,
    LetterState,
    Report,
    ReportRefusal,
    ReportRefused,
    WrongTime,
    wrong_time,
)

NOW = datetime(2026, 11, 5, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOUSE, OTHER = UUID(int=1), UUID(int=2)
FILE = b"f" * 32
WAITING = LetterOrder(
    id=UUID(int=9),
    mailbox_id=UUID(int=3),
    delivery_id=UUID(int=4),
    step="LETTER",
    by_ladder=True,
    ordered_at=NOW - HOUR,
    tracking="RR473124829FI",
    file=FILE,
    file_size=9,
    pages=4,
)
OPEN = DeliveryState.CONSIGNED
LEASED = WAITING.leased(HOUSE, NOW, NOW + HOUR)


def reported(reports: Sequence[Report], letter: LetterOrder = LEASED) -> LetterOrder:
    for report in reports:
        letter = letter.after(report, HOUSE, NOW, OPEN, file=FILE if report is Report.PRINTED else None)
    return letter


def refusal(letter: LetterOrder, report: Report, house: UUID = HOUSE, **said: object) -> ReportRefusal:
    with pytest.raises(ReportRefused) as refused:
        letter.after(report, house, NOW, OPEN, **{"file": FILE, **said})  # type: ignore[arg-type]
    return refused.value.refusal


@pytest.mark.parametrize("last", [Report.HANDED_OVER, Report.REFUSED, Report.RETURNED])
def test_a_letter_goes_its_way_in_order(last: Report) -> None:
    assert reported([Report.PRINTED, Report.POSTED, last]).state.value == last.value


def test_what_was_refused_may_come_back_and_nothing_follows_that() -> None:
    back = reported([Report.PRINTED, Report.POSTED, Report.REFUSED, Report.RETURNED])

    assert back.state is LetterState.RETURNED
    assert {refusal(back, each) for each in Report} == {ReportRefusal.OUT_OF_ORDER}


@settings(max_examples=60)
@given(st.lists(st.sampled_from(Report), max_size=7))
def test_whatever_is_reported_a_letter_takes_only_the_steps_of_the_table(reports: list[Report]) -> None:
    letter = LEASED
    for report in reports:
        try:
            after = reported([report], letter)
        except ReportRefused as refused:
            assert (letter.state, report) not in STEPS
            assert (refused.refusal, refused.state) == (ReportRefusal.OUT_OF_ORDER, letter.state)  # noqa: PT017
        else:
            assert after.state is STEPS[letter.state, report]
            letter = after


def test_a_report_of_what_was_reported_is_out_of_order() -> None:
    assert refusal(reported([Report.PRINTED]), Report.PRINTED) is ReportRefusal.OUT_OF_ORDER


@pytest.mark.parametrize("letter", [WAITING, LEASED, reported([Report.PRINTED, Report.POSTED])])
def test_a_letter_that_another_house_has_or_nobody_gets_one_answer(letter: LetterOrder) -> None:
    with pytest.raises(ReportRefused) as refused:
        letter.after(Report.HANDED_OVER, OTHER, NOW, OPEN)

    assert (refused.value.refusal, refused.value.state) == (ReportRefusal.NOT_YOURS, None)


def test_after_the_lease_nothing_is_printed_but_what_was_printed_goes_on() -> None:
    at_the_end = NOW + HOUR

    with pytest.raises(ReportRefused) as refused:
        LEASED.after(Report.PRINTED, HOUSE, at_the_end, OPEN, file=FILE)
    assert refused.value.refusal is ReportRefusal.LEASE_ENDED

    printed = reported([Report.PRINTED])
    late = printed.after(Report.POSTED, HOUSE, at_the_end + HOUR, OPEN, tracking="RR473124829FI")
    assert late.state is LetterState.POSTED


def test_who_leases_and_disappears_loses_the_letter_to_the_next() -> None:
    assert not LEASED.may_be_leased(NOW + HOUR - timedelta(microseconds=1))
    with pytest.raises(ValueError, match="leased"):
        LEASED.leased(OTHER, NOW, NOW + HOUR)

    taken = LEASED.leased(OTHER, NOW + HOUR, NOW + 2 * HOUR)

    assert refusal(taken, Report.PRINTED) is ReportRefusal.NOT_YOURS
    assert taken.after(Report.PRINTED, OTHER, NOW + HOUR, OPEN, file=FILE).state is LetterState.PRINTED


def test_a_printed_letter_is_nobody_elses_for_ever() -> None:
    assert not reported([Report.PRINTED]).may_be_leased(NOW + 1000 * HOUR)


@pytest.mark.parametrize("file", [None, b"", b"g" * 32])
def test_something_else_that_was_printed_is_refused(file: bytes | None) -> None:
    assert refusal(LEASED, Report.PRINTED, file=file) is ReportRefusal.OTHER_FILE


def test_another_letters_number_is_refused() -> None:
    assert (
        refusal(reported([Report.PRINTED]), Report.POSTED, tracking="RR000001173AM")
        is ReportRefusal.OTHER_TRACKING
    )


def test_every_report_leaves_a_fact_of_its_own() -> None:
    assert set(EVENTS) == set(Report)
    assert len({each.uri for each in EVENTS.values()}) == len(Report)


@pytest.mark.parametrize("ended", [DeliveryState.NOTIFIED, DeliveryState.WITHDRAWN])
def test_a_ladders_letter_is_of_no_use_once_its_recipient_is_notified_or_it_is_withdrawn(
    ended: DeliveryState,
) -> None:
    with pytest.raises(ReportRefused) as refused:
        LEASED.after(Report.PRINTED, HOUSE, NOW, ended, file=FILE)
    assert (refused.value.refusal, refused.value.state) == (ReportRefusal.CANCELLED, LetterState.CANCELLED)
    assert refusal(LEASED.cancelled(), Report.PRINTED) is ReportRefusal.CANCELLED

    printed = reported([Report.PRINTED])
    assert printed.after(Report.POSTED, HOUSE, NOW, ended).state is LetterState.POSTED


def test_another_letter_is_needed_until_a_withdrawal() -> None:
    answer = replace(WAITING, by_ladder=False)
    needed = [state for state in DeliveryState if answer.is_needed(state)]
    assert needed == [DeliveryState.CONSIGNED, DeliveryState.NOTIFIED]


def test_what_was_printed_is_not_cancelled() -> None:
    with pytest.raises(ValueError, match="waits"):
        reported([Report.PRINTED]).cancelled()


MINUTE, TICK = timedelta(minutes=1), timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("at", "wrong"),
    [
        (NOW, None),
        (NOW + TICK, WrongTime.IN_FUTURE),
        (NOW - MINUTE, None),
        (NOW - MINUTE - TICK, WrongTime.BEFORE_EARLIER_REPORT),
        (NOW - HOUR - TICK, WrongTime.BEFORE_LETTER),
    ],
)
def test_a_time_is_neither_to_come_nor_before_the_letter_or_what_was_reported(
    at: datetime, wrong: WrongTime | None
) -> None:
    earlier = LetterReport(WAITING.id, Report.PRINTED, UUID(int=7), NOW - MINUTE, NOW)
    assert wrong_time(LEASED, [earlier], at, NOW) is wrong
