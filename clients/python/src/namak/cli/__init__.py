"""The command ``namak``: send, read and confirm official post, keep its receipts, and verify them offline."""

import os
import sys
from collections.abc import Sequence

# Before grpc is imported, which reads it once: its own lines about a failed handshake would bury ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from typer.exceptions import TyperException

from namak.cli.app import app
from namak.cli.commands import register
from namak.cli.screen import Screen
from namak.errors import WrongUsage

register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command and ends the process with one of the exit codes that ``namak --help`` names."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if "--json" not in given:
        app(args=given, prog_name="namak")  # ends the process
    try:
        code = app(args=given, prog_name="namak", standalone_mode=False)
    except TyperException as wrong:  # options are wrong, so nobody knows better whether --json was one
        code = Screen(as_json=True).failure(WrongUsage(wrong.format_message()))
    sys.exit(code)
