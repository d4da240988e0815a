"""`namak-server log`: the log's key in its token, and its guard."""

from pathlib import Path

import typer

from namak.evidence.note import vkey
from server import bootstrap, bootstrap_log
from server.cli.endings import load, run
from server.config import Settings
from server.storage.log import log_storage
from server.transparency.adoption import adopt
from server.transparency.guard import FileGuard


def print_vkey(settings: Path, origin: str) -> None:
    """Prints the verifier key of a shard, by default of that of `[log]`."""
    run(_print_vkey(load(settings), origin))


async def _print_vkey(settings: Settings, origin: str) -> None:
    verifier = await bootstrap_log.verifier_of(settings.log, origin)
    typer.echo(vkey(verifier.name, verifier.public_key))


def adopt_guard(settings: Path, origin: str, *, ask: bool) -> None:
    """Writes the guard of a shard anew, by default of that of `[log]`."""
    loaded = load(settings)
    if ask:
        typer.confirm(
            "Is this database the newest state of the log, and no restored backup?", abort=True, err=True
        )
    run(_adopt_guard(loaded, origin))


async def _adopt_guard(settings: Settings, origin: str) -> None:
    path = bootstrap_log.guard_of(settings.log, origin)
    verifier = await bootstrap_log.verifier_of(settings.log, origin)
    async with bootstrap.database_url(settings) as url:
        reader = log_storage(url).reader
        try:
            adopted = await adopt(reader, FileGuard(path, verifier), verifier)
        finally:
            await reader.close()
    typer.echo(f"The guard of {adopted.origin} holds the tree of {adopted.size} leaves.")
