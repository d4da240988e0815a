"""The processes of the post: started, killed dead by their numbers, and started again at the same place."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from namak.client import Client

WITHIN_SECONDS = 180.0
_POLL_SECONDS = 0.02
_LAST_LINES = 15


class ProgramFailed(RuntimeError):
    """A process ended by itself, or was not ready in time; the last lines of its log follow."""


@dataclass(eq=False)
class Program:
    """One process of the post: `serve`, `work` or `smtp`.

    Attributes:
        command: which of them.
        settings: its settings; ports in them are fixed, so that callers find it again.
        environment: what it has besides ours.
        port: where it is called; 0 for a worker.
        kills: how often it was killed.
        starting: whether it has yet to say that it is ready.
    """

    name: str
    command: str
    settings: Path
    environment: Mapping[str, str]
    port: int = 0
    kills: int = 0
    starting: bool = False
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """Where it logs, all its lives."""
        return self.settings.with_suffix(".log")

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Starts it and waits until it says that it is ready. Raises `ProgramFailed`."""
        self.starting = True
        ready = self.settings.with_suffix(".ready")
        ready.unlink(missing_ok=True)
        with self.log.open("ab") as output:
            self._process = process = subprocess.Popen(  # noqa: ASYNC220 - as in server/dev/process.py
                [
                    *(sys.executable, "-P", "-m", "server", self.command),
                    *("--config", str(self.settings), "--ready-file", str(ready)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                while not ready.exists():
                    if process.poll() is not None:
                        raise ProgramFailed(f"{self.name} ended with {process.returncode}:\n{self._tail()}")
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as error:
            raise ProgramFailed(f"{self.name} was not ready in time:\n{self._tail()}") from error
        self.starting = False

    async def kill(self) -> None:
        """Ends it dead (SIGKILL), by its own number."""
        assert self._process is not None
        self.kills += 1
        self._process.kill()
        await asyncio.to_thread(self._process.wait)

    async def stop(self) -> int:
        """Has it end as an operator would; returns its exit code."""
        if self._process is None:
            return 0
        if self.running:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(self._process.wait, WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return await asyncio.to_thread(self._process.wait)

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])


@dataclass(eq=False)
class Reached:
    """A server, as a sender reaches it."""

    program: Program
    client: Client
