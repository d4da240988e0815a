"""``namak monitor``, as a person sees it."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, seconds
from namak.cli.codes import ExitCode
from namak.cli.texts import N_


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
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help=N_("Where to remember what was seen."))
    ],
    log: Annotated[
        str, typer.Argument(metavar="[LOG]", help=N_("A directory, or an address with https://."))
    ] = "",
    log_policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The logs and witnesses you trust, a C2SP tlog-policy.")),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help=N_("Look once, and end."))] = False,
    interval: Annotated[
        float | None,
        typer.Option(
            "--interval", metavar="TIME", parser=seconds, help=N_("How often to look; 30s if missing.")
        ),
    ] = None,
    max_age: Annotated[
        float | None,
        typer.Option(
            "--max-age", metavar="TIME", parser=seconds, help=N_("How old the newest checkpoint may be.")
        ),
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help=N_("At the first look, go through the whole log."))
    ] = False,
    receipts: Annotated[
        list[Path] | None,
        typer.Option(
            "--receipts", metavar="DIR", help=N_("Receipts that must stand in the log; may be repeated.")
        ),
    ] = None,
    mailbox: Annotated[
        bool, typer.Option("--mailbox", help=N_("Your mailbox must be complete, and stand in the log."))
    ] = False,
    execute: Annotated[
        str,
        typer.Option(
            "--exec",
            metavar="COMMAND",
            help=N_("Run this for each alarm, with it as JSON on standard input."),
        ),
    ] = "",
    follow_successors: Annotated[
        bool,
        typer.Option(
            "--follow-successors",
            help=N_("Go on with the shard after one that is complete, by the key that its last entry names."),
        ),
    ] = False,
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
