"""Runs `namak-server serve` as a process of its own, for the demo and for tests that kill it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_POLL = 0.02
_LAST_LINES = 15


class ServerFailed(RuntimeError):
    """The server ended, or was not ready in time; the last lines of its log follow."""


@dataclass
class ServerProcess:
    """One running replica: where it listens, and where it logs."""

    process: asyncio.subprocess.Process
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
        within: float = 60.0,
    ) -> Self:
        """Starts a server with the given settings and waits until it serves, at most `within` seconds.

        Raises `ServerFailed`.
        """
        ready = log.with_suffix(".ready")
        ready.unlink(missing_ok=True)
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *program,
                *("serve", "--config", str(config), "--ready-file", str(ready)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        try:
            async with asyncio.timeout(within):
                while not ready.exists():
                    if process.returncode is not None:
                        raise ServerFailed(f"the server ended with {process.returncode}:\n{_tail(log)}")
                    await asyncio.sleep(_POLL)
        except BaseException as error:
            if process.returncode is None:
                process.kill()
                await process.wait()
            if isinstance(error, TimeoutError):
                raise ServerFailed(f"not ready within {within:g} s:\n{_tail(log)}") from error
            raise
        told = json.loads(ready.read_text(encoding="utf-8"))
        return cls(process, told["address"], told["health_address"], log)

    async def stop(self, within: float = 30.0) -> int:
        """Asks it to drain and end (SIGTERM), kills it if it does not in time; returns its exit code."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                async with asyncio.timeout(within):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
        return await self.process.wait()

    async def kill(self) -> None:
        """Ends it dead (SIGKILL), as a power cut would."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def freeze(self) -> None:
        """Stops it in its tracks (SIGSTOP), as a paused virtual machine would be."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen one go on (SIGCONT)."""
        self.process.send_signal(signal.SIGCONT)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])
