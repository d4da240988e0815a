"""`namak-server log export` and `serve`."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog
import typer

from namak.evidence.errors import MalformedKey
from namak.evidence.note import Verifier
from server import bootstrap_log, log_lines
from server.bootstrap_metrics import meters_of, telling
from server.bootstrap_tiles import published_tiles, reading_log, tiles_listener
from server.cli.endings import load, run
from server.cli.ready_files import write_ready
from server.cli.supervising import stop_signals
from server.config import Settings
from server.domain.refusals import ServiceUnavailable
from server.tiles.directory import TileDirectory
from server.tiles.export import Exported, TileExport
from server.transparency.ports import LogStorage

_log = structlog.get_logger(__name__)

_TELL_SECONDS: Final = 5.0
_SWEEP_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What to export: a shard, by default that of the key, or else the one that the database has as the
    current one; and its key, by default that of the settings or their token.
    """

    directory: Path
    origin: str = ""
    vkey: str = ""
    again: bool = False
    keep_partials: float = 0.0


def export(settings: Path, asked: Asked, interval: float | None) -> None:
    """Writes the log into a directory, once, or every so many seconds until it is told to stop."""
    if interval is not None:
        log_lines.write_json_lines()
    run(_export(load(settings), asked, interval))


async def _export(settings: Settings, asked: Asked, interval: float | None) -> None:
    stop = stop_signals() if interval is not None else asyncio.Event()
    directory = TileDirectory(asked.directory)
    with directory.held():
        async with reading_log(settings) as storage:
            verifier = await _verifier(settings, asked, storage)
            export = TileExport(
                published_tiles(storage, verifier.name),
                storage.reader,
                directory,
                verifier,
                again=asked.again,
                progress=_progress(to_log=interval is not None),
            )
            if interval is None:
                done = await export.run()
                swept = await export.sweep(asked.keep_partials) if asked.keep_partials else 0
                _tell(asked.directory, verifier.name, done, swept)
            else:
                await _follow(export, verifier.name, interval, asked.keep_partials, stop)


async def _follow(
    export: TileExport, origin: str, interval: float, keep_partials: float, stop: asyncio.Event
) -> None:
    """Keeps on until it is told to stop, whatever the database does meanwhile."""
    swept_at, size = float("-inf"), -1
    _log.info("exporting the log", origin=origin)
    while not stop.is_set():
        try:
            done = await export.run()
        except ServiceUnavailable as unavailable:
            _log.warning("the log can't be read; trying again", component=str(unavailable))
        else:
            if done is not None and done.size != size:
                size = done.size
                _log.info("exported", size=done.size, new=done.new, files=done.files)
        if keep_partials and time.monotonic() - swept_at >= _SWEEP_SECONDS:
            swept_at = time.monotonic()
            await export.sweep(keep_partials)
        try:
            async with asyncio.timeout(interval):
                await stop.wait()
        except TimeoutError:
            continue
    _log.info("stopped")


async def _verifier(settings: Settings, asked: Asked, storage: LogStorage) -> Verifier:
    """Returns the key of the shard that is meant: `--origin`'s, or `--vkey`'s, or the current one."""
    if not asked.vkey:
        try:
            return await bootstrap_log.verifier_of(
                settings.log, asked.origin or await _current(settings, storage)
            )
        except bootstrap_log.ShardNotConfigured as unknown:
            raise ValueError(f"--vkey is needed for {unknown}") from unknown
    try:
        verifier = Verifier.parse(asked.vkey)
    except MalformedKey as error:
        raise ValueError(f"--vkey: {error.detail}") from error
    if verifier.name != (asked.origin or verifier.name):
        raise ValueError(f"--vkey is the key of {verifier.name}, not of {asked.origin}")
    return verifier


async def _current(settings: Settings, storage: LogStorage) -> str:
    """Returns the shard that takes leaves; that of the settings where no leader has entered any yet."""
    line = await storage.reader.line()
    return next((each.origin for each in line if not each.frozen), settings.log.origin)


def _progress(*, to_log: bool) -> Callable[[int, int], None]:
    """Tells how far a long export is, now and then, and nothing of a short one."""
    told = time.monotonic()

    def tell(done: int, of: int) -> None:
        nonlocal told
        if time.monotonic() - told < _TELL_SECONDS:
            return
        told = time.monotonic()
        if to_log:
            _log.info("exporting", leaves=done, of=of)
        else:
            typer.echo(f"{done} of {of} leaves", err=True)

    return tell


def _tell(directory: Path, origin: str, done: Exported | None, swept: int) -> None:
    if done is None:
        typer.echo(f"nothing of {origin} is published yet")
        return
    leaves = "leaf" if done.size == 1 else "leaves"
    typer.echo(
        f"{directory}: {done.size} {leaves} of {origin}, {done.new} of them new; {done.files} files written,"
        f" the partial tiles of {swept} full ones deleted"
    )


def serve(settings: Path, ready_file: Path | None) -> None:
    """Hands the log out over HTTP until it is told to stop."""
    log_lines.write_json_lines()
    run(_serve(load(settings), ready_file))


async def _serve(settings: Settings, ready_file: Path | None) -> None:
    stop = stop_signals()
    async with reading_log(settings) as storage, contextlib.AsyncExitStack() as stack:
        meters = meters_of(settings)
        listener = tiles_listener(settings, storage, answered=meters.log_answered)
        try:
            await listener.open()
            _log.info("handing out the log", port=listener.port)
            figures = await stack.enter_async_context(telling(settings.metrics.log_listen, meters, {}))
            write_ready(ready_file, port=listener.port, metrics_address=figures)
            await stop.wait()
            _log.info("stopping")
        finally:
            await listener.close()
    _log.info("stopped")
