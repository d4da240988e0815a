"""The commands of print houses, and the operator's about them."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import Limit, RequestId, Yes, evidence_time_of
from namak.cli.texts import N_

_NUMBER = "RR100000015AM"
_HOUSE = '"Print House No. 1"'

Letter = Annotated[
    str, typer.Argument(metavar="LETTER", help=N_("The letter's tracking number, or its identifier."))
]
At = Annotated[
    datetime | None,
    typer.Option(
        "--at", metavar="TIME", parser=evidence_time_of, help=N_("When it happened; now if missing.")
    ),
]
Scan = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help=N_("The scan of the post's note; only its SHA-256 is sent.")),
]
Tracking = Annotated[
    str,
    typer.Option(
        metavar="NUMBER", help=N_("The number on it, where you know it: it must be the letter's own.")
    ),
]
House = Annotated[
    str,
    typer.Argument(metavar="HOUSE", help=N_("The print house's name or identifier, as the list shows them.")),
]


def register(app: typer.Typer) -> None:
    """Adds the commands of print houses."""
    printing = group(app, "printing", N_("Print letters on paper, and report what became of them."))
    add(
        printing,
        "lease",
        lease,
        N_("Lease letters, the longest waiting first, and save their PDFs by tracking number."),
        N_(
            "First it fetches what you leased before and is not in the directory: repeat the command after "
            "whatever broke it off. A file appears only when its SHA-256 is right."
        ),
        examples=("namak printing lease letters --most 500",),
    )
    add(
        printing,
        "list",
        letters_list,
        N_("List letters and how far they are, last ordered first."),
        N_("A print house sees those that it leased, the operator all, also those that could not be made."),
        examples=("namak printing list --state POSTED", "namak printing list --state FAILED --limit 0"),
    )
    report = group(
        printing,
        "report",
        N_("Report what happened to a letter. Each report is evidence, for ever, and may notify somebody."),
    )
    add(
        report,
        "printed",
        printed,
        N_("Report that a letter was printed, with the file that was."),
        examples=(f"namak printing report printed {_NUMBER} letters/{_NUMBER}.pdf",),
    )
    add(
        report,
        "posted",
        posted,
        N_("Report that the post has a letter."),
        examples=(f"namak printing report posted {_NUMBER} --at 2026-03-02T16:00:00+04:00",),
    )
    add(
        report,
        "handed-over",
        handed_over,
        N_("Report that somebody took a letter."),
        examples=(
            f'namak printing report handed-over {_NUMBER} --receiver "Ani Hakobyan" --scan receipt.pdf',
        ),
    )
    add(
        report,
        "refused",
        refused,
        N_("Report that whoever should have taken a letter would not."),
        examples=(f"namak printing report refused {_NUMBER} --scan note.pdf",),
    )
    add(
        report,
        "returned",
        returned,
        N_("Report that a letter came back."),
        examples=(f"namak printing report returned {_NUMBER} --cause NOT_FOUND",),
    )


def register_admin(app: typer.Typer) -> None:
    """Adds the operator's commands about print houses."""
    houses = group(app, "print-house", N_("Print houses, which print letters on paper; for the operator."))
    add(
        houses,
        "register",
        house_register,
        N_("Register a print house; it gets letters once a certificate is bound as its own."),
        examples=(f"namak admin print-house register {_HOUSE}",),
    )
    add(
        houses,
        "bind",
        house_bind,
        N_("Bind a machine certificate as a print house's: it may lease letters and report on them."),
        N_(
            "Several may be bound at once, so that a new one can take over before the old one ends; "
            "namak admin certificate revoke revokes one."
        ),
        examples=(f"namak admin print-house bind {_HOUSE} house.pem",),
    )
    add(
        houses,
        "list",
        house_list,
        N_("List the print houses, last registered first."),
        examples=("namak admin print-house list",),
    )
    add(
        houses,
        "show",
        house_show,
        N_("Show a print house with all certificates that are or were bound for it."),
        examples=(f"namak admin print-house show {_HOUSE}",),
    )
    add(
        houses,
        "suspend",
        house_suspend,
        N_("Give a print house no more letters; it reports what becomes of those that it has."),
        examples=(f"namak admin print-house suspend {_HOUSE}",),
    )
    add(
        houses,
        "resume",
        house_resume,
        N_("Give a suspended print house letters again."),
        examples=(f"namak admin print-house resume {_HOUSE}",),
    )
    add(
        houses,
        "remove",
        house_remove,
        N_("Remove a print house for ever, and revoke its certificates."),
        N_("What it has leased and not printed goes to others; of what it printed nobody reports any more."),
        examples=(f"namak admin print-house remove {_HOUSE}",),
    )


