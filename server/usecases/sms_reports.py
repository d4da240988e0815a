"""Takes delivery reports in, and finds out what they are about."""

from collections.abc import Mapping
from uuid import UUID

import structlog

from server.domain.jobs import SMS_REPORT, Job, JobFailed, RunningJob
from server.domain.sms import DeliveryReport, TextKind, identifiers, named_by, outcome
from server.usecases.ports import Clock, Entropy, UnitOfWork
from server.usecases.sms_ports import ReportedText

_log = structlog.get_logger(__name__)


class SmsReportDesk:
    """Takes reports in, each as a job: it may come before it is recorded that its segment was taken, by
    another worker's link, twice, or of nothing that we know.
    """

    def __init__(
        self, *, uow: UnitOfWork, clock: Clock, entropy: Entropy, told: Mapping[TextKind, ReportedText]
    ) -> None:
        """`told` is who records what becomes of texts of a kind."""
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._told = told

    async def take(self, report: DeliveryReport) -> None:
        """Keeps a report, and has it looked at. The centre forgets it when this returns."""
        report_id = self._entropy.new_id()
        async with self._uow.writing() as tx:
            await tx.sms_reports.add(report_id, report, self._clock.now())
            await tx.jobs.defer([Job(SMS_REPORT, {"report": report_id})])
            await tx.commit()

    async def look_at(self, job: RunningJob) -> None:
        """Finds the text that a report is about, and has it recorded what became of it."""
        report_id = job.arguments["report"]
        assert isinstance(report_id, UUID)
        async with self._uow.reading() as tx:
            report = await tx.sms_reports.get(report_id)
        if report is None:
            return  # looked at before
        try:
            await self._heed(report)
        except JobFailed as failed:
            if not job.is_last:
                raise
            _log.info("a delivery report is about nothing that is known", reason=failed.reason)
        async with self._uow.writing() as tx:
            await tx.sms_reports.remove(report_id)
            await tx.commit()

    async def _heed(self, report: DeliveryReport) -> None:
        async with self._uow.writing() as tx:
            found = named_by(report, await tx.sms_segments.named(identifiers(report.segment_id)))
            if found is None:
                raise JobFailed("UNKNOWN_MESSAGE")
            # Under the lock, or each of two reports would not see the other, and nobody that all are there.
            await tx.sms_segments.lock_text(found.text_id)
            await tx.sms_segments.report(found, report.failure, self._clock.now())
            became = outcome(await tx.sms_segments.of_text(found.text_id))
            await tx.commit()
        if became is not None and not await self._told[found.kind](found.text_id, became):
            raise JobFailed("NOT_SENT_YET")
