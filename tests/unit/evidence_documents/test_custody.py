"""The chain of custody of a letter on paper: what holds, and every way in which one doesn't."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.custody import (
    CLOCK_TOLERANCE,
    CustodyAct,
    CustodyFault,
    CustodyProblem,
    chained,
    custody_problems,
)
from tests.unit.evidence_documents.papers import RECEIVED_AT, SCANS, steps

RECORDED = RECEIVED_AT + timedelta(hours=5)
RECEIVED, HANDED_ON, OPENED, SCANNED, STORED = (
    CustodyAct.RECEIVED,
    CustodyAct.HANDED_ON,
    CustodyAct.OPENED,
    CustodyAct.SCANNED,
    CustodyAct.STORED,
)


@pytest.mark.parametrize(
    "acts",
    [
        (RECEIVED, SCANNED),
        (RECEIVED, OPENED, SCANNED),
        (RECEIVED, HANDED_ON, OPENED, HANDED_ON, HANDED_ON, SCANNED, HANDED_ON, STORED),
    ],
)
def test_an_ordinary_way_of_paper_holds(acts: tuple[CustodyAct, ...]) -> None:
    recorded = RECEIVED_AT + timedelta(days=1)
    assert custody_problems(chained(steps(*acts), SCANS), SCANS, recorded) == []


@pytest.mark.parametrize(
    ("acts", "problem"),
    [
        ((), CustodyProblem(CustodyFault.NOT_RECEIVED)),
        ((OPENED, SCANNED), CustodyProblem(CustodyFault.NOT_RECEIVED, 0)),
        ((RECEIVED, OPENED), CustodyProblem(CustodyFault.NOT_SCANNED)),
        ((RECEIVED, SCANNED, RECEIVED), CustodyProblem(CustodyFault.OUT_OF_PLACE, 2)),
        ((RECEIVED, SCANNED, OPENED), CustodyProblem(CustodyFault.OUT_OF_PLACE, 2)),
        ((RECEIVED, OPENED, OPENED, SCANNED), CustodyProblem(CustodyFault.OUT_OF_PLACE, 2)),
        ((RECEIVED, SCANNED, SCANNED), CustodyProblem(CustodyFault.OUT_OF_PLACE, 2)),
        ((RECEIVED, STORED, SCANNED), CustodyProblem(CustodyFault.OUT_OF_PLACE, 1)),
        ((RECEIVED, SCANNED, STORED, HANDED_ON), CustodyProblem(CustodyFault.OUT_OF_PLACE, 3)),
    ],
)
def test_what_is_done_with_paper_has_its_order(acts: tuple[CustodyAct, ...], problem: CustodyProblem) -> None:
    made = chained(steps(*acts), SCANS) if acts else ()
    assert problem in custody_problems(made, SCANS, RECORDED)


def test_a_step_before_the_one_before_it_is_told() -> None:
    early = replace(steps()[2], time=RECEIVED_AT)
    made = chained([*steps()[:2], early], SCANS)
    assert custody_problems(made, SCANS, RECORDED) == [CustodyProblem(CustodyFault.TIMES_REVERSED, 2)]


def test_two_clocks_may_differ_by_the_tolerance_and_no_more() -> None:
    made = chained(steps(), SCANS)
    last = made[-1].time
    assert custody_problems(made, SCANS, last - CLOCK_TOLERANCE) == []
    late = custody_problems(made, SCANS, last - CLOCK_TOLERANCE - timedelta(microseconds=1))
    assert late == [CustodyProblem(CustodyFault.TIME_IN_FUTURE, 3)]


@pytest.mark.parametrize(
    "change",
    [
        {"act": HANDED_ON},
        {"time": RECEIVED_AT + timedelta(minutes=30)},
        {"place": "elsewhere"},
        {"person": "somebody else"},
        {"digest": hashlib.sha256(b"").hexdigest()},
    ],
)
def test_a_step_that_was_told_otherwise_later_breaks_the_chain(change: dict[str, object]) -> None:
    made = list(chained(steps(), SCANS))
    made[1] = replace(made[1], **change)  # type: ignore[arg-type]  # fields of several types
    assert CustodyProblem(CustodyFault.DIGEST_MISMATCH, 1) in custody_problems(made, SCANS, RECORDED)


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple))
def test_other_scans_break_the_chain_at_the_scanning(others: tuple[bytes, ...]) -> None:
    problems = custody_problems(chained(steps(), SCANS), others, RECORDED)
    assert problems == ([] if others == SCANS else [CustodyProblem(CustodyFault.DIGEST_MISMATCH, 2)])


def test_words_do_not_move_between_fields() -> None:
    one, other = (
        replace(steps()[0], place=place, person=person) for place, person in (("ab", "c"), ("a", "bc"))
    )
    assert chained([one], SCANS)[0].digest != chained([other], SCANS)[0].digest


def test_the_digests_are_those_that_the_page_describes() -> None:
    first, *_ = chained(steps(), SCANS)
    fields = ["RECEIVED", "2026-11-20T07:15:00.000000Z", "Երևան 10, Սարյան 22", "գործավար 17"]
    told = b"".join(len(each.encode()).to_bytes(8, "big") + each.encode() for each in fields)
    assert first.digest == hashlib.sha256(b"namak-custody/1\0" + bytes(32) + told).hexdigest()
