"""Has several processes check parts side by side, and makes one report of it, always in the same order."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from server.fsck.findings import Finding, Kind, Part, Progress, Report
from server.fsck.gleaning import GLEANED, NOTHING, Gleaned, Wanted
from server.fsck.kinds import COUNTED
from server.fsck.span_ports import WHOLE, Span

ELSEWHERE: Final = (Part.EFFECTS, Part.USAGE, Part.EVIDENCE, Part.MAILBOXES, Part.TREE)
"""What other processes check, what takes longest first. The others need keys and files, and are short."""

_SPANNED: Final = (Part.EFFECTS, Part.MAILBOXES)


@dataclass(frozen=True, slots=True)
class Job:
    """A part to check, of some mailboxes where it is of mailboxes, and for which others to glean there."""

    part: Part
    span: Span = WHOLE
    wanted: Wanted = NOTHING


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job so far, as it is told from one process to another.

    Attributes:
        over: whether all was checked.
        stopped: why not, if it was given up.
        gleaned: what other parts are spared by it, once it is over.
    """

    findings: Sequence[Finding] = ()
    counts: Counter[Kind] = field(default_factory=Counter)
    by_part: Counter[Part] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    unchecked: Sequence[str] = ()
    seconds: float = 0.0
    over: bool = False
    stopped: str = ""
    gleaned: Gleaned | None = None

    @classmethod
    def of(
        cls,
        report: Report,
        part: Part,
        *,
        over: bool = False,
        stopped: str = "",
        gleaned: Gleaned | None = None,
    ) -> "Outcome":
        """Returns what a report of one part says now."""
        return cls(
            *([*report.findings], report.counts.copy(), report.by_part.copy(), report.checked.copy()),
            unchecked=[*report.unchecked],
            seconds=report.seconds.get(part, 0.0),
            over=over,
            stopped=stopped,
            gleaned=gleaned,
        )


class Helper(Protocol):
    """Checks in another process."""

    def check(self, job: Job) -> AsyncIterator[Outcome]:
        """Checks, and tells now and then what came of it so far; at last that it is over or was given up.

        Raises HelperLost.
        """
        ...


class HelperLost(OSError):
    """A process that checked ended before it was done; the text says what it checked."""


class GivenUp(OSError):
    """Something else than the stored log stopped a process; the text says what."""


def jobs_for(parts: frozenset[Part], spans: Sequence[Span], wanted: Wanted = NOTHING) -> list[Job]:
    """Returns what other processes are to do, in the order in which to begin it.

    What is left of parts that are gleaned for is short, and has to wait.
    """
    return [
        Job(part, span, wanted if part is Part.EFFECTS else NOTHING)
        for part in ELSEWHERE
        if part in parts - wanted.parts
        for span in (spans if part in _SPANNED else (WHOLE,))
    ]


class SideBySide:
    """Hands jobs to helpers, checks the other parts itself meanwhile, and puts all together.

    What is found is told in the order of parts and spans, whoever was first: a job's findings wait for those
    before it.
    """

    def __init__(
        self,
        report: Report,
        helpers: Sequence[Helper],
        own: Callable[[Part, Report, Gleaned | None], Awaitable[None]],
    ) -> None:
        """Takes what checks a part in this process, with what was gleaned for it."""
        self._walked = asyncio.Event()
        self._report = report
        self._helpers = helpers
        self._own = own
        self._order: list[Job] = []
        self._outcomes: dict[Job, Outcome] = {}
        self._settled = 0
        self._underway: set[Part] = set()

    @property
    def underway(self) -> Sequence[Part]:
        """Which parts are not checked to their end."""
        return sorted(self._underway, key=[*Part].index)

    async def run(self, parts: frozenset[Part], spans: Sequence[Span], wanted: Wanted = NOTHING) -> None:
        """Checks parts; those of mailboxes in these spans, gleaning for others.

        Raises:
            HelperLost: a process died.
            GivenUp: a process could not go on.
            ServiceUnavailable: the database does not answer.
            GuardUnreachable: a guard can't be read.
        """
        jobs = jobs_for(parts, spans, wanted)
        elsewhere = {each.part for each in jobs}
        own = [Job(part) for part in Part if part in parts - elsewhere]
        own.sort(key=lambda job: job.part in wanted.parts)
        # Sorting keeps the spans of a part in their order.
        self._order = sorted([*jobs, *own], key=lambda job: [*Part].index(job.part))
        self._underway = {each.part for each in self._order}
        waiting = deque(jobs)
        tasks = [asyncio.create_task(self._work(helper, waiting)) for helper in self._helpers]
        tasks.append(asyncio.create_task(self._work_here(own)))
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._settle(all_of_them=True)

    async def _work(self, helper: Helper, waiting: deque[Job]) -> None:
        while waiting:
            job = waiting.popleft()
            async for outcome in helper.check(job):
                self._note(job, outcome)
            if not self._outcomes[job].over:
                raise GivenUp(self._outcomes[job].stopped)

    async def _work_here(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            gleaned = None
            if job.part in GLEANED:
                await self._walked.wait()
                gleaned = self._gleaned()
            report = Report()
            report.begins(job.part)
            try:
                await self._own(job.part, report, gleaned)
            finally:
                # Also what was found until it was stopped.
                self._note(job, Outcome.of(report, job.part))
            report.ended(job.part)
            self._note(job, Outcome.of(report, job.part, over=True))

    def _gleaned(self) -> Gleaned:
        """Returns what all spans gave; what was not asked for is not there."""
        outcomes = [self._outcomes[job] for job in self._order if job.part is Part.EFFECTS]
        return Gleaned.together([each.gleaned for each in outcomes if each.gleaned is not None])

    def _note(self, job: Job, outcome: Outcome) -> None:
        self._outcomes[job] = outcome
        walks = [each for each in self._order if each.part is Part.EFFECTS]
        if all((known := self._outcomes.get(each)) and known.over for each in walks):
            self._walked.set()
        what = COUNTED[job.part][0]
        done = sum(each.checked[what] for of, each in self._outcomes.items() if of.part is job.part)
        self._report.on_progress(Progress(job.part, what, done, self._report.whole.get(what)))
        self._settle()

    def _settle(self, *, all_of_them: bool = False) -> None:
        """Reports what no earlier job's findings can come before."""
        for job in self._order[self._settled :]:
            outcome = self._outcomes.get(job)
            if not all_of_them and (outcome is None or not outcome.over):
                return
            self._settled += 1
            if outcome is not None:
                self._add(job.part, outcome)

    def _add(self, part: Part, outcome: Outcome) -> None:
        report = self._report
        report.take(outcome.findings, outcome.counts, outcome.by_part)
        report.checked += outcome.checked
        report.unchecked += outcome.unchecked
        of_part = [each for each in self._order if each.part is part]
        if all((known := self._outcomes.get(each)) and known.over for each in of_part):
            report.seconds[part] = sum(self._outcomes[each].seconds for each in of_part)
            self._underway.discard(part)
