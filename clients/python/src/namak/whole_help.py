"""Help that can be read and copied: each command is told by a whole sentence, and no example is broken."""

import inspect
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

_ANY_LENGTH = 10_000


def _write_epilog(epilog: str | None, formatter: Any) -> None:
    """Writes an example as one line, which the terminal wraps and copies whole; other text as usual."""
    if not epilog:
        return
    text = inspect.cleandoc(epilog)
    formatter.write_paragraph()
    with formatter.indentation():
        # The mark by which the parser leaves a paragraph's lines as they are.
        formatter.write_text(f"\b\n{text}" if _EXAMPLE in text else text)


_EXAMPLE = ": namak"


class Command(TyperCommand):
    """A command with whole help."""

    def get_short_help_str(self, limit: int = _ANY_LENGTH) -> str:  # noqa: ARG002 - never cut
        """Returns its first sentence."""
        return super().get_short_help_str(_ANY_LENGTH)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Writes its example."""
        _write_epilog(self.epilog, formatter)


class Group(TyperGroup):
    """A group of commands with whole help."""

    def get_short_help_str(self, limit: int = _ANY_LENGTH) -> str:  # noqa: ARG002 - never cut
        """Returns its first sentence."""
        return super().get_short_help_str(_ANY_LENGTH)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Writes its example."""
        _write_epilog(self.epilog, formatter)


def with_whole_help(app: typer.Typer) -> None:
    """Has all commands of a program, and of its groups, show whole help."""
    app.info.cls = Group
    for command in app.registered_commands:
        command.cls = Command
    for group in app.registered_groups:
        group.cls = Group
        if group.typer_instance is not None:
            with_whole_help(group.typer_instance)
