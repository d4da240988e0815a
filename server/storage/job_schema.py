"""Procrastinate's tables: in a schema of their own, and brought there by our migrations alone.

The package ships every step that its schema ever took, as files in order. A migration of ours replays them up
to the newest that it names, so that it does the same whichever later release of the package is installed. A
release of the package with further steps needs a migration of ours that replays those; `missing` names them.
"""

from collections.abc import Sequence
from importlib import resources

from sqlalchemy import Connection, text

SCHEMA = "jobs"
THROUGH = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
"""The newest step that our migrations take."""

_STEPS = "procrastinate.sql.migrations"

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
    for name in steps:
        _run_script(connection, resources.files(_STEPS).joinpath(name).read_text(encoding="utf-8"))
    _run_script(connection, _OWN_PATH)
    _run_script(
        connection,
        "ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;"
        "ALTER TABLE procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1",
    )
    connection.execute(text("SET LOCAL search_path TO DEFAULT"))


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
