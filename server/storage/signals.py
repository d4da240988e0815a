"""Signals between replicas over LISTEN and NOTIFY, on connections that do nothing else.

NOTIFY takes a lock of the whole database at commit: no transaction that records facts sends one.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from server.domain.refusals import ServiceUnavailable
from server.storage.failures import COMPONENT
from server.storage.log_connection import answering, close, connect
from server.transparency.ports import Signal

COMMAND_SECONDS = 5.0
CHECK_SECONDS = 5.0
"""How often a listener asks whether its connection still lives: a cut line tells nobody."""


class PostgresSignalSender:
    """A `SignalSender` that connects when it is first needed, and again after a failure."""

    def __init__(self, url: str) -> None:
        """Takes the database's URL."""
        self._url = url
        self._connection: Any = None

    async def send(self, signal: Signal) -> None:
        """See `SignalSender`."""
        if self._connection is None or self._connection.is_closed():
            settings = {"application_name": "namak log signals"}
            self._connection = await connect(self._url, command_seconds=COMMAND_SECONDS, settings=settings)
        with answering():
            await self._connection.execute("SELECT pg_notify($1, '')", signal.value)

    async def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            await close(self._connection)


class PostgresSignalListener:
    """A `SignalListener`."""

    def __init__(self, url: str) -> None:
        """Takes the database's URL."""
        self._url = url

    async def listen(self, heard: Callable[[Signal], None], ready: Callable[[], None]) -> None:
        """See `SignalListener`."""
        settings = {"application_name": "namak log listener"}
        connection = await connect(self._url, command_seconds=COMMAND_SECONDS, settings=settings)
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        try:
            with answering():
                for signal in Signal:
                    await connection.add_listener(
                        signal.value, lambda _connection, _pid, channel, _payload: heard(Signal(channel))
                    )
            ready()
            while not ended.is_set():
                try:
                    async with asyncio.timeout(CHECK_SECONDS):
                        await ended.wait()
                except TimeoutError:
                    with answering():
                        await connection.execute("SELECT 1")
            raise ServiceUnavailable(COMPONENT)
        finally:
            await close(connection)
