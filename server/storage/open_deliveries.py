"""The deliveries to a holder on which a sign-in may have an effect."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import bindparam, select

from server.domain.deliveries import Delivery, DeliveryState
from server.storage.deliveries import SqlDeliveries
from server.storage.statements import among
from server.storage.stored import table
from server.storage.tables import DeliveryRow

_DELIVERIES = table(DeliveryRow)

_CONSIGNED = _DELIVERIES.c.state == DeliveryState.CONSIGNED.value
_FIND = (
    select(_DELIVERIES.c.id, _DELIVERIES.c.sequence)
    .where(
        _DELIVERIES.c.mailbox_id == bindparam("mailbox"),
        _DELIVERIES.c.sequence > bindparam("after"),
        _DELIVERIES.c.sequence <= bindparam("up_to"),
        _CONSIGNED,
        among(_DELIVERIES.c.notification_policy, "policies"),
    )
    .order_by(_DELIVERIES.c.sequence)
    .limit(bindparam("most"))
)
_LOCK = (
    select(_DELIVERIES)
    .where(_DELIVERIES.c.mailbox_id == bindparam("mailbox"), among(_DELIVERIES.c.id, "ids"), _CONSIGNED)
    .order_by(_DELIVERIES.c.id)
    .with_for_update(key_share=True)
)


class SqlOpenDeliveries(SqlDeliveries):
    """What lies unnotified in mailboxes, in the tables of deliveries."""

    async def lock_consigned(
        self, mailbox_id: UUID, policies: Collection[str], *, after: int, up_to: int, limit: int
    ) -> tuple[Sequence[Delivery], int]:
        """Returns those under one of these policies, locked in sorted order until the transaction ends, and
        how far it looked.
        """
        if not policies:
            return [], up_to
        wanted = {"mailbox": mailbox_id, "policies": sorted(policies)}
        wanted |= {"after": after, "up_to": up_to, "most": limit}
        # Found first and locked then: of those that were found some may change while others are waited for,
        # and how far it looked must not depend on that.
        found = await self._statements.rows(_FIND, wanted)
        reached = up_to if len(found) < limit else found[-1].sequence
        if not found:
            return [], reached
        ids = [row.id for row in found]
        return await self._deliveries(_LOCK, {"mailbox": mailbox_id, "ids": ids}), reached
