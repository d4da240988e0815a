"""Recounts from the evidence what is billed, from the first piece of evidence until today."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from server.domain.local_days import FIRST_DAY
from server.domain.usage import CountedAcceptances, UsageDifference, UsageFindings
from server.fsck.findings import Kind, Part, Report
from server.fsck.ports import LogInspection

DAYS_AT_ONCE: Final = 31


class UsageRecount(Protocol):
    """Compares bill and evidence (`usecases.usage_audit`)."""

    async def run(
        self,
        first: date,
        last: date,
        *,
        accepted: CountedAcceptances | None = ...,
        on_progress: Callable[[int], None] = ...,
    ) -> UsageFindings:
        """Compares the usage of local days, both inclusive, with acceptances that were counted before, if
        given. Raises `ServiceUnavailable`.
        """
        ...


class UsageCheck:
    """Checks what is billed, a month at a time."""

    def __init__(
        self,
        recount: UsageRecount,
        log: LogInspection,
        zone: ZoneInfo,
        now: Callable[[], datetime],
        report: Report,
        accepted: CountedAcceptances | None = None,
    ) -> None:
        """Takes the zone whose days are billed, the post's time, and acceptances that were counted before."""
        self._accepted = accepted
        self._recount = recount
        self._log = log
        self._zone = zone
        self._now = now
        self._report = report

    async def run(self) -> None:
        """Goes through all days. Raises ServiceUnavailable."""
        oldest = await self._log.first_evidence()
        if oldest is None:
            return
        # Identifiers begin with the time of their making; a day before that nothing was accepted.
        made = datetime.fromtimestamp((oldest.int >> 80) / 1000, UTC) - timedelta(days=1)
        day = max(made.astimezone(self._zone).date(), FIRST_DAY)
        today = self._now().astimezone(self._zone).date()
        while day <= today:
            last = min(day + timedelta(days=DAYS_AT_ONCE - 1), today)
            found = await self._recount.run(day, last, accepted=self._accepted, on_progress=self._progress)
            for each in found.differences:
                self._report.found(Part.USAGE, Kind.USAGE_WRONG, _where(each))
            for evidence_id in found.corrupt:
                self._report.found(Part.USAGE, Kind.USAGE_UNPROVED, f"evidence {evidence_id}")
            self._report.checked["billed"] += found.facts
            self._report.done(Part.USAGE, "days", (last - day).days + 1)
            day = last + timedelta(days=1)

    def _progress(self, _facts: int) -> None:
        self._report.done(Part.USAGE, "days", 0)


def _where(found: UsageDifference) -> str:
    billed, evidenced = found.billed, found.evidenced
    differing = ", ".join(
        f"{name} {ours} instead of {theirs}"
        for name, ours, theirs in (
            ("accepted", billed.accepted, evidenced.accepted),
            ("withdrawn", billed.withdrawn, evidenced.withdrawn),
            ("SMS", billed.sms, evidenced.sms),
            ("segments", billed.sms_segments, evidenced.sms_segments),
        )
        if ours != theirs
    )
    return f"organisation {found.organisation_id}, {found.day}, {found.sender}: {differing}"
