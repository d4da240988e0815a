"""Has files read that are said to be scans, each by a process of its own that is ended when it takes long."""

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass

import structlog

from server.domain.refusals import Overloaded
from server.domain.scans import ScanFault

_log = structlog.get_logger(__name__)

_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """What reading may take.

    Attributes:
        processes: files that are read at once.
        waiting: files that wait for their turn; further ones are refused.
        seconds: that one file may take.
        memory_bytes: of address space that a process may have, the program itself included.
    """

    processes: int = 2
    waiting: int = 100
    seconds: float = 10.0
    memory_bytes: int = 1024 * 1024 * 1024


class ProcessScanReader:
    """Reads each file in a process that ends with it (`ScanReader`). Nothing of a file is kept or logged."""

    def __init__(self, limits: ReadingLimits | None = None) -> None:
        self._limits = limits or ReadingLimits()
        self._turns = asyncio.Semaphore(self._limits.processes)
        self._free = self._limits.processes + self._limits.waiting

    async def fault(self, content: bytes, media_type: str) -> ScanFault | None:
        """Returns why the file is not what it says; None where it is.

        Raises:
            Overloaded: too many others wait.
        """
        if self._free == 0:
            raise Overloaded("reading of scans")
        self._free -= 1
        try:
            async with self._turns:
                return await self._read(content, media_type)
        finally:
            self._free += 1

    async def _read(self, content: bytes, media_type: str) -> ScanFault | None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # nothing is imported from the working directory
            *("-m", "server.gateways.scans.process", media_type, str(self._limits.memory_bytes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # It gets no settings and no secrets that the server's environment may hold.
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            start_new_session=True,
        )
        answer = b""
        try:
            async with asyncio.timeout(self._limits.seconds):
                answer, _ = await process.communicate(content)
        except TimeoutError:
            pass
        finally:
            # Also when the caller goes away in the middle.
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
        if answer == b"OK":
            return None
        try:
            return ScanFault(answer.decode())
        except ValueError:
            _log.warning("a file was too much for who reads scans", exit_status=process.returncode)
            return ScanFault.TOO_DEMANDING
