"""Delegations, and which confirmations rest on them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from namak.evidence.delegation import DelegationTerms, Right
from server.domain.delegations import Delegation
from server.domain.deliveries import Delivery
from server.storage.delegation_tables import DelegationRow, RightUseRow
from server.storage.statements import Statements
from server.storage.stored import table
from server.usecases.delegation_ports import DelegationFilter, RightAct

_DELEGATIONS = table(DelegationRow)
_USES = table(RightUseRow)

_DELEGATION = select(_DELEGATIONS).where(_DELEGATIONS.c.id == bindparam("key"))
_UNENDED = select(_DELEGATIONS).where(
    _DELEGATIONS.c.mailbox_id == bindparam("mailbox"),
    _DELEGATIONS.c.delegate == bindparam("person"),
    _DELEGATIONS.c.revoked_at.is_(None),
    _DELEGATIONS.c.expires_at > bindparam("at"),
)
_REVOKE = (
    update(_DELEGATIONS)
    .where(_DELEGATIONS.c.id == bindparam("key"), _DELEGATIONS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"), revoke_evidence_id=bindparam("evidence"))
)
_OF_ACT = select(_DELEGATIONS.c.mailbox_id, _DELEGATIONS.c.delegate).where(
    or_(
        _DELEGATIONS.c.grant_evidence_id == bindparam("key"),
        _DELEGATIONS.c.revoke_evidence_id == bindparam("key"),
    )
)
_BEHIND = (
    select(_USES.c.evidence_id)
    .where(_USES.c.mailbox_id == bindparam("mailbox"), _USES.c.delivery_id == bindparam("delivery"))
    .order_by(_USES.c.number)
)
_SHOWN = select(_USES.c.number).where(
    _USES.c.evidence_id == bindparam("key"), _USES.c.organisation_id == bindparam("organisation")
)


class SqlDelegations:
    """Delegations in a table, and in an insert-only one what rests on them."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, delegation: Delegation) -> None:
        """Adds one; a second one of the same act is an error."""
        terms = delegation.terms
        values = {
            "id": delegation.id,
            "mailbox_id": delegation.mailbox_id,
            "mailbox": terms.mailbox,
            "delegate": terms.delegate,
            "allowed": terms.right.value,
            "starts_at": terms.start,
            "expires_at": terms.expire,
            "grantor": delegation.grantor,
            "granted_at": delegation.granted_at,
            "grant_evidence_id": delegation.grant_evidence_id,
            "grant_digest": delegation.grant_digest,
            "under_digest": terms.under,
            "under_evidence_id": delegation.under_evidence_id,
        }
        await self._statements.run(insert(_DELEGATIONS), values)

    async def get(self, delegation_id: UUID) -> Delegation | None:
        """Returns one if there is one."""
        row = await self._statements.first(_DELEGATION, {"key": delegation_id})
        return None if row is None else _delegation(row)

    async def lock(self, delegation_id: UUID) -> Delegation | None:
        """Returns one, locked until the transaction ends."""
        row = await self._statements.first(_DELEGATION.with_for_update(), {"key": delegation_id})
        return None if row is None else _delegation(row)

    async def revoke(self, delegation_id: UUID, at: datetime, evidence_id: UUID) -> None:
        """Marks a locked one revoked. Raises `LookupError` when there is none, or it was before."""
        values = {"key": delegation_id, "at": at, "evidence": evidence_id}
        if await self._statements.changed(_REVOKE, values) != 1:
            raise LookupError("no such delegation, or it is revoked")

    async def unended(
        self, mailbox_id: UUID, delegate: str, at: datetime, *, shared: bool = False
    ) -> Delegation | None:
        """Returns the person's delegation that is neither revoked nor over, perhaps with a shared lock."""
        query = _UNENDED.with_for_update(read=True) if shared else _UNENDED
        values = {"mailbox": mailbox_id, "person": delegate, "at": at}
        row = await self._statements.first(query, values)
        return None if row is None else _delegation(row)

    async def list_newest(
        self, wanted: DelegationFilter, *, before: UUID | None, limit: int
    ) -> Sequence[Delegation]:
        """Lists by descending identifier, from before the given one."""
        query, values = select(_DELEGATIONS), dict[str, Any](most=limit)
        for column, value in (
            (_DELEGATIONS.c.mailbox_id, wanted.mailbox_id),
            (_DELEGATIONS.c.delegate, wanted.delegate),
        ):
            if value is not None:
                query = query.where(column == bindparam(f"wanted_{column.name}"))
                values[f"wanted_{column.name}"] = value
        if wanted.unended_at is not None:
            query = query.where(
                _DELEGATIONS.c.revoked_at.is_(None), _DELEGATIONS.c.expires_at > bindparam("at")
            )
            values["at"] = wanted.unended_at
        if before is not None:
            query, values["before"] = query.where(_DELEGATIONS.c.id < bindparam("before")), before
        query = query.order_by(_DELEGATIONS.c.id.desc()).limit(bindparam("most"))
        return [_delegation(row) for row in await self._statements.rows(query, values)]

    async def rest_on(self, delivery: Delivery, evidence_ids: Sequence[UUID]) -> None:
        """Keeps the acts that a delivery's confirmation rests on, in their order."""
        for number, evidence_id in enumerate(evidence_ids):
            values = {
                "mailbox_id": delivery.mailbox_id,
                "delivery_id": delivery.id,
                "number": number,
                "evidence_id": evidence_id,
                "organisation_id": delivery.organisation_id,
                "sender_address_id": delivery.sender_address_id,
            }
            await self._statements.run(insert(_USES), values)

    async def acts_behind(self, mailbox_id: UUID, delivery_id: UUID) -> Sequence[UUID]:
        """Returns the evidence of those acts, in order."""
        values = {"mailbox": mailbox_id, "delivery": delivery_id}
        return [row.evidence_id for row in await self._statements.rows(_BEHIND, values)]

    async def is_shown(
        self, evidence_id: UUID, organisation_id: UUID, sender_address_id: UUID | None
    ) -> bool:
        """Tells whether a confirmation of this organisation's deliveries, or one address's, rests on it."""
        query, values = _SHOWN, dict[str, Any](key=evidence_id, organisation=organisation_id)
        if sender_address_id is not None:
            query = query.where(_USES.c.sender_address_id == bindparam("address"))
            values["address"] = sender_address_id
        return await self._statements.first(query.limit(1), values) is not None

    async def act(self, evidence_id: UUID) -> RightAct | None:
        """Returns whom an act that gave or took a right concerns."""
        row = await self._statements.first(_OF_ACT, {"key": evidence_id})
        return None if row is None else RightAct(row.mailbox_id, row.delegate)


def _delegation(row: Row[Any]) -> Delegation:
    terms = DelegationTerms(
        mailbox=row.mailbox,
        delegate=row.delegate,
        right=Right(row.allowed),
        start=row.starts_at,
        expire=row.expires_at,
        under=row.under_digest,
    )
    return Delegation(
        id=row.id,
        mailbox_id=row.mailbox_id,
        terms=terms,
        grantor=row.grantor,
        granted_at=row.granted_at,
        grant_evidence_id=row.grant_evidence_id,
        grant_digest=row.grant_digest,
        under_evidence_id=row.under_evidence_id,
        revoked_at=row.revoked_at,
        revoke_evidence_id=row.revoke_evidence_id,
    )
