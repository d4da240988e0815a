"""What a person reads who called the command in a wrong way."""

import sys
from typing import Any

import typer
from typer.exceptions import TyperException

from namak.cli.codes import ExitCode
from namak.cli.texts import _
from namak.errors import WrongUsage


def wrong_usage(wrong: TyperException) -> WrongUsage:
    """Returns what the parser found, as one of our errors."""
    return WrongUsage(_words(wrong))


def explained(wrong: TyperException) -> ExitCode:
    """Says on standard error what is wrong, and where the help is; returns the exit code."""
    context: Any = getattr(wrong, "ctx", None)
    if type(wrong).__name__ == "NoArgsIsHelpError":
        typer.echo(wrong.format_message(), err=True)
        return ExitCode.USAGE
    if context is not None:
        hint = _("Try '{command}' for help.").format(command=f"{context.command_path} --help")
        typer.echo(f"{context.get_usage()}\n{hint}\n", file=sys.stderr)
    typer.echo(_("Error: {problem}").format(problem=_words(wrong)), file=sys.stderr)
    return ExitCode.USAGE


def _words(wrong: Any) -> str:
    """Returns the problem in the language spoken now; of kinds that we don't know, in the parser's words."""
    match type(wrong).__name__:
        case "NoArgsIsHelpError":
            return _("Missing command.")
        case "NoSuchOption":
            return _("No such option: {name}").format(name=wrong.option_name)
        case "MissingParameter" if wrong.param is not None:
            return _("Missing: {name}").format(name=wrong.param.get_error_hint())
        case "BadParameter":
            hint = wrong.param_hint
            if hint is None and wrong.param is not None:
                hint = wrong.param.get_error_hint()
            if hint is not None and wrong.message == _("is needed"):
                # As the parser says it of what it needs itself.
                return _("Missing: {name}").format(name=f"'{hint}'")
            if hint is not None:
                return _("Invalid value for {name}: {problem}").format(name=hint, problem=wrong.message)
    return str(wrong.format_message())
