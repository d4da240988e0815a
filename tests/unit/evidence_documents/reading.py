"""Reads reports of verifications, for several tests."""

from namak.evidence.report import FileReport, Outcome, Report

FAILED, PASSED = Outcome.FAILED, Outcome.PASSED


def only(report: Report) -> FileReport:
    assert len(report.files) == 1
    return report.files[0]


def outcomes(file: FileReport) -> dict[str, Outcome]:
    return {check.name: check.outcome for check in file.checks}


def failures(file: FileReport) -> dict[str, str]:
    return {check.name: check.words for check in file.checks if check.outcome is FAILED}


def last(report: Report) -> FileReport:
    return report.files[-1]
