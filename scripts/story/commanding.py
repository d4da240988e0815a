"""Steps that are commands, run in the demo's directory as a person would, and shown with what they print."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from scripts.story import programs
from scripts.story.post import Post
from scripts.story.stage import Stage, StoryFailed

_MODULES = {"namak": "namak.cli", "namak-server": "server"}


class Shell:
    """Runs commands for everybody; who stands before one names the configuration, ``WHO.toml``."""

    def __init__(self, stage: Stage, post: Post) -> None:
        self._stage = stage
        self._directory = post.world.directory

    async def run(
        self, who: str, what: str, *line: str, shows: Callable[[str], Iterable[str]] = str.splitlines
    ) -> str:
        """Runs a command that must succeed; returns what it prints, and shows of it what `shows` picks."""
        printed = await self._step(who, what, line, 0, "done")
        for text in shows(printed):
            self._stage.note(text)
        return printed

    async def refused(self, who: str, what: str, *line: str, reason: str) -> None:
        """Runs a command that must be refused for this reason."""
        printed = await self._step(who, what, line, 1, f"refused: {reason}")
        self._stage.check(reason in printed, f"{reason} was due:\n{printed}")

    async def _step(self, who: str, what: str, line: Sequence[str], due: int, outcome: str) -> str:
        printed = await self._stage.step(
            who, what, _ended(self._directory, who, line, due, self._stage.room), lambda _: outcome
        )
        for text in broken(line, self._stage.room):
            self._stage.note(text)
        return printed


def broken(line: Sequence[str], columns: int) -> Iterator[str]:
    """Yields a command so that it can be copied: each line of it but the last ends with a backslash."""
    text = "$"
    for word in map(shlex.quote, line):
        if len(text) + len(word) + len("  \\") > columns:
            yield f"{text} \\"
            text = " "
        text = f"{text} {word}"
    yield text


def nothing(_printed: str) -> Iterable[str]:
    """Shows nothing of what a command prints."""
    return ()


async def _ended(directory: Path, who: str, line: Sequence[str], due: int, columns: int) -> str:
    """Returns what the command printed. Raises StoryFailed where it ended with another code than was due."""
    name, *words = line
    environment = {"NAMAK_CONFIG": f"{who}.toml", "NAMAK_LANG": "en", "COLUMNS": str(columns)}
    try:
        if name in _MODULES:
            code, printed = await programs.ended(_MODULES[name], words, environment, directory)
        else:
            code, printed = await programs.ended_program(line, environment, directory)
    except programs.Hangs as hangs:
        raise StoryFailed(str(hangs)) from hangs
    if code != due:
        raise StoryFailed(f"{shlex.join(line)}\nended with {code}, not {due}:\n{printed}")
    return printed
