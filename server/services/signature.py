"""SignatureService: signatures verified for anybody."""

from namak.v1 import signature_pb2 as pb
from namak.v1 import signature_pb2_grpc
from server.domain.profile import Profile
from server.services import signature_wire as wire
from server.services.call import Context, current_caller
from server.usecases.signature_verification import SignatureDesk


class SignatureServicer(signature_pb2_grpc.SignatureServiceServicer):
    """Translates the calls of those who want to know what is to be thought of a signature."""

    def __init__(self, desk: SignatureDesk, profile: Profile) -> None:
        self._desk = desk
        self._profile = profile

    async def VerifySignature(
        self, request: pb.VerifySignatureRequest, context: Context
    ) -> pb.VerifySignatureResponse:
        command = wire.verify_signature_from_proto(request, current_caller())
        report = await self._desk.verify(command)
        language = request.language or self._profile.languages[0]
        return pb.VerifySignatureResponse(verification=wire.report_to_proto(report, language))
