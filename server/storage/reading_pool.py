"""A few connections that read single statements, straight over asyncpg; none is made before it is needed."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from server.domain.refusals import ServiceUnavailable
from server.storage.log_connection import CONNECT_SECONDS, answering, connecting, driver_url

COMMAND_SECONDS = 10.0
"""How long one query may take."""


class ReadingPool:
    """Runs queries that read; who finds all connections in use waits for one."""

    def __init__(self, url: str, *, connections: int, application: str) -> None:
        """Takes the database's URL, how many connections it may hold, and what they call themselves."""
        self._url = url
        self._connections = connections
        self._application = application
        self._pool: Any = None
        self._making = asyncio.Lock()

    async def rows(self, statement: str, *values: object) -> Sequence[Any]:
        """Runs a query and returns its rows.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        try:
            return await self._fetch(statement, *values)
        except ServiceUnavailable:
            # The connection may have died in the pool, unnoticed: a reading statement may be repeated.
            return await self._fetch(statement, *values)

    async def close(self) -> None:
        """Closes the connections, not waiting for queries under way."""
        if self._pool is not None:
            self._pool.terminate()

    async def _fetch(self, statement: str, *values: object) -> Sequence[Any]:
        with connecting():
            pool = await self._opened()
            connection = await pool.acquire()
        try:
            with answering():
                rows: Sequence[Any] = await connection.fetch(statement, *values)
                return rows
        finally:
            with answering():
                await pool.release(connection)

    async def _opened(self) -> Any:
        async with self._making:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    driver_url(self._url),
                    min_size=0,
                    max_size=self._connections,
                    timeout=CONNECT_SECONDS,
                    command_timeout=COMMAND_SECONDS,
                    server_settings={
                        "application_name": self._application,
                        # All is asked for by key. A plan made while a table was small must not walk a large
                        # one.
                        "enable_seqscan": "off",
                    },
                    reset=_nothing_to_undo,
                )
        return self._pool


async def _nothing_to_undo(_connection: Any) -> None:
    """Leaves a connection as it is: single statements that read leave nothing behind, and the usual clean-up
    would cost a round trip for each.
    """
