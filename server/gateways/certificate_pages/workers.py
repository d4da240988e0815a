"""Certificates set by a process of its own: setting one takes a tenth of a second of the processor."""

import asyncio
import multiprocessing
import multiprocessing.util
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Final, Self

from namak.signatures.prepared import PreparedPdf
from server.gateways.certificate_pages.renderer import CertificateRenderer
from server.gateways.orphans import end_with_parent
from server.gateways.printing import fonts
from server.usecases.certificate_ports import Certificate, CertificateNotSet

ALGORITHM: Final = "sha256"
"""What the seal is made over the file with."""


class CertificateWorkers:
    """Sets certificates and makes room for the seal in them. For one event loop; to be used as a context."""

    def __init__(self, processes: int) -> None:
        """Finds the fonts; processes start with the first certificates. Raises `FontsMissing`."""
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

    async def render(self, certificate: Certificate) -> PreparedPdf:
        """Returns the certificate with room for the seal.

        Raises:
            CertificateNotSet: the setter refused it, or its process died; later ones get new processes.
        """
        pool = self._pool
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, _render, certificate)
        except BrokenProcessPool as problem:
            if self._pool is pool:
                self._pool = self._started()
                pool.shutdown(wait=False)
            raise CertificateNotSet("a process that set certificates died") from problem


_renderer: CertificateRenderer | None = None
# The process's own: one in each worker, never in the server.


def _begin() -> None:
    global _renderer
    end_with_parent()
    os.environ["RAYON_NUM_THREADS"] = "1"
    _renderer = CertificateRenderer()
    # Removed when the worker ends in good order; a killed one leaves its directory to the system's clean-up.
    multiprocessing.util.Finalize(_renderer, _renderer.close, exitpriority=0)


def _render(certificate: Certificate) -> PreparedPdf:
    # Only here, since the library for it takes a while to load.
    from namak.signatures.pdf_building import prepare_pdf

    assert _renderer is not None
    pdf = _renderer.render(certificate)
    return prepare_pdf(pdf, algorithm=ALGORITHM, at=certificate.statement.made_time)
