"""The frame of the command: options that all commands share, and the one place where failures become exit
codes.
"""

import asyncio
import copy
import functools
import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

import typer
from typer.core import TyperGroup
from typer.models import CommandInfo

from namak.cli.codes import EXIT_CODES_TEXT, ExitCode
from namak.cli.fields import taken_by
from namak.cli.groups import Command, Group, MadeWhenAskedFor, RootGroup
from namak.cli.interrupts import end_at_the_next, one_heeded
from namak.cli.renaming import command_name
from namak.cli.screen import Asked, Screen
from namak.cli.texts import LANGUAGES, N_, _
from namak.config import Connection, parse_duration
from namak.errors import NamakError, ServerFault
from namak.releases import installed

if TYPE_CHECKING:
    from namak.client import Client


TIME_PROBLEM = N_('must be a time with its unit, for example "30s", more than zero')
"""What the configuration's reader says of a wrong time, for the catalogue."""


def seconds(text: str) -> float:
    """Reads a duration with its unit. Raises BadParameter."""
    try:
        return parse_duration(text)
    except ValueError as problem:
        raise typer.BadParameter(_(str(problem))) from problem


def _say_version(wanted: bool) -> None:
    if wanted:
        release = installed("namak-client") or _("not installed")
        typer.echo(f"namak-client {release}")
        raise typer.Exit


def _language(value: str | None) -> str | None:
    if value is not None and value not in LANGUAGES:
        raise typer.BadParameter(_("must be one of {names}").format(names=", ".join(LANGUAGES)))
    return value


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help=N_("The configuration; otherwise NAMAK_CONFIG, ./namak.toml, ~/.config/namak/namak.toml."),
    ),
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help=N_("Print exactly one JSON document, failures included.")),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="TIME", parser=seconds, help=N_('For each call, for example "30s".')),
]
Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="LANG",
        callback=_language,
        autocompletion=lambda: list(LANGUAGES),
        help=N_("hy, ru, en, kk or az; otherwise NAMAK_LANG, the configuration, the system's."),
    ),
]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", help=N_("Say of failures also what only those who look for the cause need.")),
]
Version = Annotated[
    bool,
    typer.Option("--version", help=N_("Print the version and exit."), callback=_say_version, is_eager=True),
]


@dataclass(frozen=True, slots=True)
class Shared:
    """The shared options, before the command's name or after it."""

    config: Path | None = None
    as_json: bool = False
    timeout: float | None = None
    verbose: bool = False


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


Function = Callable[..., Awaitable[ExitCode]]


def build() -> TyperGroup:
    """Makes the command with all its commands, in the language that the process speaks now."""
    from namak.cli import commands

    app = typer.Typer(
        name="namak",
        help=_("Send, read and confirm official post, keep its receipts, and verify them offline."),
        epilog=_(EXIT_CODES_TEXT),
        cls=RootGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_translated(_shared, []))
    commands.register(app)
    return _made(app)


