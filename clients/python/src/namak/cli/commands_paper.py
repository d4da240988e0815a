"""The commands of clerks, who scan letters that came on paper."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import DeliveryId, RequestId, Yes, evidence_time_of
from namak.cli.texts import N_

_PLAIN = (
    'namak paper submit 5001950015@e-citizen.am letter.pdf --subject "Նամակ թղթով" '
    "--received 2026-11-20T09:15+04:00 --opened 2026-11-20T09:40+04:00 --scanned 2026-11-20T09:50+04:00 "
    "--place 'Երևան 10' --person 17 --original 'Երևան 10, 2026/118' --from-name 'Գոհար Սարգսյան' "
    "--from-line 'Մաշտոցի 5, բն. 12' --from-line '3101 Գյումրի'"
)
_BY_FILE = (
    "namak paper submit 5001950015@e-citizen.am page-*.tif --subject Letter --original 'Shelf 4' "
    "--custody way.json --yes -o receipts"
)
_ID = "0192f0c3-0000-7000-8000-000000000000"


def _time(name: str, text: str) -> object:
    return typer.Option(name, metavar="TIME", parser=evidence_time_of, help=text)


Received = Annotated[datetime | None, _time("--received", N_("When the paper came to the post."))]
Opened = Annotated[datetime | None, _time("--opened", N_("When the envelope was opened; a card has none."))]
Scanned = Annotated[datetime | None, _time("--scanned", N_("When it was scanned."))]
Stored = Annotated[datetime | None, _time("--stored", N_("When it was put away."))]


def register(app: typer.Typer) -> None:
    """Adds the commands of clerks."""
    paper = group(app, "paper", N_("Hand in letters that came on paper, as a clerk of the post."))
    add(
        paper,
        "submit",
        submit,
        N_("Deliver the scans of a letter on paper to a mailbox."),
        N_(
            "What the operator states of the scans is shown, and you are asked for it. Where places or "
            "people differ from step to step, the steps stand in a file: --custody with a list in JSON of "
            "act, time, place, person and, where it was written down then, digest."
        ),
        N_(
            "The letter lies in the mailbox when this says so. If no answer comes, repeat the command with "
            "the request id that it names and the same times: nothing is delivered twice."
        ),
        examples=(
            _PLAIN,
            _BY_FILE,
        ),
    )
    add(
        paper,
        "withdraw",
        withdraw,
        N_("Withdraw a scanned letter that nobody has opened yet."),
        N_("For one in the wrong mailbox. That it was there and was withdrawn stays evidence."),
        examples=(f"namak paper withdraw {_ID} -o receipts",),
    )
    add(
        paper,
        "statement",
        statement,
        N_("Show what the operator states of scans, and you for the operator."),
        examples=("namak paper statement",),
    )


async def submit(
    run: Run,
    to: Annotated[str, typer.Argument(metavar="TO", help=N_("The recipient's official address."))],
    subject: Annotated[str, typer.Option(metavar="TEXT", help=N_("Shown before the letter is opened."))],
    original: Annotated[
        str, typer.Option(metavar="TEXT", help=N_("Where the paper is kept, and under what reference."))
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help=N_("The scans, in order: PDF, TIFF, JPEG, PNG.")),
    ] = None,
    received: Received = None,
    opened: Opened = None,
    scanned: Scanned = None,
    stored: Stored = None,
    place: Annotated[str | None, typer.Option(metavar="TEXT", help=N_("Where all that was done."))] = None,
    person: Annotated[
        str | None, typer.Option(metavar="TEXT", help=N_("Who did it; the recipient gets to see it."))
    ] = None,
    custody: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The steps instead, as JSON.")),
    ] = None,
    from_name: Annotated[
        str, typer.Option(metavar="TEXT", help=N_("The sender's name, as on the paper."))
    ] = "",
    from_line: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help=N_("A line of the sender's postal address, as on the paper.")),
    ] = None,
    tracking: Annotated[
        str, typer.Option(metavar="NUMBER", help=N_("The post's number of the letter."))
    ] = "",
    language: Annotated[
        str, typer.Option(metavar="LANG", help=N_("The language of the statement; by default the state's."))
    ] = "",
    request_id: RequestId = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help=N_("Save the receipts here."))
    ] = None,
    yes: Yes = False,
) -> ExitCode:
    """Hands in a letter."""
    from namak.cli import papers

    times = papers.Times(received, opened, scanned, stored)
    way = papers.custody_from(custody) if custody else papers.custody_of(times, place, person)
    letter = papers.Letter(
        to, subject, files or [], way, original, from_name, from_line or [], tracking, language
    )
    return await papers.submit(run, letter, request_id, output, yes=yes)


async def withdraw(
    run: Run,
    delivery_id: DeliveryId,
    request_id: RequestId = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help=N_("Save the receipt here."))
    ] = None,
    yes: Yes = False,
) -> ExitCode:
    """Withdraws a letter."""
    from namak.cli import papers

    return await papers.withdraw(run, delivery_id, request_id, output, yes=yes)


async def statement(run: Run) -> ExitCode:
    """Shows the statement."""
    from namak.cli import papers

    return await papers.statement(run)
