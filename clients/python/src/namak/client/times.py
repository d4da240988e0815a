"""Times and days as the contract writes them."""

from datetime import date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.type import date_pb2


def time_message(time: datetime | None) -> Timestamp | None:
    """Returns a time as the contract writes it; ``time`` has a zone."""
    if time is None:
        return None
    result = Timestamp()
    result.FromDatetime(time)
    return result


def day_message(day: date | None) -> date_pb2.Date | None:
    """Returns a day as the contract writes it."""
    return None if day is None else date_pb2.Date(year=day.year, month=day.month, day=day.day)
