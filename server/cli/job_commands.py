"""`namak-server jobs` as an operator sees it: names, help, arguments and options.

What a command does is imported when it runs, so that help comes at once.
"""

from typing import Annotated

import typer

from server.cli.options import Config

jobs = typer.Typer(no_args_is_help=True, help="What is done outside, and what failed.", rich_markup_mode=None)


@jobs.command("status", epilog="Example: namak-server jobs status --config namak-server.toml")
def jobs_status(
    settings: Config,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Prints what there is to do, of each kind.

    How many jobs are due and since when the oldest, wait for their time, are running, and are dead letters.
    """
    from server.cli import jobs as command

    command.status(settings, as_json=as_json)


@jobs.command("list", epilog="Example: namak-server jobs list --config namak-server.toml")
def list_jobs(
    settings: Config,
    state: Annotated[
        str,
        typer.Option(metavar="STATE", help="dead (dead letters), waiting, running or given-up."),
    ] = "dead",
    kind: Annotated[str, typer.Option(help="Only this kind.")] = "",
    after: Annotated[int, typer.Option(min=0, help="Only those behind this number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at most.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Lists jobs, by default dead letters: those that were tried as often as their kind allows."""
    from server.cli import jobs as command

    command.listed(settings, command.Asked(state, kind, after, limit, as_json))


@jobs.command("show", epilog="Example: namak-server jobs show 4711 --config namak-server.toml")
def show_job(
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="One that `jobs list` prints.")],
    settings: Config,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Prints a job: what it is about, how often it was tried, and why it failed last."""
    from server.cli import jobs as command

    command.show(settings, number, as_json=as_json)


@jobs.command("retry", epilog="Example: namak-server jobs retry 4711 4712 --config namak-server.toml")
def retry_jobs(
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Dead letters.")],
    settings: Config,
) -> None:
    """Has dead letters tried again, at once and as often as a new job."""
    from server.cli import jobs as command

    command.retry(settings, numbers)


@jobs.command("discard", epilog="Example: namak-server jobs discard 4711 --config namak-server.toml")
def discard_jobs(
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER...", help="Dead letters.")],
    settings: Config,
) -> None:
    """Gives dead letters up: they are never tried again, and stay listed as given up."""
    from server.cli import jobs as command

    command.discard(settings, numbers)
