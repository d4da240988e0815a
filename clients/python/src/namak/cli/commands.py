"""The commands as a person sees them: names, help, arguments and options.

What a command does is imported when it runs: help and completion need no gRPC, and verifying needs no
network.
"""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add
from namak.cli.codes import ExitCode

DeliveryId = Annotated[str, typer.Argument(metavar="ID", help="The delivery's identifier.")]
Directory = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to save.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]


def register(app: typer.Typer) -> None:
    """Adds every command to the application, in the order in which help shows them."""
    add(app, "send", _SEND, send)
    add(app, "inbox", _INBOX, inbox)
    add(app, "open", _OPEN, open_letter)
    add(app, "download", _DOWNLOAD, download)
    add(app, "confirm", _CONFIRM, confirm)
    add(app, "receipt", _RECEIPT, receipt)
    add(app, "facts", _FACTS, facts)
    add(app, "checkpoint", _CHECKPOINT, checkpoint)
    add(app, "show", _SHOW, show)
    add(app, "verify", _VERIFY, verify)


_SEND = """Send FILES as one letter to each recipient.

The letter lies in the recipient's mailbox when this says so. If no answer comes, repeat the command with the
request id that it names: nothing is sent twice, also when other recipients are named beside. From that id
each recipient gets an own one, ID:MARK, which evidence shows; that one is not for repeating.

A letter has 1 to 20 files, none empty, together at most 3 MiB, and a subject of at most 250 characters.

Example: namak send --from notices@src.am --to 5001950015@e-citizen.am --subject "Ծանուցում" letter.pdf
"""


async def send(
    run: Run,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="The letter's parts, in order.")],
    sender: Annotated[str, typer.Option("--from", metavar="ADDRESS", help="Your registered address.")],
    to: Annotated[list[str], typer.Option(metavar="ADDRESS", help="The recipient's; may be repeated.")],
    subject: Annotated[str, typer.Option(metavar="TEXT", help="Shown before the letter is opened.")],
    request_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="To repeat safely, at most 51 characters; made up if missing."),
    ] = None,
    receipt: Annotated[Path | None, typer.Option(metavar="DIR", help="Save the receipts here.")] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for receipts.")] = False,
) -> ExitCode:
    """Sends a letter."""
    from namak.cli import sending

    return await sending.send(
        run, files, sender, to, subject, request_id=request_id, receipt=receipt, no_wait=no_wait
    )


_INBOX = """List the letters in your mailbox, newest first. Listing is not opening.

Example: namak inbox --limit 10
"""


async def inbox(
    run: Run,
    limit: Annotated[int, typer.Option(min=0, help="How many at most; 0 for all.")] = 50,
) -> ExitCode:
    """Lists messages."""
    from namak.cli import reading

    return await reading.inbox(run, limit)


_OPEN = """Open a letter. This is recorded as evidence, once; then its content can be downloaded.

Example: namak open 0192f0c3-0000-7000-8000-000000000000
"""


async def open_letter(run: Run, delivery_id: DeliveryId) -> ExitCode:
    """Opens a message."""
    from namak.cli import reading

    return await reading.open_letter(run, delivery_id)


_DOWNLOAD = """Save the content of an opened letter.

All its parts, or the one named by its number. A file appears only when its size and SHA-256 are right.

Example: namak download 0192f0c3-0000-7000-8000-000000000000 1 -o letters
"""


async def download(
    run: Run,
    delivery_id: DeliveryId,
    part: Annotated[
        int | None, typer.Argument(min=1, metavar="[PART]", help="Its number; all if missing.")
    ] = None,
    output: Directory = Path(),
    force: Force = False,
) -> ExitCode:
    """Downloads parts into files."""
    from namak.cli import reading

    return await reading.download(run, delivery_id, part, output, force=force)


_CONFIRM = """Confirm with your card that you read a letter.

Shows the statement in full, asks whether to sign it, asks for the PIN, and saves the receipts. A confirmation
can't be taken back.

Example: namak confirm 0192f0c3-0000-7000-8000-000000000000 -o receipts
"""


async def confirm(
    run: Run,
    delivery_id: DeliveryId,
    output: Directory = Path(),
    yes: Annotated[
        bool, typer.Option("--yes", help="Sign without asking; you have read the statement.")
    ] = False,
    force: Force = False,
) -> ExitCode:
    """Confirms a reading."""
    from namak.cli import confirming

    return await confirming.confirm(run, delivery_id, output, yes=yes, force=force)


_RECEIPT = """Save receipts of a delivery or of one evidence.

Waits until they stand in the log. A receipt is a file that anyone can verify offline: namak verify FILE…

Example: namak receipt --delivery 0192f0c3-0000-7000-8000-000000000000 -o receipts
"""


async def receipt(
    run: Run,
    evidence_id: Annotated[
        str | None, typer.Argument(metavar="[EVIDENCE_ID]", help="One piece of evidence.")
    ] = None,
    delivery: Annotated[str | None, typer.Option(metavar="ID", help="All facts of this delivery.")] = None,
    output: Directory = Path(),
    force: Force = False,
) -> ExitCode:
    """Saves receipts."""
    from namak.cli import keeping

    return await keeping.receipt(run, evidence_id, delivery, output, force=force)


_FACTS = """List what happened to a delivery.

Oldest first, as far as you may see it.

Example: namak facts 0192f0c3-0000-7000-8000-000000000000
"""


async def facts(run: Run, delivery_id: DeliveryId) -> ExitCode:
    """Lists facts."""
    from namak.cli import keeping

    return await keeping.facts(run, delivery_id)


_CHECKPOINT = """Print the newest checkpoint of the log, a signed note.

Example: namak checkpoint > checkpoint.txt
"""


async def checkpoint(
    run: Run,
    origin: Annotated[str, typer.Option(help="A shard of the log; the current one if missing.")] = "",
) -> ExitCode:
    """Prints the checkpoint."""
    from namak.cli import keeping

    return await keeping.checkpoint(run, origin)


_SHOW = """Show what stands in a receipt: the evidence document and its place in the log. Verifies nothing.

Example: namak show receipts/0192f0c3-0000-7000-8000-000000000000-01-SubmissionAcceptance.tlog-proof
"""


async def show(
    run: Run, file: Annotated[Path, typer.Argument(metavar="FILE", help="A receipt.")]
) -> ExitCode:
    """Shows a receipt."""
    from namak.cli import showing

    return showing.show(run, file)


_VERIFY = """Verify receipts, offline, by what you trust and nothing else.

A directory stands for the receipts in it. A legal effect is only accepted together with the receipts of the
facts that it follows from, so give all receipts of a delivery at once. Ends with 0 only if all are valid.

What you trust (the log's keys, the citizens' root certificates) comes from the options or from the section
trust of the configuration. Get it from a source of your own, never along with the receipts.

Example: namak verify receipts/*.tlog-proof --log-policy log-policy.txt --citizen-roots citizen-roots.crt
"""


async def verify(
    run: Run,
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Receipts, or directories of them.")],
    log_policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The logs and witnesses you trust, a C2SP tlog-policy."),
    ] = None,
    citizen_roots: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The root certificates of citizens, PEM.")
    ] = None,
    crl: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A revocation list that evidence only names; may be repeated."),
    ] = None,
) -> ExitCode:
    """Verifies receipts."""
    from namak.cli import verifying

    return verifying.verify(run, files, log_policy, citizen_roots, crl or [])
