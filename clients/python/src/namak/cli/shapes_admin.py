"""The register's messages as ``--json`` and tables show them. Field names are the contract's."""

from google.type.date_pb2 import Date

from namak.cli.shapes import Shape, time_of
from namak.cli.texts import N_
from namak.v1 import mailbox_pb2, sender_admin_pb2

STATES = (
    N_("NONE"),
    N_("IN_FORCE"),
    N_("SUSPENDED"),
    N_("ENDED"),
    N_("OPEN"),
    N_("CLOSED"),
    N_("DOCUMENT"),
    N_("DNS"),
    N_("PERSON"),
    N_("ENTITY"),
)
"""States and kinds, for the catalogue; programs get these words as they are."""


def day_of(day: Date, present: bool = True) -> str | None:
    """Returns a day as ISO 8601."""
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}" if present else None


def contract_name(state: sender_admin_pb2.ContractState.ValueType) -> str:
    """Returns a contract state's name without its prefix."""
    if state not in sender_admin_pb2.ContractState.values():
        return str(int(state))
    return sender_admin_pb2.ContractState.Name(state).removeprefix("CONTRACT_STATE_")


def proof_name(proof: sender_admin_pb2.DomainProof.ValueType) -> str:
    """Returns a proof's name without its prefix."""
    if proof not in sender_admin_pb2.DomainProof.values():
        return str(int(proof))
    return sender_admin_pb2.DomainProof.Name(proof).removeprefix("DOMAIN_PROOF_")


def mailbox_state_name(state: mailbox_pb2.MailboxState.ValueType) -> str:
    """Returns a mailbox state's name without its prefix."""
    if state not in mailbox_pb2.MailboxState.values():
        return str(int(state))
    return mailbox_pb2.MailboxState.Name(state).removeprefix("MAILBOX_STATE_")


def holder_kind_name(kind: mailbox_pb2.HolderKind.ValueType) -> str:
    """Returns a kind of holder without its prefix."""
    if kind not in mailbox_pb2.HolderKind.values():
        return str(int(kind))
    return mailbox_pb2.HolderKind.Name(kind).removeprefix("HOLDER_KIND_")


def organisation(value: sender_admin_pb2.Organisation) -> Shape:
    """An organisation."""
    return {
        "organisation_id": value.organisation_id,
        "code": value.code,
        "display_name": value.display_name,
        "contract_state": contract_name(value.contract_state),
        "contract_end_date": day_of(value.contract_end_date, value.HasField("contract_end_date")),
        "registration_time": time_of(value.registration_time, value.HasField("registration_time")),
        "notification_policies": list(value.notification_policies),
        "etag": value.etag,
    }


def administrator(value: sender_admin_pb2.Administrator) -> Shape:
    """An administrator."""
    return {
        "organisation_id": value.organisation_id,
        "person_number": value.person_number,
        "display_name": value.display_name,
        "enable_time": time_of(value.enable_time, value.HasField("enable_time")),
        "disable_time": time_of(value.disable_time, value.HasField("disable_time")),
    }


def domain(value: sender_admin_pb2.Domain) -> Shape:
    """A domain."""
    return {
        "organisation_id": value.organisation_id,
        "name": value.name,
        "proof": proof_name(value.proof),
        "registration_time": time_of(value.registration_time, value.HasField("registration_time")),
    }


def sender_address(value: sender_admin_pb2.SenderAddress) -> Shape:
    """A sender address."""
    return {
        "sender_address_id": value.sender_address_id,
        "organisation_id": value.organisation_id,
        "address": value.address,
        "networks": list(value.networks),
        "host_names": list(value.host_names),
        "sms_permitted": value.sms_permitted,
        "suspended": value.suspended,
        "suspended_by_operator": value.suspended_by_operator,
        "registration_time": time_of(value.registration_time, value.HasField("registration_time")),
        "etag": value.etag,
    }


def binding(value: sender_admin_pb2.CertificateBinding) -> Shape:
    """A certificate's binding."""
    return {
        "certificate_sha256": value.certificate_sha256.hex(),
        "organisation_id": value.organisation_id,
        "sender_address_id": value.sender_address_id or None,
        "certificate_subject": value.certificate_subject,
        "expire_time": time_of(value.expire_time, value.HasField("expire_time")),
        "bind_time": time_of(value.bind_time, value.HasField("bind_time")),
        "revoke_time": time_of(value.revoke_time, value.HasField("revoke_time")),
    }


def act(value: sender_admin_pb2.AdministrativeAct) -> Shape:
    """An administrative act, without its evidence's document."""
    return {
        "evidence_id": value.evidence.evidence_id,
        "time": time_of(value.evidence.event_time, value.evidence.HasField("event_time")),
        "act": value.act,
        "actor": {
            "kind": value.actor.kind,
            "certificate_sha256": value.actor.certificate_sha256.hex(),
            "person_number": value.actor.person_number,
        },
        "client_address": value.client_address,
        "organisation_id": value.organisation_id,
        "resource_kind": value.resource_kind,
        "resource": value.resource,
        "changes": [
            {"field": change.field, "before": list(change.before), "after": list(change.after)}
            for change in value.changes
        ],
    }


def mailbox(value: mailbox_pb2.Mailbox) -> Shape:
    """A mailbox."""
    return {
        "mailbox_id": value.mailbox_id,
        "address": value.address,
        "holder_kind": holder_kind_name(value.holder_kind),
        "state": mailbox_state_name(value.state),
        "open_time": time_of(value.open_time, value.HasField("open_time")),
    }
