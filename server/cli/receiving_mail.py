"""`namak-server smtp`."""

import asyncio
import contextlib
import signal
from pathlib import Path

import structlog
import typer

from server import bootstrap, log_lines
from server.bootstrap_inbound_mail import receiving
from server.bootstrap_metrics import meters_of, of_answer, of_line, of_mail, of_outage, of_pool, telling
from server.cli.endings import load, run
from server.cli.ready_files import write_ready
from server.config import Settings
from server.health_listener import HealthListener
from server.storage import migrate
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork

_log = structlog.get_logger(__name__)


def receive(settings: Path, ready_file: Path | None) -> None:
    """Takes mails until it is told to stop."""
    log_lines.write_json_lines()
    loaded = load(settings)
    try:
        run(_receive_until_stopped(loaded, ready_file))
    except typer.Exit:
        raise
    except Exception as problem:
        _log.exception("mail listener ended by an unexpected error")
        raise typer.Exit(1) from problem


async def _receive_until_stopped(settings: Settings, ready_file: Path | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with bootstrap.database_url(settings) as url:
        if await migrate.is_behind(url):
            raise bootstrap.SchemaOutdated(
                "the database lacks tables of this release; run: namak-server migrate"
            )
        database = Database(url, pool_size=settings.database.pool_size, application_name="namak-smtp")
        try:
            uow, dns = SqlUnitOfWork(database), bootstrap.dns_gateway(settings)
            async with contextlib.AsyncExitStack() as stack:
                meters = meters_of(settings)
                mail = receiving(settings, uow, dns, answered=meters.mail_answered)
                received = await stack.enter_async_context(mail)
                gauges = [
                    *(of_mail(received.listener), of_line(received.submissions)),
                    *(of_outage(received.gate), of_pool(database)),
                ]
                asked = {"answer": of_answer(database)}
                figures = await stack.enter_async_context(
                    telling(settings.metrics.smtp_listen, meters, asked, gauges)
                )

                async def is_ready() -> bool:
                    await database.ping()
                    return True

                health = HealthListener(settings.inbound_mail.health_listen, {"": is_ready})
                await health.open()
                await health.start()
                try:
                    ports = received.listener.ports
                    write_ready(ready_file, ports=ports, health_port=health.port, metrics_address=figures)
                    await stop.wait()
                    _log.info("stopping")
                finally:
                    await health.leave()
                    await health.stop()
        finally:
            await database.dispose()
    _log.info("stopped")
