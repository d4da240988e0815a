"""Shows an operator where a delivery came from that came in by mail (ADMIN-6)."""

from dataclasses import dataclass
from uuid import UUID

from server.domain.deliveries import Delivery
from server.domain.mail_origins import MailOrigin
from server.usecases.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class MailOriginView:
    """A delivery, and where it came from; None where it came in otherwise."""

    delivery: Delivery
    origin: MailOrigin | None


class MailOriginDesk:
    """Looks it up."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    async def show(self, delivery_id: UUID) -> MailOriginView | None:
        """Returns it; None where there is no such delivery.

        Raises:
            ServiceUnavailable.
        """
        async with self._uow.reading() as tx:
            delivery = await tx.ladders.find(delivery_id)
            if delivery is None:
                return None
            return MailOriginView(delivery, await tx.mail_origins.get(delivery.mailbox_id, delivery.id))
