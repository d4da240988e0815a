"""What a sender sees of its deliveries (POST-2, POST-8); `submission` is how they come about."""

from dataclasses import dataclass
from uuid import UUID

from server.domain.deliveries import Delivery, DeliveryFilter
from server.domain.fields import Malformed
from server.domain.ids import parse_id
from server.domain.letters import Submitter
from server.domain.paging import Page, Query
from server.domain.refusals import InvalidPageToken, ResourceNotPermitted
from server.usecases.mailboxes import checked_page_size, checked_times
from server.usecases.ports import Transaction, UnitOfWork

_EVERYTHING = DeliveryFilter()


@dataclass(frozen=True, slots=True)
class ListDeliveries:
    """`page_size` as it was asked for: 0 means the default, more than the maximum means the maximum."""

    caller: Submitter
    page_size: int
    page_token: str
    wanted: DeliveryFilter = _EVERYTHING


class DeliveryDesk:
    """Shows senders their deliveries."""

    def __init__(self, *, uow: UnitOfWork) -> None:
        self._uow = uow

    async def get_delivery(self, caller: Submitter, delivery_id: UUID) -> Delivery:
        """Returns one delivery of the caller's organisation; bound to one address, only that address's.

        Raises:
            ResourceNotPermitted.
        """
        async with self._uow.reading() as tx:
            return await sent_by(tx, caller, delivery_id)

    async def list_deliveries(self, command: ListDeliveries) -> Page[Delivery]:
        """Lists those of the caller's deliveries that it asks for, newest first.

        Raises:
            InvalidPageToken.
            InvalidFields: a negative page size, or times of which the later is not after the earlier.
        """
        caller, wanted, size = command.caller, command.wanted, checked_page_size(command.page_size)
        checked_times(wanted.submitted_from, wanted.submitted_before)
        owner = (str(caller.party_id), str(caller.sender_address_id or ""))
        query = Query(("ListDeliveries", *owner, *wanted.parts()))
        before = _delivery_id(query.key(command.page_token))
        async with self._uow.reading() as tx:
            deliveries = await tx.deliveries.list_sent(
                caller.party_id, caller.sender_address_id, wanted, before=before, limit=size + 1
            )
        shown = deliveries[:size]
        return Page(shown, query.token(str(shown[-1].id)) if len(deliveries) > size else "")


async def sent_by(tx: Transaction, caller: Submitter, delivery_id: UUID) -> Delivery:
    """Returns one delivery of the caller's organisation; bound to one address, only that address's.

    Raises:
        ResourceNotPermitted: there is none, or it is not the caller's.
    """
    delivery = (await tx.deliveries.sent(caller.party_id, [delivery_id])).get(delivery_id)
    if delivery is None or caller.sender_address_id not in (None, delivery.sender_address_id):
        raise ResourceNotPermitted("delivery")
    return delivery


def _delivery_id(key: str | None) -> UUID | None:
    if key is None:
        return None
    try:
        return parse_id(key)
    except Malformed:
        raise InvalidPageToken from None
