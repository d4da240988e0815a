"""`scripts/demo [FILE…] [--keep-running]`: plays the story over real mTLS, with real files."""

import argparse
import asyncio
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import structlog
from rich.console import Console

from scripts.story import reading, registering, sending, verifying
from scripts.story.post import Post, bind_operator, callers
from scripts.story.stage import PIPED_WIDTH, Stage, StoryFailed
from server.dev.process import ServerProcess
from server.dev.world import World

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "var" / "demo"
PID = PLACE / "server.pid"
SAMPLES = ROOT / "samples"


async def prepare(stage: Stage) -> tuple[World, ServerProcess]:
    """Makes a fresh world and starts a server in it."""
    stage.act("Set-up: throwaway certificates and tokens, PostgreSQL, the server")
    shutil.rmtree(PLACE, ignore_errors=True)
    world = await stage.step(
        "demo", "makes authorities, certificates and tokens", asyncio.to_thread(World.create, PLACE)
    )
    settings = world.write_settings()
    await stage.step("demo", "makes the database and binds the operator", bind_operator(settings, world))
    server = await stage.step(
        "demo",
        "starts the server",
        ServerProcess.start(settings, log=PLACE / "server.log"),
        lambda started: f"listens on {started.address}",
    )
    return world, server


async def online(stage: Stage, post: Post, files: Sequence[Path]) -> str:
    """Plays everything that needs the server; returns the delivery that was confirmed."""
    registered = await registering.registration(stage, post)
    await sending.submission(stage, post, files)
    await sending.refusals(stage, post, registered, files)
    delivery_id = await reading.reading(stage, post)
    await reading.outcome(stage, post, delivery_id)
    return delivery_id


async def story(console: Console, files: Sequence[Path], *, keep_running: bool) -> None:
    """Plays the whole story. Raises StoryFailed."""
    stage = Stage(console)
    world, server = await prepare(stage)
    kept = False
    try:
        async with callers(world, server) as post:
            delivery_id = await online(stage, post, files)
            receipts = post.receipts
        if not keep_running:
            await stage.step("demo", "stops the server", server.stop(), lambda code: f"ended with {code}")
        await verifying.accepted(stage, world, receipts)
        await verifying.refused(stage, world, receipts, delivery_id)
        console.print()
        console.print(
            f"[bold green]All {stage.steps} steps came out as told, in {stage.seconds:.1f} s.[/] "
            f"The receipts are in {receipts.relative_to(ROOT)}."
        )
        if keep_running:
            _leave(console, world, server)
            kept = True
    finally:
        if not kept:
            await server.stop()


def _leave(console: Console, world: World, server: ServerProcess) -> None:
    """Leaves the server up, with everything that a newcomer needs to reach it in one file."""
    handover = PLACE / "handover.json"
    world.write_handover(handover, server.address)
    PID.write_text(f"{server.process.pid}\n", encoding="ascii")
    console.print(
        f"The server runs on at {server.address}; {handover.relative_to(ROOT)} says how to reach it, "
        f"and scripts/demo --stop stops it."
    )


def stop() -> bool:
    """Stops the server that an earlier demo left up; returns whether there was one."""
    try:
        pid = int(PID.read_text(encoding="ascii"))
        # Only if it is still that server: process ids are used again.
        if PLACE.name not in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8"):
            return False
        os.kill(pid, signal.SIGTERM)
        while Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.05)
    except (FileNotFoundError, ProcessLookupError):
        pass
    finally:
        PID.unlink(missing_ok=True)
    return True


def main() -> int:
    """Plays the story; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description="Plays the story of Namak, from a letter to its proof."
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="letters to send; sample letters by default"
    )
    parser.add_argument(
        "--keep-running", action="store_true", help="leave the server up and write var/demo/handover.json"
    )
    parser.add_argument("--stop", action="store_true", help="only stop the server that was left up")
    arguments = parser.parse_args()
    files = [file.resolve() for file in arguments.files] or sorted(SAMPLES.iterdir())
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        parser.error("no such file: " + ", ".join(missing))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
    # The dishonest operator opens the log's token in this process; its log lines are no part of the story.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    stopped = stop()
    if arguments.stop:
        console.print("Stopped." if stopped else "No server was left up.")
        return 0
    began = time.monotonic()
    try:
        asyncio.run(story(console, files, keep_running=arguments.keep_running))
    except StoryFailed as failure:
        console.print(
            f"\n[bold red]The story did not come out as told[/] after {time.monotonic() - began:.1f} s:"
        )
        console.print(str(failure), markup=False)
        log = PLACE / "server.log"
        if log.is_file():
            console.print(f"The server's log is {log.relative_to(ROOT)}.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
