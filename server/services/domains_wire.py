"""Domains of SenderAdminService, between the wire and the use case."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from namak.v1 import sender_admin_pb2 as pb
from server.domain import addresses, fields
from server.domain.paging import Page
from server.domain.profile import Profile
from server.domain.senders import Domain, DomainChallenge, DomainProof
from server.services.acting import current_actor, current_operator
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.domains import (
    DeleteDomain,
    ListDomains,
    ProveDomain,
    RegisterDomain,
    RequestDomainProof,
)

_PROOFS: Mapping[DomainProof, pb.DomainProof.ValueType] = MappingProxyType(
    {DomainProof.DOCUMENT: pb.DOMAIN_PROOF_DOCUMENT, DomainProof.DNS: pb.DOMAIN_PROOF_DNS}
)


def register_domain_from_proto(request: pb.RegisterDomainRequest, profile: Profile) -> RegisterDomain:
    problems = Problems()
    command = RegisterDomain(
        by=current_operator(),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        name=problems.text("name", request.name, partial(addresses.domain_name, profile=profile)),
        document_reference=problems.text(
            "document_reference", request.document_reference, fields.document_reference
        ),
    )
    problems.raise_if_any()
    return command


def request_domain_proof_from_proto(
    request: pb.RequestDomainProofRequest, profile: Profile
) -> RequestDomainProof:
    problems = Problems()
    command = RequestDomainProof(
        by=current_actor(problems, request.acting_as),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        name=problems.text("name", request.name, partial(addresses.provable_domain_name, profile=profile)),
    )
    problems.raise_if_any()
    return command


def prove_domain_from_proto(request: pb.ProveDomainRequest, profile: Profile) -> ProveDomain:
    problems = Problems()
    command = ProveDomain(
        by=current_actor(problems, request.acting_as),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        name=problems.text("name", request.name, partial(addresses.provable_domain_name, profile=profile)),
    )
    problems.raise_if_any()
    return command


def list_domains_from_proto(request: pb.ListDomainsRequest) -> ListDomains:
    problems = Problems()
    command = ListDomains(
        by=current_actor(problems, request.acting_as),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
    )
    problems.raise_if_any()
    return command


def delete_domain_from_proto(request: pb.DeleteDomainRequest, profile: Profile) -> DeleteDomain:
    problems = Problems()
    command = DeleteDomain(
        by=current_actor(problems, request.acting_as),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        name=problems.text("name", request.name, partial(addresses.domain_name, profile=profile)),
    )
    problems.raise_if_any()
    return command


def domain_to_proto(domain: Domain) -> pb.Domain:
    return pb.Domain(
        organisation_id=str(domain.organisation_id),
        name=domain.name,
        registration_time=time_to_proto(domain.registered_at),
        proof=_PROOFS[domain.proof],
    )


def challenge_to_proto(challenge: DomainChallenge) -> pb.RequestDomainProofResponse:
    return pb.RequestDomainProofResponse(
        record_name=challenge.record_name,
        record_text=challenge.record_text,
        expire_time=time_to_proto(challenge.expires_at),
    )


def domains_to_proto(page: Page[Domain]) -> pb.ListDomainsResponse:
    return pb.ListDomainsResponse(
        domains=[domain_to_proto(domain) for domain in page.items], next_page_token=page.next_page_token
    )
