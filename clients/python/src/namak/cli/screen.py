"""What the command shows: tables and lines for people, exactly one JSON document for programs.

Whatever comes from others is shown without control characters and without those that turn the direction of
writing round, so that no subject can move the cursor, colour the screen or pretend to be another line.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from namak.cli.codes import ExitCode, exit_code_of
from namak.cli.fields import typed_as
from namak.cli.reasons import advice_for, detail_of, headline_of, meaning_of
from namak.cli.texts import _
from namak.errors import InvalidFields, NamakError, Violation

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


def printable(text: str) -> str:
    """Returns the text on one line, with a mark in place of each character that does not stand for itself."""
    # Nearly all text is printable as Python sees it, which leaves out all of these and the wider spaces.
    if text.isprintable():
        return text
    return "".join("\ufffd" if unicodedata.category(c) in _UNPRINTABLE else c for c in text)


_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Screen:
    """Standard output for results, standard error for everything else."""

    def __init__(self, *, as_json: bool, asked: "Asked | None" = None) -> None:
        self.as_json = as_json
        self._asked = asked or Asked()

    def result(self, document: Mapping[str, object]) -> None:
        """Prints the one JSON document of ``--json``; does nothing otherwise."""
        if self.as_json:
            _write(sys.stdout, json.dumps(document, ensure_ascii=False, indent=2))

    def results(self, head: Mapping[str, object], name: str, items: Iterable[Mapping[str, object]]) -> None:
        """Prints the same where its last field is a list too long to be held: item by item."""
        if not self.as_json:
            return
        sys.stdout.write(json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}"))
        before, after = f",\n  {json.dumps(name)}: [\n    ", "[]"
        for item in items:
            text = json.dumps(item, ensure_ascii=False, indent=2).replace("\n", "\n    ")
            sys.stdout.write(before + text)
            before, after = ",\n    ", "\n  ]"
        _write(sys.stdout, (after if after != "[]" else f",\n  {json.dumps(name)}: []") + "\n}")

    def line(self, text: str) -> None:
        """Prints one line for people."""
        if not self.as_json:
            _write(sys.stdout, printable(text))

    def lines(self, texts: Iterable[str]) -> None:
        """Prints lines for people."""
        if not self.as_json and (shown := [printable(text) for text in texts]):
            _write(sys.stdout, "\n".join(shown))

    def paragraphs(self, paragraphs: Iterable[Sequence[str]]) -> None:
        """Prints any number of paragraphs' lines for people, and sees to it only at their end that all is
        out.
        """
        if self.as_json:
            return
        for texts in paragraphs:
            # Nearly always all of it is printable, and looked at at once.
            plain = "".join(texts).isprintable()
            sys.stdout.write("".join([f"{text if plain else printable(text)}\n" for text in texts]))
        sys.stdout.flush()

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
            document = error_document(error, self._asked)
            self.result({"error": document, "exit_code": int(exit_code_of(error))})
            return exit_code_of(error)
        return self.trouble(error)

    def trouble(self, error: NamakError) -> ExitCode:
        """Says the same beside a result that stands all the same; with ``--json`` the result must hold it."""
        code = exit_code_of(error)
        if self.as_json:
            return code
        for line in self._what_failed(error):
            _write(sys.stderr, printable(line))
        if error.retry_delay is not None:
            wait = _("The post asks to wait {seconds} s.").format(seconds=f"{error.retry_delay:g}")
            _write(sys.stderr, f"  {wait}")
        if error.evidence_id is not None:
            kept = _(
                "Its evidence can be kept: {command} (with --witnessed, where you ask for witnesses)"
            ).format(command=f"namak receipt {error.evidence_id} -o DIR")
            _write(sys.stderr, printable(f"  {kept}"))
        for note in getattr(error, "__notes__", ()):
            _write(sys.stderr, printable(f"  {note}"))
        if self._asked.verbose and (details := error.metadata.get("details")):
            _write(sys.stderr, printable(f"  {details}"))
        advice = advice_for(error, self._asked.delivery_id)
        if advice.removesuffix(".").casefold() not in error.message.casefold():
            _write(sys.stderr, printable(f"  {advice}"))
        return code

    def _what_failed(self, error: NamakError) -> Iterator[str]:
        """Yields the headline, and what is wrong with each option or field."""
        reason = f" [{error.reason}]" if error.reason else ""
        typed = [(self._asked.typed(error, violation), violation) for violation in error.violations]
        if typed and all(name for name, _violation in typed):
            # In the words of who typed them: the post's own text has the contract's paths.
            yield f"namak: {meaning_of(error)}{reason}"
        else:
            yield f"namak: {headline_of(error)}{reason}"
            if detail := detail_of(error):
                yield f"  {detail}"
        for name, violation in typed:
            named = f"{name or violation.field}: {violation.description}"
            if name is None and named in error.message:
                continue  # the post's own text of wrong fields names each of them
            value = error.values.get(violation.field) if isinstance(error, InvalidFields) else None
            given = "" if value is None else f" {value}"
            yield f"  {name or violation.field}{given}: {violation.description} [{violation.reason}]"

    @contextmanager
    def progress(self, label: str, total: int | None = None) -> Iterator["Steps"]:
        """Shows, on a terminal, that something is going on and how far it is."""
        if self.as_json or not sys.stderr.isatty():
            yield Steps()  # without rich, which takes longer to import than most commands to run
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            *((BarColumn(), MofNCompleteColumn()) if total is not None else ()),
            console=console(sys.stderr),
            transient=True,
        )
        with bar:
            yield Steps(bar, bar.add_task(printable(label), total=total))


@dataclass(frozen=True, slots=True)
class Steps:
    """A progress bar to tell how far things are, if there is one, with its one task."""

    bar: "Progress | None" = None
    task: "TaskID | None" = None

    @property
    def is_shown(self) -> bool:
        """Whether anybody sees it."""
        return self.bar is not None

    def reached(self, done: int, total: int | None = None) -> None:
        """Says how many of how many are done."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=done, total=total)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for on the command line, as far as failures are told by it."""

    command: str = ""
    """The command's name, ``admin org list``."""
    taken: frozenset[str] = frozenset()
    """How its options and arguments are called."""
    delivery_id: str = ""
    verbose: bool = False

    def typed(self, error: NamakError, violation: Violation) -> str | None:
        """Returns the option or argument that a wrong field came from; None where it came from none."""
        if isinstance(error, InvalidFields) and violation.field in error.options:
            return error.options[violation.field]
        name = typed_as(self.command, violation.field)
        return name if name in self.taken else None


def error_document(error: NamakError, asked: Asked | None = None) -> Mapping[str, object]:
    """Returns a failure for programs."""
    said = asked or Asked()
    return {
        "reason": error.reason,
        "message": error.message,
        "advice": advice_for(error, said.delivery_id),
        "metadata": dict(error.metadata),
        "violations": [
            {
                "field": v.field,
                "reason": v.reason,
                "description": v.description,
                "option": said.typed(error, v),
            }
            for v in error.violations
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
