"""The commands about cards and tokens as a person sees them. None of them needs the post."""

from pathlib import Path
from typing import Annotated

import typer

from namak.cli.app import Run, add, group
from namak.cli.codes import ExitCode
from namak.cli.options import Force
from namak.cli.texts import N_

Module = Annotated[
    Path | None,
    typer.Option(
        "--module",
        metavar="FILE",
        help=N_("The card's PKCS#11 module; otherwise NAMAK_PKCS11_MODULE, then [signing] module."),
    ),
]
Token = Annotated[
    str, typer.Option("--token", metavar="NAME", help=N_("The token's label or serial number, of several."))
]
Key = Annotated[
    str,
    typer.Option(
        "--key", metavar="NAME", help=N_("The certificate's or key's label, or its identifier, of several.")
    ),
]
PinFile = Annotated[
    Path | None,
    typer.Option(
        "--pin-file",
        metavar="FILE",
        help=N_(
            "A file whose first line is the PIN; otherwise [signing] pin_file, NAMAK_PIN, or you are asked."
        ),
    ),
]
Certificates = Annotated[
    Path | None,
    typer.Option(
        "--certificates",
        metavar="FILE",
        help=N_("Certificates that the card lacks, PEM; otherwise [signing] certificate."),
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the commands about cards and tokens."""
    tokens = group(app, "token", N_("See what is on a card or token, and sign with it."))
    add(
        tokens,
        "list",
        token_list,
        N_("List readers, cards and tokens, with their certificates and the chains above these."),
        N_(
            "Says of each certificate what it is for, until when it is valid, and whether its key is there; "
            "keys show themselves only with the PIN. Without --pin no try is used up."
        ),
        examples=("namak token list", "namak token list --pin --token citizen-card"),
    )
    add(
        tokens,
        "sign",
        token_sign,
        N_("Sign a file with the card: a CMS signature (CAdES) beside it, or one inside a PDF (PAdES)."),
        N_("The certificate for signing is used, never the one for signing in."),
        examples=("namak token sign application.xml", "namak token sign letter.pdf --pdf -o signed.pdf"),
    )
    add(
        tokens,
        "sign-in",
        token_sign_in,
        N_("Sign the challenge by which a portal lets you in, for those who build portals."),
        N_(
            "CHALLENGE is the file with the bytes that IdentityService.StartSignIn gave, or - for standard "
            "input. It is shown in full before it is signed, and nothing but such a challenge is."
        ),
        examples=("namak token sign-in challenge.txt -o challenge.p7s",),
    )


async def token_list(
    run: Run,
    with_pin: Annotated[
        bool, typer.Option("--pin", help=N_("Give one token its PIN, to see its private keys too."))
    ] = False,
    module: Module = None,
    token: Token = "",
    pin_file: PinFile = None,
    certificates: Certificates = None,
) -> ExitCode:
    """Lists tokens."""
    from namak.cli import card_listing
    from namak.cli.cards import CardOptions

    return card_listing.token_list(
        run, CardOptions(module, token, "", pin_file, certificates), with_pin=with_pin
    )


async def token_sign(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("What is to be signed."))],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help=N_("The signature; FILE.p7s, or NAME-signed.pdf, if missing."),
        ),
    ] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help=N_("Put the signature into the PDF, as a copy."))
    ] = False,
    module: Module = None,
    token: Token = "",
    key: Key = "",
    pin_file: PinFile = None,
    certificates: Certificates = None,
    force: Force = False,
) -> ExitCode:
    """Signs a file."""
    from namak.cli import card_signing
    from namak.cli.cards import CardOptions

    options = CardOptions(module, token, key, pin_file, certificates)
    return card_signing.token_sign(run, options, file, output, pdf=pdf, force=force)


async def token_sign_in(
    run: Run,
    challenge: Annotated[
        Path,
        typer.Argument(metavar="CHALLENGE", help=N_("The challenge's exact bytes; - for standard input.")),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help=N_("The signature; CHALLENGE.p7s if missing.")),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help=N_("Sign without asking; you have read the challenge."))
    ] = False,
    module: Module = None,
    token: Token = "",
    key: Key = "",
    pin_file: PinFile = None,
    certificates: Certificates = None,
    force: Force = False,
) -> ExitCode:
    """Signs a challenge."""
    from namak.cli import card_signing
    from namak.cli.cards import CardOptions

    options = CardOptions(module, token, key, pin_file, certificates)
    return card_signing.token_sign_in(run, options, challenge, output, yes=yes, force=force)
