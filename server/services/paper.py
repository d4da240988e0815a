"""PaperService: letters on paper, scanned by clerks."""

from namak.v1 import paper_pb2 as pb
from namak.v1 import paper_pb2_grpc
from server.domain.profile import Profile
from server.services import paper_wire as wire
from server.services.acting import current_clerk
from server.services.call import Context
from server.services.delivery_wire import accepted_or_raise, write_accepted
from server.usecases.paper import PaperIntake


class PaperServicer(paper_pb2_grpc.PaperServiceServicer):
    """Translates the calls of clerks who hand in scans."""

    def __init__(self, intake: PaperIntake, profile: Profile) -> None:
        self._intake = intake
        self._profile = profile

    async def GetCopyStatement(
        self, request: pb.GetCopyStatementRequest, context: Context
    ) -> pb.GetCopyStatementResponse:
        return wire.statement_to_proto(*self._intake.statement())

    async def SubmitScannedLetter(
        self, request: pb.SubmitScannedLetterRequest, context: Context
    ) -> pb.SubmitScannedLetterResponse:
        command = wire.submit_from_proto(request, current_clerk(), self._profile)
        response = pb.SubmitScannedLetterResponse()
        write_accepted(response.accepted, accepted_or_raise(await self._intake.submit(command)))
        return response

    async def WithdrawScannedLetter(
        self, request: pb.WithdrawScannedLetterRequest, context: Context
    ) -> pb.WithdrawScannedLetterResponse:
        command = wire.withdraw_from_proto(request, current_clerk())
        return wire.withdrawn_to_proto(await self._intake.withdraw(command))
