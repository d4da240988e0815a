"""Running statements: what all repositories of one transaction share, and inserts of many rows at once."""

import itertools
from collections import namedtuple
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Select,
    Table,
    Update,
    any_,
    bindparam,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import CursorResult, Row
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import Executable
from sqlalchemy.types import TypeEngine

from server.storage.failures import answering, driving

Values = Mapping[str, Any]

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]


class Direct:
    """A statement that the driver runs without SQLAlchemy in between, which takes a third of the time.

    For parameters and columns that both pass on as they are: texts, numbers, bytes, identifiers, times,
    networks, and arrays of these.
    """

    def __init__(self, statement: Select[Any] | Update) -> None:
        """Takes a statement whose parameters are all named; its text is made once, here."""
        compiled: Any = statement.compile(dialect=_DIALECT)
        self.text: str = compiled.string
        self.names: tuple[str, ...] = tuple(compiled.positiontup)
        columns = statement.selected_columns.keys() if isinstance(statement, Select) else ()
        found: Any = namedtuple("found", columns)  # type: ignore[misc]  # its fields are known here only
        self.row = found


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
        self._to_add: list[tuple[Table, tuple[str, ...], list[Sequence[Any]]]] = []
        self.failed = False
        self.hangs = False

    async def run(self, statement: Executable, values: Values | None = None) -> CursorResult[Any]:
        """Runs a statement.

        Raises:
            ServiceUnavailable: the database does not answer, or asks to try again.
            StorageFault: the statement was wrong, or a constraint refused it.
            Contended: the transaction is hurried, and a lock was not free in time.
        """
        await self.add_all()
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

    async def direct(self, statement: Direct, values: Values) -> Sequence[Any]:
        """Runs a statement on the driver's connection and returns its rows, with the columns as attributes.

        Raises:
            What `run` raises.
        """
        await self.add_all()
        records = await self._drive(
            lambda driver: driver.fetch(statement.text, *[values[name] for name in statement.names])
        )
        return [statement.row._make(record) for record in records]

    async def changed_directly(self, statement: Direct, values: Values) -> int:
        """Runs a change on the driver's connection and returns how many rows it met.

        Raises:
            What `run` raises.
        """
        await self.add_all()
        status: str = await self._drive(
            lambda driver: driver.execute(statement.text, *[values[name] for name in statement.names])
        )
        return int(status.rpartition(" ")[2])

    async def copy(
        self, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, large: bool = False
    ) -> None:
        """Adds rows to a table, in their order; with none it does nothing. Their values are no arrays.

        It is done with COPY, which takes the least time for each row: nothing is planned, and no value passes
        through SQLAlchemy. A hurried transaction, which others wait for, keeps the rows and adds those of all
        tables with one statement, before the next one or the commit: two round trips for each table would
        take longer. `large` says that they have more than a megabyte or so: as arrays these would take twice
        as long, and so they are copied at once, after what was kept. Constraints and foreign keys are checked
        as ever.

        Raises:
            What `run` raises; in a hurried transaction, whatever comes next does.
        """
        records = list(rows)
        if not records:
            return
        if self._hurried and not large:
            self._keep(table, tuple(columns), records)
            return
        await self.add_all()
        await self._drive(
            lambda driver: driver.copy_records_to_table(table.name, columns=columns, records=records)
        )

    def _keep(self, table: Table, columns: tuple[str, ...], records: list[Sequence[Any]]) -> None:
        for kept_table, kept_columns, kept in self._to_add:
            if (kept_table, kept_columns) == (table, columns):
                # PostgreSQL carries out the parts of the statement last part first: rows of one table must be
                # one part, to be added in their order.
                kept.extend(records)
                return
        self._to_add.append((table, columns, records))

    async def add_all(self) -> None:
        """Adds the rows that were kept.

        Raises:
            What `run` raises.
        """
        if not self._to_add:
            return
        to_add, self._to_add = self._to_add, []
        text = _adding(tuple((table, columns) for table, columns, _ in to_add))
        arrays = [list(each) for _, _, records in to_add for each in zip(*records, strict=True)]
        await self._drive(lambda driver: driver.execute(text, *arrays))

    async def _drive(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """Does something with the driver's connection, inside the transaction."""
        if self._driver is None:
            self._driver = await self._begun()
        try:
            with driving(hurried=self._hurried):
                return await work(self._driver)
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


@lru_cache(64)
def _adding(targets: tuple[tuple[Table, tuple[str, ...]], ...]) -> str:
    """Returns the statement that adds rows to several tables; its parameters are all their columns as arrays.

    Foreign keys are checked at its end, so their order does not matter.
    """
    number = itertools.count(1)
    inserts = []
    for table, columns in targets:
        types = [table.c[name].type.compile(dialect=_DIALECT) for name in columns]
        arrays = ", ".join(f"${next(number)}::{each}[]" for each in types)
        names = ", ".join(f'"{name}"' for name in columns)
        inserts.append(
            f"INSERT INTO {table.name} ({names}) SELECT {names}"  # noqa: S608 - our own tables' names
            f" FROM unnest({arrays}) WITH ORDINALITY AS given ({names}, ordinal) ORDER BY ordinal"
        )
    *before, last = inserts
    parts = ", ".join(f"part_{place} AS ({each})" for place, each in enumerate(before))
    return f"WITH {parts} {last}" if parts else last


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
