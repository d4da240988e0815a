"""What persons do with a delivery: opening it, being given a statement to sign, confirming its reading."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from server.storage.statements import Statements
from server.storage.stored import table
from server.storage.tables import ConfirmationRow, OpeningRow, StatementRow
from server.usecases.records import Confirmation, IssuedStatement, Opening

_OPENINGS = table(OpeningRow)
_STATEMENTS = table(StatementRow)
_CONFIRMATIONS = table(ConfirmationRow)


class SqlActs:
    """Openings, statements and confirmations in insert-only tables, by mailbox and delivery."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add_opening(self, opening: Opening) -> None:
        """Adds a person's first access to a delivery; a second one is an error."""
        values = {
            "mailbox_id": opening.mailbox_id,
            "delivery_id": opening.delivery_id,
            "person_number": opening.person_number,
            "evidence_id": opening.evidence_id,
            "opened_at": opening.opened_at,
        }
        await self._statements.run(insert(_OPENINGS), values)

    async def opening(self, mailbox_id: UUID, delivery_id: UUID, person_number: str) -> Opening | None:
        """Returns the person's first access to the delivery."""
        row = await self._statements.first(
            select(_OPENINGS).where(
                _OPENINGS.c.mailbox_id == bindparam("mailbox"),
                _OPENINGS.c.delivery_id == bindparam("delivery"),
                _OPENINGS.c.person_number == bindparam("person"),
            ),
            {"mailbox": mailbox_id, "delivery": delivery_id, "person": person_number},
        )
        if row is None:
            return None
        return Opening(row.mailbox_id, row.delivery_id, row.person_number, row.evidence_id, row.opened_at)

    async def is_opened(self, mailbox_id: UUID, delivery_id: UUID) -> bool:
        """Tells whether anybody has opened the delivery."""
        opened = select(_OPENINGS.c.person_number).where(
            _OPENINGS.c.mailbox_id == bindparam("mailbox"),
            _OPENINGS.c.delivery_id == bindparam("delivery"),
        )
        values = {"mailbox": mailbox_id, "delivery": delivery_id}
        return await self._statements.first(opened.limit(1), values) is not None

    async def add_statement(self, statement: IssuedStatement) -> None:
        """Adds a statement as it was issued."""
        values = {
            "mailbox_id": statement.mailbox_id,
            "id": statement.id,
            "delivery_id": statement.delivery_id,
            "person_number": statement.person_number,
            "text": statement.text,
            "issued_at": statement.issued_at,
            "expires_at": statement.expires_at,
        }
        await self._statements.run(insert(_STATEMENTS), values)

    async def statement(self, mailbox_id: UUID, statement_id: UUID) -> IssuedStatement | None:
        """Returns a statement issued for a delivery in this mailbox."""
        row = await self._statements.first(
            select(_STATEMENTS).where(
                _STATEMENTS.c.mailbox_id == bindparam("mailbox"), _STATEMENTS.c.id == bindparam("key")
            ),
            {"mailbox": mailbox_id, "key": statement_id},
        )
        return None if row is None else _statement(row)

    async def newest_statement(
        self, mailbox_id: UUID, delivery_id: UUID, person_number: str
    ) -> IssuedStatement | None:
        """Returns the statement that was issued last to this person for this delivery."""
        issued = select(_STATEMENTS).where(
            _STATEMENTS.c.mailbox_id == bindparam("mailbox"),
            _STATEMENTS.c.delivery_id == bindparam("delivery"),
            _STATEMENTS.c.person_number == bindparam("person"),
        )
        row = await self._statements.first(
            issued.order_by(_STATEMENTS.c.issued_at.desc(), _STATEMENTS.c.id.desc()).limit(1),
            {"mailbox": mailbox_id, "delivery": delivery_id, "person": person_number},
        )
        return None if row is None else _statement(row)

    async def add_confirmation(self, confirmation: Confirmation) -> None:
        """Adds a delivery's confirmation; a second one is an error."""
        values = {
            "mailbox_id": confirmation.mailbox_id,
            "delivery_id": confirmation.delivery_id,
            "person_number": confirmation.person_number,
            "cms_digest": confirmation.cms_digest,
            "evidence_ids": list(confirmation.evidence_ids),
            "confirmed_at": confirmation.confirmed_at,
        }
        await self._statements.run(insert(_CONFIRMATIONS), values)

    async def confirmation(self, mailbox_id: UUID, delivery_id: UUID) -> Confirmation | None:
        """Returns a delivery's confirmation."""
        row = await self._statements.first(
            select(_CONFIRMATIONS).where(
                _CONFIRMATIONS.c.mailbox_id == bindparam("mailbox"),
                _CONFIRMATIONS.c.delivery_id == bindparam("delivery"),
            ),
            {"mailbox": mailbox_id, "delivery": delivery_id},
        )
        if row is None:
            return None
        return Confirmation(
            mailbox_id=row.mailbox_id,
            delivery_id=row.delivery_id,
            person_number=row.person_number,
            cms_digest=row.cms_digest,
            evidence_ids=tuple(row.evidence_ids),
            confirmed_at=row.confirmed_at,
        )


def _statement(row: Row[Any]) -> IssuedStatement:
    return IssuedStatement(
        id=row.id,
        mailbox_id=row.mailbox_id,
        delivery_id=row.delivery_id,
        person_number=row.person_number,
        text=row.text,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )
