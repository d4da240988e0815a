"""Procrastinate's tables: in a schema of their own, and brought there by our migrations alone.

The package ships every step that its schema ever took, as files in order. A migration of ours replays them up
to the newest that it names, so that it does the same whichever later release of the package is installed. A
release of the package with further steps needs a migration of ours that replays those; `missing` names them.
"""

import re
from collections.abc import Sequence
from importlib import resources

from sqlalchemy import Connection, text

SCHEMA = "jobs"
THROUGH = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
"""The newest step that our migrations take."""

_STEPS = "procrastinate.sql.migrations"

_ENUMERATION = re.compile(r"CREATE TYPE (\w+) AS ENUM \(\s*")
_ADDED_VALUE = re.compile(r"ALTER TYPE (\w+) ADD VALUE ('\w+')(?: (?:BEFORE|AFTER) '\w+')?;")

_OWN_PATH = """
DO $$
DECLARE
    routine regprocedure;
BEGIN
    FOR routine IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'jobs'::regnamespace LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = jobs, pg_catalog', routine);
    END LOOP;
END
$$
"""


def replay(connection: Connection, *, after: str = "", through: str) -> None:
    """Takes the steps after one (by default from the first) up to another one, inside the open transaction.

    Its functions find their tables whoever calls them. It tells nobody of new jobs: a notification takes a
    lock that all commits of the database share, so workers look for themselves.
    """
    steps = [name for name in _shipped() if after < name <= through]
    if not steps or steps[-1] != through:
        raise LookupError(f"the installed package procrastinate has no step {through}")
    connection.execute(text(f"SET LOCAL search_path TO {SCHEMA}, pg_catalog"))
    scripts = [resources.files(_STEPS).joinpath(name).read_text(encoding="utf-8") for name in steps]
    for script in scripts if after else _with_whole_enumerations(scripts):
        _run_script(connection, script)
    _run_script(connection, _OWN_PATH)
    _run_script(
        connection,
        "ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;"
        "ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1",
    )
    connection.execute(text("SET LOCAL search_path TO DEFAULT"))


def _with_whole_enumerations(scripts: Sequence[str]) -> Sequence[str]:
    """Has the scripts make each enumeration with the values that they add to it later: before PostgreSQL 17
    a value that was added is of no use until the transaction has ended, though the type began in it too.
    """
    added: dict[str, list[str]] = {}
    for script in scripts:
        for name, value in _ADDED_VALUE.findall(script):
            added.setdefault(name, []).append(value)

    def whole(made: re.Match[str]) -> str:
        return made[0] + "".join(f"{value}, " for value in added.pop(made[1], ()))

    rewritten = [_ENUMERATION.sub(whole, _ADDED_VALUE.sub("", script)) for script in scripts]
    if added:
        raise LookupError(f"the package procrastinate adds values to types it does not make: {sorted(added)}")
    return rewritten


def missing() -> Sequence[str]:
    """Returns the steps of the installed package that our migrations do not take."""
    return [name for name in _shipped() if name > THROUGH]


def _shipped() -> Sequence[str]:
    return sorted(each.name for each in resources.files(_STEPS).iterdir() if each.name.endswith(".sql"))


def _run_script(connection: Connection, script: str) -> None:
    """Runs several statements as they stand, which a prepared statement can't hold."""
    adapted = connection.connection.dbapi_connection
    assert adapted is not None
    adapted.run_async(lambda driver: driver.execute(script))
