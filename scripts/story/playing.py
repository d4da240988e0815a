"""`scripts/demo [FILE…] [--keep-running]`: plays the story over real mTLS, with real files."""

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from rich.console import Console

from scripts.story import (
    accounting,
    administering,
    certifying,
    interrupting,
    letters,
    reading,
    registering,
    sending,
    verifying,
    withdrawing,
    witnessing,
)
from scripts.story.commanding import Shell
from scripts.story.place import InUse, Place
from scripts.story.post import Post, bind_operator, callers, settle, stamped, witnessed
from scripts.story.registering import PERSON, SENDER
from scripts.story.stage import Stage, StoryFailed, console_for
from server.dev.beside import BesideProcess
from server.dev.process import ServerProcess
from server.dev.timestamp_server import OpensslMissing, openssl
from server.dev.world import World

ROOT = Path(__file__).resolve().parents[2]
PLACE = Place(ROOT / "var" / "demo")
SAMPLES = ROOT / "samples"
SUBJECT = "Փորձ"


@dataclass(frozen=True)
class Running:
    """The processes of a demo: the server, and those beside it, who witness and stamp its log."""

    server: ServerProcess
    beside: Sequence[BesideProcess]

    async def stop(self) -> int:
        """Stops all; returns the server's exit code."""
        code = await self.server.stop()
        await asyncio.gather(*(each.stop() for each in self.beside))
        return code


async def prepare(stage: Stage, place: Place) -> tuple[World, Running]:
    """Makes a fresh world, and starts in it two witnesses, a time-stamping authority and a server."""
    stage.act(
        "Set-up: throwaway certificates and tokens, PostgreSQL, who watches the log, the server",
        "Everything is made anew and only for this demo; nothing of it leaves this machine.",
    )
    place.clear()
    world = await stage.step(
        "demo",
        "makes authorities, certificates and tokens",
        asyncio.to_thread(World.create, place.directory),
    )
    settings = world.write_settings()
    beside: list[BesideProcess] = []
    beside += await stage.step(
        "demo",
        "starts the log's witnesses: a court's, a university's",
        witnessed(settings, world),
        lambda started: f"listen on {', '.join(each.url.rpartition('/')[2] for each in started)}",
    )
    try:
        openssl()
    except OpensslMissing as missing:
        stage.note(f"no timestamps: {missing}")
    else:
        beside.append(
            await stage.step(
                "demo",
                "starts a time-stamping authority (openssl ts -reply)",
                stamped(settings, world),
                lambda started: f"listens on {started.url.rpartition('/')[2]}",
            )
        )
    await stage.step("demo", "makes the database and binds the operator", bind_operator(settings, world))
    await stage.step("demo", "registers a portal, and an entity with its people", settle(settings))
    server = await stage.step(
        "demo",
        "starts the server",
        ServerProcess.start(settings, log=place.directory / "server.log"),
        lambda started: f"listens on {started.address}",
    )
    return world, Running(server, beside)


async def online(stage: Stage, post: Post, files: Sequence[Path]) -> str:
    """Plays everything that needs the server; returns the delivery that was confirmed."""
    began, shell = datetime.now(UTC), Shell(stage, post)
    registered = await registering.registration(stage, post)
    await administering.administration(stage, post, shell)
    regretted_id = await sending.submission(stage, post, files)
    await sending.refusals(stage, post, registered, files)
    await withdrawing.withdrawal(stage, shell, regretted_id)
    delivery_id = await reading.reading(stage, post, shell)
    await reading.outcome(stage, post, delivery_id)
    await withdrawing.following(stage, shell)
    await certifying.certificate(stage, shell, post.world, delivery_id)
    await witnessing.witnesses(stage, shell, post.world, delivery_id)
    await accounting.accounts(stage, shell, began)
    return delivery_id


