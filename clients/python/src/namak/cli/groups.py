"""The parser's groups and commands, with their own few texts in our languages."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from typing import Any

from typer.core import TyperArgument, TyperOption
from typer.exceptions import TyperException

from namak import whole_help
from namak.cli.renaming import command_name, renamed
from namak.cli.texts import N_, _

PARSER_TEXTS = (
    N_("(dynamic)"),
    N_("default: {default}"),
    N_("required"),
    N_("Arguments"),
    N_("Options"),
    N_("Commands"),
    N_("Missing command."),
    N_("No such command {name!r}."),
    N_("Show this message and exit."),
    N_("Install completion for the current shell."),
    N_("Show completion for the current shell, to copy it or customize the installation."),
)
"""What the parser says by itself, for the catalogue; a test looks whether it still says so."""


class MadeWhenAskedFor(MutableMapping[str, Any]):
    """A group's commands by name. Their names are known at once; each is made when it is first asked for."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]], made: Mapping[str, Any]) -> None:
        """Holds what is still to be made, and after it what is there; no name is in both."""
        self._makers = dict(makers)
        self._made: dict[str, Any] = {**dict.fromkeys(makers), **made}

    def __getitem__(self, name: str) -> Any:
        if maker := self._makers.pop(name, None):
            self._made[name] = maker()
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._makers.pop(name, None)
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        self._makers.pop(name, None)
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __contains__(self, name: object) -> bool:
        return name in self._made

    def __len__(self) -> int:
        return len(self._made)


class Command(whole_help.Command):
    """A command whose usage line and help option speak our language."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Writes the usage line."""
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), _("Usage: "))

    def get_help_option(self, ctx: Any) -> Any:
        """Returns the help option, with its help translated."""
        return _translated_help(super().get_help_option(ctx))

    def get_params(self, ctx: Any) -> Any:
        """Returns the parameters; arguments that say what they are don't show Python's type beside it."""
        params = super().get_params(ctx)
        for param in params:
            if isinstance(param, TyperArgument) and param.metavar:
                vars(param)["display_type_rich"] = lambda ctx: ""  # noqa: ARG005 - called by this name
        return params

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Reads the options, those under their earlier names too."""
        return super().parse_args(ctx, renamed(command_name(ctx), args))


class Group(whole_help.Group):
    """A group of commands that does the same."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Writes the usage line."""
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), _("Usage: "))

    def get_help_option(self, ctx: Any) -> Any:
        """Returns the help option, with its help translated."""
        return _translated_help(super().get_help_option(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Finds a command; of one that there isn't, it says which ones are called much the same."""
        self.suggest_commands = False  # the parser's own words for it are English alone
        try:
            return super().resolve_command(ctx, args)
        except TyperException as wrong:
            if alike := get_close_matches(args[0], self.list_commands(ctx)):
                names = ", ".join(f"'{name}'" for name in alike)
                wrong.message = f"{wrong.message} " + _("Did you mean {names}?").format(names=names)
            raise


class RootGroup(Group):
    """All of ``namak``; ``admin``, which most people never use, is made when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Returns the commands' names, in the order of the help."""
        return [*self.commands, *(() if "admin" in self.commands else ("admin",))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Returns a command; makes ``admin`` when that is asked for."""
        if cmd_name == "admin" and "admin" not in self.commands:
            from namak.cli.app import build_admin

            self.commands["admin"] = build_admin()
        return self.commands.get(cmd_name)

    def get_params(self, ctx: Any) -> Any:
        """Returns the options, those for completion with their help translated."""
        params = super().get_params(ctx)
        for param in params:
            if isinstance(param, TyperOption) and param.name in ("install_completion", "show_completion"):
                param.help = _(param.help) if param.help else None
        return params


def _translated_help(option: Any) -> Any:
    if option is not None:
        option.help = _("Show this message and exit.")
    return option
