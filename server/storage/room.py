"""How many connections the database has for its callers."""

from server.domain.refusals import ServiceUnavailable
from server.storage.log_connection import answering, close, connect

BESIDES_THE_POOL = 15
"""Connections that a server may take besides its pool: four for submissions, up to seven of the log, three
for those who follow it, and one that asks whether the database answers. One that does jobs takes others
besides (`server.workers.workers.OWN_CONNECTIONS`).
"""


async def connection_room(url: str) -> int | None:
    """Returns how many connections ordinary roles may have open at once; None where nobody answers."""
    try:
        settings = {"application_name": "namak supervisor"}
        connection = await connect(url, command_seconds=5.0, settings=settings)
        try:
            with answering():
                return int(
                    await connection.fetchval(
                        "SELECT current_setting('max_connections')::int"
                        " - current_setting('superuser_reserved_connections')::int"
                    )
                )
        finally:
            await close(connection)
    except ServiceUnavailable:
        # The first process says so, in more words.
        return None
