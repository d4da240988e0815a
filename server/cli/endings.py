"""How commands end when something is wrong: with a line and exit code 1, never with a traceback; those that
check something, with `FOUND` where they found it.
"""

import asyncio
import contextlib
import os
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, Final, NoReturn

import typer
import uvloop

from server import bootstrap, config
from server.bootstrap_machine import AHEAD
from server.dev.tokens import SoftHsmMissing
from server.domain.refusals import Refused
from server.hsm.errors import HsmError
from server.storage.embedded_place import EmbeddedPostgresFailed
from server.tiles.directory import ExportRefused
from server.transparency.adoption import AdoptionRefused
from server.transparency.troubles import LogTrouble

FOUND: Final = 4
"""The exit code of a command that checked something and found it wrong."""

_EXPECTED = (
    config.ConfigurationError,
    bootstrap.SchemaOutdated,
    EmbeddedPostgresFailed,
    SoftHsmMissing,
    HsmError,
    Refused,
    AdoptionRefused,
    ExportRefused,
    LogTrouble,
    OSError,
    ValueError,
)


def fail(text: str) -> NoReturn:
    """Ends the command."""
    typer.echo(f"namak-server: {text}", err=True)
    raise typer.Exit(1)


@contextlib.contextmanager
def told(about: str = "") -> Iterator[None]:
    """Ends the command where what is done within goes wrong in a way that is known."""
    try:
        yield
    except _EXPECTED as problem:
        fail(about + _words(problem))


def _words(problem: BaseException) -> str:
    if isinstance(problem, OSError) and problem.strerror:
        what = problem.strerror[0].lower() + problem.strerror[1:]
        return f"{problem.filename}: {what}" if problem.filename else what
    return str(problem) or type(problem).__name__


def run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a command."""
    # uvloop: a ninth to a fifth less processor time for a call than asyncio's own loop (docs/performance.md).
    with told(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def load(path: Path) -> config.Settings:
    """Returns the settings of the file and the environment; this process goes by their clock from now on."""
    with told():
        settings = config.load(path, os.environ)
    AHEAD.follow(settings.development_clock)
    return settings
