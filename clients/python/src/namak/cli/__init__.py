"""The command ``namak``: send, read and confirm official post, keep its receipts, and verify them offline."""

import os
import sys
from collections.abc import Sequence

# Before grpc is imported, which reads it once: its own lines about a failed handshake would bury ours.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from typer.exceptions import TyperException

from namak.cli.app import build
from namak.cli.screen import Screen
from namak.cli.texts import chosen, speaking
from namak.cli.usage import explained, wrong_usage


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command and ends the process with one of the exit codes that ``namak --help`` names."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    with speaking(chosen(given, os.environ)):
        app = build()
        try:
            code = app(args=given, prog_name="namak", standalone_mode=False)
        except TyperException as wrong:
            # Options are wrong, so nobody knows better whether --json was one.
            as_json = "--json" in given
            code = Screen(as_json=True).failure(wrong_usage(wrong)) if as_json else explained(wrong)
    sys.exit(code)
