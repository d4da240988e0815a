"""What a sender sees of its deliveries (POST-2, POST-8); `submission` is how they come about."""

from dataclasses import dataclass
from uuid import UUID

from server.domain.caller import Sender
from server.domain.deliveries import Delivery
from server.domain.fields import Malformed
from server.domain.ids import parse_id
from server.domain.paging import Page, Query
from server.domain.refusals import InvalidPageToken, ResourceNotPermitted
from server.usecases.mailboxes import checked_page_size
from server.usecases.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class ListDeliveries:
    """`page_size` as it was asked for: 0 means the default, more than the maximum means the maximum."""

    caller: Sender
    page_size: int
    page_token: str


class DeliveryDesk:
    """Shows senders their deliveries."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def get_delivery(self, caller: Sender, delivery_id: UUID) -> Delivery:
        """Returns one delivery of the caller's organisation; bound to one address, only that address's.

        Raises:
            ResourceNotPermitted.
        """
        async with self._uow.reading() as tx:
            delivery = (await tx.deliveries.sent(caller.organisation_id, [delivery_id])).get(delivery_id)
        if delivery is None or caller.sender_address_id not in (None, delivery.sender_address_id):
            raise ResourceNotPermitted("delivery")
        return delivery

    async def list_deliveries(self, command: ListDeliveries) -> Page[Delivery]:
        """Lists the caller's deliveries, newest first.

        Raises:
            InvalidPageToken, InvalidFields: the latter for a negative page size.
        """
        caller, size = command.caller, checked_page_size(command.page_size)
        query = Query(("ListDeliveries", str(caller.organisation_id), str(caller.sender_address_id or "")))
        before = _delivery_id(query.key(command.page_token))
        async with self._uow.reading() as tx:
            deliveries = await tx.deliveries.list_sent(
                caller.organisation_id, caller.sender_address_id, before=before, limit=size + 1
            )
        shown = deliveries[:size]
        return Page(shown, query.token(str(shown[-1].id)) if len(deliveries) > size else "")


def _delivery_id(key: str | None) -> UUID | None:
    if key is None:
        return None
    try:
        return parse_id(key)
    except Malformed:
        raise InvalidPageToken from None
