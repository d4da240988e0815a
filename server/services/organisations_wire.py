"""Organisations and contracts of SenderAdminService, between the wire and the use case."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from uuid import UUID

from namak.v1 import sender_admin_pb2 as pb
from server.domain import fields, limits
from server.domain.administration import Actor, etag_of, organisation_snapshot
from server.domain.paging import Page
from server.domain.profile import Profile
from server.domain.senders import ContractState
from server.services.acting import current_actor, current_administrating, current_operator
from server.services.masks import masked
from server.services.problems import Problems
from server.services.values_wire import day_to_proto, time_to_proto
from server.usecases.organisations import (
    ListOrganisations,
    OrganisationView,
    RegisterOrganisation,
    SetContractState,
    UpdateOrganisation,
)

_CONTRACT_STATES: Mapping[ContractState, pb.ContractState.ValueType] = MappingProxyType(
    {
        ContractState.NONE: pb.CONTRACT_STATE_NONE,
        ContractState.IN_FORCE: pb.CONTRACT_STATE_IN_FORCE,
        ContractState.SUSPENDED: pb.CONTRACT_STATE_SUSPENDED,
        ContractState.ENDED: pb.CONTRACT_STATE_ENDED,
    }
)
_STATES = {on_wire: state for state, on_wire in _CONTRACT_STATES.items()}


def register_organisation_from_proto(
    request: pb.RegisterOrganisationRequest, profile: Profile
) -> RegisterOrganisation:
    problems = Problems()
    command = RegisterOrganisation(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        code=problems.text("code", request.code, partial(fields.organisation_code, profile=profile)),
        name=problems.text("display_name", request.display_name, fields.organisation_name),
    )
    problems.raise_if_any()
    return command


def set_contract_state_from_proto(request: pb.SetContractStateRequest) -> SetContractState:
    problems = Problems()
    state = _STATES.get(request.contract_state, ContractState.NONE)
    # There is no way back to "no contract yet".
    if state is ContractState.NONE:
        problems.add("contract_state", "STATE_NOT_PERMITTED", "must be IN_FORCE, SUSPENDED or ENDED")
    ends = request.HasField("contract_end_date")
    command = SetContractState(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        state=state,
        ends_on=problems.day("contract_end_date", request.contract_end_date) if ends else None,
    )
    problems.raise_if_any()
    return command


def update_organisation_from_proto(request: pb.UpdateOrganisationRequest) -> UpdateOrganisation:
    problems = Problems()
    changed = masked(problems, request.update_mask, ["display_name", "notification_policies"])
    wanted = request.organisation
    name = policies = None
    if "display_name" in changed:
        name = problems.text("organisation.display_name", wanted.display_name, fields.organisation_name)
    if "notification_policies" in changed:
        policies = _policies(wanted.notification_policies, problems)
    command = UpdateOrganisation(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation.organisation_id", wanted.organisation_id),
        name=name,
        etag=wanted.etag,
        notification_policies=policies,
    )
    problems.raise_if_any()
    return command


def _policies(names: Sequence[str], problems: Problems) -> tuple[str, ...]:
    field = "organisation.notification_policies"
    if len(names) > limits.POLICIES_OF_A_CONTRACT:
        problems.add(field, "NUMBER_OF_ITEMS", f"must have at most {limits.POLICIES_OF_A_CONTRACT} items")
        return ()
    found = tuple(
        problems.text(f"{field}[{place}]", name, fields.notification_policy)
        for place, name in enumerate(names)
    )
    if len(set(names)) != len(names):
        problems.add(field, "REPEATED", "must name each policy once")
    return found


def get_organisation_from_proto(request: pb.GetOrganisationRequest) -> tuple[Actor, UUID]:
    problems = Problems()
    by = current_actor(problems, request.acting_as)
    organisation_id = problems.id("organisation_id", request.organisation_id)
    problems.raise_if_any()
    return by, organisation_id


def list_organisations_from_proto(
    request: pb.ListOrganisationsRequest, profile: Profile
) -> ListOrganisations:
    problems = Problems()
    state = _STATES.get(request.contract_state)
    if state is None and request.contract_state != pb.CONTRACT_STATE_UNSPECIFIED:
        problems.add("contract_state", "STATE_UNKNOWN", "must be a state of a contract, or unspecified")
    rule = partial(fields.organisation_code, profile=profile)
    command = ListOrganisations(
        caller=current_administrating(),
        contract_state=state,
        code=problems.optional_text("code", request.code, rule),
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
    )
    problems.raise_if_any()
    return command


def organisation_to_proto(view: OrganisationView) -> pb.Organisation:
    organisation = view.organisation
    last_day = organisation.contract_ends_on
    return pb.Organisation(
        organisation_id=str(organisation.id),
        code=organisation.code,
        display_name=organisation.name,
        contract_state=_CONTRACT_STATES[view.contract_state],
        registration_time=time_to_proto(organisation.registered_at),
        contract_end_date=None if last_day is None else day_to_proto(last_day),
        etag=etag_of(organisation_snapshot(organisation)),
        notification_policies=organisation.notification_policies,
    )


def organisations_to_proto(page: Page[OrganisationView]) -> pb.ListOrganisationsResponse:
    return pb.ListOrganisationsResponse(
        organisations=[organisation_to_proto(view) for view in page.items],
        next_page_token=page.next_page_token,
    )
