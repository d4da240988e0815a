"""Print houses of LetterService, between the wire and the use cases."""

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from namak.v1 import letter_pb2 as pb
from server.domain import fields, limits
from server.domain.paging import Page
from server.domain.print_houses import PrintHouseState, PrintHouseView
from server.services.acting import current_operator
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.certificates import BindPrintHouse
from server.usecases.print_houses import ListPrintHouses, RegisterPrintHouse, SetPrintHouseState

_STATES: Mapping[PrintHouseState, "pb.PrintHouseState.ValueType"] = MappingProxyType(
    {each: pb.PrintHouseState.Value(f"PRINT_HOUSE_STATE_{each.value}") for each in PrintHouseState}
)


def register_from_proto(request: pb.RegisterPrintHouseRequest) -> RegisterPrintHouse:
    problems = Problems()
    command = RegisterPrintHouse(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        name=problems.text("display_name", request.display_name, fields.portal_name),
    )
    problems.raise_if_any()
    return command


def bind_from_proto(request: pb.BindPrintHouseCertificateRequest) -> BindPrintHouse:
    problems = Problems()
    command = BindPrintHouse(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        print_house_id=problems.id("print_house_id", request.print_house_id),
        certificate=problems.octets("certificate", request.certificate, limits.CERTIFICATE_BYTES),
    )
    problems.raise_if_any()
    return command


def set_state_from_proto(
    request: pb.SuspendPrintHouseRequest | pb.ResumePrintHouseRequest | pb.RemovePrintHouseRequest,
    state: PrintHouseState,
) -> SetPrintHouseState:
    problems = Problems()
    command = SetPrintHouseState(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        print_house_id=problems.id("print_house_id", request.print_house_id),
        state=state,
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
        state=_STATES[view.house.state],
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