def build_admin() -> TyperGroup:
    """Makes ``namak admin``, which only its users wait for."""
    from namak.cli import commands_admin

    app = typer.Typer(
        name="admin",
        help=_("Keep the register: who may send, from where, and who has a mailbox."),
        epilog=_(EXIT_CODES_TEXT),
        cls=Group,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    commands_admin.register(app)
    return _made(app)


def _made(app: typer.Typer) -> TyperGroup:
    """Makes the groups; their commands are made when they are asked for, since one is and the others cost
    time.
    """
    later = _put_off(app)
    made = typer.main.get_command(app)
    if not isinstance(made, TyperGroup):  # it has a callback, or groups, so it is a group
        raise TypeError("the command is no group")
    _furnish(made, later)
    return made


@dataclass(frozen=True, slots=True)
class _Later:
    commands: Sequence[CommandInfo]
    groups: "Mapping[str, _Later]"


def _put_off(app: typer.Typer) -> _Later:
    """Takes the commands out of an application and the groups in it."""
    commands, app.registered_commands = app.registered_commands, []
    inner = {str(each.name): each.typer_instance for each in app.registered_groups}
    return _Later(commands, {name: _put_off(each) for name, each in inner.items() if each is not None})


def _furnish(group: TyperGroup, later: _Later) -> None:
    """Gives a group its commands, and after them its groups, as they stand in its help."""
    groups = dict(group.commands)
    for name, inner in groups.items():
        if isinstance(inner, TyperGroup):
            _furnish(inner, later.groups[name])
    makers = {str(each.name): functools.partial(_alone, each) for each in later.commands}
    group.commands = MadeWhenAskedFor(makers, groups)


def _alone(info: CommandInfo) -> Any:
    """Makes one command."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    function = info.callback
    if function is None:
        raise TypeError(f"the command {info.name} does nothing")
    app.registered_commands.append(info)
    info.callback = command(function)
    return typer.main.get_command(app)


def group(app: typer.Typer, name: str, text: str) -> typer.Typer:
    """Adds a group of commands with its help, and returns it."""
    inner = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(inner, name=name, help=_(text), epilog=_(EXIT_CODES_TEXT), cls=Group)
    return inner


def add(app: typer.Typer, name: str, function: Function, *paragraphs: str, examples: Sequence[str]) -> None:
    """Adds a command with its help; the paragraphs are marked for the catalogue, the examples stay as they
    are.
    """
    shown = ["\b\n" + _("Example: {command}").format(command=example) for example in examples]
    text = "\n\n".join([*(_(paragraph) for paragraph in paragraphs), *shown])
    app.command(name, cls=Command, help=text, epilog=_(EXIT_CODES_TEXT))(function)


def _shared(
    context: typer.Context,
    config: Config = None,
    as_json: AsJson = False,
    timeout: Timeout = None,
    lang: Lang = None,  # noqa: ARG001 - the language was chosen before the options were read
    verbose: Verbose = False,
    version: Version = False,  # noqa: ARG001 - _say_version has ended the process already
) -> None:
    """Keeps the options given before the command's name."""
    context.obj = Shared(config, as_json, timeout, verbose)


def command(function: Function) -> Callable[..., None]:
    """Makes a command of a coroutine function whose first parameter is the :class:`Run`.

    Adds the shared options, and turns every failure into a line and an exit code, never a traceback.
    """

    @functools.wraps(function)
    def run(
        context: typer.Context,
        config: Path | None,
        as_json: bool,
        timeout: float | None,
        lang: str | None,  # noqa: ARG001 - as above
        verbose: bool,
        **given: Any,
    ) -> None:
        before: Shared = context.obj or Shared()
        options = Shared(config or before.config, as_json or before.as_json, timeout or before.timeout)
        asked = Asked(
            command_name(context),
            taken_by(context.command),
            str(given.get("delivery_id") or given.get("delivery") or ""),
            verbose or before.verbose,
        )
        screen = Screen(as_json=options.as_json, asked=asked)
        raise typer.Exit(_outcome(function(Run(options, screen), **given), screen))

    own = list(inspect.signature(function).parameters.values())[1:]
    keyword = inspect.Parameter.KEYWORD_ONLY
    extra = {
        "config": (Config, None),
        "as_json": (AsJson, False),
        "timeout": (Timeout, None),
        "lang": (Lang, None),
        "verbose": (Verbose, False),
    }
    parameters = [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *(parameter.replace(kind=keyword) for parameter in own),
        *(
            inspect.Parameter(name, keyword, annotation=kind, default=default)
            for name, (kind, default) in extra.items()
        ),
    ]
    return _translated(run, parameters)


def _translated(
    function: Callable[..., None], parameters: Sequence[inspect.Parameter]
) -> Callable[..., None]:
    """Gives the function these parameters, or its own, with their help in the language spoken now."""
    found = list(parameters or inspect.signature(function).parameters.values())
    spoken = [parameter.replace(annotation=_spoken(parameter.annotation)) for parameter in found]

    @functools.wraps(function)
    def result(*arguments: Any, **given: Any) -> None:
        function(*arguments, **given)

    result.__signature__ = inspect.Signature(spoken)  # type: ignore[attr-defined]
    result.__annotations__ = {parameter.name: parameter.annotation for parameter in spoken}
    del result.__wrapped__
    return result


def _spoken(annotation: Any) -> Any:
    if get_origin(annotation) is not Annotated:
        return annotation
    kind, info = get_args(annotation)
    info = copy.copy(info)
    if info.help:
        info.help = _(info.help)
    return Annotated[kind, info]


def _outcome(work: Awaitable[ExitCode], screen: Screen) -> ExitCode:
    async def awaited() -> ExitCode:
        with one_heeded():
            return await work

    try:
        return asyncio.run(awaited())
    except NamakError as error:
        return screen.failure(error)
    except (KeyboardInterrupt, typer.Abort) as how:
        if isinstance(how, KeyboardInterrupt):
            end_at_the_next()
        screen.note(_("namak: interrupted"))
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output went away; keep Python from saying so when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FILE
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as error:  # noqa: BLE001 - a person gets a line, not a traceback
        text = _("this program failed: {problem}").format(problem=f"{type(error).__name__}: {error}")
        return screen.failure(ServerFault(text, reason="PROGRAM_FAULT"))
