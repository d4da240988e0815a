"""``namak monitor``, as a person sees it."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, seconds
from namak.cli.codes import ExitCode
from namak.cli.texts import N_

State = Annotated[Path, typer.Option("--state", metavar="DIR", help=N_("Where to remember what was seen."))]
Place = Annotated[str, typer.Argument(metavar="[LOG]", help=N_("A directory, or an address with https://."))]
Policy = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=N_("The logs and witnesses you trust, a C2SP tlog-policy.")),
]
Once = Annotated[bool, typer.Option("--once", help=N_("Look once, and end."))]
Interval = Annotated[
    float | None,
    typer.Option("--interval", metavar="TIME", parser=seconds, help=N_("How often to look; 30s if missing.")),
]
MaxAge = Annotated[
    float | None,
    typer.Option(
        "--max-age", metavar="TIME", parser=seconds, help=N_("How old the newest checkpoint may be.")
    ),
]
FromStart = Annotated[
    bool, typer.Option("--from-start", help=N_("At the first look, go through the whole log."))
]
Receipts = Annotated[
    list[Path] | None,
    typer.Option(
        "--receipts", metavar="DIR", help=N_("Receipts that must stand in the log; may be repeated.")
    ),
]
Mailbox = Annotated[
    bool, typer.Option("--mailbox", help=N_("Your mailbox must be complete, and stand in the log."))
]
Execute = Annotated[
    str,
    typer.Option(
        "--exec", metavar="COMMAND", help=N_("Run this for each alarm, with it as JSON on standard input.")
    ),
]
FollowSuccessors = Annotated[
    bool,
    typer.Option(
        "--follow-successors",
        help=N_("Go on with the shard after one that is complete, by the key that its last entry names."),
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add(
        app,
        "monitor",
        monitor,
        N_("Follow a log and shout when it is not what it was: a fork, a rollback, no witnesses, no news."),
        N_(
            "LOG is a directory or an address with the log's public files; without it the post is asked. "
            "What was seen is kept in --state, and what comes later must go on from there."
        ),
        N_(
            "With --receipts and --mailbox it also checks that what you hold stands in the log that "
            "everybody is shown, and that your mailbox is complete. An alarm is a line on standard error, "
            "and exit code 4."
        ),
        examples=(
            "namak monitor https://log.e-citizen.am/2026 --state monitor --log-policy log-policy.txt --once",
            "namak monitor https://log.e-citizen.am/2026 --state monitor --max-age 1h --exec ./shout",
            "namak monitor --state monitor --mailbox --receipts receipts",
        ),
    )


async def monitor(
    run: Run,
    state: State,
    log: Place = "",
    log_policy: Policy = None,
    once: Once = False,
    interval: Interval = None,
    max_age: MaxAge = None,
    from_start: FromStart = False,
    receipts: Receipts = None,
    mailbox: Mailbox = False,
    execute: Execute = "",
    follow_successors: FollowSuccessors = False,
) -> ExitCode:
    """Follows a log."""
    from namak.cli import monitoring

    asked = monitoring.Asked(
        place=log,
        state=state,
        log_policy=log_policy,
        interval=None if once else interval or 30.0,
        max_age=max_age,
        from_start=from_start,
        receipts=tuple(receipts or ()),
        mailbox=mailbox,
        execute=execute,
        follow_successors=follow_successors,
    )
    return await monitoring.monitor(run, asked)
