"""Administrators of SenderAdminService, between the wire and the use case."""

from functools import partial

from namak.v1 import sender_admin_pb2 as pb
from server.domain import fields
from server.domain.administration import Administrator
from server.domain.paging import Page
from server.domain.profile import Profile
from server.services.acting import current_actor, current_operator
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.administrators import DisableAdministrator, EnableAdministrator, ListAdministrators


def enable_administrator_from_proto(
    request: pb.EnableAdministratorRequest, profile: Profile
) -> EnableAdministrator:
    problems = Problems()
    rule = partial(fields.person_number, profile=profile)
    command = EnableAdministrator(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        person_number=problems.text("person_number", request.person_number, rule),
        name=problems.text("display_name", request.display_name, fields.person_name),
    )
    problems.raise_if_any()
    return command


def disable_administrator_from_proto(
    request: pb.DisableAdministratorRequest, profile: Profile
) -> DisableAdministrator:
    problems = Problems()
    rule = partial(fields.person_number, profile=profile)
    command = DisableAdministrator(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        person_number=problems.text("person_number", request.person_number, rule),
    )
    problems.raise_if_any()
    return command


def list_administrators_from_proto(request: pb.ListAdministratorsRequest) -> ListAdministrators:
    problems = Problems()
    command = ListAdministrators(
        by=current_actor(problems, request.acting_as),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        with_disabled=request.show_disabled,
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
    )
    problems.raise_if_any()
    return command


def administrator_to_proto(administrator: Administrator) -> pb.Administrator:
    return pb.Administrator(
        organisation_id=str(administrator.organisation_id),
        person_number=administrator.person_number,
        display_name=administrator.name,
        enable_time=time_to_proto(administrator.enabled_at),
        disable_time=time_to_proto(administrator.disabled_at),
    )


def administrators_to_proto(page: Page[Administrator]) -> pb.ListAdministratorsResponse:
    return pb.ListAdministratorsResponse(
        administrators=[administrator_to_proto(each) for each in page.items],
        next_page_token=page.next_page_token,
    )
