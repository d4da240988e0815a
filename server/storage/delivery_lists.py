"""The statements that list deliveries: which rows, newest first, and so that an index leads to them.

An organisation may have millions of deliveries: every filter of a sender's list therefore begins at an index
that ends in the identifier. A mailbox has a hundred thousand messages at most, and its filters read them from
the newest on until the page is full.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, exists, literal, select, union_all

from server.domain.deliveries import DeliveryFilter, DeliveryState, MessageFilter
from server.storage.by_time import between
from server.storage.stored import table
from server.storage.tables import ClaimRow, ConfirmationRow, DeliveryRow, MailboxRow, OpeningRow

_DELIVERIES = table(DeliveryRow)
_CLAIMS = table(ClaimRow)
_MAILBOXES = table(MailboxRow)
_OPENINGS = table(OpeningRow)
_CONFIRMATIONS = table(ConfirmationRow)

_OPENED = and_(
    _OPENINGS.c.mailbox_id == _DELIVERIES.c.mailbox_id,
    _OPENINGS.c.delivery_id == _DELIVERIES.c.id,
    _OPENINGS.c.person_number == bindparam("person"),
)
_CONFIRMED = and_(
    _CONFIRMATIONS.c.mailbox_id == _DELIVERIES.c.mailbox_id,
    _CONFIRMATIONS.c.delivery_id == _DELIVERIES.c.id,
)

VIEWS = (
    select(_DELIVERIES, _OPENINGS.c.opened_at, _CONFIRMATIONS.c.confirmed_at)
    .outerjoin(_OPENINGS, _OPENED)
    .outerjoin(_CONFIRMATIONS, _CONFIRMED)
    .where(_DELIVERIES.c.mailbox_id == bindparam("mailbox"))
)
"""The messages of the `mailbox` as the `person` sees them."""


def newest_sent(
    organisation_id: UUID,
    sender_address_id: UUID | None,
    wanted: DeliveryFilter,
    *,
    before: UUID | None,
    limit: int,
) -> Select[Any]:
    """Returns the query for an organisation's (or one address's) wanted deliveries by descending
    identifier.
    """
    conditions = [_DELIVERIES.c.organisation_id == organisation_id]
    if sender_address_id is not None:
        conditions.append(_DELIVERIES.c.sender_address_id == sender_address_id)
    if before is not None:
        conditions.append(_DELIVERIES.c.id < before)
    conditions += _conditions(organisation_id, wanted)
    found = select(_DELIVERIES).where(*conditions)
    if not wanted.states or wanted.states == frozenset(DeliveryState):
        return found.order_by(_DELIVERIES.c.id.desc()).limit(limit)
    # An index has the identifiers of one state in order, not of two: each is asked for alone.
    each = [
        found.where(_is_in(state)).order_by(_DELIVERIES.c.id.desc()).limit(limit).subquery()
        for state in sorted(wanted.states)
    ]
    if len(each) == 1:
        return select(each[0]).order_by(each[0].c.id.desc())
    merged = union_all(*(select(one) for one in each)).subquery()
    return select(merged).order_by(merged.c.id.desc()).limit(limit)


def newest_messages(wanted: MessageFilter, *, before: int | None, limit: int) -> Select[Any]:
    """Returns the query for a `mailbox`'s wanted messages, as the `person` sees them, by descending
    sequence.
    """
    query = VIEWS
    if before is not None:
        query = query.where(_DELIVERIES.c.sequence < before)
    # Said as what is not there, and not as a null of the outer join: then one look is enough for each row.
    if wanted.unopened_only:
        query = query.where(~exists().where(_OPENED).correlate(_DELIVERIES))
    if wanted.unconfirmed_only:
        query = query.where(~exists().where(_CONFIRMED).correlate(_DELIVERIES))
    if wanted.sender is not None:
        query = query.where(_DELIVERIES.c.sender == wanted.sender)
    query = query.where(*_between(wanted.consigned_from, wanted.consigned_before))
    return query.order_by(_DELIVERIES.c.sequence.desc()).limit(limit)


def _conditions(organisation_id: UUID, wanted: DeliveryFilter) -> Sequence[ColumnElement[bool]]:
    conditions = _between(wanted.submitted_from, wanted.submitted_before)
    if wanted.sender is not None:
        conditions.append(_DELIVERIES.c.sender == wanted.sender)
    if wanted.recipient is not None:
        mailbox = select(_MAILBOXES.c.id).where(_MAILBOXES.c.address == wanted.recipient)
        conditions.append(_DELIVERIES.c.mailbox_id == mailbox.scalar_subquery())
    if wanted.request_id is not None:
        claimed = select(_CLAIMS.c.subject_id).where(
            _CLAIMS.c.owner_id == organisation_id, _CLAIMS.c.request_id == wanted.request_id
        )
        conditions.append(_DELIVERIES.c.id == claimed.scalar_subquery())
    return conditions


def _between(earliest: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    return between(_DELIVERIES.c.submitted_at, _DELIVERIES.c.id, earliest, end)


def _is_in(state: DeliveryState) -> ColumnElement[bool]:
    # In the statement's text, so that the planner knows how rare the state is.
    return _DELIVERIES.c.state == literal(state.value, literal_execute=True)
