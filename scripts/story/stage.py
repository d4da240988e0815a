"""Shows the story: numbered steps in acts, each with who did what and what came of it."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from namak.errors import NamakError

T = TypeVar("T")

_WIDTHS = {"number": 3, "who": 11, "what": 58}


class StoryFailed(Exception):
    """A step did not come out as told."""


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

    def act(self, title: str) -> None:
        """Begins an act."""
        self.console.print()
        self.console.rule(f"[bold]{escape(title)}", align="left", style="dim")

    def note(self, text: str) -> None:
        """Prints a remark that is no step."""
        self.console.print(f"      [dim]{escape(text)}[/]")

    async def step(
        self, who: str, what: str, doing: Awaitable[T], shows: Callable[[T], str] = lambda _: "done"
    ) -> T:
        """Does a step that must succeed; `shows` says what came of it, and raises when it is wrong."""
        with self._watched(who, what) as outcome:
            result = await doing
            outcome.append(shows(result))
        return result

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
            outcome.append(f"refused: {reason}" + (", with evidence" if evidence else ""))
        return refusal

    def check(self, holds: bool, otherwise: str) -> None:
        """Ends the story unless the condition holds."""
        if not holds:
            raise StoryFailed(otherwise)

    @contextmanager
    def _watched(self, who: str, what: str) -> Iterator[list[str]]:
        outcome: list[str] = []
        self.steps += 1
        began = time.monotonic()
        try:
            with self.console.status(f"{escape(who)}: {escape(what)} …", spinner="dots"):
                yield outcome
        except Exception as error:
            self._line(
                who, what, f"[red]{escape(str(error) or type(error).__name__)}[/]", "[bold red]✗[/]", began
            )
            if isinstance(error, StoryFailed):
                raise
            raise StoryFailed(f"step {self.steps}: {error}") from error
        self._line(who, what, escape(outcome[0]), "[green]✓[/]", began)

    def _line(self, who: str, what: str, outcome: str, mark: str, began: float) -> None:
        row = Table.grid(padding=(0, 1))
        row.add_column(width=1)
        row.add_column(width=_WIDTHS["number"], justify="right", style="dim")
        row.add_column(width=_WIDTHS["who"], style="cyan")
        row.add_column(width=_WIDTHS["what"])
        row.add_column(ratio=1)
        row.add_column(justify="right", style="dim", no_wrap=True)
        took = f"{(time.monotonic() - began) * 1000:.0f} ms"
        row.add_row(mark, str(self.steps), who, escape(what), outcome, took)
        self.console.print(row)
