"""One server process as a program: what it is told, and what it tells.

It reads one line of JSON, what it is to be, and takes the end of its input for an order to stop: so it ends
also when its supervisor is killed. It writes one line of JSON when it serves, and nothing else.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Self, TextIO

_LINE_BYTES = 1024 * 1024


class ServerProgram:
    """A running process: a `Process`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        orders: asyncio.StreamWriter,
        told: asyncio.StreamReader,
    ) -> None:
        """For `start`."""
        self._process = process
        # Held for as long as it is to run.
        self._orders = orders
        self._told = told
        self.metrics_address: str | None = None
        """See `Process`."""

    @classmethod
    async def start(cls, program: str, order: Mapping[str, Any]) -> Self:
        """Starts a module as a program, in a fresh interpreter, and gives it its order.

        Raises OSError: the system starts no more processes.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # nothing is imported from the working directory
            *("-m", program),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            # Ctrl-C in a terminal goes to the supervisor alone, which passes it on.
            start_new_session=True,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process with pipes has pipes")
        # One that ends at once is noticed by its end.
        with contextlib.suppress(ConnectionError):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            await process.stdin.drain()
        return cls(process, process.stdin, process.stdout)

    @property
    def pid(self) -> int:
        """See `Process`."""
        return self._process.pid

    async def ready(self) -> str | None:
        """See `Process`."""
        line = await self._told.readline()
        if not line:
            return None
        addresses = json.loads(line)
        self.metrics_address = addresses["metrics_address"]
        return str(addresses["health_address"])

    async def ended(self) -> int:
        """See `Process`."""
        return await self._process.wait()

    def stop(self) -> None:
        """See `Process`."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """See `Process`."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()


def way_to_supervisor() -> TextIO:
    """Returns, in such a program, what writes to its supervisor, and keeps that for whoever has it.

    Whatever else is written to the standard output, by a library of the key's manufacturer too, goes to the
    standard error. Nobody reads the line to the supervisor on: who filled it would stand still for ever.
    """
    way = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return way


def tell_ready(way: TextIO, health_address: str, metrics_address: str | None = None) -> None:
    """Tells the supervisor that the program serves, and where to ask it; that is all that it is told."""
    with way:
        told = {"health_address": health_address, "metrics_address": metrics_address}
        way.write(json.dumps(told) + "\n")
