"""Blocks of RegistrationService.ImportMailboxes, between the wire and the use case."""

from collections.abc import Mapping
from types import MappingProxyType

from namak.v1 import registration_pb2 as pb
from server.domain import limits
from server.domain.caller import Operator
from server.services.problems import Problems
from server.usecases.mailbox_import import BlockOutcome, ImportBlock, Outcome

_OUTCOMES: Mapping[Outcome, pb.ImportOutcome.ValueType] = MappingProxyType(
    {
        Outcome.MALFORMED: pb.IMPORT_OUTCOME_MALFORMED,
        Outcome.THERE_ALREADY: pb.IMPORT_OUTCOME_THERE_ALREADY,
        Outcome.REPEATED: pb.IMPORT_OUTCOME_REPEATED,
    }
)
_LAST_LINE = 1 << 62


def block_from_proto(request: pb.ImportMailboxesRequest, by: Operator, through: int) -> ImportBlock:
    """Reads a block that comes after the line that was dealt with last."""
    problems = Problems()
    if not through < request.first_line < _LAST_LINE:
        problems.add("first_line", "OUT_OF_ORDER", "must be greater than every line that was sent before")
    if not 0 < len(request.lines) <= limits.IMPORT_LINES:
        problems.add("lines", "NUMBER_OF_ITEMS", f"must have 1 to {limits.IMPORT_LINES} items")
    problems.raise_if_any()
    return ImportBlock(by, request.first_line, request.lines)


def outcome_to_proto(outcome: BlockOutcome) -> pb.ImportMailboxesResponse:
    return pb.ImportMailboxesResponse(
        through_line=outcome.through_line,
        opened=outcome.opened,
        skipped=outcome.skipped,
        others=[
            pb.ImportedLine(line=each.line, outcome=_OUTCOMES[each.outcome], problem=each.problem)
            for each in outcome.others
        ],
    )
