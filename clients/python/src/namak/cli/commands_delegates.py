"""The commands of people who let others read their letters, and of signatories who name an entity's staff."""

from datetime import datetime
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import InMailbox, Limit, RequestId, Yes, end_of, time_of
from namak.cli.texts import N_

_ID = "0192f0c3-0000-7000-8000-000000000000"

End = Annotated[
    datetime,
    typer.Option(
        "--until",
        metavar="TIME",
        parser=end_of,
        help=N_(
            "The last day of the right, included, in this machine's time zone, or the time at which it "
            "ends; at most 5 years from now."
        ),
    ),
]
Start = Annotated[
    datetime | None,
    typer.Option("--from", metavar="TIME", parser=time_of, help=N_("When the right begins; now if missing.")),
]


def register(app: typer.Typer) -> None:
    """Adds the commands about delegates."""
    delegates = group(app, "delegate", N_("Let others read your letters, or confirm them for you."))
    add(
        delegates,
        "grant",
        grant,
        N_("Give a person rights in your mailbox, for a time."),
        N_(
            "This is recorded as evidence. With --confirm the person may also confirm the reading, with "
            "their own signature, on your behalf. Who may sign for an entity names its staff with --mailbox."
        ),
        examples=(
            "namak delegate grant 5001950016 --until 2026-12-31",
            "namak delegate grant 5001950016 --until 2026-12-31 --confirm --mailbox 12345678@e-citizen.am",
        ),
    )
    add(
        delegates,
        "revoke",
        revoke,
        N_("Take a person's rights back, at once."),
        N_("What the person opened and confirmed before stays so."),
        examples=(f"namak delegate revoke {_ID}",),
    )
    add(
        delegates,
        "list",
        delegate_list,
        N_("List who has rights in your mailbox, or in whose mailbox you have some."),
        examples=("namak delegate list", "namak delegate list --received"),
    )


async def grant(
    run: Run,
    person: Annotated[str, typer.Argument(metavar="NUMBER", help=N_("The person's number."))],
    until: End,
    start: Start = None,
    may_confirm: Annotated[
        bool, typer.Option("--confirm", help=N_("To confirm the reading too, not only to read."))
    ] = False,
    mailbox: InMailbox = "",
    request_id: RequestId = None,
) -> ExitCode:
    """Grants a right."""
    from namak.cli import delegating

    asked = delegating.Asked(person, start, until, may_confirm, mailbox)
    return await delegating.grant(run, asked, request_id)


async def revoke(
    run: Run,
    delegation_id: Annotated[str, typer.Argument(metavar="ID", help=N_("The delegation's identifier."))],
    request_id: RequestId = None,
    yes: Yes = False,
) -> ExitCode:
    """Revokes a right."""
    from namak.cli import delegating

    return await delegating.revoke(run, delegation_id, request_id, yes=yes)


async def delegate_list(
    run: Run,
    received: Annotated[
        bool, typer.Option("--received", help=N_("Those that were given to you, in whichever mailbox."))
    ] = False,
    ended: Annotated[
        bool, typer.Option("--all", help=N_("Those too that were revoked, or are over."))
    ] = False,
    mailbox: InMailbox = "",
    limit: Limit = 50,
) -> ExitCode:
    """Lists rights."""
    from namak.cli import delegating

    return await delegating.delegate_list(run, received, ended, mailbox, limit)
