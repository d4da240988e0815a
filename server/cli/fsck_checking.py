"""Has the log checked by this process alone, or by several side by side."""

import os
from collections.abc import Mapping, Sequence
from typing import Final

from server.bootstrap_fsck_helpers import Work, started
from server.fsck.check import Asked, LogCheck, Stored
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Part, Report
from server.fsck.gleaning import Gleaned
from server.fsck.side_by_side import ELSEWHERE, SideBySide, jobs_for
from server.fsck.span_ports import spans_between
from server.transparency.guard import Guard

SMALL: Final = 100_000
"""Leaves that one process has checked before others have begun."""

_SPANS_OF_ONE: Final = 4
"""Spans of mailboxes that each process gets: none has much left when the others are done."""


class FsckChecking:
    """Checks; `underway` are the parts that several processes have not finished."""

    def __init__(
        self,
        stored: Stored,
        guards: Mapping[str, Guard],
        trusted: Trusted,
        report: Report,
        *,
        url: str,
        profile: str,
    ) -> None:
        """Takes where other processes find what is stored, and by which profile they look at it."""
        self._stored = stored
        self._guards = guards
        self._trusted = trusted
        self._report = report
        self._url = url
        self._profile = profile
        self._side_by_side: SideBySide | None = None

    @property
    def underway(self) -> Sequence[Part]:
        return () if self._side_by_side is None else self._side_by_side.underway

    async def run(self, asked: Asked, processes: int) -> None:
        """Checks in so many processes, or in as many as this machine has use for.

        Raises as `LogCheck.run` and `SideBySide.run` do.
        """
        check = LogCheck(self._stored, self._guards, self._trusted, self._report)
        if not processes:
            # Those that this process may use.
            processes = len(os.sched_getaffinity(0)) if await check.leaves() >= SMALL else 1
        if processes == 1 or not asked.parts & {*ELSEWHERE}:
            await check.run(asked)
            return
        wanted = await check.wanted(asked, await check.begin(asked))
        spans = spans_between(await self._stored.mailboxes.bounds(processes * _SPANS_OF_ONE))
        work = Work(self._url, self._profile, asked.current, asked.from_index)

        async def own(part: Part, report: Report, gleaned: Gleaned | None) -> None:
            one = Asked(frozenset({part}), asked.current, asked.from_index)
            if gleaned is not None:
                gleaned = await check.without_odd(gleaned)
            await LogCheck(self._stored, self._guards, self._trusted, report, gleaned).run(one)

        jobs = len(jobs_for(asked.parts, spans, wanted))
        with started(min(processes, jobs), work) as helpers:
            self._side_by_side = SideBySide(self._report, helpers, own)
            await self._side_by_side.run(asked.parts, spans, wanted)
