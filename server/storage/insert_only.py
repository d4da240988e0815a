"""The triggers that refuse every change of what was recorded (POST-10): UPDATE, DELETE and TRUNCATE fail.

They bind every role, the owner of the tables included, until somebody takes them off; `missing_triggers`
notices that.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from server.storage import delegation_tables, log_tables, registration_tables, tables

TABLES: Sequence[str] = tuple(
    table.name
    for table in (
        *tables.INSERT_ONLY,
        *registration_tables.INSERT_ONLY,
        *delegation_tables.INSERT_ONLY,
        *log_tables.INSERT_ONLY,
    )
)
_EXECUTE = "EXECUTE FUNCTION refuse_change()"
_TRIGGERS = ("refuse_change", "refuse_truncate")
_OF_HEADS = (log_tables.log_heads.name, "refuse_thaw")
"""Keeps a shard of the log that is frozen as it is."""

CREATE_FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed nor deleted', TG_TABLE_NAME USING ERRCODE =
    'restrict_violation';
END
$$
"""


def attach(table: str) -> Sequence[str]:
    """Returns the statements that a migration runs to make a table insert-only; `CREATE_FUNCTION` has run
    before.
    """
    # For each row: such a trigger goes down to partitions, one for the statement does not.
    triggers = (
        ("refuse_change", "UPDATE OR DELETE", "ROW"),
        ("refuse_truncate", "TRUNCATE", "STATEMENT"),
    )
    return [
        statement
        for name, change, each in triggers
        for statement in (
            f"CREATE TRIGGER {name} BEFORE {change} ON {table} FOR EACH {each} {_EXECUTE}",
            # In a session that replays replication too.
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
        )
    ]


def missing_triggers(connection: Connection) -> Sequence[str]:
    """Says which triggers are absent or disabled: of every insert-only table, and of the log's heads."""
    found = connection.execute(
        text(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgenabled = 'A' AND c.relnamespace = current_schema()::regnamespace"
        )
    )
    present = {(row[0], row[1]) for row in found}
    return [
        f"table {table} lacks the trigger {trigger}, enabled always"
        for table, trigger in (*((table, trigger) for table in TABLES for trigger in _TRIGGERS), _OF_HEADS)
        if (table, trigger) not in present
    ]
