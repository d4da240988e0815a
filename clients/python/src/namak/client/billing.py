"""What was used (BillingService)."""

from datetime import date

from namak.client.link import Link
from namak.client.times import day_message
from namak.v1 import billing_pb2, billing_pb2_grpc


class Billing:
    """The calls about usage."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def usage(
        self,
        first: date,
        last: date,
        *,
        sender: str = "",
        organisation_id: str = "",
        acting_as: str = "",
    ) -> billing_pb2.GetUsageResponse:
        """Returns how many messages were sent from the first local day to the last, both included.

        ``sender`` narrows it to one address. The operator names the organisation, an administrator the one
        acted for, a sender neither. Raises InvalidFields for days in the wrong order or too many of them.
        """
        request = billing_pb2.GetUsageRequest(
            acting_as=acting_as,
            organisation_id=organisation_id,
            sender=sender,
            start_date=day_message(first),
            end_date=day_message(last),
        )
        stub = billing_pb2_grpc.BillingServiceStub(self._link.channel())
        return await self._link.unary(stub.GetUsage, request)
