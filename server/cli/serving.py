"""`namak-server serve`."""

import gc
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog
import typer

from server import bootstrap, config, log_lines
from server.bootstrap_machine import AHEAD
from server.cli.endings import run, told
from server.cli.ready_files import write_ready
from server.cli.supervising import Ready, stop_signals, supervise
from server.config import Settings
from server.transparency.steps import OnStep, unobserved

_log = structlog.get_logger(__name__)

_YOUNG_OBJECTS = 5000
"""So many objects more than before make the collector look for cycles among the young ones. What a call
leaves is nearly always freed without it.
"""


def serve(path: Path, processes: int | None, ready_file: Path | None) -> None:
    """Serves until it is told to stop, in this process or in several others."""
    log_lines.write_json_lines()
    with told():
        written = config.read(path, os.environ)
        if processes is not None:
            written = written.but("server", processes=processes)
        settings = written.checked()
    AHEAD.follow(settings.development_clock)
    if settings.server.processes > 1:
        carry_out(supervise(written, settings, ready=_writing(ready_file)))
    else:
        carry_out(serve_until_stopped(settings, ready_file))


def carry_out(work: Coroutine[Any, Any, None]) -> None:
    """Runs a server; what ends it unexpectedly is a line of the log."""
    try:
        run(work)
    except typer.Exit:
        raise
    except Exception as problem:
        _log.exception("server ended by an unexpected error")
        raise typer.Exit(1) from problem


async def serve_until_stopped(
    settings: Settings, ready_file: Path | None, *, on_step: OnStep = unobserved
) -> None:
    """Runs a server until SIGTERM or SIGINT."""
    stop = stop_signals()
    async with bootstrap.running(settings, on_step=on_step) as server:
        spare_the_collector()
        _writing(ready_file)(server.address, server.health_address, server.metrics_address)
        await stop.wait()


def spare_the_collector() -> None:
    """Takes what the started server is made of out of the garbage collector's sight.

    That is some hundred thousand objects, which live as long as the process. Going through all of them, again
    and again, holds up every call for a good part of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def _writing(path: Path | None) -> Ready:
    def write(address: str, health_address: str, metrics_address: str | None) -> None:
        write_ready(path, address=address, health_address=health_address, metrics_address=metrics_address)

    return write
