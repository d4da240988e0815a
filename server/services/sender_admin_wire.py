"""Requests and resources of SenderAdminService, between the wire and the use case."""

from functools import partial

from namak.v1 import sender_admin_pb2 as pb
from server.domain import addresses, fields, limits, networks
from server.domain.profile import Profile
from server.domain.senders import (
    CertificateBinding,
    ContractState,
    Domain,
    Organisation,
    SenderAddress,
)
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.sender_admin import (
    BindCertificate,
    RegisterDomain,
    RegisterOrganisation,
    RegisterSenderAddress,
    RevokeCertificate,
    SetContractState,
    SetSuspended,
)

_CONTRACT_STATES = {
    ContractState.NONE: pb.CONTRACT_STATE_NONE,
    ContractState.IN_FORCE: pb.CONTRACT_STATE_IN_FORCE,
    ContractState.SUSPENDED: pb.CONTRACT_STATE_SUSPENDED,
    ContractState.ENDED: pb.CONTRACT_STATE_ENDED,
}
# There is no way back to "no contract yet".
_SETTABLE_STATES = {
    on_wire: state for state, on_wire in _CONTRACT_STATES.items() if state is not ContractState.NONE
}


def register_organisation_from_proto(
    request: pb.RegisterOrganisationRequest, profile: Profile
) -> RegisterOrganisation:
    problems = Problems()
    command = RegisterOrganisation(
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        code=problems.text("code", request.code, partial(fields.organisation_code, profile=profile)),
        name=problems.text("display_name", request.display_name, fields.organisation_name),
    )
    problems.raise_if_any()
    return command


def set_contract_state_from_proto(request: pb.SetContractStateRequest) -> SetContractState:
    problems = Problems()
    state = _SETTABLE_STATES.get(request.contract_state)
    if state is None:
        problems.add("contract_state", "STATE_NOT_PERMITTED", "must be IN_FORCE, SUSPENDED or ENDED")
    command = SetContractState(
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        state=state or ContractState.NONE,
    )
    problems.raise_if_any()
    return command


def register_domain_from_proto(request: pb.RegisterDomainRequest, profile: Profile) -> RegisterDomain:
    problems = Problems()
    command = RegisterDomain(
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        name=problems.text("name", request.name, partial(addresses.domain_name, profile=profile)),
        document_reference=problems.text(
            "document_reference", request.document_reference, fields.document_reference
        ),
    )
    problems.raise_if_any()
    return command


def register_sender_address_from_proto(
    request: pb.RegisterSenderAddressRequest, profile: Profile, *, development: bool
) -> RegisterSenderAddress:
    problems = Problems()
    command = RegisterSenderAddress(
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        address=problems.text("address", request.address, partial(addresses.sender_address, profile=profile)),
        networks=problems.networks(
            "networks",
            list(request.networks),
            limits.NETWORKS_PER_ADDRESS,
            partial(networks.network, development=development),
        ),
        sms_permitted=request.sms_permitted,
    )
    problems.raise_if_any()
    return command


def set_suspended_from_proto(
    request: pb.SuspendSenderAddressRequest | pb.ResumeSenderAddressRequest, *, suspended: bool
) -> SetSuspended:
    problems = Problems()
    command = SetSuspended(
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        sender_address_id=problems.id("sender_address_id", request.sender_address_id),
        suspended=suspended,
    )
    problems.raise_if_any()
    return command


def bind_certificate_from_proto(request: pb.BindCertificateRequest) -> BindCertificate:
    problems = Problems()
    command = BindCertificate(
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        sender_address_id=problems.optional_id("sender_address_id", request.sender_address_id),
        certificate=problems.octets("certificate", request.certificate, limits.CERTIFICATE_BYTES),
    )
    problems.raise_if_any()
    return command


def revoke_certificate_from_proto(request: pb.RevokeCertificateRequest) -> RevokeCertificate:
    problems = Problems()
    command = RevokeCertificate(
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        certificate_sha256=problems.sha256("certificate_sha256", request.certificate_sha256),
    )
    problems.raise_if_any()
    return command


def organisation_to_proto(organisation: Organisation) -> pb.Organisation:
    return pb.Organisation(
        organisation_id=str(organisation.id),
        code=organisation.code,
        display_name=organisation.name,
        contract_state=_CONTRACT_STATES[organisation.contract_state],
        registration_time=time_to_proto(organisation.registered_at),
    )


def domain_to_proto(domain: Domain) -> pb.Domain:
    return pb.Domain(
        organisation_id=str(domain.organisation_id),
        name=domain.name,
        registration_time=time_to_proto(domain.registered_at),
    )


def sender_address_to_proto(address: SenderAddress) -> pb.SenderAddress:
    return pb.SenderAddress(
        sender_address_id=str(address.id),
        organisation_id=str(address.organisation_id),
        address=address.address,
        networks=[str(network) for network in address.networks],
        sms_permitted=address.sms_permitted,
        suspended=address.suspended,
        registration_time=time_to_proto(address.registered_at),
    )


def binding_to_proto(binding: CertificateBinding) -> pb.CertificateBinding:
    return pb.CertificateBinding(
        certificate_sha256=binding.certificate_sha256,
        organisation_id=str(binding.organisation_id or ""),
        sender_address_id=str(binding.sender_address_id or ""),
        expire_time=time_to_proto(binding.expires_at),
        bind_time=time_to_proto(binding.bound_at),
        revoke_time=time_to_proto(binding.revoked_at),
    )
