"""The command that verifies signatures, as a person sees it."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add
from namak.cli.codes import ExitCode
from namak.cli.options import JudgedAt
from namak.cli.texts import N_

Files = list[Path] | None


def register(app: typer.Typer) -> None:
    """Adds the command."""
    add(
        app,
        "verify-signature",
        verify_signature,
        N_("Verify the signatures of a PDF or a file, offline, and report every check."),
        N_(
            "FILE is a signed PDF, a document with a detached signature (--signature, or FILE.p7s beside it) "
            "or a CMS signature that holds its document."
        ),
        N_(
            "Whom you trust comes from --roots or from the section trust of the configuration: get it from a "
            "source of your own. Whether certificates were revoked is judged by what the file carries and by "
            "--crl and --ocsp; without an answer the signature stays open."
        ),
        N_(
            "Ends with 0 if all signatures are valid, 4 if one is invalid, 8 if one is neither proven nor "
            "disproven, 6 if a file can't be read, is no signature or holds none."
        ),
        examples=(
            "namak verify-signature signed.pdf --roots roots.pem --crl authority.crl",
            "namak verify-signature letter.odt --signature letter.odt.p7s --roots trusted/ --language hy",
            "namak verify-signature signed.pdf --at 2026-03-01T12:00:00+04:00 --json",
            "namak verify-signature signed.pdf --server",
        ),
    )


async def verify_signature(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("The signed file."))],
    signature: Annotated[
        Path | None, typer.Option(metavar="FILE", help=N_("The detached signature, DER or PEM."))
    ] = None,
    roots: Annotated[
        Path | None,
        typer.Option(
            metavar="PLACE",
            help=N_(
                "Root certificates that you trust: a PEM or DER file, or a directory of them, in which each "
                "directory is a policy of its own that the report names."
            ),
        ),
    ] = None,
    timestamp_roots: Annotated[
        Path | None,
        typer.Option(metavar="PLACE", help=N_("The same of timestamping authorities; --roots if missing.")),
    ] = None,
    certificates: Annotated[
        Path | None,
        typer.Option(metavar="PLACE", help=N_("Certificates that the signature lacks, PEM or DER.")),
    ] = None,
    crl: Annotated[
        Files, typer.Option(metavar="FILE", help=N_("A revocation list; may be repeated."))
    ] = None,
    ocsp: Annotated[
        Files, typer.Option(metavar="FILE", help=N_("An OCSP response, DER; may be repeated."))
    ] = None,
    at: JudgedAt = None,
    language: Annotated[
        str, typer.Option(metavar="LANG", help=N_("Of the report: hy, ru, en, kk or az."))
    ] = "",
    server: Annotated[
        bool,
        typer.Option("--server", help=N_("Have the post verify it, by whom it trusts; the file is sent.")),
    ] = False,
) -> ExitCode:
    """Verifies signatures."""
    from namak.cli import signature_verifying as verifying

    given = verifying.Given(
        file=file,
        signature=signature,
        roots=roots,
        timestamp_roots=timestamp_roots,
        certificates=certificates,
        crls=tuple(crl or ()),
        ocsps=tuple(ocsp or ()),
        at=at,
        language=language,
    )
    return await (verifying.by_the_post(run, given) if server else verifying.offline(run, given))
