"""Running statements: what all repositories of one transaction share, and inserts of many rows at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Column, ColumnElement, Table, any_, bindparam, column, func, literal, select
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.engine import CursorResult, Row
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import Executable
from sqlalchemy.types import TypeEngine

from server.storage.failures import answering, driving

Values = Mapping[str, Any]


class Statements:
    """Runs the statements of one transaction.

    Attributes:
        failed: a statement has failed or was interrupted, so that the transaction is good for nothing.
        hangs: the server left a statement unanswered, so that asking it for a rollback would only take time.
    """

    def __init__(self, connection: AsyncConnection, *, hurried: bool = False) -> None:
        """A hurried transaction's connection waits for locks only briefly; see `Contended`."""
        self._connection = connection
        self._hurried = hurried
        self._driver: Any = None
        self.failed = False
        self.hangs = False

    async def run(self, statement: Executable, values: Values | None = None) -> CursorResult[Any]:
        """Runs a statement.

        Raises:
            ServiceUnavailable: the database does not answer, or asks to try again.
            StorageFault: the statement was wrong, or a constraint refused it.
            Contended: the transaction is hurried, and a lock was not free in time.
        """
        try:
            with answering(hurried=self._hurried):
                return await self._connection.execute(statement, values)
        except BaseException as error:
            self._fail(error)
            raise

    async def rows(self, statement: Executable, values: Values | None = None) -> Sequence[Row[Any]]:
        """Runs a query and returns all its rows."""
        return (await self.run(statement, values)).all()

    async def first(self, statement: Executable, values: Values | None = None) -> Row[Any] | None:
        """Runs a query and returns its first row, if it has one."""
        return (await self.run(statement, values)).first()

    async def changed(self, statement: Executable, values: Values | None = None) -> int:
        """Runs a change and returns how many rows it met."""
        return (await self.run(statement, values)).rowcount

    async def copy(self, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Adds rows to a table with COPY, in their order; with none it does nothing.

        It takes the least time of all ways in, here and in the database: nothing is planned, and no value
        passes through SQLAlchemy. Constraints and foreign keys are checked as ever.

        Raises:
            What `run` raises.
        """
        records = list(rows)
        if not records:
            return
        if self._driver is None:
            self._driver = await self._begun()
        try:
            with driving(hurried=self._hurried):
                await self._driver.copy_records_to_table(table.name, columns=columns, records=records)
        except BaseException as error:
            self._fail(error)
            raise

    async def _begun(self) -> Any:
        """Returns the driver's connection, in a transaction that SQLAlchemy knows of."""
        connection = (await self._connection.get_raw_connection()).driver_connection
        assert connection is not None
        if not connection.is_in_transaction():
            # SQLAlchemy begins one with the first statement that it runs itself.
            await self.run(select(literal(1)))
        return connection

    def _fail(self, error: BaseException) -> None:
        self.hangs = isinstance(error.__cause__, TimeoutError)
        # Cancellation too: the server may have dropped the statement and with it the transaction.
        # PostgreSQL answers COMMIT of a failed transaction with a rollback and no error.
        self.failed = True

    async def insert_all(self, statement: Executable, rows: Iterable[Values]) -> None:
        """Runs a statement of `inserting` with these rows; with none it does nothing."""
        if values := by_column(rows):
            await self.run(statement, values)


def by_column(rows: Iterable[Values]) -> dict[str, list[Any]]:
    """Turns rows into columns."""
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    return columns


def array(name: str, element: TypeEngine[Any]) -> ColumnElement[Any]:
    """Returns a parameter that is an array: one statement text, and so one prepared plan, for every number of
    values.
    """
    return bindparam(name, type_=ARRAY(element))


def among(stored: Column[Any], name: str) -> ColumnElement[bool]:
    """Returns the condition that a column's value is in the array parameter of this name."""
    return stored == any_(array(name, stored.type))


def inserting(table: Table, *names: str) -> Insert:
    """Returns an insert of any number of rows in the order given, whose parameters are the columns' values as
    arrays.

    Rows go in, and so are locked and numbered, in that order.
    """
    columns = [table.c[name] for name in names or table.c.keys()]
    given = (
        func.unnest(*(array(each.name, each.type) for each in columns))
        .table_valued(*(column(each.name, each.type) for each in columns), with_ordinality="ordinal")
        .render_derived(name="given")
    )
    rows = select(*(given.c[each.name] for each in columns)).order_by(given.c.ordinal)
    return insert(table).from_select([each.name for each in columns], rows)
