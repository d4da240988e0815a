"""Options and arguments that several commands take."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated

import typer

from namak.cli.texts import N_, _


def time_of(text: str) -> datetime:
    """Reads a time, or a day, that somebody typed. Raises BadParameter."""
    try:
        found = datetime.fromisoformat(text)
        # A time without a zone, and a day, count in the zone of this machine, where people read their clocks.
        return (found.astimezone() if found.tzinfo is None else found).astimezone(UTC)
    except (ValueError, OverflowError) as problem:  # the latter at the ends of the calendar
        raise typer.BadParameter(
            _("must be a time such as 2026-03-01 or 2026-03-01T09:30:00+04:00")
        ) from problem


def evidence_time_of(text: str) -> datetime:
    """Reads when something happened that evidence will tell of. Raises BadParameter, also without a zone: by
    which clock a time was meant must not hang on the zone that a machine happens to be set to.
    """
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise typer.BadParameter(
        _("must be a time with its zone, such as 2026-03-01T09:30:00+04:00: evidence will tell of it")
    )


def end_of(text: str) -> datetime:
    """Reads when something ends: a time, or the last day that still counts. Raises BadParameter.

    A day counts whole, as everywhere: the end is the beginning of the next one, in the zone of this machine.
    """
    try:
        last = date.fromisoformat(text)
    except ValueError:
        return time_of(text)
    try:
        return datetime.combine(last + timedelta(days=1), time()).astimezone().astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise typer.BadParameter(_("must be a day such as 2026-03-01")) from problem


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise typer.BadParameter(_("must be a day such as 2026-03-01")) from problem


DeliveryId = Annotated[str, typer.Argument(metavar="ID", help=N_("The delivery's identifier."))]
Directory = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help=N_("Where to save."))]
Force = Annotated[bool, typer.Option("--force", help=N_("Overwrite existing files."))]
Yes = Annotated[bool, typer.Option("--yes", help=N_("Do it without asking."))]
Limit = Annotated[int, typer.Option(min=0, metavar="NUMBER", help=N_("How many at most; 0 for all."))]
RequestId = Annotated[
    str | None,
    typer.Option(metavar="ID", help=N_("To repeat safely; made up and named if missing.")),
]
Since = Annotated[
    datetime | None,
    typer.Option("--since", metavar="TIME", parser=time_of, help=N_("Only from this time on.")),
]
Before = Annotated[
    datetime | None,
    typer.Option("--before", metavar="TIME", parser=time_of, help=N_("Only before this time.")),
]
JudgedAt = Annotated[
    datetime | None,
    typer.Option("--at", metavar="TIME", parser=time_of, help=N_("The time to judge for; now if missing.")),
]
FirstDay = Annotated[
    date,
    typer.Option(
        "--from", metavar="DAY", parser=_day, help=N_("The first day, in the operator's time zone.")
    ),
]
LastDay = Annotated[
    date,
    typer.Option(
        "--to", metavar="DAY", parser=_day, help=N_("The last day, included, in the operator's time zone.")
    ),
]
Until = Annotated[
    date | None,
    typer.Option(
        "--until",
        metavar="DAY",
        parser=_day,
        help=N_("The last day in force, included, in the operator's time zone."),
    ),
]
Org = Annotated[
    str | None,
    typer.Option(
        "--org",
        metavar="ORG",
        help=N_("The organisation: its identifier or its code; the one acted for if missing."),
    ),
]
OrgArgument = Annotated[
    str, typer.Argument(metavar="ORG", help=N_("The organisation: its identifier or its code."))
]
ActingAs = Annotated[
    str | None,
    typer.Option(
        "--acting-as",
        metavar="ORG",
        help=N_("For administrators: the organisation acted for; otherwise acting_as of the configuration."),
    ),
]
SenderArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help=N_("The sender address, or its identifier."))
]
Mailbox = Annotated[str, typer.Argument(metavar="ADDRESS", help=N_("The mailbox's official address."))]
InMailbox = Annotated[
    str,
    typer.Option(
        "--mailbox",
        metavar="ADDRESS",
        help=N_("Somebody else's mailbox that you may act in; your own if missing."),
    ),
]
DomainName = Annotated[str, typer.Argument(metavar="DOMAIN", help=N_("The domain, for example src.am."))]
Origin = Annotated[
    str, typer.Option(metavar="ORIGIN", help=N_("A shard of the log; the current one if missing."))
]
