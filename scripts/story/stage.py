"""Shows the story: numbered steps in acts, each with who did what and what came of it."""

import asyncio
import io
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO, TypeVar, cast

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from namak.errors import NamakError

T = TypeVar("T")

PIPED_WIDTH = 140
"""Columns where nobody looks."""

_WHO = len("administrator")
_INDENT = 1 + 1 + 2 + 1 + _WHO + 1
# Mark, number and who, with the spaces after each: a step's sentence begins here.
_WIDE, _MEDIUM = 130, 100
# From so many columns on there is room for what was done (the longest or a usual one) beside its outcome.


class _Untrailed(io.TextIOBase):
    """Text without blanks at the ends of lines, which fill a terminal and nothing else."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> int:
        self._output.write(re.sub(r" +(?=\n)", "", text))
        return len(text)

    def flush(self) -> None:
        self._output.flush()


def console_for(output: TextIO) -> Console:
    """Returns the console for a terminal, or for a file or a pipe."""
    if output.isatty():
        return Console(file=output, highlight=False)
    return Console(file=cast(TextIO, _Untrailed(output)), highlight=False, width=PIPED_WIDTH)


class StoryFailed(Exception):
    """A step did not come out as told."""


@dataclass
class _Outcome:
    """What a step came to, and how long it took where that is not the time it was watched."""

    text: str = ""
    seconds: float | None = None


class Stage:
    """Runs steps one after the other and prints a line for each.

    A step that does not come out as told is shown in red and ends the story.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.steps = 0
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the story has run."""
        return time.monotonic() - self._began

    @property
    def room(self) -> int:
        """Columns that a remark has."""
        return self.console.width - _INDENT

    def act(self, title: str, why: str) -> None:
        """Begins an act; `why` says in a sentence what it is to anybody."""
        self.console.print()
        self.console.rule(f"[bold]{escape(title)}", align="left", style="dim")
        self.console.print(Padding(Text(why, style="italic"), (0, 0, 0, 2)))

    def note(self, text: str) -> None:
        """Prints a remark that is no step."""
        self.console.print(Padding(Text(text, style="dim"), (0, 0, 0, _INDENT)))

    async def step(
        self, who: str, what: str, doing: Awaitable[T], shows: Callable[[T], str] = lambda _: "done"
    ) -> T:
        """Does a step that must succeed; `shows` says what came of it, and raises when it is wrong."""
        with self._watched(who, what) as outcome:
            result = await doing
            outcome.text = shows(result)
        return result

    async def at_once(self, who: str, doings: Sequence[tuple[str, Awaitable[str]]]) -> None:
        """Does steps that must succeed at the same time, and shows them in order, each with its own time."""
        tasks = [asyncio.ensure_future(_timed(doing)) for _, doing in doings]
        try:
            for (what, _), task in zip(doings, tasks, strict=True):
                with self._watched(who, what) as outcome:
                    outcome.text, outcome.seconds = await task
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def refused(
        self, who: str, what: str, doing: Awaitable[object], reason: str, *, evidence: bool
    ) -> NamakError:
        """Does a step that must be refused for this reason, leaving evidence or none."""
        with self._watched(who, what) as outcome:
            try:
                await doing
            except NamakError as error:
                refusal = error
            else:
                raise StoryFailed(f"it was not refused; {reason} was due")
            if refusal.reason != reason:
                raise StoryFailed(f"refused with {refusal.reason}, and {reason} was due: {refusal}")
            if evidence != (refusal.evidence_id is not None):
                raise StoryFailed("evidence was due" if evidence else "no evidence was due")
            outcome.text = f"refused: {reason}" + (", with evidence" if evidence else "")
        return refusal

    def check(self, holds: bool, otherwise: str) -> None:
        """Ends the story unless the condition holds."""
        if not holds:
            raise StoryFailed(otherwise)

    @contextmanager
    def _watched(self, who: str, what: str) -> Iterator[_Outcome]:
        outcome = _Outcome()
        self.steps += 1
        began = time.monotonic()
        try:
            with self.console.status(f"{escape(who)}: {escape(what)} …", spinner="dots"):
                yield outcome
        except Exception as error:
            first, *_ = (str(error) or type(error).__name__).splitlines()
            text = Text(first, style="red")
            self._line(who, what, text, Text("✗", style="bold red"), time.monotonic() - began)
            if isinstance(error, StoryFailed):
                raise
            raise StoryFailed(f"step {self.steps}: {error}") from error
        took = time.monotonic() - began if outcome.seconds is None else outcome.seconds
        self._line(who, what, Text(outcome.text), Text("✓", style="green"), took)

    def _line(self, who: str, what: str, outcome: Text, mark: Text, took: float) -> None:
        row = Table.grid(padding=(0, 1), expand=True)
        row.add_column(width=1)
        row.add_column(width=2, justify="right", style="dim")
        row.add_column(width=_WHO, style="cyan")
        cells: list[RenderableType] = [Text(what), outcome]
        if self.console.width >= _MEDIUM:
            row.add_column(width=58 if self.console.width >= _WIDE else 44)
        else:
            cells = [Group(*cells)]
        row.add_column(ratio=1)
        row.add_column(width=9, justify="right", style="dim", no_wrap=True)
        row.add_row(mark, str(self.steps), who, *cells, f"{took * 1000:,.0f} ms")
        self.console.print(row)


async def _timed(doing: Awaitable[T]) -> tuple[T, float]:
    began = time.monotonic()
    return await doing, time.monotonic() - began
