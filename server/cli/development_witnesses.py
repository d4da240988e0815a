"""`namak-server dev witnesses`, `dev timestamps`: run who watches a development world's log, and who tells it
the time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import typer

from namak.evidence.tlog_policy import TlogPolicy
from server.cli.endings import fail, load, run, told
from server.cli.supervising import stop_signals
from server.dev.beside import BesideProcess
from server.dev.process import ServerFailed
from server.dev.timestamps import NAME, TimestampProcess, timestamp_directory
from server.dev.witnesses import WitnessProcess, witness_directory

_LOOK_SECONDS = 0.5


def run_witnesses(settings: Path) -> None:
    """Runs all witnesses of a world until it is told to stop."""
    loaded = load(settings)
    if not loaded.development or loaded.witnesses.policy is None:
        fail(f"{settings} is of no world with witnesses; make one with `dev init DIRECTORY --witnesses 2`")
    with told():
        policy = TlogPolicy.parse(loaded.witnesses.policy.read_bytes())
    addresses = [
        (each.name.decode(), urlsplit(each.url.decode()).netloc)
        for each in policy.witnesses
        if each.url is not None
    ]
    starts = [
        (name, partial(WitnessProcess.start, witness_directory(settings.parent, name), listen=address))
        for name, address in addresses
    ]
    run(_run(starts, "a witness ended; its witness.log says why"))


def run_timestamps(settings: Path) -> None:
    """Runs the time-stamping authority of a world until it is told to stop."""
    loaded = load(settings)
    authority = next((each for each in loaded.timestamps.authorities if each.name == NAME), None)
    if not loaded.development or authority is None:
        fail(f"{settings} is of no world with an authority; make one with `dev init DIRECTORY --timestamps`")
    directory, listen = timestamp_directory(settings.parent), urlsplit(authority.url).netloc
    start = partial(TimestampProcess.start, directory, listen=listen)
    run(_run([(NAME, start)], f"the authority ended; {directory / 'authority.log'} says why"))


async def _run(starts: Sequence[tuple[str, Callable[[], Awaitable[BesideProcess]]]], ended: str) -> None:
    stop = stop_signals()
    running: list[BesideProcess] = []
    try:
        for name, start in starts:
            try:
                beside = await start()
            except ServerFailed as failed:
                fail(f"{name}: {failed}")
            running.append(beside)
            typer.echo(f"{name} listens on {beside.url}")
        while not stop.is_set() and all(each.process.poll() is None for each in running):
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue
        if not stop.is_set():
            fail(ended)
    finally:
        for beside in running:
            await beside.stop()
