"""Usage, counted from the deliveries themselves, and from their evidence to check that."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, bindparam, exists, func, literal, select

from namak.evidence.events import Event
from server.domain.deliveries import DeliveryState
from server.domain.ids import ID_MARGIN, first_id
from server.domain.local_days import Stretch
from server.domain.paper_desk import PAPER_DESK_ID
from server.domain.usage import Usage, UsageRow
from server.storage.facts import fact_of
from server.storage.log_tables import log_entries
from server.storage.register_tables import OrganisationRow
from server.storage.statements import Statements, array
from server.storage.stored import table
from server.storage.tables import DeliveryRow, EvidenceRow, MailboxRow
from server.usecases.records import UsageFact

_DELIVERIES = table(DeliveryRow)
_EVIDENCE = table(EvidenceRow)
_ORGANISATIONS = table(OrganisationRow)
_MAILBOXES = table(MailboxRow)

_PORTION = func.width_bucket(_DELIVERIES.c.submitted_at, array("boundaries", TIMESTAMP(timezone=True)))
_WITHDRAWN = _DELIVERIES.c.state == DeliveryState.WITHDRAWN.value
_COUNT = (
    select(
        _PORTION.label("portion"),
        _DELIVERIES.c.sender,
        func.count().label("accepted"),
        func.count().filter(_WITHDRAWN).label("withdrawn"),
    )
    .where(
        _DELIVERIES.c.organisation_id == bindparam("organisation"),
        # Identifiers begin with the time: they lead to the rows by the index that senders' lists use.
        _DELIVERIES.c.id.between(bindparam("from_id"), bindparam("to_id")),
        _DELIVERIES.c.submitted_at >= bindparam("from_time"),
        _DELIVERIES.c.submitted_at < bindparam("to_time"),
    )
    .group_by("portion", _DELIVERIES.c.sender)
)
_FACTS = (
    select(_EVIDENCE, log_entries.c.entry.label("logged_entry"))
    .outerjoin(log_entries, log_entries.c.evidence_id == _EVIDENCE.c.id)
    .where(
        _EVIDENCE.c.id > bindparam("after"),
        _EVIDENCE.c.id < bindparam("before"),
        # Holders' letters stand under their mailboxes, and on nobody's bill.
        ~exists().where(_MAILBOXES.c.id == _EVIDENCE.c.organisation_id),
        # So do letters that came on paper, under the post's own desk.
        _EVIDENCE.c.organisation_id != PAPER_DESK_ID,
    )
    .order_by(_EVIDENCE.c.id)
    .limit(bindparam("most"))
)


class SqlUsage:
    """Usage by statements over the tables of deliveries and evidence."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def accepted(
        self,
        organisation_id: UUID,
        stretches: Sequence[Stretch],
        *,
        sender: str | None,
        sender_address_id: UUID | None,
    ) -> Sequence[UsageRow]:
        """Counts what was accepted in these stretches of time, which are in order and do not overlap."""
        if not stretches:
            return []
        query = _COUNT
        if sender is not None:
            query = query.where(_DELIVERIES.c.sender == sender)
        if sender_address_id is not None:
            query = query.where(_DELIVERIES.c.sender_address_id == sender_address_id)
        boundaries, days = _cut(stretches)
        values = {
            "organisation": organisation_id,
            "boundaries": boundaries,
            "from_time": boundaries[0],
            "to_time": boundaries[-1],
            "from_id": first_id(boundaries[0] - ID_MARGIN),
            "to_id": first_id(boundaries[-1] + ID_MARGIN),
        }
        rows = await self._statements.rows(query, values)
        return [
            UsageRow(day, row.sender, Usage(row.accepted, row.withdrawn))
            for row in rows
            # A bucket's number is that of the boundary before it, from 1.
            if (day := days[row.portion - 1]) is not None
        ]

    async def organisations(self) -> Sequence[UUID]:
        """Returns the identifiers of all organisations."""
        return [row.id for row in await self._statements.rows(select(_ORGANISATIONS.c.id))]

    async def facts(
        self, event: Event, organisation_id: UUID | None = None, *, after: UUID, before: UUID, limit: int
    ) -> Sequence[UsageFact]:
        """Returns an event's facts, of one organisation or of all, between two identifiers, both exclusive,
        by ascending identifier.
        """
        # The event stands in the text, so that the planner knows of the small index of withdrawals.
        query = _FACTS.where(_EVIDENCE.c.event == literal(event.uri, literal_execute=True))
        values: dict[str, Any] = {"after": after, "before": before, "most": limit}
        if organisation_id is not None:
            query = query.where(_EVIDENCE.c.organisation_id == bindparam("organisation"))
            values["organisation"] = organisation_id
        rows = await self._statements.rows(query, values)
        return [UsageFact(fact_of(row), row.logged_entry) for row in rows]


def _cut(stretches: Sequence[Stretch]) -> tuple[list[datetime], list[date | None]]:
    """Returns boundaries, and the day of the time after each; None where that belongs to none of the
    stretches.
    """
    boundaries: list[datetime] = []
    days: list[date | None] = []
    for stretch in stretches:
        if boundaries and boundaries[-1] == stretch.start:
            days[-1] = stretch.day
        else:
            boundaries.append(stretch.start)
            days.append(stretch.day)
        boundaries.append(stretch.end)
        days.append(None)
    return boundaries, days
