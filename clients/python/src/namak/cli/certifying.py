"""``namak certificate``: a delivery certificate, saved as a file."""

from pathlib import Path

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.codes import ExitCode
from namak.cli.texts import _
from namak.client.files import make_directory, safe_name, write_new_file


async def certificate(
    run: Run, delivery_id: str, output: Path | None, language: str, mailbox: str, *, force: bool
) -> ExitCode:
    """Has a certificate made, and saves it."""
    async with run.client() as post:
        with run.screen.progress(_("Waiting for the certificate")):
            made = await post.evidence.of(mailbox).certificate(delivery_id, language=language)
    target = output or Path(safe_name(f"certificate-{made.about.delivery_id}.pdf", "certificate.pdf"))
    make_directory(target.parent)
    write_new_file(target, made.pdf, force=force)
    about = made.about
    run.screen.result(
        {
            "path": str(target),
            "delivery_id": about.delivery_id,
            "made_time": shapes.time_of(about.made_time),
            "language": about.language,
            "receipts": about.receipts,
            "origin": about.origin,
            "tree_size": about.tree_size,
            "sha256": about.digest.value.hex(),
        }
    )
    run.screen.line(str(target))
    return ExitCode.OK
