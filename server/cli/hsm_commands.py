"""`namak-server hsm` as an operator sees it: names, help, arguments and options.

What a command does is imported when it runs, so that help comes at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Config

hsm = typer.Typer(
    no_args_is_help=True,
    help="The post's keys in their tokens: making and checking them before witnesses.",
    rich_markup_mode=None,
)

_Protocol = Annotated[
    Path | None,
    typer.Option(
        "--protocol",
        metavar="FILE",
        dir_okay=False,
        help="Where the protocol goes, never over a file; by default to standard output.",
    ),
]
_Witnesses = Annotated[
    list[str] | None,
    typer.Option("--witness-name", metavar="NAME", help="Who is present and will sign; may be repeated."),
]
_Guards = Annotated[
    list[Path] | None,
    typer.Option(
        "--guard",
        metavar="FILE",
        dir_okay=False,
        help="A guard of the shard whose key is lost; may be repeated, one for each machine that led.",
    ),
]
_WithoutGuard = Annotated[
    bool, typer.Option("--without-guard", help="There is no guard of that shard any more.")
]


@hsm.command(
    epilog='Example: namak-server hsm init --witness-name "Ani Sargsyan" --protocol 2026-log-key.txt'
    " --config namak-server.toml"
)
def init(
    settings: Config,
    seal: Annotated[bool, typer.Option("--seal", help="The seal's key, not the log's.")] = False,
    shard: Annotated[
        str, typer.Option(metavar="current|next", help="Which shard's key; next is that of [log.next].")
    ] = "current",
    kind: Annotated[
        str,
        typer.Option(
            "--type", metavar="TYPE", help="Of the seal's key: p256, rsa3072 or rsa4096; p256 by default."
        ),
    ] = "",
    subject: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Whom the seal's certificate is for: CN=E-Post seal,O=Operator,C=AM"
        ),
    ] = "",
    request: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            help="Where the request for the seal's certificate goes (PKCS #10, PEM), never over a file.",
        ),
    ] = None,
    existing: Annotated[
        bool, typer.Option("--existing", help="Make none: try the key that is there, for its protocol.")
    ] = False,
    protocol: _Protocol = None,
    witness_name: _Witnesses = None,
) -> None:
    """Makes a key in its token, tries it, and prints a protocol for the file.

    Never replaces a key, and puts none beside another of the same label. The private half never leaves the
    token. Where it was interrupted, --existing prints the protocol of what was made.
    """
    from server.cli import hsm_init as command

    command.init(
        settings,
        command.Asked(
            seal, shard, kind.lower(), subject, request, existing, protocol, tuple(witness_name or ())
        ),
    )


@hsm.command("list", epilog="Example: namak-server hsm list --config namak-server.toml")
def show(
    settings: Config,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Prints the tokens that the settings name, with all that is in them and what it is used for.

    Ends with 1 where a token can't be opened.
    """
    from server.cli import hsm_list as command

    command.show(settings, as_json=as_json)


@hsm.command(epilog="Example: namak-server hsm check --json --config namak-server.toml")
def check(
    settings: Config,
    without_database: Annotated[
        bool,
        typer.Option(
            "--without-database", help="Do not ask which checkpoints are published: no server is here."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Checks that every key opens, signs in time, can't leave its token, and is the one that is known.

    To the guard, to the published checkpoints, to the witnesses' policy, to the seal's certificate. Changes
    nothing; a server may run meanwhile. Ends with 4 where something is wrong, with 1 where it could not be
    checked.
    """
    from server.cli import hsm_check as command

    command.check(settings, without_database=without_database, as_json=as_json)


@hsm.command(
    epilog='Example: namak-server hsm rotate --witness-name "Ani Sargsyan" --protocol 2027-rotation.txt'
    " --config namak-server.toml"
)
def rotate(
    settings: Config,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, say what would be done, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[
        float,
        typer.Option(min=0, max=86_400, metavar="SECONDS", help="How long to wait until all is done."),
    ] = 120.0,
    key_lost: Annotated[
        bool,
        typer.Option(
            "--key-lost",
            help="The key of [log] is lost: its shard ends with the last checkpoint that it signed.",
        ),
    ] = False,
    guard: _Guards = None,
    without_guard: _WithoutGuard = False,
    protocol: _Protocol = None,
    witness_name: _Witnesses = None,
) -> None:
    """Has the log go over to the shard of [log.next], for ever, and prints a protocol for the file.

    Checks both keys first, and changes nothing where something is wrong (exit code 4). Then it announces the
    shard, and waits until the old one is ended, published and witnessed and the new one has begun. Where it
    was interrupted, the same command goes on, and at any time prints the same protocol.
    """
    from server.cli import hsm_lost
    from server.cli import hsm_rotate as command

    if key_lost:
        names = tuple(witness_name or ())
        hsm_lost.go_on(
            settings,
            hsm_lost.AskedLost("", tuple(guard or ()), without_guard, dry_run, yes, protocol, names),
        )
        return
    command.rotate(settings, command.Asked(dry_run, yes, wait, protocol, tuple(witness_name or ())))


@hsm.command(
    "give-up",
    epilog="Example: namak-server hsm give-up log.e-citizen.am/2026 --guard 2026.note"
    " --protocol 2026-lost-key.txt --config namak-server.toml",
)
def give_up(
    settings: Config,
    origin: Annotated[str, typer.Argument(metavar="ORIGIN", help="The former shard whose key is lost.")],
    guard: _Guards = None,
    without_guard: _WithoutGuard = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look for the key, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    protocol: _Protocol = None,
    witness_name: _Witnesses = None,
) -> None:
    """Gives up a former shard whose key is lost, for ever, and prints a protocol for the file.

    What its key never signed is logged again in the shard that takes leaves now, and gets receipts there.
    That this was done is evidence. Ends with 4, and changes nothing, where a token of the settings has the
    key.
    """
    from server.cli import hsm_lost

    names = tuple(witness_name or ())
    hsm_lost.give_up(
        settings,
        hsm_lost.AskedLost(origin, tuple(guard or ()), without_guard, dry_run, yes, protocol, names),
    )
