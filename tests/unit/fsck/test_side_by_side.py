"""Checking side by side: one report, in one order whoever was first, and no pass where somebody was lost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from server.fsck.findings import MOST_OF_A_KIND, Finding, Kind, Part, Progress, Report
from server.fsck.gleaning import Gleaned, Wanted
from server.fsck.side_by_side import GivenUp, HelperLost, Job, Outcome, SideBySide, jobs_for
from server.fsck.span_ports import WHOLE, Span, spans_between

SPANS = spans_between([UUID(int=5), UUID(int=9)])
PARTS = frozenset({Part.TREE, Part.CHECKPOINTS, Part.EFFECTS})


def finding(job: Job) -> Finding:
    return Finding(job.part, Kind.FACT_WRONG, f"{job.part} behind {job.span.after.int}")


class FakeHelper:
    """Finds one thing with each job, when it is let; `lost` and `stopped` are jobs that it does not end."""

    def __init__(
        self, gates: dict[Job, asyncio.Event], lost: Job | None = None, stopped: Job | None = None
    ) -> None:
        self._gates, self._lost, self._stopped = gates, lost, stopped

    async def check(self, job: Job) -> AsyncIterator[Outcome]:
        what = "deliveries" if job.part is Part.EFFECTS else "leaves"
        found = ([finding(job)], Counter([Kind.FACT_WRONG]), Counter([job.part]))
        yield Outcome(*found, checked=Counter({what: 1}))
        await self._gates[job].wait()
        if job == self._lost:
            raise HelperLost("the process that checked it ended with -9")
        stopped = "nobody answers" if job == self._stopped else ""
        yield Outcome(*found, Counter({what: 2}), ["a"], 2.0, over=not stopped, stopped=stopped)


async def nothing(part: Part, report: Report, _gleaned: object) -> None:
    report.done(part, "checkpoints", 3)


JOBS = jobs_for(PARTS, SPANS)


def gates() -> dict[Job, asyncio.Event]:
    return {job: asyncio.Event() for job in JOBS}


def test_jobs_are_the_parts_by_spans_of_mailboxes_where_they_are_of_mailboxes() -> None:
    assert [*(Job(Part.EFFECTS, span) for span in SPANS), Job(Part.TREE)] == JOBS
    assert SPANS[0].after == WHOLE.after
    assert SPANS[-1].up_to == WHOLE.up_to
    assert [each.up_to for each in SPANS[:-1]] == [each.after for each in SPANS[1:]]
    assert spans_between([]) == [WHOLE]
    assert spans_between([WHOLE.after, WHOLE.up_to, UUID(int=5), UUID(int=5)]) == [
        Span(WHOLE.after, UUID(int=5)),
        Span(UUID(int=5), WHOLE.up_to),
    ]


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("backwards", [False, True])
async def test_the_report_is_the_same_whoever_is_first(count: int, backwards: bool) -> None:
    told: list[Progress] = []
    report = Report(on_progress=told.append)
    open_ = gates()
    side_by_side = SideBySide(report, [FakeHelper(open_)] * count, nothing)
    running = asyncio.create_task(side_by_side.run(PARTS, SPANS))
    for job in reversed(JOBS) if backwards else JOBS:
        await asyncio.sleep(0)
        open_[job].set()
    await running
    assert [each.where for each in report.findings] == [
        "tree behind 0",
        "effects behind 0",
        "effects behind 5",
        "effects behind 9",
    ]
    assert (report.counts[Kind.FACT_WRONG], report.by_part[Part.EFFECTS]) == (4, 3)
    assert report.checked == {"leaves": 2, "deliveries": 6, "checkpoints": 3}
    assert (report.seconds[Part.TREE], report.seconds[Part.EFFECTS]) == (2.0, 6.0)
    assert report.seconds.keys() == PARTS
    assert report.unchecked == ["a"] * 4
    assert side_by_side.underway == []
    done = [each.done for each in told if each.part is Part.EFFECTS]
    assert (done, done[-1]) == (sorted(done), 6)


@pytest.mark.parametrize(("lost", "error"), [(True, HelperLost), (False, GivenUp)])
async def test_where_one_is_lost_or_gives_up_the_rest_is_told_and_it_is_no_pass(
    lost: bool, error: type[OSError]
) -> None:
    report = Report()
    open_ = gates()
    open_[JOBS[0]].set()
    open_[JOBS[1]].set()
    helper = FakeHelper(open_, *((JOBS[1], None) if lost else (None, JOBS[1])))
    side_by_side = SideBySide(report, [helper], nothing)
    with pytest.raises(error):
        await side_by_side.run(PARTS, SPANS)
    assert [each.where for each in report.findings] == ["effects behind 0", "effects behind 5"]
    assert set(report.seconds) == {Part.CHECKPOINTS}
    assert side_by_side.underway == [Part.TREE, Part.EFFECTS]


def test_of_many_findings_of_several_a_hundred_are_told_and_all_counted() -> None:
    report = Report()
    for index in range(3):
        found = [Finding(Part.TREE, Kind.ROOT_WRONG, f"{index}/{number}") for number in range(60)]
        report.take(found, Counter({Kind.ROOT_WRONG: 500}), Counter({Part.TREE: 500}))
    assert (len(report.findings), report.counts[Kind.ROOT_WRONG]) == (MOST_OF_A_KIND, 1500)
    assert report.findings[-1].where == "1/39"


async def test_what_spans_gave_is_put_together_for_the_parts_that_wait_for_it() -> None:
    wanted = Wanted(frozenset({Part.EVIDENCE}), (("log", 8),))
    parts = frozenset({Part.EVIDENCE, Part.EFFECTS, Part.TOKENS})
    jobs = jobs_for(parts, SPANS, wanted)
    assert jobs == [Job(Part.EFFECTS, span, wanted) for span in SPANS]
    order: list[tuple[Part, Gleaned | None]] = []

    class Gleaning:
        async def check(self, job: Job) -> AsyncIterator[Outcome]:
            await asyncio.sleep(0)
            order.append((job.part, None))
            gleaned = Gleaned(wanted, {"log": bytearray([1 << jobs.index(job)])})
            yield Outcome(over=True, gleaned=gleaned)

    async def own(part: Part, report: Report, gleaned: Gleaned | None) -> None:
        order.append((part, gleaned))
        report.done(part, "evidence", 8)

    report = Report()
    await SideBySide(report, [Gleaning()], own).run(parts, SPANS, wanted)
    assert [part for part, _ in order] == [Part.TOKENS, *[Part.EFFECTS] * 3, Part.EVIDENCE]
    assert order[0][1] is None
    assert order[-1][1] == Gleaned(wanted, {"log": bytearray([0b111])}, unsure=[], accepted=Counter())
    assert list(report.seconds) == [Part.EVIDENCE, Part.TOKENS, Part.EFFECTS]


async def test_what_this_process_found_until_it_was_stopped_is_told() -> None:
    async def stopped(part: Part, report: Report, _gleaned: object) -> None:
        report.found(part, Kind.SIGNATURE_WRONG, "the first")
        raise GivenUp("the database went away")

    report = Report()
    side_by_side = SideBySide(report, [], stopped)
    with pytest.raises(GivenUp):
        await side_by_side.run(frozenset({Part.CHECKPOINTS}), SPANS)
    assert [each.where for each in report.findings] == ["the first"]
    assert (report.seconds, side_by_side.underway) == ({}, [Part.CHECKPOINTS])
