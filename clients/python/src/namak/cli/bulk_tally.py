"""What became of a list: counts, the first problems, and the summary at the end."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from namak.cli.app import Run
from namak.cli.bulk_list import BadLine, Row
from namak.cli.codes import ExitCode, exit_code_of
from namak.cli.reasons import advice_for, headline_of
from namak.cli.texts import _, ngettext
from namak.errors import NamakError

_SHOWN = 20
# Wrong or refused lines that are shown to people; all stand in the results.


@dataclass(slots=True)
class Tally:
    """What became of the lines so far."""

    lines: int = 0
    good: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)
    problems: list[Mapping[str, object]] = field(default_factory=list)
    exit_codes: set[ExitCode] = field(default_factory=set)

    def bad(self, found: BadLine) -> None:
        """Counts a line that can't be sent."""
        self.counts["bad_lines"] += 1
        self._remember(
            {"line": found.line, "status": "bad_line", "code": found.code, "problem": found.words},
            _("line {number} {problem}").format(number=found.line, problem=found.words),
        )

    def refused(self, row: Row, problem: NamakError, status: str) -> None:
        """Counts a line that was not accepted."""
        self.counts[status] += 1
        self.exit_codes.add(exit_code_of(problem))
        self._remember(
            {
                "line": row.line,
                "recipient": row.recipient,
                "status": status,
                "reason": problem.reason,
                "message": problem.message,
            },
            _("line {number}, {recipient}: {problem} [{reason}]").format(
                number=row.line,
                recipient=row.recipient,
                problem=headline_of(problem),
                reason=problem.reason,
            ),
        )

    def _remember(self, document: Mapping[str, object], words: str) -> None:
        if len(self.shown) < _SHOWN:
            self.shown.append(words)
            self.problems.append(document)


def summary(
    run: Run, results: Path, tally: Tally, base: str, *, stopped: NamakError | None, sent: bool
) -> ExitCode:
    """Shows the summary and returns the exit code."""
    counts = tally.counts
    answered = sum(
        counts[name] for name in ("accepted", "refused", "unknown", "accepted_before", "refused_before")
    )
    not_sent = max(0, tally.good - answered)
    code = _exit_code(tally, stopped, not_sent if sent else 0)
    run.screen.result(
        {
            "request_id": base or None,
            "results_file": str(results) if sent else None,
            "lines": tally.lines,
            "accepted": counts["accepted"],
            "accepted_before": counts["accepted_before"],
            "refused": counts["refused"],
            "refused_before": counts["refused_before"],
            "unknown": counts["unknown"],
            "not_sent": not_sent,
            "bad_lines": counts["bad_lines"],
            "problems": tally.problems,
            "stopped_by": None
            if stopped is None
            else {"reason": stopped.reason, "message": stopped.message, "advice": advice_for(stopped)},
            "exit_code": int(code),
        }
    )
    show_problems(run, tally, sum(counts[name] for name in ("bad_lines", "refused", "unknown", "not_sent")))
    if stopped is not None:
        run.screen.trouble(stopped)
    for name, words in (
        ("accepted", _("accepted: {number}")),
        ("accepted_before", _("accepted in earlier runs: {number}")),
        ("refused", _("refused: {number}")),
        ("refused_before", _("refused in earlier runs: {number}")),
        ("unknown", _("without an answer: {number}")),
        ("bad_lines", _("wrong lines: {number}")),
    ):
        if counts[name] or name == "accepted":
            run.screen.line(words.format(number=counts[name]))
    if not_sent:
        run.screen.line(_("not sent: {number}").format(number=not_sent))
    if code is ExitCode.UNAVAILABLE:
        run.screen.note(_("Run the same command again, and it goes on where it stopped."))
    return code


def _exit_code(tally: Tally, stopped: NamakError | None, not_sent: int) -> ExitCode:
    """Returns what matters most: what must be repeated before what must be mended."""
    if stopped is not None:
        return exit_code_of(stopped)
    for code in (ExitCode.UNAVAILABLE, ExitCode.FAULT):
        if code in tally.exit_codes:
            return code
    counts = tally.counts
    if counts["refused"] or counts["refused_before"] or counts["bad_lines"] or not_sent:
        return ExitCode.REFUSED
    return ExitCode.OK


def show_problems(run: Run, tally: Tally, number: int) -> None:
    """Shows the first wrong and refused lines, and how many there are besides."""
    for words in tally.shown:
        run.screen.note(words)
    if (more := number - len(tally.shown)) > 0:
        run.screen.note(
            ngettext("… and {number} line more", "… and {number} lines more", more).format(number=more)
        )
