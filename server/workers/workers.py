"""Runs jobs, until told to stop: Procrastinate's worker, in our database, with our rules for failures."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import psycopg
import structlog
from procrastinate import App, PsycopgConnector, exceptions
from procrastinate.worker import Worker
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from server.domain.jobs import JobKind
from server.domain.refusals import Refused
from server.storage.job_schema import SCHEMA
from server.usecases.job_ports import JobHandler
from server.usecases.ports import Clock, UnitOfWork
from server.workers.connection_string import libpq_url
from server.workers.trials import Trials

_log = structlog.get_logger(__name__)


FETCHERS: Final = 3
"""So many ask for the next job at once: while one waits for its answer, the others' jobs are begun."""


def shares(concurrency: int, fetchers: int) -> list[int]:
    """Returns how many jobs at once each of so many takes, that together take so many."""
    taking = min(concurrency, fetchers)
    return [concurrency // taking + (number < concurrency % taking) for number in range(taking)]


def _pool(**arguments: Any) -> AsyncConnectionPool[Any]:
    """Returns a pool that does not ask a connection whether it is there before each use, as the library's own
    does, a question for each answer. One that is not shows that the database was away: the workers begin
    again.
    """
    return AsyncConnectionPool(**(arguments | {"check": None}))


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How workers work.

    Attributes:
        concurrency: how many jobs run at once.
        grace: how long jobs under way may take to finish when the workers stop; what takes longer is
            interrupted, and waits to be run again.
        poll: how often it is looked for jobs when there were none.
        heartbeat: how often the workers give a sign of life.
        silent: after so long without one, their jobs are taken over.
        pause: how long to wait before beginning again after the database was away.
    """

    concurrency: int = 10
    grace: timedelta = timedelta(seconds=10)
    poll: timedelta = timedelta(milliseconds=500)
    heartbeat: timedelta = timedelta(seconds=5)
    silent: timedelta = timedelta(seconds=30)
    pause: timedelta = timedelta(seconds=1)


OWN_CONNECTIONS: Final = 4
"""So many connections to the database the workers of a process take at most, besides its pool."""

_LIBRARY: Final = ("procrastinate", "psycopg.pool")
_AWAY = (exceptions.ConnectorException, psycopg.Error, PoolTimeout, Refused, OSError)


class Workers:
    """Runs the jobs of some kinds, several at once.

    Attributes:
        is_working: whether jobs are being taken just now, which needs the database; without handlers, whether
            it runs: there is nothing else that it could wait for.
    """

    def __init__(
        self,
        url: str,
        handlers: Mapping[JobKind, JobHandler],
        uow: UnitOfWork,
        clock: Clock,
        settings: WorkerSettings,
    ) -> None:
        self._url = libpq_url(url)
        self._handlers = handlers
        self._uow = uow
        self._clock = clock
        self._settings = settings
        self._stop = asyncio.Event()
        self.is_working = False

    def stop(self) -> None:
        """Has `run` finish what is under way, take nothing new, and end."""
        self._stop.set()

    async def run(self) -> None:
        """Works until `stop`, also through outages of the database; without handlers it only waits."""
        for name in _LIBRARY:
            # It writes arguments and traces; what operators need to know is written here.
            logging.getLogger(name).setLevel(logging.CRITICAL)
        if not self._handlers:
            self.is_working = True
            try:
                await self._stop.wait()
            finally:
                self.is_working = False
            return
        taking_over = asyncio.create_task(self._take_over())
        try:
            while not self._stop.is_set():
                await self._work()
                if not self._stop.is_set():
                    _log.warning("the workers begin again")
                    await self._rest(self._settings.pause)
        finally:
            taking_over.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await taking_over

    async def _work(self) -> None:
        """Works until `stop`, or until the database is away."""
        app = App(connector=self._connector())
        trials = Trials(self._uow, self._clock, random.SystemRandom().random)
        for kind, handler in self._handlers.items():
            trials.register(app, kind, handler)
        try:
            async with app.open_async():
                workers = [self._worker(app, share) for share in shares(self._settings.concurrency, FETCHERS)]
                working = [asyncio.create_task(each.run()) for each in workers]  # type: ignore[no-untyped-call]
                stopping = asyncio.create_task(self._stop.wait())
                self.is_working = True
                try:
                    await asyncio.wait([*working, stopping], return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self.is_working = False
                    for each in workers:
                        each.stop()  # type: ignore[no-untyped-call]
                    stopping.cancel()
                    ended = await asyncio.gather(*working, return_exceptions=True)
                for failure in ended:
                    if isinstance(failure, BaseException):
                        raise failure
        except _AWAY as error:
            _log.warning("the workers stopped: the database did not answer", kind=type(error).__name__)
        except Exception:  # noqa: BLE001 - a process that lives and does no jobs would be noticed too late
            _log.exception("the workers stopped")

    def _connector(self) -> PsycopgConnector:
        # That a job was taken or is done need not be on disk: where PostgreSQL itself crashes at that moment,
        # the job is done again, as after a crash of the worker. What jobs cause is committed by our own.
        options = (
            f"-c search_path={SCHEMA},pg_catalog -c statement_timeout=10s -c timezone=UTC"
            " -c synchronous_commit=off"
        )
        return PsycopgConnector(
            conninfo=self._url,
            kwargs={"options": options, "application_name": "namak-jobs", "connect_timeout": 5},
            min_size=1,
            max_size=OWN_CONNECTIONS,
            timeout=10.0,
            reconnect_timeout=10.0,
            pool_factory=_pool,
        )

    def _worker(self, app: App, concurrency: int) -> Worker:
        settings = self._settings
        return Worker(
            app=app,
            # Never all queues: another release's jobs are its workers'.
            queues=[kind.name for kind in self._handlers],
            concurrency=concurrency,
            fetch_job_polling_interval=settings.poll.total_seconds(),
            shutdown_graceful_timeout=settings.grace.total_seconds(),
            # Nobody notifies (server/storage/job_schema.py).
            listen_notify=False,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=settings.heartbeat.total_seconds(),
            stalled_worker_timeout=settings.silent.total_seconds(),
        )

    async def _take_over(self) -> None:
        """Takes over, again and again, what workers have that gave no sign of life."""
        kinds, silent = list(self._handlers), self._settings.silent
        while True:
            try:
                async with self._uow.writing() as tx:
                    count = await tx.jobs.take_over(kinds, silent=silent)
                    await tx.commit()
                if count:
                    _log.warning("jobs of workers that are gone were taken over", jobs=count)
            except Refused as refused:
                _log.warning("jobs of workers that are gone were not looked for", reason=refused.reason.value)
            except Exception:  # noqa: BLE001 - whatever it is, the next round is tried
                _log.exception("jobs of workers that are gone were not looked for")
            await asyncio.sleep(silent.total_seconds() / 2)

    async def _rest(self, time: timedelta) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), time.total_seconds())
