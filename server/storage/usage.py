"""Usage, counted from the deliveries themselves, and from their evidence to check that."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import TIMESTAMP, bindparam, exists, func, literal_column, select

from namak.evidence.events import Event
from server.domain.deliveries import DeliveryState
from server.domain.ids import ID_MARGIN, first_id
from server.domain.local_days import Stretch
from server.domain.paper_desk import PAPER_DESK_ID
from server.domain.usage import Usage, UsageRow
from server.storage.facts import plain
from server.storage.log_tables import log_entries
from server.storage.register_tables import OrganisationRow
from server.storage.sender_sms_tables import SenderSmsRow
from server.storage.statements import Direct, Statements, array
from server.storage.stored import table
from server.storage.tables import DeliveryRow, EvidenceRow, MailboxRow
from server.usecases.records import UsageFact

_DELIVERIES = table(DeliveryRow)
_EVIDENCE = table(EvidenceRow)
_ORGANISATIONS = table(OrganisationRow)
_MAILBOXES = table(MailboxRow)
_TEXTS = table(SenderSmsRow)

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
_TEXT_PORTION = func.width_bucket(_TEXTS.c.submitted_at, array("boundaries", TIMESTAMP(timezone=True)))
_COUNT_TEXTS = (
    select(
        _TEXT_PORTION.label("portion"),
        _TEXTS.c.sender,
        func.count().label("texts"),
        func.sum(_TEXTS.c.segments).label("segments"),
    )
    .where(
        _TEXTS.c.organisation_id == bindparam("organisation"),
        _TEXTS.c.id.between(bindparam("from_id"), bindparam("to_id")),
        _TEXTS.c.submitted_at >= bindparam("from_time"),
        _TEXTS.c.submitted_at < bindparam("to_time"),
    )
    .group_by("portion", _TEXTS.c.sender)
)
_FACTS = (
    select(
        *(_EVIDENCE.c.id, _EVIDENCE.c.organisation_id, _EVIDENCE.c.document, _EVIDENCE.c.entry),
        log_entries.c.entry.label("logged_entry"),
    )
    .outerjoin(log_entries, log_entries.c.evidence_id == _EVIDENCE.c.id)
    .where(
        _EVIDENCE.c.id > bindparam("after"),
        _EVIDENCE.c.id < bindparam("before"),
        # Holders' letters stand under their mailboxes, and on nobody's bill.
        ~exists().where(_MAILBOXES.c.id == _EVIDENCE.c.organisation_id),
        # So do letters that came on paper, under the post's own desk.
        _EVIDENCE.c.organisation_id != bindparam("desk"),
    )
    .order_by(_EVIDENCE.c.id)
    .limit(bindparam("most"))
)


@cache
def _facts_of(event: Event, *, of_one: bool) -> Direct:
    """Returns the statement for an event; it stands in the text, so that the planner knows of the small index
    of withdrawals.
    """
    query = _FACTS.where(_EVIDENCE.c.event == literal_column(f"'{event.uri}'"))
    if of_one:
        query = query.where(_EVIDENCE.c.organisation_id == bindparam("organisation"))
    return Direct(query)


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
        rows = await self._statements.rows(query, _between(organisation_id, boundaries))
        return [
            UsageRow(day, row.sender, Usage(row.accepted, row.withdrawn))
            for row in rows
            # A bucket's number is that of the boundary before it, from 1.
            if (day := days[row.portion - 1]) is not None
        ]

    async def texts(
        self,
        organisation_id: UUID,
        stretches: Sequence[Stretch],
        *,
        sender: str | None,
        sender_address_id: UUID | None,
    ) -> Sequence[UsageRow]:
        """Counts the short messages that were accepted in these stretches of time, likewise."""
        if not stretches:
            return []
        query = _COUNT_TEXTS
        if sender is not None:
            query = query.where(_TEXTS.c.sender == sender)
        if sender_address_id is not None:
            query = query.where(_TEXTS.c.sender_address_id == sender_address_id)
        boundaries, days = _cut(stretches)
        rows = await self._statements.rows(query, _between(organisation_id, boundaries))
        return [
            UsageRow(day, row.sender, Usage(sms=row.texts, sms_segments=int(row.segments)))
            for row in rows
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
        values: dict[str, Any] = {"after": after, "before": before, "most": limit, "desk": PAPER_DESK_ID}
        if organisation_id is not None:
            values["organisation"] = organisation_id
        statement = _facts_of(event, of_one=organisation_id is not None)
        rows = await self._statements.direct(statement, values)
        return [
            UsageFact(plain(row.id), plain(row.organisation_id), row.document, row.entry, row.logged_entry)
            for row in rows
        ]


def _between(organisation_id: UUID, boundaries: Sequence[datetime]) -> dict[str, Any]:
    """Returns the values of a count: whose, and from when to when."""
    return {
        "organisation": organisation_id,
        "boundaries": boundaries,
        "from_time": boundaries[0],
        "to_time": boundaries[-1],
        "from_id": first_id(boundaries[0] - ID_MARGIN),
        "to_id": first_id(boundaries[-1] + ID_MARGIN),
    }


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
