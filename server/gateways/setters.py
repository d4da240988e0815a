"""Pages set by processes of their own: setting takes a tenth of a second of the processor, and a PDF that
kills its reader takes no server with it.
"""

import asyncio
import multiprocessing
import multiprocessing.util
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Protocol, Self, TypeVar

from server.gateways.orphans import end_with_parent
from server.gateways.printing import fonts

T = TypeVar("T")
R = TypeVar("R")


class Closable(Protocol):
    """What has a directory to remove."""

    def close(self) -> None:
        """Removes it."""
        ...


C = TypeVar("C", bound=Closable)


class SetterDied(Exception):
    """The process that set something died, and so did what others had under way there."""


class Setters:
    """Processes that set pages side by side. For one event loop; to be used as a context."""

    def __init__(self, processes: int, begin: Callable[[], None]) -> None:
        """Finds the fonts; processes start with what is set first, each with `begin`, a function of a module.
        Raises `FontsMissing`.
        """
        fonts.found()
        self._processes = processes
        self._begin = begin
        self._pool = self._started()

    def _started(self) -> ProcessPoolExecutor:
        # Spawned: the server has threads, and gRPC, which don't survive a fork.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._processes, mp_context=context, initializer=self._begin)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def run(self, work: Callable[[T], R], what: T) -> R:
        """Returns what `work`, a function of a module, makes of it in a process; raises what that raises.

        Raises SetterDied: later ones get new processes.
        """
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work, what)
        except BrokenProcessPool as problem:
            if self._pool is pool:
                self._pool = self._started()
                pool.shutdown(wait=False)
            raise SetterDied from problem


def for_this_process(make: Callable[[], C]) -> C:
    """Makes what sets pages in a process of `Setters`, for as long as it lives."""
    end_with_parent()
    # Typst would share one page out among threads; the processes are busy without, and lose time by it.
    os.environ["RAYON_NUM_THREADS"] = "1"
    made = make()
    # Closed when the process ends in good order; a killed one leaves its directory to the system's clean-up.
    multiprocessing.util.Finalize(made, made.close, exitpriority=0)
    return made
