"""Connections of the log's own, straight over asyncpg: they hold locks, listen, and carry time-outs that the
pool of the repositories must not have.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
from sqlalchemy import make_url

from server.domain.refusals import ServiceUnavailable
from server.storage.failures import COMPONENT, StorageFault, asks_to_try_again

CONNECT_SECONDS = 5.0
"""How long making a connection may take."""

CLOSE_SECONDS = 1.0
"""How long saying goodbye may take, before the socket is simply closed."""


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Lets none of asyncpg's and the operating system's errors out of the block.

    Raises:
        ServiceUnavailable: the database does not answer, or asks to try again.
        StorageFault: the statement was wrong, or a constraint refused it.
    """
    try:
        yield
    except asyncpg.PostgresError as error:
        if asks_to_try_again(error.sqlstate):
            raise ServiceUnavailable(COMPONENT) from error
        # Without the database's text, which quotes rows.
        raise StorageFault(
            type(error).__name__, error.sqlstate, getattr(error, "constraint_name", None)
        ) from None
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        # The connection was closed under us, or never came about.
        raise ServiceUnavailable(COMPONENT) from error


@contextlib.contextmanager
def connecting() -> Iterator[None]:
    """As `answering`, for making a connection: a server that turns us away does not answer us, whatever it
    says; an operator may mend that while we try again.

    Raises:
        ServiceUnavailable: there is no connection.
    """
    try:
        with answering():
            yield
    except StorageFault as refused:
        raise ServiceUnavailable(COMPONENT) from refused


async def connect(url: str, *, command_seconds: float, settings: Mapping[str, str]) -> Any:
    """Makes a connection with session settings, each of its commands limited in time.

    `url` is SQLAlchemy's spelling. The session must be a real one: no transaction pooler in between.

    Raises:
        ServiceUnavailable: the database does not answer.
    """
    with connecting():
        return await asyncpg.connect(
            driver_url(url),
            timeout=CONNECT_SECONDS,
            command_timeout=command_seconds,
            server_settings=dict(settings),
        )


def driver_url(url: str) -> str:
    """Returns a database URL as asyncpg reads it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def close(connection: Any) -> None:
    """Closes a connection, politely if that takes no time; never fails."""
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()
