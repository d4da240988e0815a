"""Small values that several services put on the wire."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from namak.evidence.strict_json import uuid_text
from namak.v1 import evidence_pb2
from server.domain import limits

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_A_DAY = 86_400


id_to_proto = uuid_text
"""Returns an identifier as the wire has it."""


def time_to_proto(time: datetime | None) -> Timestamp | None:
    """Returns a time as the wire has it; None, which leaves the field absent, for none."""
    return None if time is None else timestamp(time)


# Whoever puts it into a message copies it; a batch has one time.
@lru_cache(64)
def timestamp(time: datetime) -> Timestamp:
    """Returns a time as the wire has it, not to be changed."""
    since = time - _EPOCH
    return Timestamp(seconds=since.days * _SECONDS_A_DAY + since.seconds, nanos=since.microseconds * 1000)


def day_to_proto(day: date) -> Date:
    """Returns a calendar day as the wire has it."""
    return Date(year=day.year, month=day.month, day=day.day)


def sha256_to_proto(digest: bytes) -> evidence_pb2.Digest:
    """Returns a SHA-256 as the wire has it."""
    return evidence_pb2.Digest(algorithm=evidence_pb2.Digest.ALGORITHM_SHA256, value=digest)


def chunks(content: bytes) -> Iterator[bytes]:
    """Cuts content into the pieces that a stream carries; their joining is the content."""
    for start in range(0, len(content), limits.CHUNK_BYTES):
        yield content[start : start + limits.CHUNK_BYTES]
