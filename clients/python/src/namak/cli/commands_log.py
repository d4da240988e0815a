"""The commands about evidence and the log, as a person sees them."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import ActingAs, DeliveryId, Directory, Force, InMailbox, Origin
from namak.cli.texts import N_, _
from namak.config import TrustFiles

_ID = "0192f0c3-0000-7000-8000-000000000000"


def register(app: typer.Typer) -> None:
    """Adds the commands about evidence."""
    add(
        app,
        "receipt",
        receipt,
        N_("Save receipts of a delivery or of one evidence."),
        N_(
            "Waits until they stand in the log. A receipt is a file that anyone can verify offline: namak "
            "verify FILE…"
        ),
        examples=(
            f"namak receipt --delivery {_ID} -o receipts",
            f"namak receipt --delivery {_ID} -o receipts --witnessed --force",
            f"namak receipt {_ID} -o receipts --timestamped",
        ),
    )
    add(
        app,
        "certificate",
        certificate,
        N_("Get a delivery certificate: what became of a delivery, as a sealed PDF for a court."),
        N_(
            "It tells what you may see of the delivery, and carries the receipts of all that inside. Anybody "
            "verifies it offline: namak verify FILE.pdf"
        ),
        examples=(f"namak certificate {_ID}", f"namak certificate {_ID} --language ru -o certificate.pdf"),
    )
    add(
        app,
        "facts",
        facts,
        N_("List what happened to a delivery."),
        N_("Oldest first, as far as you may see it."),
        examples=(f"namak facts {_ID}",),
    )
    add(
        app,
        "checkpoint",
        checkpoint,
        N_("Print the newest checkpoint of the log, a signed note."),
        examples=("namak checkpoint > checkpoint.txt",),
    )
    _add_log(app)
    add(
        app,
        "show",
        show,
        N_(
            "Show what stands in a receipt: the evidence document and its place in the log. Verifies nothing."
        ),
        examples=(f"namak show receipts/{_ID}-01-SubmissionAcceptance.tlog-proof",),
    )
    add(
        app,
        "verify",
        verify,
        N_("Verify receipts, offline, by what you trust and nothing else."),
        N_(
            "A directory stands for the receipts in it. A legal effect is only accepted together with the "
            "receipts of the facts that it follows from, so give all receipts of a delivery at once. Ends "
            "with 0 only if all are valid."
        ),
        N_(
            "Timestamps beside a receipt (NAME.AUTHORITY.tsr) say when it stood in the log, by the "
            "authorities that --tsa-roots names. A wrong one is named, and takes nothing from what "
            "others prove."
        ),
        N_(
            "Of a delivery certificate (PDF) the receipts in it are verified, then its pages by them, and "
            "its seal."
        ),
        N_(
            "What you trust (the log's keys, the citizens' root certificates) comes from the options or "
            "from the section trust of the configuration. Get it from a source of your own, never along "
            "with the receipts."
        ),
        examples=(
            "namak verify receipts/*.tlog-proof --log-policy log-policy.txt --citizen-roots roots.crt",
            "namak verify receipts --tsa-roots tsa-roots.pem",
            "namak verify certificate.pdf --seal-roots seal-roots.pem",
        ),
    )


def _add_log(app: typer.Typer) -> None:
    log = group(app, "log", N_("Look at the log in which all evidence stands."))
    add(
        log,
        "status",
        log_status,
        N_("Show the log's shards: how far each is published, and since when."),
        examples=("namak log status",),
    )
    add(
        log,
        "consistency",
        log_consistency,
        N_("Check that one checkpoint of the log follows from an older one: nothing taken away or altered."),
        N_(
            "The old one is a file that you kept, the new one is asked for; both must bear the signatures "
            "that you trust. Keep the new one for the next time with --output."
        ),
        examples=("namak log consistency checkpoint.txt --log-policy log-policy.txt -o newest.txt",),
    )
    add(
        log,
        "successor",
        log_successor,
        N_("Print the key of the shard after one that is complete, as a line for your policy."),
        N_(
            "RECEIPT is that of the shard's last entry, the file successor.tlog-proof beside its public "
            "files. It counts only by what you trust: the key of the shard that ends, and your quorum of "
            "witnesses. Several in their order lead from shard to shard."
        ),
        N_(
            "Without a RECEIPT the post is asked for those of the shards that you trust, and of those after "
            "them; keys that your policy has already are not printed."
        ),
        examples=(
            "namak log successor --log-policy log-policy.txt >> log-policy.txt",
            "namak log successor successor.tlog-proof --log-policy log-policy.txt >> log-policy.txt",
        ),
    )
    add(
        log,
        "tile",
        log_tile,
        N_("Save one tile of the log, as C2SP tlog-tiles has it: hashes of a level, or entries."),
        examples=("namak log tile 0 --level 0 -o tile-0", "namak log tile 3 --entries -o entries-3"),
    )


async def log_successor(
    run: Run,
    receipts: Annotated[
        list[Path] | None, typer.Argument(metavar="[RECEIPT…]", help=N_("Receipts, the oldest first."))
    ] = None,
    log_policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The logs and witnesses you trust, a C2SP tlog-policy.")),
    ] = None,
    origin: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=N_("Ask for what comes after this shard; by default, after all that you trust."),
        ),
    ] = "",
) -> ExitCode:
    """Prints the key of the next shard."""
    from namak.cli import logs

    if receipts and origin:
        raise typer.BadParameter(_("give either receipts or an origin"))
    return await logs.successor(run, receipts or (), log_policy, origin)


async def receipt(
    run: Run,
    evidence_id: Annotated[
        str | None, typer.Argument(metavar="[EVIDENCE_ID]", help=N_("One piece of evidence."))
    ] = None,
    delivery: Annotated[
        str | None, typer.Option(metavar="ID", help=N_("All facts of this delivery."))
    ] = None,
    output: Directory = Path(),
    acting_as: ActingAs = None,
    force: Force = False,
    witnessed: Annotated[
        bool,
        typer.Option(
            "--witnessed",
            help=N_("Wait for receipts that the log's witnesses vouch for, some seconds longer."),
        ),
    ] = False,
    timestamped: Annotated[
        bool,
        typer.Option(
            "--timestamped",
            help=N_(
                "Wait for receipts with RFC 3161 timestamps, a minute or so longer; they are saved beside."
            ),
        ),
    ] = False,
) -> ExitCode:
    """Saves receipts."""
    from namak.cli import keeping

    vouched = keeping.Vouched(witnessed=witnessed, timestamped=timestamped)
    return await keeping.receipt(run, evidence_id, delivery, output, acting_as, vouched, force=force)


async def certificate(
    run: Run,
    delivery_id: DeliveryId,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help=N_("Where to save; certificate-ID.pdf in this directory if missing."),
        ),
    ] = None,
    language: Annotated[
        str, typer.Option(metavar="LANGUAGE", help=N_("The language of the pages: hy, ru or en."))
    ] = "",
    mailbox: InMailbox = "",
    force: Force = False,
) -> ExitCode:
    """Saves a certificate."""
    from namak.cli import certifying

    return await certifying.certificate(run, delivery_id, output, language, mailbox, force=force)


async def facts(run: Run, delivery_id: DeliveryId) -> ExitCode:
    """Lists facts."""
    from namak.cli import keeping

    return await keeping.facts(run, delivery_id)


async def checkpoint(run: Run, origin: Origin = "") -> ExitCode:
    """Prints the checkpoint."""
    from namak.cli import keeping

    return await keeping.checkpoint(run, origin)


async def show(
    run: Run, file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("A receipt."))]
) -> ExitCode:
    """Shows a receipt."""
    from namak.cli import showing

    return showing.show(run, file)


async def verify(
    run: Run,
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help=N_("Receipts, directories of them, or delivery certificates.")),
    ],
    log_policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The logs and witnesses you trust, a C2SP tlog-policy.")),
    ] = None,
    citizen_roots: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("The root certificates of citizens, PEM."))
    ] = None,
    seal_roots: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The authorities of the seals on delivery certificates, PEM.")),
    ] = None,
    tsa_roots: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The roots of time-stamping authorities you trust, PEM.")),
    ] = None,
    crl: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help=N_("A revocation list that evidence only names; may be repeated.")),
    ] = None,
) -> ExitCode:
    """Verifies receipts."""
    from namak.cli import verifying

    named = TrustFiles(log_policy, citizen_roots, seal_roots, tsa_roots)
    return verifying.verify(run, files, named, crl or [])


async def log_status(run: Run) -> ExitCode:
    """Shows the log's state."""
    from namak.cli import log_status as status

    return await status.status(run)


