"""Turns what the database and its driver raise into what the rings inside know.

A database that does not answer is `ServiceUnavailable`, whose outcome is unknown and which the caller
repeats. Anything else is our own mistake: it stays an error, without the database's detail text, which quotes
rows: content and personal numbers.
"""

import contextlib
from collections.abc import Iterator

import asyncpg
from asyncpg.exceptions import InvalidCachedStatementError
from sqlalchemy import exc

from server.domain.refusals import ServiceUnavailable
from server.usecases.ports import Contended

COMPONENT = "database"

_LOCK_NOT_AVAILABLE = "55P03"  # within lock_timeout
_UNAVAILABLE_CLASSES = frozenset(
    {
        "08",  # connection exception
        "28",  # not let in, which only the opening of a connection meets
        "3D",  # no such database, likewise
        "40",  # serialization failure, deadlock: another attempt may do
        "53",  # no disk, no memory, too many connections
        "57",  # cancelled by a time-out, shut down, not yet started
        "58",  # input or output error
    }
)
_UNAVAILABLE_STATES = frozenset(
    {
        "25006",  # read only: a former primary after a failover
        "25P03",  # ended for idling in a transaction
        "25P04",  # transaction time-out
        _LOCK_NOT_AVAILABLE,
    }
)


class StorageFault(Exception):
    """A statement failed for a reason that repeating it does not mend.

    Attributes:
        sqlstate: PostgreSQL's five characters, when they are known.
        constraint: the constraint that was violated, if one was.
    """

    def __init__(self, kind: str, sqlstate: str | None, constraint: str | None) -> None:
        super().__init__(f"{kind} (SQLSTATE {sqlstate}, constraint {constraint})")
        self.sqlstate = sqlstate
        self.constraint = constraint


@contextlib.contextmanager
def answering(*, hurried: bool = False) -> Iterator[None]:
    """Lets none of SQLAlchemy's, asyncpg's and the operating system's errors out of the block.

    Raises:
        ServiceUnavailable: the database does not answer, or asks to try again.
        StorageFault: the statement was wrong, or a constraint refused it.
        Contended: only when `hurried`; a lock was not free in time.
    """
    try:
        yield
    except exc.DBAPIError as error:
        if hurried and _state(error) == _LOCK_NOT_AVAILABLE:
            raise Contended from None
        if error.connection_invalidated or _plan_is_stale(error) or asks_to_try_again(_state(error)):
            raise ServiceUnavailable(COMPONENT) from error
        raise _fault(error) from None
    except (
        *(exc.TimeoutError, exc.DisconnectionError, OSError, TimeoutError),
        # The driver lost count of what the connection was doing, which SQLAlchemy lets through as it is.
        asyncpg.InternalClientError,
    ) as error:
        # The pool ran empty; no socket, no host; the driver's own time-out.
        raise ServiceUnavailable(COMPONENT) from error


@contextlib.contextmanager
def driving(*, hurried: bool = False) -> Iterator[None]:
    """As `answering`, for what is run on the driver's own connection, without SQLAlchemy in between."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if hurried and error.sqlstate == _LOCK_NOT_AVAILABLE:
            raise Contended from None
        if asks_to_try_again(error.sqlstate) or isinstance(error, InvalidCachedStatementError):
            raise ServiceUnavailable(COMPONENT) from error
        constraint = getattr(error, "constraint_name", None)
        raise StorageFault(type(error).__name__, error.sqlstate, constraint) from None
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        # The connection was closed under us.
        raise ServiceUnavailable(COMPONENT) from error
    except (TypeError, ValueError, OverflowError) as error:
        # A value that the driver can't write; its text quotes it.
        raise StorageFault(type(error).__name__, None, None) from None


def asks_to_try_again(state: str | None) -> bool:
    """Says whether an SQLSTATE means that the database can't do it now, not that the statement was wrong."""
    return state is not None and (state in _UNAVAILABLE_STATES or state[:2] in _UNAVAILABLE_CLASSES)


def _plan_is_stale(error: exc.DBAPIError) -> bool:
    """Says whether a migration has changed a table since: the next attempt prepares the statement anew."""
    return error.orig is not None and isinstance(error.orig.__cause__, InvalidCachedStatementError)


def _state(error: exc.DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None


def _fault(error: exc.DBAPIError) -> StorageFault:
    driver = error.orig.__cause__ if error.orig is not None else None
    constraint = getattr(driver, "constraint_name", None)
    return StorageFault(
        type(driver or error).__name__, _state(error), constraint if isinstance(constraint, str) else None
    )
