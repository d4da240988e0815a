"""Damage to any column of any table, made from the schema and not from what somebody thought of."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

_COLUMNS: Final = """
SELECT table_name, column_name, udt_name, is_nullable = 'YES' AS nullable FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND is_generated = 'NEVER'
AND identity_generation IS NULL
ORDER BY table_name, ordinal_position
"""
_CONSTRAINTS: Final = """
SELECT conrelid::regclass AS held_by, conname FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'c', 'u', 'p') ORDER BY contype <> 'f'
"""
_UNIQUE: Final = """
SELECT indexrelid::regclass AS index FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE indisunique AND relnamespace = 'public'::regnamespace
"""
_OTHER: Final = {
    "bytea": "CASE WHEN length({0}) > 0 THEN set_byte({0}, 0, get_byte({0}, 0) # 1) ELSE sha256('x') END",
    "text": "coalesce({0}, '') || 'x'",
    "int2": "coalesce({0}, 0) + 1",
    "int4": "coalesce({0}, 0) + 1",
    "int8": "coalesce({0}, 0) + 1",
    "uuid": "gen_random_uuid()",
    "timestamptz": "coalesce({0}, now()) + interval '1 h'",
    "bool": "NOT coalesce({0}, false)",
    "_uuid": "ARRAY[gen_random_uuid()]",
}
"""By type: another value than what stands in a column, or than nothing."""


@dataclass(frozen=True, slots=True)
class AnyDamage:
    """One thing that is done to rows: to which column, or to which table, and in words how."""

    place: str
    how: str
    statement: str


class Damageable:
    """A database whose rows may be damaged in any way, and set right again."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._columns: Sequence[Any] = ()

    async def prepare(self) -> None:
        """Takes away all that forbids damage, and keeps each row as it is."""
        run = self._connection.execute
        self._columns = await self._connection.fetch(_COLUMNS)
        for row in await self._connection.fetch(_CONSTRAINTS):
            await run(f'ALTER TABLE {row["held_by"]} DROP CONSTRAINT "{row["conname"]}"')
        for row in await self._connection.fetch(_UNIQUE):
            await run(f"DROP INDEX {row['index']}")
        await run("CREATE SCHEMA kept")
        for table in self.tables:
            await run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            await run(f"CREATE TABLE kept.{table} AS SELECT * FROM {table}")

    @property
    def tables(self) -> Sequence[str]:
        return list(dict.fromkeys(row["table_name"] for row in self._columns))

    async def damages(self, table: str) -> AsyncIterator[AnyDamage]:
        """Yields what can be done to the rows of a table, one after the other: its first and its last row
        deleted, each column of either changed and emptied, and swapped between the two.
        """
        await self.undo(table)
        places = [row["ctid"] for row in await self._connection.fetch(f"SELECT ctid::text FROM {table}")]
        assert places, f"there is nothing in {table} to damage"
        first, last = f"ctid = '{places[0]}'", f"ctid = '{places[-1]}'"
        for where in dict.fromkeys((first, last)):
            yield AnyDamage(table, f"{where} deleted", f"DELETE FROM {table} WHERE {where}")
        for row in (each for each in self._columns if each["table_name"] == table):
            column = row["column_name"]
            place = f"{table}.{column}"
            for where in dict.fromkeys((first, last)):
                others = [_OTHER[row["udt_name"]].format(column), *(["NULL"] if row["nullable"] else [])]
                for other in others:
                    statement = f"UPDATE {table} SET {column} = {other} WHERE {where}"
                    yield AnyDamage(
                        place, f"{where} = {other}", f"{statement} AND {column} IS DISTINCT FROM {other}"
                    )
            swapped = (
                f"UPDATE {table} SET {column} = other.{column} FROM {table} other"
                f" WHERE ({table}.{first} AND other.{last} OR {table}.{last} AND other.{first})"
                f" AND other.{column} IS DISTINCT FROM {table}.{column}"
            )
            yield AnyDamage(place, "swapped", swapped)

    async def do(self, damage: AnyDamage) -> bool:
        """Does it; tells whether anything changed."""
        done: str = await self._connection.execute(damage.statement)
        return not done.endswith(" 0")

    async def undo(self, table: str) -> None:
        """Sets a table right again, with its rows where they were."""
        await self._connection.execute(f"TRUNCATE {table}")
        await self._connection.execute(
            f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM kept.{table}"
        )
