"""EvidenceService: the facts of deliveries, their receipts, and the public state of the log."""

from collections.abc import AsyncIterator

from namak.v1 import evidence_pb2 as pb
from namak.v1 import evidence_pb2_grpc
from server.domain.profile import Profile
from server.services import evidence_wire as wire
from server.services import log_wire
from server.services.call import Context, current_party
from server.services.values_wire import chunks
from server.usecases.delivery_certificates import DeliveryCertificates
from server.usecases.evidence import EvidenceDesk
from server.usecases.log_queries import LogQueries


class EvidenceServicer(evidence_pb2_grpc.EvidenceServiceServicer):
    """Translates the calls of senders, holders and everybody who watches the log."""

    def __init__(
        self, desk: EvidenceDesk, log: LogQueries, certificates: DeliveryCertificates, profile: Profile
    ) -> None:
        self._desk = desk
        self._log = log
        self._certificates = certificates
        self._profile = profile

    async def ListFacts(self, request: pb.ListFactsRequest, context: Context) -> pb.ListFactsResponse:
        command = wire.list_facts_from_proto(request, current_party(), self._profile)
        page = await self._desk.list_facts(command)
        return wire.facts_to_proto(page)

    async def GetReceipt(self, request: pb.GetReceiptRequest, context: Context) -> pb.GetReceiptResponse:
        command = wire.get_receipt_from_proto(request, self._profile)
        receipt = await self._desk.receipt(command)
        return pb.GetReceiptResponse(receipt=wire.receipt_to_proto(receipt) if receipt else None)

    async def GetDeliveryCertificate(
        self, request: pb.GetDeliveryCertificateRequest, context: Context
    ) -> AsyncIterator[pb.GetDeliveryCertificateResponse]:
        command = wire.certificate_from_proto(request, current_party(), self._profile)
        made = await self._certificates.make(command)
        yield pb.GetDeliveryCertificateResponse(certificate=wire.certificate_to_proto(made))
        for chunk in chunks(made.pdf):
            yield pb.GetDeliveryCertificateResponse(chunk=chunk)

    async def GetCheckpoint(
        self, request: pb.GetCheckpointRequest, context: Context
    ) -> pb.GetCheckpointResponse:
        published = await self._desk.checkpoint(request.origin or None)
        return pb.GetCheckpointResponse(
            checkpoint=published.checkpoint.note,
            log_vkey=published.vkey,
            witnessed_checkpoint=published.witnessed or b"",
            successor_receipt=published.successor or b"",
        )

    async def GetRevocationList(
        self, request: pb.GetRevocationListRequest, context: Context
    ) -> AsyncIterator[pb.GetRevocationListResponse]:
        digest = wire.revocation_list_digest_from_proto(request)
        for chunk in chunks(await self._desk.revocation_list(digest)):
            yield pb.GetRevocationListResponse(chunk=chunk)

    async def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, context: Context
    ) -> pb.GetConsistencyProofResponse:
        proof = await self._log.consistency(log_wire.consistency_from_proto(request))
        return log_wire.consistency_to_proto(proof)

    async def GetTile(self, request: pb.GetTileRequest, context: Context) -> pb.GetTileResponse:
        return log_wire.tile_to_proto(await self._log.tile(log_wire.tile_from_proto(request)))

    async def GetLogStatus(
        self, request: pb.GetLogStatusRequest, context: Context
    ) -> pb.GetLogStatusResponse:
        return log_wire.status_to_proto(await self._log.status())
