"""`namak-server`: what an operator does on the server's own machine."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.note import Verifier, vkey
from server import bootstrap, config, log_lines
from server.dev.tokens import SoftHsmMissing
from server.dev.world import World
from server.domain.refusals import Refused
from server.hsm.errors import HsmError
from server.hsm.keygen import generate_log_key
from server.storage import migrate
from server.storage.database import Database
from server.storage.embedded import embedded_postgres
from server.storage.embedded_place import EmbeddedPostgresFailed
from server.storage.unit_of_work import SqlUnitOfWork
from server.transparency.adoption import AdoptionRefused, adopt
from server.transparency.guard import FileGuard
from server.transparency.steps import OnStep, unobserved
from server.transparency.troubles import LogTrouble

ENVIRONMENT = "NAMAK_SERVER_CONFIG"

app = typer.Typer(
    name="namak-server",
    help="Runs the post and looks after it. Every command takes --config, or NAMAK_SERVER_CONFIG.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
operator = typer.Typer(no_args_is_help=True, help="Who may operate the post.")
log = typer.Typer(no_args_is_help=True, help="The transparency log's key and guard.")
dev = typer.Typer(no_args_is_help=True, help="Throwaway things for development.")
app.add_typer(operator, name="operator")
app.add_typer(log, name="log")
app.add_typer(dev, name="dev")

Config = Annotated[
    Path, typer.Option("--config", envvar=ENVIRONMENT, help="The settings, a TOML file (docs/operations.md).")
]

_EXPECTED = (
    config.ConfigurationError,
    bootstrap.SchemaOutdated,
    EmbeddedPostgresFailed,
    SoftHsmMissing,
    HsmError,
    Refused,
    AdoptionRefused,
    LogTrouble,
    FileExistsError,
    OSError,
    ValueError,
)


def _fail(text: str) -> NoReturn:
    typer.echo(f"namak-server: {text}", err=True)
    raise typer.Exit(1)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Runs a command; what can go wrong is told in a line, not in a traceback."""
    try:
        asyncio.run(work)
    except _EXPECTED as problem:
        _fail(str(problem) or type(problem).__name__)


def _settings(path: Path) -> config.Settings:
    try:
        return config.load(path, os.environ)
    except config.ConfigurationError as problem:
        _fail(str(problem))


@app.command(epilog="Example: namak-server serve --config /etc/namak/namak-server.toml")
def serve(
    settings: Config,
    ready_file: Annotated[
        Path | None,
        typer.Option(help="Written once the server serves: its addresses and process id, as JSON."),
    ] = None,
) -> None:
    """Serves until it is told to stop (SIGTERM, Ctrl-C); then finishes the calls under way."""
    log_lines.write_json_lines()
    _run(serve_until_stopped(_settings(settings), ready_file))


async def serve_until_stopped(
    settings: config.Settings, ready_file: Path | None, *, on_step: OnStep = unobserved
) -> None:
    """Runs a server until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with bootstrap.running(settings, on_step=on_step) as server:
        if ready_file is not None:
            _write_ready(ready_file, server)
        await stop.wait()


def _write_ready(path: Path, server: bootstrap.Server) -> None:
    told = {"address": server.address, "health_address": server.health_address, "pid": os.getpid()}
    # Whole or not at all: whoever waits for it reads it the moment it is there.
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(json.dumps(told), encoding="utf-8")
    unfinished.rename(path)


@app.command("migrate", epilog="Example: namak-server migrate --config namak-server.toml")
def migrate_command(
    settings: Annotated[
        Path | None, typer.Option("--config", envvar=ENVIRONMENT, help="The settings, a TOML file.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Change nothing: exit 1 where the database differs from this release's tables. "
            "Without settings, checks the migrations against a fresh embedded database.",
        ),
    ] = False,
) -> None:
    """Makes or updates the tables. Safe while servers of the release before run, and to run twice at once."""
    if settings is None and not check:
        _fail("give --config, or --check to compare the migrations with the tables")
    _run(_migrate(_settings(settings) if settings else None, check=check))


async def _migrate(settings: config.Settings | None, *, check: bool) -> None:
    if settings is None:
        with tempfile.TemporaryDirectory() as name:
            async with embedded_postgres(Path(name) / "database", durable=False) as postgres:
                await migrate.upgrade(postgres.url)
                await _report_drift(postgres.url)
        return
    async with bootstrap.database_url(settings) as url:
        if check:
            await _report_drift(url)
        else:
            await migrate.upgrade(url)
            typer.echo(f"The database is at revision {await migrate.current(url)}.")


async def _report_drift(url: str) -> None:
    differences = await migrate.check(url)
    if differences:
        raise ValueError("the database differs from the tables:\n  " + "\n  ".join(differences))
    typer.echo("The database has exactly the tables of this release.")


@operator.command(
    "bind", epilog="Example: namak-server operator bind operator.pem --config namak-server.toml"
)
def operator_bind(
    certificate: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The certificate, PEM.")],
    settings: Config,
) -> None:
    """Binds a machine certificate as the operator's: its key registers senders and opens mailboxes."""

    async def bind(loaded: config.Settings) -> None:
        der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
        async with bootstrap.database_url(loaded) as url:
            database = Database(url, pool_size=2)
            try:
                binding = await bootstrap.sender_admin(SqlUnitOfWork(database)).bind_operator(der)
            finally:
                await database.dispose()
        typer.echo(f"Bound as operator: SHA-256 {binding.certificate_sha256.hex()}")

    _run(bind(_settings(settings)))


