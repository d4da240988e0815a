"""Sender addresses of SenderAdminService, between the wire and the use case."""

from collections.abc import Sequence
from functools import partial

from namak.v1 import sender_admin_pb2 as pb
from server.domain import addresses, fields, limits, networks
from server.domain.administration import etag_of, sender_address_snapshot
from server.domain.caller import IpNetwork
from server.domain.paging import Page
from server.domain.profile import Profile
from server.domain.senders import SenderAddress
from server.services.acting import current_actor
from server.services.masks import masked
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.records import SenderAddressFilter
from server.usecases.sender_addresses import (
    DeleteSenderAddress,
    GetSenderAddress,
    ListSenderAddresses,
    RegisterSenderAddress,
    SetSuspended,
    UpdateSenderAddress,
)


def register_sender_address_from_proto(
    request: pb.RegisterSenderAddressRequest, profile: Profile, *, development: bool
) -> RegisterSenderAddress:
    problems = Problems()
    rule = partial(addresses.sending_permission, profile=profile)
    command = RegisterSenderAddress(
        by=current_actor(problems, request.acting_as),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        address=problems.text("address", request.address, rule),
        networks=_networks(problems, "networks", request.networks, development),
        sms_permitted=request.sms_permitted,
        host_names=_host_names(problems, "host_names", request.host_names),
    )
    problems.raise_if_any()
    return command


def get_sender_address_from_proto(request: pb.GetSenderAddressRequest) -> GetSenderAddress:
    problems = Problems()
    command = GetSenderAddress(
        by=current_actor(problems, request.acting_as),
        sender_address_id=problems.id("sender_address_id", request.sender_address_id),
    )
    problems.raise_if_any()
    return command


def list_sender_addresses_from_proto(
    request: pb.ListSenderAddressesRequest, profile: Profile
) -> ListSenderAddresses:
    problems = Problems()
    command = ListSenderAddresses(
        by=current_actor(problems, request.acting_as),
        wanted=SenderAddressFilter(
            organisation_id=problems.optional_id("organisation_id", request.organisation_id),
            domain=problems.optional_text(
                "domain", request.domain, partial(addresses.domain_name, profile=profile)
            ),
            suspended=request.suspended if request.HasField("suspended") else None,
            sms_permitted=request.sms_permitted if request.HasField("sms_permitted") else None,
        ),
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
    )
    problems.raise_if_any()
    return command


def update_sender_address_from_proto(
    request: pb.UpdateSenderAddressRequest, *, development: bool
) -> UpdateSenderAddress:
    problems = Problems()
    wanted = request.sender_address
    changed = masked(problems, request.update_mask, ["networks", "host_names", "sms_permitted"])
    command = UpdateSenderAddress(
        by=current_actor(problems, request.acting_as),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        sender_address_id=problems.id("sender_address.sender_address_id", wanted.sender_address_id),
        etag=wanted.etag,
        networks=_networks(problems, "sender_address.networks", wanted.networks, development)
        if "networks" in changed
        else None,
        host_names=_host_names(problems, "sender_address.host_names", wanted.host_names)
        if "host_names" in changed
        else None,
        sms_permitted=wanted.sms_permitted if "sms_permitted" in changed else None,
    )
    problems.raise_if_any()
    return command


def delete_sender_address_from_proto(request: pb.DeleteSenderAddressRequest) -> DeleteSenderAddress:
    problems = Problems()
    command = DeleteSenderAddress(
        by=current_actor(problems, request.acting_as),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        sender_address_id=problems.id("sender_address_id", request.sender_address_id),
        etag=request.etag,
    )
    problems.raise_if_any()
    return command


def set_suspended_from_proto(
    request: pb.SuspendSenderAddressRequest | pb.ResumeSenderAddressRequest, *, suspended: bool
) -> SetSuspended:
    problems = Problems()
    command = SetSuspended(
        by=current_actor(problems, request.acting_as),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        sender_address_id=problems.id("sender_address_id", request.sender_address_id),
        suspended=suspended,
    )
    problems.raise_if_any()
    return command


def sender_address_to_proto(address: SenderAddress) -> pb.SenderAddress:
    return pb.SenderAddress(
        sender_address_id=str(address.id),
        organisation_id=str(address.organisation_id),
        address=address.address,
        networks=[str(network) for network in address.networks],
        sms_permitted=address.sms_permitted,
        suspended=address.suspended,
        registration_time=time_to_proto(address.registered_at),
        host_names=address.host_names,
        suspended_by_operator=address.suspended_by_operator,
        etag=etag_of(sender_address_snapshot(address)),
    )


def sender_addresses_to_proto(page: Page[SenderAddress]) -> pb.ListSenderAddressesResponse:
    return pb.ListSenderAddressesResponse(
        sender_addresses=[sender_address_to_proto(address) for address in page.items],
        next_page_token=page.next_page_token,
    )


def _networks(
    problems: Problems, field: str, values: Sequence[str], development: bool
) -> tuple[IpNetwork, ...]:
    if not values:
        return ()
    rule = partial(networks.network, development=development)
    return problems.networks(field, list(values), limits.NETWORKS_PER_ADDRESS, rule)


def _host_names(problems: Problems, field: str, values: Sequence[str]) -> tuple[str, ...]:
    most = limits.HOST_NAMES_PER_ADDRESS
    if len(values) > most:
        problems.add(field, "NUMBER_OF_ITEMS", f"must have at most {most} items")
        return ()
    read = [
        problems.text(f"{field}[{index}]", value, addresses.host_name) for index, value in enumerate(values)
    ]
    return tuple(dict.fromkeys(read))
