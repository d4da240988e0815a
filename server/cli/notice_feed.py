"""`namak-server notices serve` and `export`."""

import asyncio
import signal
from pathlib import Path

import structlog
import typer

from server import bootstrap, log_lines
from server.bootstrap_notice_feed import feed_listener, notice_feed
from server.cli.endings import load, run
from server.cli.ready_files import write_ready
from server.config import Settings
from server.feed.export import export
from server.storage import migrate
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork

_log = structlog.get_logger(__name__)


def serve(settings: Path, ready_file: Path | None) -> None:
    """Hands the feed out until it is told to stop."""
    log_lines.write_json_lines()
    run(_serve_until_stopped(load(settings), ready_file))


async def _serve_until_stopped(settings: Settings, ready_file: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with bootstrap.database_url(settings) as url:
        if await migrate.is_behind(url):
            raise bootstrap.SchemaOutdated(
                "the database lacks tables of this release; run: namak-server migrate"
            )
        database = Database(url, pool_size=settings.database.pool_size, application_name="namak-notices")
        listener = feed_listener(settings, notice_feed(settings, SqlUnitOfWork(database)))
        try:
            await listener.open()
            _log.info("handing out notices", port=listener.port)
            write_ready(ready_file, port=listener.port)
            await stop.wait()
            _log.info("stopping")
        finally:
            await listener.close()
            await database.dispose()
    _log.info("stopped")


def export_to(settings: Path, directory: Path) -> None:
    """Writes the feed into a directory."""
    run(_export_to(load(settings), directory))


async def _export_to(settings: Settings, directory: Path) -> None:
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=2)
        try:
            done = await export(notice_feed(settings, SqlUnitOfWork(database)), directory)
        finally:
            await database.dispose()
    typer.echo(f"{directory}: {done.written} files written, {done.deleted} deleted")