async def story(console: Console, files: Sequence[Path], *, keep_running: bool) -> None:
    """Plays the whole story. Raises StoryFailed."""
    # The dishonest operator opens the log's token in this process; its log lines are no part of the story.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    stage = Stage(console)
    kept = False
    try:
        world, running = await prepare(stage, PLACE)
        async with callers(world, running.server) as post:
            delivery_id = await online(stage, post, files)
            receipts = post.receipts
        if not keep_running:
            await stage.step(
                "demo",
                "stops the server, and those beside it",
                running.stop(),
                lambda code: f"ended with {code}",
            )
        await verifying.accepted(stage, world, receipts)
        await verifying.refused(stage, world, receipts, delivery_id)
        console.print()
        console.print(
            f"[bold green]All {stage.steps} steps came out as told, in {stage.seconds:.1f} s.[/] "
            f"The receipts are in {receipts.relative_to(ROOT)}."
        )
        console.print(
            "A letter was served, and everyone can prove it: the agency that it was sent and confirmed, the "
            "citizen what the inbox held, a court all of it by one file, without the server and without "
            "trusting who runs it. What was forged, even with the log's own key, was refused."
        )
        _tell_of_earlier(console, world)
        if keep_running:
            _leave(console, world, running)
            kept = True
    finally:
        if not kept:
            await asyncio.to_thread(PLACE.end)


def _tell_of_earlier(console: Console, world: World) -> None:
    console.print("Every demo has a log of its own: receipts verify only with the log policy of their demo.")
    if not PLACE.earlier.is_dir():
        return
    earlier = PLACE.earlier.relative_to(ROOT)
    roots = earlier / world.pki.citizen_roots_path.relative_to(world.directory)
    console.print("For those of the demo before this one:")
    _command(
        console,
        f".venv/bin/namak verify {earlier}/receipts --log-policy {earlier}/log-policy.txt "
        f"--citizen-roots {roots}",
    )


def _leave(console: Console, world: World, running: Running) -> None:
    """Leaves the server up, with everything that a newcomer needs to reach it in one file."""
    handover = PLACE.directory / "handover.json"
    world.write_handover(handover, running.server.address)
    place = PLACE.directory.relative_to(ROOT)
    console.print(f"The server runs on at {running.server.address}. To send a letter and look for it:")
    _command(console, f"export NAMAK_CONFIG={place}/agency.toml")
    letter = max(SAMPLES.iterdir()).relative_to(ROOT)
    _command(console, f".venv/bin/namak send --from {SENDER} --to {PERSON} --subject {SUBJECT} {letter}")
    _command(console, f"NAMAK_CONFIG={place}/citizen.toml .venv/bin/namak inbox")
    console.print(
        f"{handover.relative_to(ROOT)} says how to reach it with programs of yours, "
        "and scripts/demo --stop stops it."
    )


def _command(console: Console, line: str) -> None:
    console.print(f"  {line}", markup=False, soft_wrap=True)


def main(words: Sequence[str] | None = None) -> int:
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
    parser.add_argument(
        "--stop",
        action="store_true",
        help="only stop the server that was left up, and whatever a killed demo left",
    )
    arguments = parser.parse_args(words)
    files = [file.resolve() for file in arguments.files] or sorted(SAMPLES.iterdir())
    if problem := letters.problem(files):
        parser.error(problem)
    console = console_for(sys.stdout)
    try:
        with PLACE.alone():
            if arguments.stop:
                console.print("Stopped." if PLACE.end() else "No server was left up.")
                return 0
            return _play(console, files, keep_running=arguments.keep_running)
    except InUse as in_use:
        sys.stderr.write(f"scripts/demo: {in_use}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"scripts/demo: {error}\n")
        return 1
    except interrupting.Interrupted as interrupted:
        console.print("Interrupted; the server is stopped.")
        return interrupted.exit_code
    except KeyboardInterrupt:  # while what an earlier demo had left was ended
        return 128 + signal.SIGINT


def _play(console: Console, files: Sequence[Path], *, keep_running: bool) -> int:
    if PLACE.end():
        console.print("Stopped what the demo before this one had left running.")
    began = time.monotonic()
    try:
        with PLACE.marking():
            interrupting.run(story(console, files, keep_running=keep_running))
    except interrupting.Interrupted:
        PLACE.end()  # of a story that was over, and left the server up
        raise
    except StoryFailed as failure:
        console.print(
            f"\n[bold red]The story did not come out as told[/] after {time.monotonic() - began:.1f} s:"
        )
        console.print(str(failure), markup=False)
        log = PLACE.directory / "server.log"
        if log.is_file():
            console.print(f"The server's log is {log.relative_to(ROOT)}.")
        return 1
    return 0
