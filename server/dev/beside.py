"""Programs that run beside a development server: each listens, tells in a file where, and ends when told."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from server.dev.process import Process, ServerFailed, started

_POLL = 0.02

Start = Callable[[Sequence[str], BinaryIO, Mapping[str, str]], Process]
"""Starts a program, as `started` does."""


@dataclass
class BesideProcess:
    """One that runs, and its address. It outlives the program that started it, unless that stops it."""

    process: Process
    url: str

    @classmethod
    async def run(
        cls, what: str, words: Sequence[str], directory: Path, *, within: float, start: Start = started
    ) -> Self:
        """Starts `python -m WORDS --ready-file FILE` and waits until it listens. `what` names it where it
        fails; its log in its directory is `WHAT.log`.

        Raises `ServerFailed`.
        """
        ready, said = directory / "ready.json", directory / f"{what}.log"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-P", "-m", *words, "--ready-file", str(ready)]
        with said.open("ab") as log:
            process = start(command, log, {})
        beside = cls(process, "")
        try:
            async with asyncio.timeout(within):
                while not ready.exists():
                    if process.poll() is not None:
                        told = said.read_text(encoding="utf-8").strip()
                        raise ServerFailed(f"the {what} ended with {process.poll()}: {told}")
                    await asyncio.sleep(_POLL)
        except BaseException as error:
            await beside.stop()
            if isinstance(error, TimeoutError):
                raise ServerFailed(f"the {what} was not ready within {within:g} s") from error
            raise
        beside.url = json.loads(ready.read_text(encoding="utf-8"))["url"]
        return beside

    async def stop(self, within: float = 15.0) -> int:
        """Asks it to end (SIGTERM), kills it if it does not in time; returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                await asyncio.to_thread(self.process.wait, within)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return await asyncio.to_thread(self.process.wait)
