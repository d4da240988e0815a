"""Wires who does jobs, in the server or in `namak-server work`."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import timedelta

import structlog

from server.config import Settings
from server.domain.jobs import KINDS, JobKind
from server.usecases.job_ports import JobHandler
from server.usecases.ports import Clock, UnitOfWork
from server.workers.workers import Workers, WorkerSettings

_log = structlog.get_logger(__name__)

Handlers = Mapping[JobKind, JobHandler]


def chosen(handlers: Handlers, queues: Collection[str]) -> Handlers:
    """Returns those of some queues, by default all. `ValueError` where there is no such queue."""
    known = {kind.name: kind for kind in KINDS}
    if unknown := [name for name in queues if name not in known]:
        raise ValueError(f"there is no queue {', '.join(unknown)}; there are: {', '.join(known) or 'none'}")
    return {kind: handler for kind, handler in handlers.items() if not queues or kind.name in queues}


def runs_inside(settings: Settings) -> bool:
    """Tells whether the server itself does jobs: by default where its database is the embedded one, which
    nobody else can reach.
    """
    if settings.jobs.in_server == "auto":
        return settings.database.url == "embedded"
    return settings.jobs.in_server == "yes"


@contextlib.asynccontextmanager
async def working(
    settings: Settings,
    url: str,
    handlers: Handlers,
    uow: UnitOfWork,
    clock: Clock,
    *,
    concurrency: int | None = None,
) -> AsyncIterator[Workers]:
    """Meanwhile does jobs; on leaving, those under way are finished within their grace."""
    jobs = settings.jobs
    workers = Workers(
        url,
        handlers,
        uow,
        clock,
        WorkerSettings(
            concurrency=concurrency or jobs.concurrency,
            grace=jobs.grace,
            heartbeat=jobs.silent / 6,
            silent=jobs.silent,
        ),
    )
    task = asyncio.create_task(workers.run())
    try:
        yield workers
    finally:
        workers.stop()
        # Beyond the grace jobs are interrupted; this is for what does not heed even that.
        done, _ = await asyncio.wait([task], timeout=(jobs.grace + timedelta(seconds=10)).total_seconds())
        if not done:
            _log.error("the workers did not end in time")
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
