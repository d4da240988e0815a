"""Commands that pages print are there, with the options that they are printed with."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from namak.cli.app import build
from namak.witness.cli import app as witness
from server.cli.app import app as server
from tests.contract.imports import ROOT

PROGRAMS: dict[str, Any] = {
    "namak": build(),
    "namak-server": typer.main.get_command(server),
    "namak-witness": typer.main.get_command(witness),
}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PRINTED = re.compile(r"(?:^|(?<=[\s`(/]))(namak(?:-server|-witness)?) ((?:--?)?[a-z][^`\n|#]*)", re.MULTILINE)


def printed(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yields each command with its words, up to what the shell does with it."""
    for program, words in PRINTED.findall(page.read_text(encoding="utf-8").replace("\\\n", " ")):
        yield program, re.split(r" (?:>|&|;)", words)[0].split()


def wrong(program: str, words: list[str]) -> Iterator[str]:
    """Tells what no command, and no option of the command, is called."""
    command = PROGRAMS[program]
    options = dict(_options(command))
    rest = iter([word.rstrip(".,;:)") for word in words])
    for word in rest:
        is_group = hasattr(command, "get_command")
        if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word):
            name, _, value = word.partition("=")
            if name not in options:
                yield word
            elif options[name] and not value:
                next(rest, None)
        elif is_group and re.fullmatch(r"[a-z][a-z-]+", word):
            found = command.get_command(command.make_context(program, [], resilient_parsing=True), word)
            if found is None:
                yield word
                return
            command = found
            options |= dict(_options(found))
        elif is_group:
            return


def _options(command: Any) -> Iterator[tuple[str, bool]]:
    """Yields the options of a command, with whether a value follows."""
    yield "--help", False
    for parameter in command.params:
        for name in (*parameter.opts, *parameter.secondary_opts):
            yield name, not getattr(parameter, "is_flag", False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_printed_commands_and_options_are_there(page: Path) -> None:
    assert [
        f"{program} {' '.join(words)}: {each}"
        for program, words in printed(page)
        for each in wrong(program, words)
    ] == []


def test_a_wrong_command_is_found() -> None:
    assert list(wrong("namak", ["receipt", "--evidence", "ID"])) == ["--evidence"]
    assert list(wrong("namak-server", ["log", "check"])) == ["check"]
    assert list(wrong("namak", ["--json", "admin", "audit", "--org", "00000701"])) == []
