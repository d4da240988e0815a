"""`namak-server ladder` as an operator sees it: names, help, arguments and options.

What a command does is imported when it runs, so that help comes at once.
"""

from typing import Annotated

import typer

from server.cli.options import Config

ladder = typer.Typer(
    no_args_is_help=True,
    help="Steps by which people come to know, and those that failed.",
    rich_markup_mode=None,
)

_DELIVERY = "01995f0c-8f6b-7a31-9d53-2b1f2f6a7c10"
Delivery = Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's identifier.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@ladder.command("failed", epilog="Example: namak-server ladder failed --config namak-server.toml")
def failed_steps(
    settings: Config,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 100,
    as_json: Json = False,
) -> None:
    """Lists steps that failed, those first that were taken first.

    Only those of deliveries that are neither notified nor withdrawn: with the others nothing is left to do.
    """
    from server.cli import ladders

    ladders.failed(settings, limit, as_json=as_json)


@ladder.command("show", epilog=f"Example: namak-server ladder show {_DELIVERY} --config namak-server.toml")
def show_ladder(delivery: Delivery, settings: Config, as_json: Json = False) -> None:
    """Prints a delivery's ladder: its steps, which were taken or failed, and what comes when."""
    from server.cli import ladders

    ladders.show(settings, delivery, as_json=as_json)


@ladder.command(
    "retry",
    epilog=f"Example: namak-server ladder retry {_DELIVERY} LETTER --dry-run --config namak-server.toml",
)
def retry_step(
    delivery: Delivery,
    step: Annotated[str, typer.Argument(metavar="STEP", help="A step that failed, for example LETTER.")],
    settings: Config,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say whether it would be carried out.")
    ] = False,
) -> None:
    """Has a failed step carried out again, when what carries it out is there now.

    Never once the recipient is notified, and never twice: it is ordered once, together with its job.
    """
    from server.cli import ladders

    ladders.retry(settings, delivery, step, dry_run=dry_run)


@ladder.command(
    "nudges", epilog="Example: namak-server ladder nudges --from 2026-11-01 --config namak-server.toml"
)
def count_nudges(
    settings: Config,
    first: Annotated[
        str, typer.Option("--from", metavar="DAY", help="The first local day; else the first of this month.")
    ] = "",
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="The last local day; else today.")] = "",
    as_json: Json = False,
) -> None:
    """Counts the nudges that ladders asked for, by what they went to and how far they are.

    Nobody is charged for them, and no sender's usage has them: what short messages cost is the operator's.
    """
    from server.cli import nudges

    nudges.counted(settings, first, last, as_json=as_json)
