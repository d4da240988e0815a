"""Facts out of rows of evidence, whichever driver read them."""

from typing import Any
from uuid import UUID

from namak.evidence.events import by_uri
from server.domain.facts import Fact


def fact_of(row: Any) -> Fact:
    """Returns the fact that a row holds, whose attributes are named like the columns of `evidence`."""
    return Fact(
        id=plain(row.id),
        event=by_uri[row.event],
        owner_id=plain(row.owner_id),
        organisation_id=plain(row.organisation_id),
        delivery_id=None if row.delivery_id is None else plain(row.delivery_id),
        recorded_at=row.recorded_at,
        data=row.document,
        entry=row.entry,
    )


def plain(identifier: UUID) -> UUID:
    """Returns an identifier as a UUID that compares with every other; asyncpg's own subclass does not."""
    return identifier if type(identifier) is UUID else UUID(int=identifier.int)
