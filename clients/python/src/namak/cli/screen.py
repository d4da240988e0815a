"""What the command shows: tables and lines for people, exactly one JSON document for programs.

Whatever comes from others is shown without control characters and without those that turn the direction of
writing round, so that no subject can move the cursor, colour the screen or pretend to be another line.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from namak.cli.codes import ExitCode, exit_code_of
from namak.cli.reasons import advice_for, detail_of, headline_of
from namak.cli.texts import _
from namak.errors import NamakError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


def printable(text: str) -> str:
    """Returns the text on one line, with a mark in place of each character that does not stand for itself."""
    return "".join("\ufffd" if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Screen:
    """Standard output for results, standard error for everything else."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def result(self, document: Mapping[str, object]) -> None:
        """Prints the one JSON document of ``--json``; does nothing otherwise."""
        if self.as_json:
            _write(sys.stdout, json.dumps(document, ensure_ascii=False, indent=2))

    def line(self, text: str) -> None:
        """Prints one line for people."""
        if not self.as_json:
            _write(sys.stdout, printable(text))

    def lines(self, texts: Iterable[str]) -> None:
        """Prints lines for people."""
        for text in texts:
            self.line(text)

    def note(self, text: str) -> None:
        """Prints a line beside the result, on standard error."""
        if not self.as_json:
            _write(sys.stderr, printable(text))

    def warning(self, text: str) -> None:
        """Prints a line that must be seen, on standard error, with ``--json`` too."""
        _write(sys.stderr, printable(text))

    def shown_in_full(self, text: str) -> None:
        """Prints what must be read before going on: always, with ``--json`` on standard error."""
        for line in text.splitlines():
            _write(sys.stderr if self.as_json else sys.stdout, "  " + printable(line))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Prints a table for people; nothing is cut off. Headings are marked texts.

        On a screen where its identifiers, addresses and times would not fit whole, each row becomes a
        paragraph; where nobody looks, each row is one line.
        """
        if self.as_json:
            return
        from namak.cli.tables import (
            show_table,
        )  # not before: rich takes longer to import than most commands to run

        show_table([_(column) for column in columns], [[printable(cell) for cell in row] for row in rows])

    def fields(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Prints what there is to say of one thing, a line for each field that has a value."""
        shown = [(_(name), value) for name, value in pairs if value]
        width = max((len(name) for name, _value in shown), default=0)
        self.lines(f"{name + ':':{width + 1}} {value}" for name, value in shown)

    def failure(self, error: NamakError) -> ExitCode:
        """Says what failed, why, and what to do; returns the exit code that belongs to it."""
        if self.as_json:
            self.result({"error": error_document(error), "exit_code": int(exit_code_of(error))})
            return exit_code_of(error)
        return self.trouble(error)

    def trouble(self, error: NamakError) -> ExitCode:
        """Says the same beside a result that stands all the same; with ``--json`` the result must hold it."""
        code = exit_code_of(error)
        if self.as_json:
            return code
        reason = f" [{error.reason}]" if error.reason else ""
        _write(sys.stderr, printable(f"namak: {headline_of(error)}{reason}"))
        if detail := detail_of(error):
            _write(sys.stderr, printable(f"  {detail}"))
        for violation in error.violations:
            if f"{violation.field}: {violation.description}" in error.message:
                continue  # the post's own text of wrong fields names each of them
            text = f"  {violation.field}: {violation.description} [{violation.reason}]"
            _write(sys.stderr, printable(text))
        if error.retry_delay is not None:
            wait = _("The post asks to wait {seconds} s.").format(seconds=f"{error.retry_delay:g}")
            _write(sys.stderr, f"  {wait}")
        if error.evidence_id is not None:
            kept = _("Its evidence can be kept: {command}").format(
                command=f"namak receipt {error.evidence_id} -o DIR"
            )
            _write(sys.stderr, printable(f"  {kept}"))
        for note in getattr(error, "__notes__", ()):
            _write(sys.stderr, printable(f"  {note}"))
        if advice := advice_for(error):
            _write(sys.stderr, f"  {advice}")
        return code

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator["Steps"]:
        """Shows, on a terminal, that something is going on and how far it is."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            *((BarColumn(), MofNCompleteColumn()) if total is not None else ()),
            console=console(sys.stderr),
            transient=True,
            disable=self.as_json or not sys.stderr.isatty(),
        )
        with bar:
            yield Steps(bar, printable(label), total)


class Steps:
    """A progress bar to tell how far things are."""

    def __init__(self, bar: "Progress", label: str, total: int | None) -> None:
        self._bar = bar
        self._task = bar.add_task(label, total=total)

    @property
    def is_shown(self) -> bool:
        """Whether anybody sees it."""
        return not self._bar.disable

    def reached(self, done: int, total: int | None = None) -> None:
        """Says how many of how many are done."""
        self._bar.update(self._task, completed=done, total=total)


def error_document(error: NamakError) -> Mapping[str, object]:
    """Returns a failure for programs."""
    return {
        "reason": error.reason,
        "message": error.message,
        "advice": advice_for(error),
        "metadata": dict(error.metadata),
        "violations": [
            {"field": v.field, "reason": v.reason, "description": v.description} for v in error.violations
        ],
        "retry_delay_seconds": error.retry_delay,
        "evidence_id": error.evidence_id,
    }


def _write(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


def console(stream: TextIO) -> "Console":
    """Returns a console that shows what it is given as it is."""
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)
