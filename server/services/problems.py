"""Collects what is wrong with the fields of a request, so that all of it is told at once, with paths."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date

from namak.v1 import evidence_pb2
from server.domain import ids, paging
from server.domain.caller import IpNetwork
from server.domain.fields import Malformed
from server.domain.refusals import FieldProblem, InvalidFields

_NO_ID: Final = UUID(int=0)
_SHA256_BYTES = 32
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND, _LAST_SECOND = -62135596800, 253402300799  # google.protobuf.Timestamp


class Problems:
    """Each method checks one field and returns its value in canonical form.

    A wrong field is noted, and a harmless stand-in of the same type is returned, so that the other fields can
    be checked too. A converter MUST call `raise_if_any` before it lets a value go.
    """

    def __init__(self) -> None:
        self._problems: list[FieldProblem] = []

    def __len__(self) -> int:
        return len(self._problems)

    def add(self, field: str, reason: str, text: str) -> None:
        """Notes that a field is wrong, for a constant reason in UPPER_SNAKE."""
        self._problems.append(FieldProblem(field, reason, text))

    def raise_if_any(self) -> None:
        """Refuses the request with everything that was noted.

        Raises:
            InvalidFields: something was.
        """
        if self._problems:
            raise InvalidFields(self._problems)

    def text(self, field: str, value: str, rule: Callable[[str], str]) -> str:
        """Applies a rule of the domain to a text."""
        try:
            return rule(value)
        except Malformed as problem:
            self.add(field, problem.reason, problem.text)
            return ""

    def optional_text(self, field: str, value: str, rule: Callable[[str], str]) -> str | None:
        """Applies a rule of the domain to a text that may be left out."""
        return self.text(field, value, rule) if value else None

    def id(self, field: str, value: str) -> UUID:
        """Reads a UUID."""
        try:
            return ids.parse_id(value)
        except Malformed as problem:
            self.add(field, problem.reason, problem.text)
            return _NO_ID

    def optional_id(self, field: str, value: str) -> UUID | None:
        """Reads a UUID that may be left out."""
        return self.id(field, value) if value else None

    def networks(
        self, field: str, values: list[str], most: int, rule: Callable[[str], IpNetwork]
    ) -> tuple[IpNetwork, ...]:
        """Reads 1 to `most` networks; one that is given twice counts once."""
        if not 0 < len(values) <= most:
            self.add(field, "NUMBER_OF_ITEMS", f"must have 1 to {most} items")
            return ()
        found: dict[IpNetwork, None] = {}
        for index, value in enumerate(values):
            try:
                found[rule(value)] = None
            except Malformed as problem:
                self.add(f"{field}[{index}]", problem.reason, problem.text)
        return tuple(found)

    def digest(self, field: str, value: evidence_pb2.Digest) -> bytes:
        """Reads a SHA-256 digest."""
        if value.algorithm != evidence_pb2.Digest.ALGORITHM_SHA256:
            self.add(f"{field}.algorithm", "DIGEST_ALGORITHM", "must be ALGORITHM_SHA256")
        return self.sha256(f"{field}.value", value.value)

    def sha256(self, field: str, value: bytes) -> bytes:
        """Reads the 32 bytes of a SHA-256."""
        if len(value) != _SHA256_BYTES:
            self.add(field, "DIGEST_LENGTH", f"must have {_SHA256_BYTES} bytes")
        return value

    def octets(self, field: str, value: bytes, most: int) -> bytes:
        """Reads 1 to `most` bytes."""
        if not value:
            self.add(field, "EMPTY", "must not be empty")
        elif len(value) > most:
            self.add(field, "TOO_LARGE", f"must have at most {most} bytes")
        return value

    def page_size(self, field: str, value: int) -> int:
        """Reads how many items a page shall have at most."""
        try:
            return paging.page_size(value)
        except Malformed as problem:
            self.add(field, problem.reason, problem.text)
            return 0

    def day(self, field: str, value: Date) -> date:
        """Reads a whole calendar day: year, month and day."""
        try:
            return date(value.year, value.month, value.day)
        except ValueError:
            self.add(field, "DAY_MALFORMED", "must be a day that the calendar has, with year, month and day")
            return date.min

    def optional_time(self, field: str, message: Message, *, within: str = "") -> datetime | None:
        """Reads a time that may be left out, from a message's field of that name; `within` is the path of the
        message, where it is not the request.

        What is finer than a microsecond is rounded up: our own times have whole microseconds, so that both
        "at or after" and "before" mean the same for the rounded one.
        """
        if not message.HasField(field):
            return None
        stamp: Timestamp = getattr(message, field)
        if not _FIRST_SECOND <= stamp.seconds <= _LAST_SECOND or not 0 <= stamp.nanos < 1_000_000_000:
            path = f"{within}.{field}" if within else field
            self.add(path, "TIME_MALFORMED", "must be a time of the years 1 to 9999")
            return None
        microseconds = min(-(-stamp.nanos // 1000), 999_999 if stamp.seconds == _LAST_SECOND else 1_000_000)
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=microseconds)

    def seconds(self, field: str, value: Duration) -> float:
        """Reads a duration that is not negative, in seconds."""
        if value.seconds < 0 or not 0 <= value.nanos < 1_000_000_000:
            self.add(field, "DURATION_MALFORMED", "must be a duration from 0 on")
            return 0.0
        return value.seconds + value.nanos / 1e9