@log.command("create-key", epilog="Example: namak-server log create-key --config namak-server.toml")
def create_key(settings: Config) -> None:
    """Makes the log's Ed25519 key in the token and prints its verifier key. Never replaces one."""
    loaded = _settings(settings)
    key = loaded.log.key
    if key.module is None or key.token is None or key.pin_file is None:
        _fail("[log.key] names no token; a key in a file is made by `namak-server dev init`")
    if key.softhsm_config is not None:
        os.environ["SOFTHSM2_CONF"] = str(key.softhsm_config)
    try:
        pin = key.pin_file.read_text(encoding="utf-8").strip()
        public_key = generate_log_key(module=key.module, token=key.token, key=key.label, pin=pin)
    except _EXPECTED as problem:
        _fail(str(problem))
    typer.echo(vkey(loaded.log.origin, public_key))


@log.command("vkey", epilog="Example: namak-server log vkey --config namak-server.toml >> log-policy.txt")
def print_vkey(settings: Config) -> None:
    """Prints the log's verifier key, which verifiers put into their policy."""
    loaded = _settings(settings)

    async def show() -> None:
        signer = await bootstrap.open_signer(loaded.log.key)
        typer.echo(vkey(loaded.log.origin, signer.public_key))
        await signer.close()

    _run(show())


@log.command("adopt-guard", epilog="Example: namak-server log adopt-guard --config namak-server.toml")
def adopt_guard(
    settings: Config,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Writes a lost or damaged guard anew from the newest published checkpoint. Never overwrites a sound one.

    Only after making sure that this database is the log's newest state: the guard can't say so any more.
    """
    loaded = _settings(settings)
    if not yes:
        typer.confirm(
            "Is this database the newest state of the log, and no restored backup?", abort=True, err=True
        )

    async def run() -> None:
        signer = await bootstrap.open_signer(loaded.log.key)
        verifier = Verifier(loaded.log.origin, signer.public_key)
        await signer.close()
        async with bootstrap.database_url(loaded) as url:
            reader = bootstrap.log_storage(url).reader
            try:
                adopted = await adopt(reader, FileGuard(loaded.log.guard, verifier), verifier)
            finally:
                await reader.close()
        typer.echo(f"The guard of {adopted.origin} holds the tree of {adopted.size} leaves.")

    _run(run())


@dev.command("init", epilog="Example: namak-server dev init var/world")
def dev_init(
    directory: Annotated[Path, typer.Argument(help="A directory that holds no world yet.")],
    listen: Annotated[str, typer.Option(help="Where the server shall listen.")] = "127.0.0.1:8443",
) -> None:
    """Makes throwaway authorities, certificates, tokens, and everybody's settings. For development only."""
    try:
        world = World.create(directory)
        settings = world.write_settings(listen=listen)
        for name, identity in (
            ("operator", world.operator),
            ("agency", world.agency),
            ("other-agency", world.other_agency),
        ):
            world.write_client(name, identity, listen)
        world.write_client("citizen", world.citizen.authentication, listen, signs=True)
    except _EXPECTED as problem:
        _fail(f"{directory}: {problem}")
    typer.echo(
        f"Made. Now: namak-server operator bind {world.operator.cert_path} --config {settings}\n"
        f"     then: namak-server serve --config {settings}\n"
        f"     then, in another terminal: namak --config {directory / 'citizen.toml'} inbox"
    )
