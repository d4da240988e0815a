"""The commands as a person sees them: names, help, arguments and options.

What a command does is imported when it runs: help and completion need no gRPC, and verifying needs no
network.
"""

import typer

from namak.cli import (
    commands_delegates,
    commands_forwarding,
    commands_log,
    commands_monitor,
    commands_paper,
    commands_password,
    commands_policies,
    commands_printing,
    commands_reading,
    commands_sending,
    commands_signatures,
    commands_sms,
    commands_token,
    commands_writing,
)


def register(app: typer.Typer) -> None:
    """Adds every command to the application, in the order in which help shows them."""
    commands_sending.register(app)
    commands_sms.register(app)
    commands_reading.register(app)
    commands_writing.register(app)
    commands_paper.register(app)
    commands_delegates.register(app)
    commands_forwarding.register(app)
    commands_log.register(app)
    commands_monitor.register(app)
    commands_policies.register(app)
    commands_token.register(app)
    commands_password.register(app)
    commands_signatures.register(app)
    commands_printing.register(app)
