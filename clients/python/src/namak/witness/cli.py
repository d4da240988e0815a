"""The command ``namak-witness``, for whoever runs a witness (docs/witnessing.md)."""

import asyncio
import errno
import importlib.util
import inspect
import json
import logging
import os
import shlex
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import MalformedCheckpoint, MalformedKey
from namak.evidence.note import Verifier, vkey
from namak.evidence.tree import EMPTY_ROOT
from namak.releases import installed
from namak.witness.clock import WitnessClock
from namak.witness.keys import KeyUnusable, TokenPlace
from namak.witness.place import key_of, made, state_in
from namak.witness.state import State, StateUnusable
from namak.witness.witness import KeyChanged, Witness

_NEXT = (
    "Publish this verifier key. Next, name the logs to follow, and run the witness:",
    "  namak-witness add-log VKEY --directory {directory}",
    "  namak-witness run --directory {directory}",
)
_NO_SERVER = "serving needs aiohttp: pip install 'namak-client[witness]'"

app = typer.Typer(
    name="namak-witness",
    help="A witness of transparency logs (C2SP tlog-witness): sees logs grow, and cosigns what only grew.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Directory = Annotated[
    Path,
    typer.Option(
        "--directory", "-d", envvar="NAMAK_WITNESS_DIRECTORY", help="Where the witness keeps its state."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
LogKey = Annotated[
    str, typer.Argument(metavar="VKEY", help="The log's verifier key: NAME+ID+KEY, as the log gives it.")
]
Origin = Annotated[
    str, typer.Option(metavar="TEXT", help="The first line of its checkpoints; by default the key's name.")
]


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"namak-witness {installed('namak-client') or 'not installed'}")
        raise typer.Exit


@app.callback()
def begin(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    pass


@app.command(
    epilog="Example: namak-witness init --directory /var/lib/namak-witness --name witness.court.example/w1"
)
def init(
    directory: Directory,
    name: Annotated[
        str,
        typer.Option(
            help="What it signs as, for ever: a name like an address, without https:// or spaces, such as"
            " witness.court.example/w1."
        ),
    ],
    module: Annotated[
        Path | None, typer.Option(help="PKCS#11 module, for a key in a token instead of a file.")
    ] = None,
    token: Annotated[str, typer.Option(help="The token's label.")] = "",
    label: Annotated[str, typer.Option(help="The key's label in the token.")] = "namak-witness",
    pin_file: Annotated[Path | None, typer.Option(help="File that holds the token's PIN.")] = None,
    create_key: Annotated[
        bool, typer.Option("--create-key", help="Make the key in the token; by default it is there.")
    ] = False,
) -> None:
    """Makes a witness: its directory, its key and its state. Prints its verifier key, and what comes next.

    The key is made in a file that only its owner may read, unless a token is named.
    """
    with _told():
        if (module is None) != (not token) or (module is None) != (pin_file is None):
            _fail("a key in a token needs --module, --token and --pin-file")
        place = None
        if module is not None and pin_file is not None:
            place = TokenPlace(str(module.absolute()), token, label, str(pin_file.absolute()))
        vkey_made = made(directory, name, place, create_key=create_key)
    # Standard output is the key alone, so that a program gets just that.
    typer.echo(vkey_made)
    for line in _NEXT:
        typer.echo(line.format(directory=shlex.quote(str(directory))), err=True)


@app.command(epilog="Example: namak-witness run --directory /var/lib/namak-witness --listen 127.0.0.1:7380")
def run(
    directory: Directory,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.")
    ] = ("127.0.0.1:7380"),
    certificate: Annotated[
        Path | None,
        typer.Option(help="PEM file, for TLS of its own; by default a proxy before it has the TLS."),
    ] = None,
    certificate_key: Annotated[Path | None, typer.Option(help="PEM file: the certificate's key.")] = None,
    ready_file: Annotated[
        Path | None, typer.Option(help="Written once it listens: its address and process id, as JSON.")
    ] = None,
) -> None:
    """Serves until it is told to stop.

    Logs send their checkpoints to ADDRESS/add-checkpoint; everybody may read the newest ones that it
    cosigned. On SIGTERM or Ctrl-C it finishes what is under way.
    """
    if importlib.util.find_spec("aiohttp") is None:
        _fail(_NO_SERVER)
    from namak.witness.serving import Listening, serve

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    with _told():
        if (certificate is None) != (certificate_key is None):
            _fail("--certificate and --certificate-key are given together")
        host, port = _address(listen)
        with closing(state_in(directory)) as state:
            witness = Witness(state, key_of(directory, state), WitnessClock())
            with _listening_at(listen):
                asyncio.run(serve(witness, Listening(host, port, certificate, certificate_key, ready_file)))


@app.command(
    "add-log",
    epilog="Example: namak-witness add-log log.e-citizen.am/2026+4b8a1c90+AZ… -d /var/lib/namak-witness",
)
def add_log(log_key: LogKey, directory: Directory, origin: Origin = "") -> None:
    """Follows a log by its verifier key. A running witness knows it at once.

    A further key of the same log is added by the same command. Get keys from their owners, not over the
    network.
    """
    with _told():
        verifier = Verifier.parse(log_key)
        followed = _origin(origin or verifier.name)
        with closing(state_in(directory)) as state:
            added = state.add_log(followed, verifier)
        typer.echo(f"{followed}: {'followed' if added else 'followed already'}")


@app.command(
    "remove-log",
    epilog="Example: namak-witness remove-log log.e-citizen.am/2026+4b8a1c90+AZ… -d /var/lib/namak-witness",
)
def remove_log(log_key: LogKey, directory: Directory, origin: Origin = "") -> None:
    """Trusts a log's key no more. What was seen of the log stays known, should it be followed again."""
    with _told():
        verifier = Verifier.parse(log_key)
        with closing(state_in(directory)) as state:
            removed = state.remove_log(origin or verifier.name, verifier)
        if not removed:
            _fail("this key is not trusted for that log")


@app.command("list", epilog="Example: namak-witness list --directory /var/lib/namak-witness --json")
def list_logs(directory: Directory, as_json: AsJson = False) -> None:
    """Lists the logs that it follows, with the newest tree that it saw of each, and when."""
    with _told(), closing(state_in(directory)) as state:
        rows = [_row(state, origin, verifier) for origin, verifier in state.logs()]
        forks = [
            {"origin": origin, "size": size, "note": _text(note), "recorded_note": _text(recorded)}
            for origin, size, note, recorded in state.forks()
        ]
    if as_json:
        typer.echo(json.dumps({"logs": rows, "forks": forks}, ensure_ascii=False, indent=2))
        return
    if not rows:
        typer.echo("It follows no log yet; namak-witness add-log has it follow one.")
    for row in rows:
        seen = "nothing seen yet" if row["size"] is None else f"{row['size']} leaves, {row['time']}"
        typer.echo(f"{row['origin']}: {seen}\n  {row['vkey']}")
    for fork in forks:
        typer.echo(f"FORK: {fork['origin']} signed two trees of {fork['size']} leaves (--json has both)")


@app.command(epilog="Example: namak-witness show --directory /var/lib/namak-witness")
def show(directory: Directory, as_json: AsJson = False) -> None:
    """Prints the witness's verifier key, and nothing else: it is what policies name the witness by."""
    with _told(), closing(state_in(directory)) as state:
        identity = state.identity()
        witness = Witness(state, key_of(directory, state), WitnessClock())
    said = {"name": identity.name, "vkey": witness.vkey}
    typer.echo(json.dumps(said, ensure_ascii=False) if as_json else witness.vkey)


def main() -> None:
    """Runs the command."""
    for command in app.registered_commands:
        # Told by a whole sentence in the list, and its example in one line, to be copied.
        command.short_help = (inspect.getdoc(command.callback) or "").partition("\n\n")[0]
        command.epilog = f"\b\n{command.epilog}"
    app(prog_name="namak-witness")


def _row(state: State, origin: str, verifier: Verifier) -> dict[str, str | int | None]:
    tree = state.tree(origin)
    return {
        "origin": origin,
        "vkey": vkey(verifier.name, verifier.public_key),
        "size": tree.size if tree else None,
        "time": _time(tree.time) if tree else None,
    }


def _text(note: bytes) -> str:
    return note.decode("utf-8", "replace")


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _origin(text: str) -> str:
    return Checkpoint(text, 0, EMPTY_ROOT).origin


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        _fail("--listen is HOST:PORT, such as 127.0.0.1:7380 or [::1]:7380")
    return host.strip("[]"), int(port)


@contextmanager
def _listening_at(listen: str) -> Iterator[None]:
    """Ends the command with a line where nobody can listen there."""
    try:
        yield
    except socket.gaierror as wrong:
        _fail(f"--listen {listen}: {wrong.strerror}")
    except OSError as wrong:
        if wrong.errno == errno.EADDRINUSE:
            _fail(f"--listen {listen}: another program listens there; end it, or name another port")
        if wrong.errno in (errno.EADDRNOTAVAIL, errno.EACCES) and wrong.filename is None:
            _fail(f"--listen {listen}: {os.strerror(wrong.errno)}")
        raise


def _fail(text: str) -> NoReturn:
    typer.echo(f"namak-witness: {text}", err=True)
    raise typer.Exit(1)


@contextmanager
def _told() -> Iterator[None]:
    """Ends the command with a line where what is done within goes wrong in a way that is known."""
    try:
        yield
    except (MalformedKey, MalformedCheckpoint) as wrong:
        _fail(wrong.detail)
    except (KeyUnusable, KeyChanged, StateUnusable) as wrong:
        _fail(str(wrong))
    except ssl.SSLError as wrong:
        _fail(f"the certificate or its key can't be used: {wrong.reason or wrong}")
    except OSError as wrong:
        words = wrong.strerror or str(wrong)
        _fail(f"{wrong.filename}: {words}" if wrong.filename else words)
