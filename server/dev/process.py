"""Runs `namak-server serve` as a process of its own, for the demo and for tests that kill it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, Self

_POLL = 0.02
_LAST_LINES = 15


class ServerFailed(RuntimeError):
    """The server ended, or was not ready in time; the last lines of its log follow."""


class Process(Protocol):
    """A process that was started; what `subprocess.Popen` says of these."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, number: int, /) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


def started(command: Sequence[str], log: BinaryIO, environment: Mapping[str, str]) -> Process:
    """Starts a program without input, which writes into a log, in a session of its own; the environment is
    added to this process's.
    """
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, **environment},
        start_new_session=True,
    )


@dataclass
class ServerProcess:
    """One running replica: where it listens, and where it logs.

    It outlives the program that started it, unless that stops it.
    """

    process: Process
    address: str
    health_address: str
    log: Path

    @classmethod
    async def start(
        cls,
        config: Path,
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = (sys.executable, "-P", "-m", "server"),
        processes: int | None = None,
        within: float = 180.0,
        start: Callable[[Sequence[str], BinaryIO, Mapping[str, str]], Process] = started,
    ) -> Self:
        """Starts a server with the given settings and waits until it serves, at most `within` seconds; with
        `processes`, so many of them under a supervisor. `start` does what `started` does.

        Raises `ServerFailed`.
        """
        ready = log.with_suffix(".ready")
        ready.unlink(missing_ok=True)
        several = () if processes is None else ("--processes", str(processes))
        with log.open("ab") as output:
            # Not asyncio's own: that kills its processes when the loop ends.
            command = [*program, "serve", "--config", str(config), "--ready-file", str(ready), *several]
            process = start(command, output, environment or {})
        try:
            async with asyncio.timeout(within):
                while not ready.exists():
                    if process.poll() is not None:
                        raise ServerFailed(f"the server ended with {process.poll()}:\n{_tail(log)}")
                    await asyncio.sleep(_POLL)
        except BaseException as error:
            # Asked first: a server that is killed can't stop its embedded PostgreSQL.
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if isinstance(error, TimeoutError):
                raise ServerFailed(f"not ready within {within:g} s:\n{_tail(log)}") from error
            raise
        told = json.loads(ready.read_text(encoding="utf-8"))
        return cls(process, told["address"], told["health_address"], log)

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self.process.poll() is None

    async def stop(self, within: float = 30.0) -> int:
        """Asks it to drain and end (SIGTERM), kills it if it does not in time; returns its exit code."""
        if self.running:
            self.process.terminate()
            try:
                await asyncio.to_thread(self.process.wait, within)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return await asyncio.to_thread(self.process.wait)

    async def kill(self) -> None:
        """Ends it dead (SIGKILL), as a power cut would."""
        self.process.kill()
        await asyncio.to_thread(self.process.wait)

    def freeze(self) -> None:
        """Stops it in its tracks (SIGSTOP), as a paused virtual machine would be."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen one go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])