async def lease(
    run: Run,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help=N_("Where to save the PDFs."))],
    most: Annotated[
        int,
        typer.Option(
            min=0, max=1000, metavar="NUMBER", help=N_("How many to lease at most; 0 only fetches the rest.")
        ),
    ] = 100,
) -> ExitCode:
    """Leases letters."""
    from namak.cli import printing

    return await printing.lease(run, directory, most)


async def letters_list(
    run: Run,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help=N_("Only those in this state; may be repeated.")),
    ] = None,
    delivery: Annotated[
        str, typer.Option("--delivery", metavar="ID", help=N_("Only those of this delivery."))
    ] = "",
    limit: Limit = 50,
) -> ExitCode:
    """Lists letters."""
    from namak.cli import printing

    return await printing.letters(run, state or [], delivery, limit)


async def printed(
    run: Run,
    letter: Letter,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("The file that was printed."))],
    at: At = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Reports a letter as printed."""
    from namak.cli import printing

    return await printing.printed(run, letter, file, at, request_id)


async def posted(
    run: Run,
    letter: Letter,
    tracking: Annotated[
        str,
        typer.Option(
            metavar="NUMBER", help=N_("The number on the post's receipt; the letter's own if missing.")
        ),
    ] = "",
    at: At = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Reports a letter as posted."""
    from namak.cli import printing

    return await printing.posted(run, letter, tracking, at, request_id)


async def handed_over(
    run: Run,
    letter: Letter,
    receiver: Annotated[str, typer.Option(metavar="NAME", help=N_("Who took it, as the receipt says."))],
    scan: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help=N_("The scan of the receipt, which you keep; its SHA-256 is sent.")
        ),
    ],
    tracking: Tracking = "",
    at: At = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Reports a letter as handed over."""
    from namak.cli import printing

    return await printing.handed_over(run, letter, receiver, scan, tracking, at, request_id)


async def refused(
    run: Run,
    letter: Letter,
    cause: Annotated[
        str, typer.Option(metavar="CAUSE", help=N_("Why, in the post's word, such as NOT_WANTED."))
    ] = "",
    scan: Scan = None,
    tracking: Tracking = "",
    at: At = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Reports a letter as refused."""
    from namak.cli import printing

    return await printing.refused(run, letter, cause, scan, tracking, at, request_id)


async def returned(
    run: Run,
    letter: Letter,
    cause: Annotated[
        str, typer.Option(metavar="CAUSE", help=N_("Why, in the post's word, such as NOT_FOUND."))
    ],
    tracking: Tracking = "",
    at: At = None,
    request_id: RequestId = None,
) -> ExitCode:
    """Reports a letter as returned."""
    from namak.cli import printing

    return await printing.returned(run, letter, cause, tracking, at, request_id)


async def house_register(
    run: Run,
    name: Annotated[str, typer.Argument(metavar="NAME", help=N_("The print house's name, for people."))],
    request_id: RequestId = None,
) -> ExitCode:
    """Registers a print house."""
    from namak.cli import print_houses

    return await print_houses.register(run, name, request_id)


async def house_bind(
    run: Run,
    house: House,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=N_("The certificate, PEM or DER; of several the first."))
    ],
    request_id: RequestId = None,
) -> ExitCode:
    """Binds a print house."""
    from namak.cli import print_houses

    return await print_houses.bind(run, house, file, request_id)


async def house_list(run: Run, limit: Limit = 50) -> ExitCode:
    """Lists print houses."""
    from namak.cli import print_houses

    return await print_houses.houses(run, limit)


async def house_show(run: Run, house: House) -> ExitCode:
    """Shows a print house."""
    from namak.cli import print_houses

    return await print_houses.show(run, house)


async def house_suspend(run: Run, house: House, request_id: RequestId = None) -> ExitCode:
    """Suspends a print house."""
    from namak.cli import print_houses

    return await print_houses.suspend(run, house, request_id)


async def house_resume(run: Run, house: House, request_id: RequestId = None) -> ExitCode:
    """Lets a print house go on."""
    from namak.cli import print_houses

    return await print_houses.resume(run, house, request_id)


async def house_remove(run: Run, house: House, request_id: RequestId = None, yes: Yes = False) -> ExitCode:
    """Removes a print house."""
    from namak.cli import print_houses

    return await print_houses.remove(run, house, request_id, yes=yes)
