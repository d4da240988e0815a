"""Starts the processes that check side by side, and is what runs in them."""

import asyncio
import contextlib
import multiprocessing
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

import uvloop

from server import bootstrap_fsck
from server.domain.refusals import Refused
from server.fsck.check import Asked, LogCheck
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Part, Progress, Report
from server.fsck.side_by_side import HelperLost, Job, Outcome
from server.gateways.orphans import end_with_parent
from server.jurisdictions import PROFILES
from server.storage.failures import StorageFault
from server.transparency.troubles import LogTrouble

_TOLD_SECONDS: Final = 0.2
"""How often a process tells how far it is."""
_ENDING_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Work:
    """What a process is told once: where the post is stored, its profile, and where to begin."""

    url: str
    profile: str
    current: str
    from_index: int


class ProcessHelper:
    """A `Helper`: one process, which does one job after the other."""

    def __init__(self, work: Work) -> None:
        # Spawned: neither threads nor sessions with a token survive a fork.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=_main, args=(theirs, work), daemon=True)
        self._process.start()
        theirs.close()

    async def check(self, job: Job) -> AsyncIterator[Outcome]:
        """See `Helper`."""
        try:
            self._connection.send(job)
            outcome = Outcome()
            while not (outcome.over or outcome.stopped):
                outcome = await asyncio.to_thread(self._connection.recv)
                yield outcome
        except (EOFError, OSError) as gone:
            await asyncio.to_thread(self._process.join, _ENDING_SECONDS)
            code = self._process.exitcode
            raise HelperLost(f"the process that checked part {job.part} ended with {code}") from gone

    def kill(self) -> None:
        """Ends the process, which writes nothing that could be left half done."""
        self._process.kill()
        self._process.join(_ENDING_SECONDS)


@contextlib.contextmanager
def started(count: int, work: Work) -> Iterator[Sequence[ProcessHelper]]:
    """Yields so many processes, and ends them."""
    made: list[ProcessHelper] = []
    try:
        for _ in range(count):
            made.append(ProcessHelper(work))
        yield made
    finally:
        for each in made:
            each.kill()


def _main(connection: Connection, work: Work) -> None:
    """Does what it is told until nobody tells it any more."""
    end_with_parent()
    # Who is interrupted at a terminal is the command, which ends this process too.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, contextlib.suppress(EOFError):
        while True:
            runner.run(_do(connection, work, connection.recv()))


async def _do(connection: Connection, work: Work, job: Job) -> None:
    report = Report()
    told = 0.0

    def tell(_progress: Progress) -> None:
        nonlocal told
        now = asyncio.get_running_loop().time()
        if now - told >= _TOLD_SECONDS:
            told = now
            connection.send(Outcome.of(report, job.part))

    report.on_progress = tell
    stopped, gleaned = "", None
    try:
        async with bootstrap_fsck.opened(work.url, PROFILES[work.profile], job.span) as stored:
            check = LogCheck(stored, {}, Trusted({}), report)
            if job.part is Part.EFFECTS:
                gleaned = await check.walk(job.wanted, report)
            else:
                await check.run(Asked(frozenset({job.part}), work.current, work.from_index))
    except (Refused, LogTrouble, OSError) as trouble:
        stopped = str(trouble) or type(trouble).__name__
    except StorageFault as fault:
        stopped = f"the database refused a statement ({fault}): are its tables another release's?"
    connection.send(Outcome.of(report, job.part, over=not stopped, stopped=stopped, gleaned=gleaned))
