"""Certificate bindings of SenderAdminService, between the wire and the use case."""

from datetime import timedelta

from namak.v1 import sender_admin_pb2 as pb
from server.domain import fields, limits
from server.domain.paging import Page
from server.domain.senders import CertificateBinding
from server.services.acting import current_actor
from server.services.problems import Problems
from server.services.values_wire import time_to_proto
from server.usecases.certificates import BindCertificate, ListBindings, RevokeCertificate


def bind_certificate_from_proto(request: pb.BindCertificateRequest) -> BindCertificate:
    problems = Problems()
    command = BindCertificate(
        by=current_actor(problems, request.acting_as),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        sender_address_id=problems.optional_id("sender_address_id", request.sender_address_id),
        certificate=problems.octets("certificate", request.certificate, limits.CERTIFICATE_BYTES),
        possession_signature=request.possession_signature,
    )
    problems.raise_if_any()
    return command


def revoke_certificate_from_proto(request: pb.RevokeCertificateRequest) -> RevokeCertificate:
    problems = Problems()
    command = RevokeCertificate(
        by=current_actor(problems, request.acting_as),
        request_id=problems.text("request_id", request.request_id, fields.request_id),
        certificate_sha256=problems.sha256("certificate_sha256", request.certificate_sha256),
    )
    problems.raise_if_any()
    return command


def list_bindings_from_proto(request: pb.ListCertificateBindingsRequest) -> ListBindings:
    problems = Problems()
    days = request.expiring_within_days
    if not 0 <= days <= limits.EXPIRING_WITHIN_DAYS:
        problems.add(
            "expiring_within_days", "OUT_OF_RANGE", f"must be 1 to {limits.EXPIRING_WITHIN_DAYS}, or 0"
        )
        days = 0
    command = ListBindings(
        by=current_actor(problems, request.acting_as),
        organisation_id=problems.id("organisation_id", request.organisation_id),
        sender_address_id=problems.optional_id("sender_address_id", request.sender_address_id),
        with_ended=request.show_ended,
        expiring_within=timedelta(days=days) if days else None,
        page_size=problems.page_size("page_size", request.page_size),
        page_token=request.page_token,
    )
    problems.raise_if_any()
    return command


def binding_to_proto(binding: CertificateBinding) -> pb.CertificateBinding:
    return pb.CertificateBinding(
        certificate_sha256=binding.certificate_sha256,
        organisation_id=str(binding.organisation_id or ""),
        sender_address_id=str(binding.sender_address_id or ""),
        expire_time=time_to_proto(binding.expires_at),
        bind_time=time_to_proto(binding.bound_at),
        revoke_time=time_to_proto(binding.revoked_at),
        certificate_subject=binding.subject,
    )


def bindings_to_proto(page: Page[CertificateBinding]) -> pb.ListCertificateBindingsResponse:
    return pb.ListCertificateBindingsResponse(
        bindings=[binding_to_proto(each) for each in page.items], next_page_token=page.next_page_token
    )
