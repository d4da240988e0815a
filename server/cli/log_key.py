"""`namak-server log`: the log's key in its token, and its guard."""

from pathlib import Path

import typer

from namak.evidence.note import Verifier, vkey
from server import bootstrap, bootstrap_log
from server.cli.endings import load, run
from server.config import Settings
from server.storage.log import log_storage
from server.transparency.adoption import adopt
from server.transparency.guard import FileGuard


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
