"""`namak-server work`."""

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from pathlib import Path

import structlog
import typer

from server import bootstrap, log_lines
from server.bootstrap_jobs import chosen, working
from server.bootstrap_letters import letter_handlers
from server.bootstrap_machine import SystemClock
from server.bootstrap_metrics import meters_of, of_jobs, of_pool, telling
from server.bootstrap_receipts import reading_the_log
from server.bootstrap_sms import kept_up, smpp_link
from server.cli.endings import load, run
from server.cli.ready_files import write_ready
from server.config import Settings
from server.health_listener import HealthListener
from server.jurisdictions import PROFILES
from server.metrics.metered import metered
from server.storage import migrate
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork

_log = structlog.get_logger(__name__)

_HEALTH_SECONDS = 1.0


def work(settings: Path, queues: Sequence[str], concurrency: int | None, ready_file: Path | None) -> None:
    """Works until it is told to stop."""
    log_lines.write_json_lines()
    loaded = load(settings)
    try:
        run(_work_until_stopped(loaded, queues, concurrency, ready_file))
    except typer.Exit:
        raise
    except Exception as problem:
        _log.exception("worker ended by an unexpected error")
        raise typer.Exit(1) from problem


async def _work_until_stopped(
    settings: Settings, queues: Sequence[str], concurrency: int | None, ready_file: Path | None
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with bootstrap.database_url(settings) as url:
        if await migrate.is_behind(url):
            raise bootstrap.SchemaOutdated(
                "the database lacks tables of this release; run: namak-server migrate"
            )
        database = Database(url, pool_size=settings.database.pool_size, application_name="namak-work")
        try:
            uow, clock = SqlUnitOfWork(database), SystemClock()
            async with contextlib.AsyncExitStack() as stack:
                printing = letter_handlers(settings, PROFILES[settings.profile], uow)
                letters = await stack.enter_async_context(printing)
                sms = smpp_link(settings, uow)
                receipts = await stack.enter_async_context(reading_the_log(url))
                jobs = bootstrap.job_handlers(settings, uow, sms=sms, receipts=receipts)
                meters = meters_of(settings)
                handlers = metered(meters, chosen({**jobs, **letters}, queues))
                await stack.enter_async_context(kept_up(sms, handlers))
                workers = await stack.enter_async_context(
                    working(settings, url, handlers, uow, clock, concurrency=concurrency)
                )

                figures = await stack.enter_async_context(
                    telling(settings.metrics.work_listen, meters, {"jobs": of_jobs(uow)}, [of_pool(database)])
                )

                async def is_ready() -> bool:
                    return workers.is_working

                health = HealthListener(settings.jobs.health_listen, {"": is_ready}, interval=_HEALTH_SECONDS)
                await health.open()
                await health.start()
                try:
                    _log.info("working", queues=[kind.name for kind in handlers], health_port=health.port)
                    write_ready(ready_file, health_port=health.port, metrics_address=figures)
                    await stop.wait()
                    _log.info("stopping")
                finally:
                    await health.leave()
                    await health.stop()
        finally:
            await database.dispose()
    _log.info("stopped")
