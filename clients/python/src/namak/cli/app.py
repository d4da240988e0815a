"""The frame of the command: options that all commands share, and the one place where failures become exit
codes.
"""

import asyncio
import functools
import inspect
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from namak.cli.codes import EXIT_CODES_TEXT, ExitCode
from namak.cli.screen import Screen
from namak.config import Connection, parse_duration
from namak.errors import NamakError, ServerFault

if TYPE_CHECKING:
    from namak.client import Client

app = typer.Typer(
    name="namak",
    help="Send, read and confirm official post, keep its receipts, and verify them offline.",
    epilog=EXIT_CODES_TEXT,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem)) from problem


def _say_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        found = metadata.version("namak-client")
    except metadata.PackageNotFoundError:  # run from a source tree
        found = "not installed"
    typer.echo(f"namak-client {found}")
    raise typer.Exit


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration; otherwise NAMAK_CONFIG, ./namak.toml, ~/.config/namak/namak.toml.",
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Print exactly one JSON document, failures included."),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="TIME", parser=_seconds, help='For each call, for example "30s".'),
]

Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version and exit.", callback=_say_version, is_eager=True),
]


@dataclass(frozen=True, slots=True)
class Shared:
    """The shared options, before the command's name or after it."""

    config: Path | None = None
    as_json: bool = False
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command: where it shows things and how it reaches the post."""

    options: Shared
    screen: Screen

    def connection(self) -> Connection:
        """Returns the configured connection. Raises ConfigurationError."""
        connection = Connection.load(self.options.config)
        if self.options.timeout is not None:
            connection = replace(connection, timeout=self.options.timeout)
        return connection

    def client(self) -> "Client":
        """Returns a client, to be entered. Raises ConfigurationError."""
        from namak.client import Client  # not before a command needs it: commands.py says why

        return Client(self.connection())


@app.callback()
def shared(
    context: typer.Context,
    config: Config = None,
    as_json: AsJson = False,
    timeout: Timeout = None,
    version: Version = False,  # noqa: ARG001 - _say_version has ended the process already
) -> None:
    """Keeps the options given before the command's name."""
    context.obj = Shared(config, as_json, timeout)


def add(app: typer.Typer, name: str, text: str, function: Callable[..., Awaitable[ExitCode]]) -> None:
    """Adds a command with its help, whose paragraphs are filled to whatever width the screen has."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    app.command(name, help="\n\n".join(paragraphs), epilog=EXIT_CODES_TEXT)(command(function))


def command(
    function: Callable[..., Awaitable[ExitCode]],
) -> Callable[..., None]:
    """Makes a command of a coroutine function whose first parameter is the :class:`Run`.

    Adds the shared options, and turns every failure into a line and an exit code, never a traceback.
    """

    @functools.wraps(function)
    def run(
        context: typer.Context, config: Path | None, as_json: bool, timeout: float | None, **given: Any
    ) -> None:
        before: Shared = context.obj or Shared()
        options = Shared(config or before.config, as_json or before.as_json, timeout or before.timeout)
        screen = Screen(as_json=options.as_json)
        raise typer.Exit(_outcome(function(Run(options, screen), **given), screen))

    own = list(inspect.signature(function).parameters.values())[1:]
    extra = {"config": (Config, None), "as_json": (AsJson, False), "timeout": (Timeout, None)}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *(parameter.replace(kind=keyword) for parameter in own),
        *(
            inspect.Parameter(name, keyword, annotation=kind, default=default)
            for name, (kind, default) in extra.items()
        ),
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del run.__wrapped__
    return run


def _outcome(work: Awaitable[ExitCode], screen: Screen) -> ExitCode:
    async def awaited() -> ExitCode:
        return await work

    try:
        return asyncio.run(awaited())
    except NamakError as error:
        return screen.failure(error)
    except (KeyboardInterrupt, typer.Abort):
        screen.note("namak: interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output went away; keep Python from saying so when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FILE
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as error:  # noqa: BLE001 - a person gets a line, not a traceback
        fault = ServerFault(f"this program failed: {type(error).__name__}: {error}", reason="PROGRAM_FAULT")
        return screen.failure(fault)
