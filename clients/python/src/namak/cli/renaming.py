"""Options that had another name: the old ones go on working, and help shows the new ones only."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

EARLIER: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "send": {"--receipt": "--output"},
        "watch": {"--save": "--output"},
        "log consistency": {"--save": "--output"},
        "usage": {"--csv": "--output"},
    }
)
"""By command: the earlier name of an option, and its name now."""


def command_name(context: Any) -> str:
    """Returns a command's name without the program's: ``admin org list``."""
    return str(context.command_path).partition(" ")[2]


def renamed(command: str, arguments: Sequence[str]) -> list[str]:
    """Returns the arguments with the present names of options; what follows ``--`` is left as it is."""
    earlier = EARLIER.get(command, {})
    result: list[str] = []
    for place, argument in enumerate(arguments):
        if argument == "--":
            return [*result, *arguments[place:]]
        name, equals, value = argument.partition("=")
        result.append(f"{earlier.get(name, name)}{equals}{value}")
    return result
