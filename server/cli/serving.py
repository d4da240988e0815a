"""`namak-server serve`."""

import asyncio
import gc
import json
import os
import signal
from pathlib import Path

import structlog
import typer

from server import bootstrap, log_lines
from server.cli.endings import load, run
from server.config import Settings
from server.transparency.steps import OnStep, unobserved

_log = structlog.get_logger(__name__)

_YOUNG_OBJECTS = 5000
"""So many objects more than before make the collector look for cycles among the young ones. What a call
leaves is nearly always freed without it.
"""


def serve(settings: Path, ready_file: Path | None) -> None:
    """Serves until it is told to stop."""
    log_lines.write_json_lines()
    loaded = load(settings)
    try:
        run(serve_until_stopped(loaded, ready_file))
    except typer.Exit:
        raise
    except Exception as problem:
        _log.exception("server ended by an unexpected error")
        raise typer.Exit(1) from problem


async def serve_until_stopped(
    settings: Settings, ready_file: Path | None, *, on_step: OnStep = unobserved
) -> None:
    """Runs a server until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with bootstrap.running(settings, on_step=on_step) as server:
        _spare_the_collector()
        if ready_file is not None:
            _write_ready(ready_file, server)
        await stop.wait()


def _spare_the_collector() -> None:
    """Takes what the started server is made of out of the garbage collector's sight.

    That is some hundred thousand objects, which live as long as the process. Going through all of them, again
    and again, holds up every call for a good part of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def _write_ready(path: Path, server: bootstrap.Server) -> None:
    told = {"address": server.address, "health_address": server.health_address, "pid": os.getpid()}
    # Whole or not at all: whoever waits for it reads it the moment it is there.
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(json.dumps(told), encoding="utf-8")
    unfinished.rename(path)
