"""`namak-server dev witnesses`: runs the witnesses of a development world."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import typer

from namak.evidence.tlog_policy import TlogPolicy
from server.cli.endings import fail, load, run, told
from server.cli.supervising import stop_signals
from server.dev.process import ServerFailed
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
    run(_run(settings.parent, addresses))


async def _run(world: Path, addresses: Sequence[tuple[str, str]]) -> None:
    stop = stop_signals()
    witnesses: list[WitnessProcess] = []
    try:
        for name, address in addresses:
            try:
                witness = await WitnessProcess.start(witness_directory(world, name), listen=address)
            except ServerFailed as failed:
                fail(f"{name}: {failed}")
            witnesses.append(witness)
            typer.echo(f"{name} listens on {witness.url}")
        while not stop.is_set() and all(each.process.poll() is None for each in witnesses):
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await stop.wait()
            except TimeoutError:
                continue
        if not stop.is_set():
            fail("a witness ended; its witness.log says why")
    finally:
        for witness in witnesses:
            await witness.stop()
