"""The desk at which the operator opens mailboxes for all whom a register's file names."""

# ruff: noqa: N802 - servicers answer under the names that the contract gives them

from collections.abc import AsyncIterator
from functools import partial

from namak.v1 import registration_pb2 as pb
from namak.v1 import registration_pb2_grpc
from tests.client.desk import Context, Desk
from tests.client.office import Office


class RegistrationDesk(Desk, registration_pb2_grpc.RegistrationServiceServicer):
    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._opened: set[bytes] = set()

    async def ImportMailboxes(
        self, request_iterator: AsyncIterator[pb.ImportMailboxesRequest], context: Context
    ) -> AsyncIterator[pb.ImportMailboxesResponse]:
        async for block in request_iterator:
            yield await self.serve(context, {"operator"}, partial(self._dealt, block))

    def _dealt(self, block: pb.ImportMailboxesRequest) -> pb.ImportMailboxesResponse:
        reply = pb.ImportMailboxesResponse(through_line=block.first_line + len(block.lines) - 1)
        for line, text in enumerate(block.lines, block.first_line):
            if not text.isdigit():
                outcome = pb.IMPORT_OUTCOME_MALFORMED
                reply.others.add(line=line, outcome=outcome, problem="NOT_A_NUMBER")
            elif text in self._opened:
                reply.others.add(line=line, outcome=pb.IMPORT_OUTCOME_THERE_ALREADY)
            else:
                self._opened.add(text)
                reply.opened += 1
        return reply
