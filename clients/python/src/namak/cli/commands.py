"""The list of commands."""

import typer

from namak.cli import confirming, keeping, reading, sending, verifying


def register(app: typer.Typer) -> None:
    """Adds every command to the application, in the order in which help shows them."""
    for module in (sending, reading, confirming, keeping, verifying):
        module.register(app)
