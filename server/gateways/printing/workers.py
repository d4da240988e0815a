"""Paper letters set by several processes, so that a PDF that kills its reader takes no server with it."""

import asyncio
import multiprocessing
import multiprocessing.util
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Self

from server.domain.paper_letters import PaperLetter, PrintReady
from server.gateways.orphans import end_with_parent
from server.gateways.printing import fonts
from server.gateways.printing.renderer import Renderer
from server.usecases.letter_ports import PrintingEnded


class PrintingWorkers:
    """Sets letters side by side. For one event loop; to be used as a context."""

    def __init__(self, processes: int) -> None:
        """Finds the fonts; processes start with the first letters. Raises `FontsMissing`."""
        fonts.found()
        self._processes = processes
        self._pool = self._started()

    def _started(self) -> ProcessPoolExecutor:
        # Spawned: the server has threads, and gRPC, which don't survive a fork.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._processes, mp_context=context, initializer=_begin)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    async def render(self, letter: PaperLetter) -> PrintReady:
        """Returns the letter print-ready.

        Raises:
            NotPrintable: it can't be printed whole.
            PrintingEnded: a process died; other letters under way end so too, later ones get new processes.
        """
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, _render, letter)
        except BrokenProcessPool as problem:
            if self._pool is pool:
                self._pool = self._started()
                pool.shutdown(wait=False)
            raise PrintingEnded("a process that set letters died") from problem


_renderer: Renderer | None = None
# The process's own: one in each worker, never in the server.


def _begin() -> None:
    global _renderer
    end_with_parent()
    # Typst would share one letter out among threads; the processes are busy without, and lose time by it.
    os.environ["RAYON_NUM_THREADS"] = "1"
    _renderer = Renderer()
    # Removed when the worker ends in good order; a killed one leaves its directory to the system's clean-up.
    multiprocessing.util.Finalize(_renderer, _renderer.close, exitpriority=0)


def _render(letter: PaperLetter) -> PrintReady:
    assert _renderer is not None
    return _renderer.render(letter)
