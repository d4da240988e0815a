"""`namak-server notices` as an operator sees it: names, help, arguments and options.

What a command does is imported when it runs, so that help comes at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Config

notices = typer.Typer(
    no_args_is_help=True, help="Public notices, and the post's feed.", rich_markup_mode=None
)

_Notice = Annotated[str, typer.Argument(metavar="NOTICE", help="One that `notices list` prints.")]


@notices.command("list", epilog="Example: namak-server notices list --config namak-server.toml")
def list_notices(
    settings: Config,
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE",
            help="waiting, failed, published, withdrawing, withdrawn or not-needed; may be given again. "
            "By default the first four.",
        ),
    ] = None,
    after: Annotated[str, typer.Option(metavar="NOTICE", help="Only those behind this one.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at most.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Lists notices, by default those that are public, or wait for something."""
    from server.cli import notices as command

    command.listed(settings, command.Asked(tuple(state or ()), after, limit, as_json))


@notices.command("show", epilog="Example: namak-server notices show 0193… --config namak-server.toml")
def show_notice(
    notice: _Notice,
    settings: Config,
    document: Annotated[
        bool, typer.Option("--document", help="Print what was handed over for publication, byte for byte.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Prints a notice: how far it is, why it waits, and when it is tried again."""
    from server.cli import notices as command

    command.show(settings, notice, document=document, as_json=as_json)


@notices.command("retry", epilog="Example: namak-server notices retry 0193… --config namak-server.toml")
def retry_notice(notice: _Notice, settings: Config) -> None:
    """Has one that failed, or can't be taken back, tried again at once."""
    from server.cli import notices as command

    command.retry(settings, notice)


@notices.command(
    "withdraw", epilog="Example: namak-server notices withdraw 0193… --yes --config namak-server.toml"
)
def withdraw_notice(
    notice: _Notice,
    settings: Config,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it. Without it only what would happen is printed.")
    ] = False,
    despite_effect: Annotated[
        bool,
        typer.Option(
            "--despite-effect", help="Though the recipient will count as notified by it all the same."
        ),
    ] = False,
) -> None:
    """Takes a notice back, or has it not published.

    What was recorded stays: a published notice notifies when its time is over, even if nobody can read it.
    """
    from server.cli import notices as command

    command.withdraw(settings, notice, yes=yes, despite_effect=despite_effect)


@notices.command("serve", epilog="Example: namak-server notices serve --config namak-server.toml")
def serve_feed(
    settings: Config,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written once it listens: its port and process id, as JSON.")
    ] = None,
) -> None:
    """Hands the post's feed out over HTTP until it is told to stop.

    Atom, JSON Feed and pages for people; it listens on loopback, behind a web server that speaks TLS.
    """
    from server.cli import notice_feed as command

    command.serve(settings, ready_file)


@notices.command(
    "export", epilog="Example: namak-server notices export /srv/notices --config namak-server.toml"
)
def export_feed(
    directory: Annotated[Path, typer.Argument(file_okay=False, help="Where the files go.")],
    settings: Config,
) -> None:
    """Writes the post's feed into a directory, for a web server of files.

    Run it every minute or so: what was withdrawn is there until then. Files of other names are not touched.
    """
    from server.cli import notice_feed as command

    command.export_to(settings, directory)
