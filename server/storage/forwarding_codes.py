"""Statements about the codes that were sent to forwarding targets; used by `forwarding`."""

from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, delete, func, select

from server.storage.forwarding_tables import ForwardingCodeRow
from server.storage.stored import table

CODES = table(ForwardingCodeRow)


def _in_the_way(of: ColumnElement[bool]) -> ScalarSelect[datetime]:
    """The moment of the last but ``others`` of some codes: there is none where they are fewer."""
    return (
        select(CODES.c.asked_at)
        .where(of, CODES.c.asked_at > bindparam("since"))
        .order_by(CODES.c.asked_at.desc())
        .offset(bindparam("others"))
        .limit(1)
        .scalar_subquery()
    )


IN_THE_WAY = select(
    func.greatest(
        _in_the_way(CODES.c.mailbox_id == bindparam("mailbox")),
        _in_the_way(CODES.c.address_digest == bindparam("digest")),
    ).label("asked_at")
)
FORGET = delete(CODES).where(
    CODES.c.id.in_(
        select(CODES.c.id)
        .where(CODES.c.asked_at < bindparam("before"))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
    )
)
