"""`namak-server dev` as a developer sees it: names, help, arguments and options.

What a command does is imported when it runs, so that help comes at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Config

dev = typer.Typer(no_args_is_help=True, help="Throwaway things for development.", rich_markup_mode=None)


@dev.command("init", epilog="Example: namak-server dev init var/world")
def init(
    directory: Annotated[Path, typer.Argument(help="A directory that holds no world yet.")],
    listen: Annotated[str, typer.Option(help="Where the server shall listen.")] = "127.0.0.1:8443",
    profile_code: Annotated[
        str, typer.Option("--profile", metavar="CODE", help="The jurisdiction (`profile list`).")
    ] = "am",
    witnesses: Annotated[
        int, typer.Option(min=0, max=5, help="So many witnesses of the log, which `dev witnesses` runs.")
    ] = 0,
    timestamps: Annotated[
        bool,
        typer.Option(
            "--timestamps", help="With a time-stamping authority (openssl), which `dev timestamps` runs."
        ),
    ] = False,
) -> None:
    """Makes a throwaway world, for development.

    Authorities, certificates, tokens, and everybody's settings.
    """
    from server.cli import development

    development.make_world(directory, listen, profile_code, witnesses, timestamps=timestamps)


@dev.command("witnesses", epilog="Example: namak-server dev witnesses --config var/world/namak-server.toml")
def witnesses(settings: Config) -> None:
    """Runs the witnesses of a world that `dev init --witnesses` made, until Ctrl-C or SIGTERM."""
    from server.cli import development_witnesses

    development_witnesses.run_witnesses(settings)


@dev.command("timestamps", epilog="Example: namak-server dev timestamps --config var/world/namak-server.toml")
def timestamps(settings: Config) -> None:
    """Runs the time-stamping authority of a world that `dev init --timestamps` made, until Ctrl-C or SIGTERM.

    It is `openssl ts -reply` behind a small HTTP server. Its clock is the machine's.
    """
    from server.cli import development_witnesses

    development_witnesses.run_timestamps(settings)


@dev.command("settle", epilog="Example: namak-server dev settle --config var/world/namak-server.toml")
def settle(settings: Config) -> None:
    """Registers a world's portal, and its entity with a signatory and a delegate.

    Of a world that `dev init` made, whose operator is bound; `dev register` does it too.
    """
    from server.cli import development

    development.settle_world(settings)


@dev.command("later", epilog="Example: namak-server dev later 4d --config var/world/namak-server.toml")
def later(
    by: Annotated[str, typer.Argument(metavar="TIME", help="By how much: 4d, 6h, 30m.")], settings: Config
) -> None:
    """Puts a world's clock forward, so that what waits for days comes about.

    All programs of the world go by it at once, also those that run; it is never put back.
    """
    from server.cli import development_clock

    development_clock.put_forward(settings, by)


@dev.command(
    "clock",
    epilog='Example: namak printing report posted RR100000015AM --at "$(namak-server dev clock)"',
)
def clock(settings: Config) -> None:
    """Prints what time it is in a world, for those who report times to it."""
    from server.cli import development_clock

    development_clock.show(settings)


@dev.command("register", epilog="Example: namak-server dev register --config var/world/namak-server.toml")
def register(settings: Config) -> None:
    """Registers a world's operator, an agency, mailboxes, a portal, and an entity with its people.

    Of a world that `dev init` made. Doing it again changes nothing.
    """
    from server.cli import development

    development.register(settings)
