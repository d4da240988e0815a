"""`namak-server ladder` as an operator sees it: names, help, arguments and options.

What a command does is imported when it runs, so that help comes at once.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from server.cli.options import Config

if TYPE_CHECKING:
    from server.domain.ladder import FailedSteps

ladder = typer.Typer(
    no_args_is_help=True,
    help="Steps by which people come to know, and those that failed.",
    rich_markup_mode=None,
)

_DELIVERY = "01995f0c-8f6b-7a31-9d53-2b1f2f6a7c10"
Delivery = Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's identifier.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


OfAction = Annotated[
    str, typer.Option("--action", metavar="ACTION", help="Only those that nudge, or of letter, or of notice.")
]
OfStep = Annotated[str, typer.Option("--step", metavar="STEP", help="Only those of this name.")]
OfReason = Annotated[
    str,
    typer.Option("--reason", metavar="REASON", help="Only those that failed so, NOT_CONFIGURED say."),
]


@ladder.command("failed", epilog="Example: namak-server ladder failed --config namak-server.toml")
def failed_steps(
    settings: Config,
    action: OfAction = "",
    of_step: OfStep = "",
    reason: OfReason = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 100,
    as_json: Json = False,
) -> None:
    """Lists steps that failed, those first that were taken first.

    Only those of deliveries that are neither notified nor withdrawn: with the others nothing is left to do.
    """
    from server.cli import ladders

    ladders.failed(settings, _wanted(action, of_step, reason), limit, as_json=as_json)


@ladder.command("show", epilog=f"Example: namak-server ladder show {_DELIVERY} --config namak-server.toml")
def show_ladder(delivery: Delivery, settings: Config, as_json: Json = False) -> None:
    """Prints a delivery's ladder: its steps, which were taken or failed, and what comes when."""
    from server.cli import ladders

    ladders.show(settings, delivery, as_json=as_json)


@ladder.command(
    "retry",
    epilog=f"Examples: namak-server ladder retry {_DELIVERY} LETTER --dry-run --config namak-server.toml;"
    " namak-server ladder retry --all --action letter --reason NOT_CONFIGURED --config namak-server.toml",
)
def retry_step(
    settings: Config,
    delivery: Annotated[str, typer.Argument(metavar="[DELIVERY]", help="The delivery's identifier.")] = "",
    step: Annotated[
        str, typer.Argument(metavar="[STEP]", help="A step that failed, for example LETTER.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="All that failed, or those that are meant.")] = False,
    action: OfAction = "",
    of_step: OfStep = "",
    reason: OfReason = "",
    limit: Annotated[int | None, typer.Option(min=1, help="With --all: so many at most.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say whether it would be carried out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --all: print one JSON document.")] = False,
) -> None:
    """Has a failed step carried out again, or all of them, when what carries it out is there now.

    Never once the recipient is notified, and never twice: it is ordered once, together with its job. With
    --all those first that were taken first; interrupted it may be run again. Exit code 1 where some are left
    to you.
    """
    from server.cli import ladder_retrying, ladders

    narrowed = action or of_step or reason or limit is not None or as_json
    if every == bool(delivery or step) or (narrowed and not every) or (delivery and not step):
        raise typer.BadParameter("give either DELIVERY and STEP, or --all with what narrows it down")
    if every:
        wanted = _wanted(action, of_step, reason)
        ladder_retrying.retry_all(settings, wanted, limit, dry_run=dry_run, as_json=as_json)
    else:
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


def _wanted(action: str, step: str, reason: str) -> "FailedSteps":
    from namak.evidence.notification_steps import Action
    from server.domain.ladder import FailedSteps

    if action and action not in {each.value for each in Action}:
        raise typer.BadParameter(f"--action must be one of {', '.join(each.value for each in Action)}")
    return FailedSteps(Action(action) if action else None, step or None, reason or None)
