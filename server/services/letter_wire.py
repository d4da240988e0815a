"""Requests and resources of LetterService, between the wire and the use cases."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, TypeVar
from uuid import UUID

from namak.v1 import letter_pb2 as pb
from server.domain import fields, limits
from server.domain.caller import Operator, PrintHouse
from server.domain.fields import Malformed
from server.domain.letter_orders import LetterOrder, LetterState, Report
from server.domain.paging import Page
from server.domain.print_houses import PrintHouseState, PrintHouseView
from server.services.acting import current_operator
from server.services.call import current_caller
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.certificates import BindPrintHouse
from server.usecases.letter_desk import (
    LeaseLetters,
    LetterView,
    ListLetterOrders,
    ReadLetter,
    Reported,
    ReportLetter,
)
from server.usecases.print_houses import ListPrintHouses, SetPrintHouseState

MOST_LETTERS: Final = 1000
_MOST_STATES = 20
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_CAUSE = re.compile(r"[A-Z][A-Z0-9_]{0,39}", re.ASCII)
_TRACKING = re.compile(r"[A-Z0-9]{1,30}", re.ASCII)
_LONGEST_RECEIVER = 200
_T = TypeVar("_T")

_STATES: Mapping[LetterState, "pb.LetterState.ValueType"] = MappingProxyType(
    {each: pb.LetterState.Value(f"LETTER_STATE_{each.value}") for each in LetterState}
)
_HOUSE_STATES: Mapping[PrintHouseState, "pb.PrintHouseState.ValueType"] = MappingProxyType(
    {each: pb.PrintHouseState.Value(f"PRINT_HOUSE_STATE_{each.value}") for each in PrintHouseState}
)


def _print_house() -> PrintHouse:
    caller = current_caller()
    if not isinstance(caller, PrintHouse):
        raise TypeError(f"the access rule let a {type(caller).__name__} in where a print house was expected")
    return caller


def lease_from_proto(request: pb.LeaseLettersRequest) -> LeaseLetters:
    problems = Problems()
    if not 1 <= request.max_letters <= MOST_LETTERS:
        problems.add("max_letters", "OUT_OF_RANGE", f"must be 1 to {MOST_LETTERS}")
    problems.raise_if_any()
    return LeaseLetters(_print_house(), request.max_letters)


def leased_to_proto(order: LetterOrder) -> pb.LeaseLettersResponse:
    return pb.LeaseLettersResponse(
        letter_id=str(order.id),
        tracking=order.tracking,
        file_digest=order.file,
        file_size=order.file_size,
        sheets=order.sheets,
        lease_end_time=None if order.lease is None else time_to_proto(order.lease.until),
    )


def download_from_proto(request: pb.DownloadLetterRequest) -> ReadLetter:
    problems = Problems()
    command = ReadLetter(_print_house(), problems.id("letter_id", request.letter_id), max(0, request.offset))
    if request.offset < 0:
        problems.add("offset", "OUT_OF_RANGE", "must not be negative")
    problems.raise_if_any()
    return command


def report_from_proto(request: pb.ReportLetterRequest) -> ReportLetter:
    problems = Problems()
    said: dict[str, bytes | str | None] = {}
    report = Report.PRINTED
    match request.WhichOneof("report"):
        case "printed":
            said["file"] = problems.sha256("printed.file_digest", request.printed.file_digest)
        case "posted":
            report = Report.POSTED
            said["tracking"] = problems.text("posted.tracking", request.posted.tracking, _tracking)
        case "handed_over":
            report, handed = Report.HANDED_OVER, request.handed_over
            said["receiver"] = problems.text("handed_over.receiver", handed.receiver, _receiver)
            said["scan"] = problems.sha256("handed_over.scan_digest", handed.scan_digest)
        case "refused":
            report, refused = Report.REFUSED, request.refused
            said["cause"] = problems.optional_text("refused.cause", refused.cause, _cause)
            if refused.scan_digest:
                said["scan"] = problems.sha256("refused.scan_digest", refused.scan_digest)
        case "returned":
            report = Report.RETURNED
            said["cause"] = problems.text("returned.cause", request.returned.cause, _cause)
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


def reported_to_proto(reported: Reported) -> pb.ReportLetterResponse:
    return pb.ReportLetterResponse(state=_STATES[reported.state], evidence_id=str(reported.evidence_id))


def list_orders_from_proto(request: pb.ListLetterOrdersRequest) -> ListLetterOrders:
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
        tracking=problems.optional_text("tracking", request.tracking, _tracking) or "",
    )
    problems.raise_if_any()
    return command


def orders_to_proto(page: Page[LetterView], asked: ListLetterOrders) -> pb.ListLetterOrdersResponse:
    for_operator = isinstance(asked.by, Operator)
    return pb.ListLetterOrdersResponse(
        letters=[_order_to_proto(each, for_operator=for_operator) for each in page.items],
        next_page_token=page.next_page_token,
    )


def _order_to_proto(view: LetterView, *, for_operator: bool) -> pb.LetterOrder:
    order = view.order
    told = pb.LetterOrder(
        letter_id=str(order.id),
        tracking=order.tracking,
        state=_STATES[order.state],
        order_time=time_to_proto(order.ordered_at),
        lease_end_time=None if order.lease is None else time_to_proto(order.lease.until),
        file_digest=order.file,
        file_size=order.file_size,
        sheets=order.sheets,
        reports=[
            pb.LetterReport(
                state=_STATES[LetterState(each.report.value)],
                report_time=time_to_proto(each.reported_at),
                record_time=time_to_proto(each.recorded_at),
                evidence_id=str(each.evidence_id),
            )
            for each in view.reports
        ],
    )
    if for_operator:
        told.delivery_id = str(order.delivery_id)
        told.step = order.step
        told.print_house_id = "" if order.lease is None else str(order.lease.house_id)
        told.reason = order.reason
    return told


def bind_from_proto(request: pb.BindPrintHouseRequest) -> BindPrintHouse:
    problems = Problems()
    command = BindPrintHouse(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        name=problems.text("display_name", request.display_name, fields.portal_name),
        certificate=problems.octets("certificate", request.certificate, limits.CERTIFICATE_BYTES),
    )
    problems.raise_if_any()
    return command


def set_state_from_proto(request: pb.SetPrintHouseStateRequest) -> SetPrintHouseState:
    problems = Problems()
    command = SetPrintHouseState(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        print_house_id=problems.id("print_house_id", request.print_house_id),
        state=_named(problems, "state", request.state, _HOUSE_STATES, PrintHouseState.ACTIVE),
    )
    problems.raise_if_any()
    return command


def list_houses_from_proto(request: pb.ListPrintHousesRequest) -> ListPrintHouses:
    problems = Problems()
    size = problems.page_size("page_size", request.page_size)
    problems.raise_if_any()
    return ListPrintHouses(current_operator(), size, request.page_token)


def get_house_from_proto(request: pb.GetPrintHouseRequest) -> UUID:
    problems = Problems()
    house_id = problems.id("print_house_id", request.print_house_id)
    problems.raise_if_any()
    return house_id


def house_to_proto(view: PrintHouseView) -> pb.PrintHouse:
    return pb.PrintHouse(
        print_house_id=str(view.house.id),
        display_name=view.house.name,
        state=_HOUSE_STATES[view.house.state],
        register_time=time_to_proto(view.house.registered_at),
        certificates=[
            pb.PrintHouseCertificate(
                certificate_sha256=each.certificate_sha256,
                certificate_subject=each.subject,
                expire_time=time_to_proto(each.expires_at),
                bind_time=time_to_proto(each.bound_at),
                revoke_time=time_to_proto(each.revoked_at),
            )
            for each in view.certificates
        ],
    )


def houses_to_proto(page: Page[PrintHouseView]) -> pb.ListPrintHousesResponse:
    return pb.ListPrintHousesResponse(
        print_houses=[house_to_proto(each) for each in page.items], next_page_token=page.next_page_token
    )


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
