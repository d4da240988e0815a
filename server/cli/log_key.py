"""`namak-server log`: the log's key in its token, and its guard."""

import os
from pathlib import Path

import typer

from namak.evidence.note import Verifier, vkey
from server import bootstrap, bootstrap_log
from server.cli.endings import fail, load, run, told
from server.config import Settings
from server.hsm.keygen import generate_log_key
from server.storage.log import log_storage
from server.transparency.adoption import adopt
from server.transparency.guard import FileGuard


def create_key(settings: Path) -> None:
    """Makes the key and prints its verifier key."""
    loaded = load(settings)
    key = loaded.log.key
    if key.module is None or key.token is None or key.pin_file is None:
        fail("[log.key] names no token; a key in a file is made by `namak-server dev init`")
    if key.softhsm_config is not None:
        os.environ["SOFTHSM2_CONF"] = str(key.softhsm_config)
    with told():
        pin = key.pin_file.read_text(encoding="utf-8").strip()
        public_key = generate_log_key(module=key.module, token=key.token, key=key.label, pin=pin)
    typer.echo(vkey(loaded.log.origin, public_key))


def print_vkey(settings: Path) -> None:
    """Prints the verifier key."""
    run(_print_vkey(load(settings)))


async def _print_vkey(settings: Settings) -> None:
    signer = await bootstrap_log.open_signer(settings.log.key)
    typer.echo(vkey(settings.log.origin, signer.public_key))
    await signer.close()


def adopt_guard(settings: Path, *, ask: bool) -> None:
    """Writes the guard anew."""
    loaded = load(settings)
    if ask:
        typer.confirm(
            "Is this database the newest state of the log, and no restored backup?", abort=True, err=True
        )
    run(_adopt_guard(loaded))


async def _adopt_guard(settings: Settings) -> None:
    signer = await bootstrap_log.open_signer(settings.log.key)
    verifier = Verifier(settings.log.origin, signer.public_key)
    await signer.close()
    async with bootstrap.database_url(settings) as url:
        reader = log_storage(url).reader
        try:
            adopted = await adopt(reader, FileGuard(settings.log.guard, verifier), verifier)
        finally:
            await reader.close()
    typer.echo(f"The guard of {adopted.origin} holds the tree of {adopted.size} leaves.")
