"""The deliveries to a holder on which a sign-in may have an effect."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, select

from server.domain.deliveries import Delivery, DeliveryState
from server.domain.mailboxes import HolderKind
from server.storage.deliveries import SqlDeliveries
from server.storage.statements import among
from server.storage.stored import table
from server.storage.tables import DeliveryRow, MailboxRow

_DELIVERIES, _MAILBOXES = table(DeliveryRow), table(MailboxRow)

_OWN = (
    select(_MAILBOXES.c.id)
    .where(
        _MAILBOXES.c.holder_kind == HolderKind.PERSON.value,
        _MAILBOXES.c.holder_number == bindparam("person"),
    )
    .scalar_subquery()
)
_LOCK_CONSIGNED = (
    select(_DELIVERIES)
    .where(
        _DELIVERIES.c.mailbox_id == _OWN,
        _DELIVERIES.c.state == DeliveryState.CONSIGNED.value,
        among(_DELIVERIES.c.notification_policy, "policies"),
    )
    .order_by(_DELIVERIES.c.mailbox_id, _DELIVERIES.c.id)
    .with_for_update(key_share=True)
)


class SqlOpenDeliveries(SqlDeliveries):
    """What lies unnotified in mailboxes, in the tables of deliveries."""

    async def lock_consigned(self, person_number: str, policies: Collection[str]) -> Sequence[Delivery]:
        """Returns those under one of these policies, locked in sorted order until the transaction ends."""
        if not policies:
            return []
        return await self._deliveries(
            _LOCK_CONSIGNED, {"person": person_number, "policies": sorted(policies)}
        )
