"""Conditions on a time that an index of identifiers answers: these begin with the time of their making."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Column, ColumnElement

from server.domain.ids import ID_MARGIN, first_id


def between(
    time: Column[datetime], identifier: Column[UUID], earliest: datetime | None, end: datetime | None
) -> list[ColumnElement[bool]]:
    """Returns the conditions that a row's time is from `earliest` until before `end`; None is no bound.

    The identifier MUST be made within `ID_MARGIN` of the time, as `server.domain.ids` says.
    """
    conditions: list[ColumnElement[bool]] = []
    if earliest is not None:
        conditions += [time >= earliest, identifier >= first_id(_moved(earliest, -ID_MARGIN))]
    if end is not None:
        conditions += [time < end, identifier < first_id(_moved(end, ID_MARGIN))]
    return conditions


def _moved(time: datetime, by: timedelta) -> datetime:
    """Returns the time moved as far as the calendar goes."""
    try:
        return time + by
    except OverflowError:
        return time
