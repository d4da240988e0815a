"""Where deliveries came from that came in by mail, in a table."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update

from server.domain.mail_origins import MailChecks, MailOrigin
from server.storage.mail_tables import MailOriginRow
from server.storage.statements import Statements, among
from server.storage.stored import table

_ORIGINS = table(MailOriginRow)

_GET = select(_ORIGINS).where(
    _ORIGINS.c.mailbox_id == bindparam("mailbox"), _ORIGINS.c.delivery_id == bindparam("delivery")
)
_CHECKED = (
    update(_ORIGINS)
    .where(among(_ORIGINS.c.mailbox_id, "mailboxes"), among(_ORIGINS.c.delivery_id, "deliveries"))
    .values({name: bindparam(f"new_{name}") for name in ("dkim", "dkim_domain", "spf", "spf_domain")})
)


class SqlMailOrigins:
    """Rows of such deliveries alone."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, origins: Sequence[tuple[UUID, UUID, MailOrigin]]) -> None:
        """Adds them; each comes with its mailbox and its delivery."""
        rows = ((mailbox, delivery, origin.message_id) for mailbox, delivery, origin in origins)
        await self._statements.copy(_ORIGINS, ("mailbox_id", "delivery_id", "message_id"), rows)

    async def get(self, mailbox_id: UUID, delivery_id: UUID) -> MailOrigin | None:
        """Returns it if there is one."""
        row = await self._statements.first(_GET, {"mailbox": mailbox_id, "delivery": delivery_id})
        return None if row is None else _origin(row)

    async def set_checks(self, deliveries: Collection[tuple[UUID, UUID]], checks: MailChecks) -> None:
        """Keeps what was found out about the mail that these deliveries, by mailbox, came with."""
        values = {
            "mailboxes": [mailbox for mailbox, _ in deliveries],
            "deliveries": [delivery for _, delivery in deliveries],
            "new_dkim": checks.dkim,
            "new_dkim_domain": checks.dkim_domain,
            "new_spf": checks.spf,
            "new_spf_domain": checks.spf_domain,
        }
        await self._statements.run(_CHECKED, values)


def _origin(row: Row[Any]) -> MailOrigin:
    if row.dkim is None:
        return MailOrigin(row.message_id)
    return MailOrigin(row.message_id, MailChecks(row.dkim, row.dkim_domain, row.spf, row.spf_domain))
