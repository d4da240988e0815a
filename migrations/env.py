"""Alembic's entry: runs on the connection that `server.storage.migrate` hands over, or on the one that `-x
url=` names.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection

from server.storage import migrate


def run(connection: Connection) -> None:
    """Runs what Alembic was called for."""
    context.configure(connection=connection, **migrate.CONTEXT_OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if isinstance(given, Connection):
    run(given)
else:
    asyncio.run(migrate.on_connection(context.get_x_argument(as_dictionary=True)["url"], run))
