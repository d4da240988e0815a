"""`namak-server log` as an operator sees it: names, help, arguments and options.

What a command does is imported when it runs, so that help comes at once.
"""

from pathlib import Path
from typing import Annotated

import typer

from server.cli.options import Config

log = typer.Typer(
    no_args_is_help=True, help="The log: its key and guard, and its files in public.", rich_markup_mode=None
)


@log.command(epilog="Example: namak-server log create-key --config namak-server.toml")
def create_key(settings: Config) -> None:
    """Makes the log's key in the token, and prints its verifier key.

    What `hsm init` does, without its protocol. Never replaces one.
    """
    from server.cli import hsm_init

    hsm_init.init(settings, hsm_init.Asked(only_vkey=True))


Origin = Annotated[
    str, typer.Option(metavar="TEXT", help="Another shard of the settings than that of [log].")
]


@log.command(
    epilog='Example: echo "log $(namak-server log vkey --config namak-server.toml)" >> log-policy.txt'
)
def vkey(settings: Config, origin: Origin = "") -> None:
    """Prints the log's verifier key.

    Verifiers put it into their policy.
    """
    from server.cli import log_key

    log_key.print_vkey(settings, origin)


@log.command(epilog="Example: namak-server log adopt-guard --config namak-server.toml")
def adopt_guard(
    settings: Config,
    origin: Origin = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Writes a lost or damaged guard anew.

    From the newest published checkpoint; never overwrites a sound one. Only after making sure that this
    database is the log's newest state: the guard can't say so any more.
    """
    from server.cli import log_key

    log_key.adopt_guard(settings, origin, ask=not yes)


@log.command(
    epilog="Example: namak-server log export /srv/log/2026 --follow --config namak-server.toml",
)
def export(
    directory: Annotated[Path, typer.Argument(file_okay=False, help="Where the files go.")],
    settings: Config,
    follow: Annotated[bool, typer.Option("--follow", help="Keep on, until it is told to stop.")] = False,
    interval: Annotated[
        float, typer.Option(min=0.1, max=3600, metavar="SECONDS", help="With --follow: how often to look.")
    ] = 1.0,
    keep_partials: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long to keep partial tiles once the full one is there; 0 deletes none.",
        ),
    ] = 3600.0,
    again: Annotated[
        bool, typer.Option("--again", help="Go through all of the log, and write what is missing.")
    ] = False,
    origin: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Another shard than the current one; needs --vkey unless the settings have it.",
        ),
    ] = "",
    vkey: Annotated[
        str,
        typer.Option(
            metavar="VKEY",
            help="The shard's verifier key, which `log vkey` prints; by default the token is asked.",
        ),
    ] = "",
) -> None:
    """Writes the log into a directory, for a web server of files and for mirrors (C2SP tlog-tiles).

    One shard, by default the one that the log is in now; the output says which. Only what is new: run it
    every minute or so, or with --follow. Never writes over another log, nor over a larger tree or another
    one, nor a tree that is not signed and published. May be ended at any moment.
    """
    from server.cli import log_tiles as command

    asked = command.Asked(directory, origin, vkey, again=again, keep_partials=keep_partials)
    command.export(settings, asked, interval if follow else None)


@log.command(epilog="Example: namak-server log serve --config namak-server.toml")
def serve(
    settings: Config,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written once it listens: its port and process id, as JSON.")
    ] = None,
) -> None:
    """Hands the log out over HTTP until it is told to stop (C2SP tlog-tiles).

    It needs no key; it listens on loopback, behind a web server that speaks TLS.
    """
    from server.cli import log_tiles as command

    command.serve(settings, ready_file)


@log.command(epilog="Example: namak-server log fsck --only tree --only evidence --config namak-server.toml")
def fsck(
    settings: Config,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART",
            help="tree, evidence, checkpoints, shards, tokens, mailboxes, effects, usage or signatures; may"
            " be repeated. All by default but signatures, which verifies every confirmation's again.",
        ),
    ] = None,
    from_index: Annotated[
        int, typer.Option(min=0, metavar="INDEX", help="Begin at this leaf of the current shard.")
    ] = 0,
    vkey: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VKEY",
            help="A shard's verifier key, which `log vkey` prints; may be repeated. Former ones stand in the"
            " settings; the token is asked for the key of a shard of which none is given.",
        ),
    ] = None,
    processes: Annotated[
        int,
        typer.Option(
            min=0,
            max=256,
            help="Check side by side in so many processes; 0: as many as processors, one for a small log.",
        ),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Derives the log anew from the stored bytes, and tells what does not fit.

    Leaves, tiles and roots, the evidence of every leaf, the queue, signatures, cosignatures, timestamps,
    shards, guards, the chains of all mailboxes, the legal effects of all deliveries' facts, and usage.
    Changes nothing; a server may run meanwhile. Interrupted, it reports what it found until then. Ends with 4
    where anything but notes was found, with 1 where not all could be checked.
    """
    from server.cli import log_fsck as command

    asked = command.Asked(tuple(only or ()), from_index, tuple(vkey or ()), as_json, processes)
    command.fsck(settings, asked)
