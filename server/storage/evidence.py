"""Evidence, the queue into the log, and published revocation lists."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import and_, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import insert

from namak.evidence.events import CONTENT_CONSIGNMENT, RECEIVED_FROM_NON_ERDS
from server.domain.deliveries import Delivery
from server.domain.facts import Fact
from server.storage.facts import fact_of
from server.storage.statements import Direct, Statements, among, array
from server.storage.stored import table
from server.storage.tables import EvidenceRow, LogQueueRow, RevocationListRow

_EVIDENCE = table(EvidenceRow)
_QUEUE = table(LogQueueRow)
_LISTS = table(RevocationListRow)

# Identifiers made on two replicas are in order only as far as their clocks agree; a delivery's times are.
_ORDER = (_EVIDENCE.c.recorded_at, _EVIDENCE.c.id)

_COLUMNS = (
    *("owner_id", "id", "event", "organisation_id", "delivery_id"),
    *("document", "entry", "recorded_at"),
)
_GET = select(_EVIDENCE).where(among(_EVIDENCE.c.id, "ids"))
_OF_DELIVERY = (
    select(_EVIDENCE)
    .where(_EVIDENCE.c.owner_id == bindparam("mailbox"), _EVIDENCE.c.delivery_id == bindparam("delivery"))
    .order_by(*_ORDER)
)
_DELIVERIES = (
    func.unnest(
        array("mailboxes", _EVIDENCE.c.owner_id.type), array("deliveries", _EVIDENCE.c.delivery_id.type)
    )
    .table_valued(
        column("owner_id", _EVIDENCE.c.owner_id.type), column("delivery_id", _EVIDENCE.c.delivery_id.type)
    )
    .render_derived(name="given")
)
_OF_DELIVERIES = Direct(
    select(_EVIDENCE)
    .join(
        _DELIVERIES,
        and_(
            _EVIDENCE.c.owner_id == _DELIVERIES.c.owner_id,
            _EVIDENCE.c.delivery_id == _DELIVERIES.c.delivery_id,
        ),
    )
    .order_by(*_ORDER)
)
_IN_MAILBOX = select(_EVIDENCE).where(
    _EVIDENCE.c.owner_id == bindparam("mailbox"), among(_EVIDENCE.c.delivery_id, "deliveries")
)
_CONSIGNMENTS = _IN_MAILBOX.where(_EVIDENCE.c.event == CONTENT_CONSIGNMENT.uri)
_ON_PAPER = _IN_MAILBOX.where(_EVIDENCE.c.event == RECEIVED_FROM_NON_ERDS.uri)
_PUBLISH = insert(_LISTS).on_conflict_do_nothing(index_elements=[_LISTS.c.digest])


class SqlEvidenceStore:
    """Evidence in an insert-only table."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def record(self, facts: Sequence[Fact]) -> None:
        """Stores the facts and queues their entries for the log, in this order."""
        await self._statements.copy(
            _EVIDENCE,
            _COLUMNS,
            (
                (
                    fact.owner_id,
                    fact.id,
                    fact.event.uri,
                    fact.organisation_id,
                    fact.delivery_id,
                    fact.data,
                    fact.entry,
                    fact.recorded_at,
                )
                for fact in facts
            ),
        )
        await self._statements.copy(
            _QUEUE,
            ("evidence_id", "entry", "organisation_id"),
            ((fact.id, fact.entry, fact.organisation_id) for fact in facts),
        )

    async def get(self, evidence_ids: Collection[UUID]) -> Mapping[UUID, Fact]:
        """Returns those of the facts that there are."""
        if not evidence_ids:
            return {}
        rows = await self._statements.rows(_GET, {"ids": list(evidence_ids)})
        return {row.id: fact_of(row) for row in rows}

    async def of_delivery(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[Fact]:
        """Returns a delivery's facts in the order of recording."""
        rows = await self._statements.rows(_OF_DELIVERY, {"mailbox": mailbox_id, "delivery": delivery_id})
        return [fact_of(row) for row in rows]

    async def of_deliveries(self, deliveries: Collection[Delivery]) -> Mapping[UUID, Sequence[Fact]]:
        """Returns the facts of each delivery, in the order of recording, with one statement."""
        facts: dict[UUID, list[Fact]] = {delivery.id: [] for delivery in deliveries}
        if facts:
            keys = {
                "mailboxes": [delivery.mailbox_id for delivery in deliveries],
                "deliveries": [delivery.id for delivery in deliveries],
            }
            for row in await self._statements.direct(_OF_DELIVERIES, keys):
                facts[row.delivery_id].append(fact_of(row))
        return facts

    async def consignments(self, mailbox_id: UUID, delivery_ids: Collection[UUID]) -> Mapping[UUID, Fact]:
        """Returns the ContentConsignment of each of these deliveries in one mailbox."""
        if not delivery_ids:
            return {}
        values = {"mailbox": mailbox_id, "deliveries": list(delivery_ids)}
        return {row.delivery_id: fact_of(row) for row in await self._statements.rows(_CONSIGNMENTS, values)}

    async def received_on_paper(
        self, mailbox_id: UUID, delivery_ids: Collection[UUID]
    ) -> Mapping[UUID, Fact]:
        """Returns the ReceivedFromNonERDS of those of these deliveries in one mailbox that have one."""
        if not delivery_ids:
            return {}
        values = {"mailbox": mailbox_id, "deliveries": list(delivery_ids)}
        return {row.delivery_id: fact_of(row) for row in await self._statements.rows(_ON_PAPER, values)}

    async def add_revocation_list(self, digest: bytes, der: bytes) -> None:
        """Publishes a revocation list; adding it again changes nothing."""
        await self._statements.run(_PUBLISH, {"digest": digest, "der": der})

    async def revocation_list(self, digest: bytes) -> bytes | None:
        """Returns the revocation list (DER) with this SHA-256."""
        row = await self._statements.first(
            select(_LISTS.c.der).where(_LISTS.c.digest == bindparam("key")), {"key": digest}
        )
        return None if row is None else bytes(row.der)
