"""BillingService: what senders used."""

from namak.v1 import billing_pb2 as pb
from namak.v1 import billing_pb2_grpc
from server.domain.profile import Profile
from server.services import billing_wire as wire
from server.services.call import Context
from server.usecases.billing import Billing


class BillingServicer(billing_pb2_grpc.BillingServiceServicer):
    """Translates the calls of whoever pays, and of the operator."""

    def __init__(self, billing: Billing, profile: Profile) -> None:
        self._billing = billing
        self._profile = profile

    async def GetUsage(self, request: pb.GetUsageRequest, context: Context) -> pb.GetUsageResponse:
        asked = wire.ask_usage_from_proto(request, self._profile)
        return wire.usage_report_to_proto(await self._billing.usage(asked))
