"""`namak-server serve --processes N`: the supervisor, which serves nobody itself but its health."""

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable

import structlog

from server import bootstrap
from server.bootstrap_jobs import runs_inside
from server.bootstrap_metrics import telling_of_processes
from server.cli.endings import fail
from server.config import Settings, Written
from server.health_listener import HealthListener
from server.storage.room import BESIDES_THE_POOL, connection_room
from server.supervisor.health import ProcessesHealth
from server.supervisor.port import held
from server.supervisor.process import ServerProgram
from server.supervisor.supervisor import Pace, StartFailed, Supervisor
from server.workers.workers import OWN_CONNECTIONS

_log = structlog.get_logger(__name__)

PROGRAM = "server.cli.serving_process"
_BESIDES_DRAINING = 30.0
"""Seconds that a process may take to end besides two times its `drain`, for calls and for the log, and
besides the jobs' `grace` where it does jobs.
"""

Ready = Callable[[str, str, str | None], None]
"""Is told, once everything serves, at which address, where its health is, and where its figures are told."""


def stop_signals() -> asyncio.Event:
    """Returns what is set by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def supervise(written: Written, settings: Settings, *, ready: Ready) -> None:
    """Runs the processes until SIGTERM or SIGINT.

    Each of them gets the settings as they were read here: one that is started again next week does not take
    a file that was edited meanwhile for what all others go by.
    """
    stop = stop_signals()
    count = settings.server.processes
    async with contextlib.AsyncExitStack() as stack:
        address = stack.enter_context(held(settings.server.listen))
        # The embedded PostgreSQL must outlive each of the processes.
        url = await stack.enter_async_context(bootstrap.database_url(settings))
        await _check_room(url, settings)
        order = order_for(written, settings, address=address, url=url)

        async def launch(number: int) -> ServerProgram:
            return await ServerProgram.start(
                PROGRAM, {"number": number, "path": str(order.path), "content": order.content}
            )

        supervisor = Supervisor(launch, count, pace=Pace(patience=_patience(settings)))
        processes = ProcessesHealth(supervisor.serving)
        stack.push_async_callback(processes.close)
        health = HealthListener(
            settings.server.health_listen,
            {name: functools.partial(processes.is_well, name) for name in ("", "log")},
        )
        await health.open()
        await health.start()
        stack.push_async_callback(health.stop)
        figures = await stack.enter_async_context(telling_of_processes(settings, supervisor.measured))
        health_address = f"{settings.server.health_listen.rpartition(':')[0]}:{health.port}"

        async def pass_on() -> None:
            await stop.wait()
            await health.leave()
            supervisor.stop()

        passing_on = asyncio.create_task(pass_on(), name="stop")
        stack.callback(passing_on.cancel)
        _log.info("starting server processes", count=count, address=address, health_port=health.port)
        try:
            ended_well = await supervisor.run(lambda: ready(address, health_address, figures))
        except StartFailed as failed:
            fail(str(failed))
        _log.info("stopped")
        if not ended_well:
            fail("a server process ended badly; the log says which")


def order_for(written: Written, settings: Settings, *, address: str, url: str) -> Written:
    """Returns the settings of each process: it shares the port, has its other listeners to itself, and finds
    the database running. That does not tell any more that it is the embedded one, so who does jobs is said.
    """
    order = written.but("server", listen=address, health_listen="127.0.0.1:0", processes=1)
    order = order.but("jobs", in_server="yes" if runs_inside(settings) else "no")
    if settings.metrics.listen is not None:
        # The supervisor alone asks it, and tells for all.
        order = order.but("metrics", listen="127.0.0.1:0")
    return order.but("database", url=url)


def _patience(settings: Settings) -> float:
    """Returns how many seconds a process may take to end."""
    jobs = settings.jobs.grace.total_seconds() if runs_inside(settings) else 0.0
    return 2 * settings.server.drain.total_seconds() + jobs + _BESIDES_DRAINING


def connections_of_each(settings: Settings) -> int:
    """Returns how many connections to the database each process may take."""
    jobs = OWN_CONNECTIONS if runs_inside(settings) else 0
    return settings.database.pool_size + BESIDES_THE_POOL + jobs


async def _check_room(url: str, settings: Settings) -> None:
    may_take = settings.server.processes * connections_of_each(settings)
    room = await connection_room(url)
    if room is not None and may_take > room:
        _log.warning(
            "the server processes may want more connections than the database has",
            may_take=may_take,
            max_connections=room,
        )
