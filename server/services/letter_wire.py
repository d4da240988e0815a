"""Requests and resources of LetterService, between the wire and the use cases."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, TypeVar

from namak.evidence.details_outside import (
    LetterHandedOverDetails,
    LetterPostedDetails,
    LetterPrintedDetails,
    LetterRefusedDetails,
    LetterReturnedDetails,
)
from namak.v1 import letter_pb2 as pb
from server.domain import fields
from server.domain.caller import Operator, PrintHouse
from server.domain.fields import Malformed
from server.domain.letter_orders import LetterOrder, LetterState, Report
from server.domain.paging import Page
from server.services.call import current_caller
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.letter_desk import (
    LeaseLetters,
    LetterView,
    ListLetterOrders,
    ReadLetter,
)
from server.usecases.letter_reports import Reported, ReportLetter

MOST_LETTERS: Final = 1000
_MOST_STATES = 20
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_CAUSE = re.compile(r"[A-Z][A-Z0-9_]{0,39}", re.ASCII)
_TRACKING = re.compile(r"[A-Z0-9]{1,30}", re.ASCII)
_LONGEST_RECEIVER = 200
_T = TypeVar("_T")

_STATES: Mapping[LetterState, "pb.PaperLetterState.ValueType"] = MappingProxyType(
    {each: pb.PaperLetterState.Value(f"PAPER_LETTER_STATE_{each.value}") for each in LetterState}
)


def _print_house() -> PrintHouse:
    caller = current_caller()
    if not isinstance(caller, PrintHouse):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where a print house was expected")
    return caller


def lease_from_proto(request: pb.LeasePaperLettersRequest) -> LeaseLetters:
    problems = Problems()
    if not 1 <= request.max_letters <= MOST_LETTERS:
        problems.add("max_letters", "OUT_OF_RANGE", f"must be 1 to {MOST_LETTERS}")
    problems.raise_if_any()
    return LeaseLetters(_print_house(), request.max_letters)


def leased_to_proto(order: LetterOrder) -> pb.LeasePaperLettersResponse:
    return pb.LeasePaperLettersResponse(letter=_letter_to_proto(LetterView(order, ())))


def download_from_proto(request: pb.DownloadPaperLetterRequest) -> ReadLetter:
    problems = Problems()
    command = ReadLetter(_print_house(), problems.id("letter_id", request.letter_id), max(0, request.offset))
    if request.offset < 0:
        problems.add("offset", "OUT_OF_RANGE", "must not be negative")
    problems.raise_if_any()
    return command


def report_from_proto(request: pb.ReportPaperLetterRequest) -> ReportLetter:
    problems = Problems()
    said: dict[str, bytes | str | None] = {}
    report = Report.PRINTED
    match request.WhichOneof("report"):
        case "printed":
            said["file"] = problems.sha256("printed.file_sha256", request.printed.file_sha256)
        case "posted":
            report = Report.POSTED
            said["tracking"] = problems.text(
                "posted.tracking_number", request.posted.tracking_number, _tracking
            )
        case "handed_over":
            report, handed = Report.HANDED_OVER, request.handed_over
            said["receiver"] = problems.text("handed_over.receiver", handed.receiver, _receiver)
            said["scan"] = problems.sha256("handed_over.scan_sha256", handed.scan_sha256)
            said["tracking"] = _known(problems, "handed_over.tracking_number", handed.tracking_number)
        case "refused":
            report, refused = Report.REFUSED, request.refused
            said["cause"] = problems.optional_text("refused.cause", refused.cause, _cause)
            if refused.scan_sha256:
                said["scan"] = problems.sha256("refused.scan_sha256", refused.scan_sha256)
            said["tracking"] = _known(problems, "refused.tracking_number", refused.tracking_number)
        case "returned":
            report, returned = Report.RETURNED, request.returned
            said["cause"] = problems.text("returned.cause", returned.cause, _cause)
            said["tracking"] = _known(problems, "returned.tracking_number", returned.tracking_number)
        case _:
            problems.add("report", "REQUIRED", "must say what happened")
    at = problems.optional_time("report_time", request)
    if at is None and not request.HasField("report_time"):
        problems.add("report_time", "REQUIRED", "must say when it happened")
    command = ReportLetter(
        _print_house(),
        problems.text("request_id", request.request_id, fields.request_id),
        problems.id("letter_id", request.letter_id),
        report,
        at or _NO_TIME,
        **said,  # type: ignore[arg-type]  # each of its field's type
    )
    problems.raise_if_any()
    return command


def reported_to_proto(reported: Reported) -> pb.ReportPaperLetterResponse:
    return pb.ReportPaperLetterResponse(report=_report_to_proto(reported))


def list_orders_from_proto(request: pb.ListPaperLettersRequest) -> ListLetterOrders:
    problems = Problems()
    states = set()
    if len(request.states) > _MOST_STATES:
        problems.add("states", "NUMBER_OF_ITEMS", f"must have at most {_MOST_STATES} items")
    for index, state in enumerate(request.states[:_MOST_STATES]):
        states.add(_named(problems, f"states[{index}]", state, _STATES, LetterState.WAITING))
    by = current_caller()
    if not isinstance(by, Operator):
        by = _print_house()
    command = ListLetterOrders(
        by=by,
        states=frozenset(states),
        delivery_id=problems.optional_id("delivery_id", request.delivery_id),
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
        tracking=_known(problems, "tracking_number", request.tracking_number) or "",
    )
    problems.raise_if_any()
    return command


def orders_to_proto(page: Page[LetterView], asked: ListLetterOrders) -> pb.ListPaperLettersResponse:
    for_operator = isinstance(asked.by, Operator)
    return pb.ListPaperLettersResponse(
        letters=[_letter_to_proto(each, for_operator=for_operator) for each in page.items],
        next_page_token=page.next_page_token,
    )


def _letter_to_proto(view: LetterView, *, for_operator: bool = False) -> pb.PaperLetter:
    order = view.order
    told = pb.PaperLetter(
        letter_id=str(order.id),
        tracking_number=order.tracking,
        state=_STATES[order.state],
        order_time=time_to_proto(order.ordered_at),
        lease_end_time=None if order.lease is None else time_to_proto(order.lease.until),
        file_sha256=order.file,
        file_size_bytes=order.file_size,
        sheets=order.sheets,
        reports=[_report_to_proto(each) for each in view.reports],
    )
    if for_operator:
        told.delivery_id = str(order.delivery_id)
        told.step = order.step
        told.print_house_id = "" if order.lease is None else str(order.lease.house_id)
        told.reason = order.reason
    return told


def _report_to_proto(reported: Reported) -> pb.PaperLetterReport:
    told = pb.PaperLetterReport(
        state=_STATES[reported.state],
        report_time=time_to_proto(reported.report.reported_at),
        record_time=time_to_proto(reported.report.recorded_at),
        evidence_id=str(reported.report.evidence_id),
    )
    match reported.details:
        case LetterPrintedDetails(file=file):
            told.printed.CopyFrom(pb.LetterPrinted(file_sha256=bytes.fromhex(file)))
        case LetterPostedDetails(tracking=number):
            told.posted.CopyFrom(pb.LetterPosted(tracking_number=number))
        case LetterHandedOverDetails(tracking=tracking, receiver=receiver, scan=scan):
            told.handed_over.CopyFrom(
                pb.LetterHandedOver(
                    receiver=receiver or "", scan_sha256=_octets(scan), tracking_number=tracking or ""
                )
            )
        case LetterRefusedDetails(tracking=tracking, cause=cause, scan=scan):
            told.refused.CopyFrom(
                pb.LetterRefused(cause=cause or "", scan_sha256=_octets(scan), tracking_number=tracking or "")
            )
        case LetterReturnedDetails(tracking=tracking, cause=cause):
            told.returned.CopyFrom(pb.LetterReturned(cause=cause or "", tracking_number=tracking or ""))
    return told


def _octets(digest: str | None) -> bytes:
    return b"" if digest is None else bytes.fromhex(digest)


def _known(problems: Problems, field: str, number: str) -> str | None:
    """Returns the post's number where one is given."""
    return problems.optional_text(field, number, _tracking)


def _named(problems: Problems, field: str, value: int, known: Mapping[_T, int], stand_in: _T) -> _T:
    """Returns what a value of an enumeration stands for."""
    for each, named in known.items():
        if named == value:
            return each
    problems.add(field, "NOT_PERMITTED", "must be one that there is")
    return stand_in


def _tracking(text: str) -> str:
    if _TRACKING.fullmatch(text) is None:
        raise Malformed("TRACKING_MALFORMED", "must be capital letters and digits, as printed on the letter")
    return text


def _receiver(text: str) -> str:
    return fields.line(text, _LONGEST_RECEIVER)


def _cause(text: str) -> str:
    if _CAUSE.fullmatch(text) is None:
        raise Malformed("CAUSE_MALFORMED", "must be capital letters, digits and _, at most 40")
    return text
