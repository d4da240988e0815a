"""The way into PostgreSQL: one pool of connections with bounds on every wait."""

from typing import Any

from sqlalchemy import event, exc, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from server.storage.failures import answering

DRIVER = "postgresql+asyncpg"


class Database:
    """A pool of connections to one PostgreSQL (15 or newer).

    Connections must be direct or from a session-pooling proxy: prepared statements belong to a session.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 20,
        application_name: str = "namak",
        connect_seconds: float = 5.0,
        checkout_seconds: float = 5.0,
        statement_seconds: float = 10.0,
        idle_in_transaction_seconds: float = 5.0,
        hurried_pool_size: int = 4,
        hurried_lock_seconds: float = 0.5,
    ) -> None:
        """Opens nothing yet.

        Args:
            url: `postgresql://...`; whichever driver it names, asyncpg is used.
            pool_size: the most connections that are open at once, besides the hurried ones and one for
                `ping`.
            application_name: what the server's own views show.
            connect_seconds: how long the opening of a connection may take.
            checkout_seconds: how long to wait for a free connection before the database counts as
                unavailable.
            statement_seconds: how long a statement may take, waiting for locks included.
            idle_in_transaction_seconds: after how long the server ends a transaction that does nothing, so
                that a frozen replica frees what it locked.
            hurried_pool_size: how many more connections there are for transactions that many callers share;
                those who only look at something can't take these away.
            hurried_lock_seconds: how long these wait for a lock.
        """
        settings = {
            "application_name": application_name,
            "statement_timeout": _milliseconds(statement_seconds),
            "idle_in_transaction_session_timeout": _milliseconds(idle_in_transaction_seconds),
            "default_transaction_isolation": "read committed",
            # What is answered for is on disk, whatever the server's default is.
            "synchronous_commit": "on",
            "timezone": "UTC",
            "jit": "off",
        }

        def engine(size: int, **more: str) -> AsyncEngine:
            made = create_async_engine(
                make_url(url).set(drivername=DRIVER),
                pool_size=size,
                max_overflow=0,
                pool_timeout=checkout_seconds,
                pool_use_lifo=True,
                # Parameters are content and personal numbers.
                hide_parameters=True,
                connect_args={
                    "timeout": connect_seconds,
                    # The server's own time-out comes first, unless the server hangs.
                    "command_timeout": statement_seconds + 2.0,
                    "server_settings": settings | more,
                },
            )
            event.listen(made.sync_engine, "checkout", _refuse_closed)
            return made

        self._engine = engine(pool_size)
        self._hurried = engine(hurried_pool_size, lock_timeout=_milliseconds(hurried_lock_seconds))
        self._pinging = engine(1)
        self._most = pool_size + hurried_pool_size

    async def connect(self, *, hurried: bool = False) -> AsyncConnection:
        """Takes a connection from the pool; `close` gives it back, rolled back. A hurried one waits for locks
        only briefly.

        Raises:
            ServiceUnavailable: no connection can be opened, or none becomes free in time.
        """
        with answering():
            return await (self._hurried if hurried else self._engine).connect()

    async def ping(self) -> None:
        """Asks the database for an answer, over a connection of its own: that all others are in use does not
        mean that it is away, and a server that is merely busy must not be taken out of service.

        Raises:
            ServiceUnavailable: there is none.
        """
        with answering():
            async with self._pinging.connect() as connection:
                await connection.execute(text("SELECT 1"))

    @property
    def connections_in_use(self) -> int:
        """How many connections are out of the pools, for the metrics of operation."""
        pools: list[Any] = [self._engine.pool, self._hurried.pool]
        return sum(pool.checkedout() for pool in pools)

    @property
    def connections_limit(self) -> int:
        """How many these can be."""
        return self._most

    async def dispose(self) -> None:
        """Closes all connections; those in use close when they come back."""
        for each in (self._engine, self._hurried, self._pinging):
            await each.dispose()


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))


def _refuse_closed(
    connection: DBAPIConnection, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """Has the pool replace a connection that the server closed meanwhile; asks no question over the wire."""
    driver: Any = connection
    if driver.driver_connection.is_closed():
        raise exc.DisconnectionError
