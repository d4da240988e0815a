"""Files in which no signature could be looked at, and what people are told instead of a verdict."""

from typing import Final

from namak.signatures.report import CheckResult, Finding, Report

NOTHING_TO_JUDGE: Final = frozenset(
    {
        Finding.NO_SIGNATURE,
        Finding.UNKNOWN_FORMAT,
        Finding.EMPTY,
        Finding.UNREADABLE,
        Finding.ENCRYPTED,
        Finding.TOO_DEMANDING,
    }
)
"""What is found of a file in which no signature could be looked at: its verdict is INDETERMINATE by the norm,
and people are told what the file is.
"""


def nothing_to_judge(report: Report) -> Finding | None:
    """Returns why no signature of the file could be looked at; None where one was."""
    if report.signatures:
        return None
    found = (check.finding for check in report.checks if check.result is not CheckResult.PASSED)
    return next((each for each in found if each in NOTHING_TO_JUDGE), None)
