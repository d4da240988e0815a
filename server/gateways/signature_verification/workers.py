"""The processes that verify signatures: a few, each with one file at a time, ended when it takes too long."""

import asyncio
import contextlib
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from namak.signatures.report import Report
from namak.signatures.transport import NotTransported, packed, unpacked
from namak.signatures.trust import Trust
from server.domain.refusals import Overloaded
from server.gateways.signature_verification.worker import LENGTH_BYTES

_log = structlog.get_logger(__name__)

_MAX_ANSWER = 64 * 1024 * 1024
_JOBS_OF_ONE = 200
# Then it is ended and another one started: what a library leaves behind in memory does not add up.

_ENDING_SECONDS = 1.0

_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """What verifying may take.

    Attributes:
        processes: files that are verified at once.
        waiting: calls that wait for their turn; further ones are refused, and those of a caller who has as
            many places, of these and the processes, as are left free.
        seconds: that one file may take.
        memory_bytes: of address space that a process may have, the program itself included.
    """

    processes: int = 2
    waiting: int = 20
    seconds: float = 10.0
    memory_bytes: int = 1024 * 1024 * 1024


class _Failed(Exception):
    """The process ended, was not in time, or answered what is no answer."""


class SignatureWorkers:
    """Verifies files in processes that are started when they are first needed (`SignatureVerifier`).

    A file that takes too much time or memory ends its process; the answer is then None, and the next file
    gets a new one. Nothing of a file is kept or logged.
    """

    def __init__(self, limits: WorkerLimits | None = None) -> None:
        self._limits = limits or WorkerLimits()
        self._turns = asyncio.Semaphore(self._limits.processes)
        self._idle: list[_Worker] = []
        self._free = self._limits.processes + self._limits.waiting
        self._taken_by: Counter[object] = Counter()
        self._all: set[_Worker] = set()

    async def verify(
        self, document: bytes, signature: bytes | None, trust: Trust, at: datetime, *, owner: object
    ) -> Report | None:
        """Returns the report; None where the file took too much.

        Raises:
            Overloaded: too many others wait, or the owner has as many places as are left.
        """
        # As in `server.interceptors.admission`: whoever comes next always finds room.
        if self._taken_by[owner] + 1 > self._free:
            raise Overloaded("verification of signatures")
        job = {
            "document": packed(document),
            "signature": packed(signature),
            "trust": packed(trust),
            "at": packed(at),
        }
        self._free -= 1
        self._taken_by[owner] += 1
        try:
            async with self._turns:
                return await self._verify(await asyncio.to_thread(_message, job))
        finally:
            self._free += 1
            self._taken_by[owner] -= 1
            if not self._taken_by[owner]:
                del self._taken_by[owner]

    async def close(self) -> None:
        """Ends all processes."""
        self._idle.clear()
        for worker in list(self._all):
            await self._end(worker)

    async def _verify(self, message: bytes) -> Report | None:
        worker = await self._worker()
        usable = False
        try:
            answer = await worker.ask(message, within=self._limits.seconds)
            report = await asyncio.to_thread(_report, answer)
            usable = report is not None and worker.jobs < _JOBS_OF_ONE
        except _Failed as failure:
            await self._end(worker)
            # One that never starts, for want of memory or of a module, ends with another status than ours.
            _log.warning(
                "a file was too much for the verification of signatures",
                why=str(failure),
                exit_status=worker.exit_status,
                jobs=worker.jobs,
            )
            return None
        else:
            return report
        finally:
            # Also when the caller goes away in the middle: a process that is still busy is of no use.
            if usable:
                self._idle.append(worker)
            else:
                await self._end(worker)

    async def _worker(self) -> "_Worker":
        while self._idle:
            worker = self._idle.pop()
            if worker.is_running:
                return worker
            await self._end(worker)
        worker = await _Worker.start(self._limits.memory_bytes)
        self._all.add(worker)
        return worker

    async def _end(self, worker: "_Worker") -> None:
        self._all.discard(worker)
        await asyncio.shield(worker.end())


class _Worker:
    """One running `server.gateways.signature_verification.worker`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        jobs: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
    ) -> None:
        self._process = process
        self._jobs = jobs
        self._answers = answers
        self.jobs = 0

    @classmethod
    async def start(cls, memory_bytes: int) -> "_Worker":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # nothing is imported from the working directory
            *("-m", "server.gateways.signature_verification.worker", str(memory_bytes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            # It gets no settings and no secrets that the server's environment may hold.
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process with pipes has pipes")
        return cls(process, process.stdin, process.stdout)

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    @property
    def exit_status(self) -> int | None:
        """Below 0, the signal that ended it; None while it runs."""
        return self._process.returncode

    async def ask(self, message: bytes, *, within: float) -> bytes:
        """Returns the answer to a job. Raises _Failed."""
        self.jobs += 1
        try:
            async with asyncio.timeout(within):
                self._jobs.write(message)
                await self._jobs.drain()
                length = int.from_bytes(await self._answers.readexactly(LENGTH_BYTES), "big")
                if length > _MAX_ANSWER:
                    raise _Failed("the answer is too large")
                return await self._answers.readexactly(length)
        except TimeoutError:
            raise _Failed(f"not done within {within:g} s") from None
        except (OSError, asyncio.IncompleteReadError):
            # Its pipes are closed before it is gone: how it ends is its own to say, not our signal's.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ENDING_SECONDS):
                    await self._process.wait()
            raise _Failed("the process ended") from None

    async def end(self) -> None:
        """Ends the process, at once."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._jobs.close()
        with contextlib.suppress(OSError):
            await self._jobs.wait_closed()
        await self._process.wait()


def _message(job: dict[str, Any]) -> bytes:
    content = json.dumps(job).encode()
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def _report(answer: bytes) -> Report | None:
    try:
        told = json.loads(answer)
        if "failure" in told:
            return None
        return unpacked(Report, told["report"])
    except (NotTransported, ValueError, KeyError, TypeError, RecursionError) as failure:
        raise _Failed("the answer is none") from failure