async def log_consistency(
    run: Run,
    old: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help=N_("A checkpoint that you kept."))],
    log_policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=N_("The logs and witnesses you trust, a C2SP tlog-policy.")),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help=N_("Keep the new checkpoint here, once it is checked.")
        ),
    ] = None,
    force: Force = False,
) -> ExitCode:
    """Checks consistency."""
    from namak.cli import logs

    return await logs.consistency(run, old, log_policy, save, force=force)


async def log_tile(
    run: Run,
    index: Annotated[
        int, typer.Argument(min=0, metavar="INDEX", help=N_("The tile's index in its level, from 0."))
    ],
    level: Annotated[int, typer.Option(min=0, max=5, metavar="LEVEL", help=N_("The level of hashes."))] = 0,
    entries: Annotated[bool, typer.Option("--entries", help=N_("The entries instead of hashes."))] = False,
    width: Annotated[
        int,
        typer.Option(
            min=0, max=255, metavar="NUMBER", help=N_("How many, for a partial tile; 0 for a full one.")
        ),
    ] = 0,
    origin: Origin = "",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help=N_("Where to save; shown if missing.")),
    ] = None,
    force: Force = False,
) -> ExitCode:
    """Saves a tile."""
    from namak.cli import logs

    return await logs.tile(run, index, None if entries else level, width, origin, output, force=force)
