"""What PostgreSQL gives the running log."""

from server.storage.log_announcements import PostgresAnnouncements
from server.storage.log_reader import PostgresLogReader
from server.storage.log_store import PostgresLeaderSessions
from server.storage.log_timestamps import PostgresLogTimestamps
from server.storage.log_witnessed import PostgresWitnessedTrees
from server.storage.signals import PostgresSignalListener, PostgresSignalSender
from server.transparency.ports import LogStorage
from server.transparency.settings import DEFAULT_PACE, Pace

FACT_CONNECTIONS = 3
"""For all who follow the log; those who catch up take turns, and leave the receipts' connections alone."""

READER_CONNECTIONS = 4
"""Reads are shared by all who ask, so few connections serve thousands."""


def log_storage(url: str, *, pace: Pace = DEFAULT_PACE) -> LogStorage:
    """Returns the log's own connections to the database; none is made before it is needed.

    A replica holds up to seven, besides those of `FACT_CONNECTIONS`. They MUST be direct ones: a transaction
    pooler breaks locks and signals.
    """
    reader = PostgresLogReader(url, connections=READER_CONNECTIONS)
    timestamps = PostgresLogTimestamps(reader.pool)
    witnessed = PostgresWitnessedTrees(reader.pool)
    return LogStorage(
        sessions=PostgresLeaderSessions(url, silence_seconds=pace.silence),
        reader=reader,
        witnessed=witnessed,
        cosigned=witnessed,
        announcements=PostgresAnnouncements(reader.pool),
        timestamps=timestamps,
        timestamped=timestamps,
        sender=PostgresSignalSender(url),
        listener=PostgresSignalListener(url),
    )
