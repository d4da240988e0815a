"""Acts on the registers: who acts in what capacity, on what, and what it was before and after.

Every administrative act is evidence (docs/receipts.md, "Administrative acts"). An act that changes nothing is
none.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from namak.evidence import succession
from namak.evidence.administrative_act import ActDetails, ActorKind, AdministrativeAct, FieldValue, Resource
from namak.evidence.administrative_act import Actor as EvidenceActor
from namak.evidence.document import Issuer, entry_of
from namak.evidence.times import format_time
from server.domain.caller import Clerk, Connection, Holder, IpAddress, Operator
from server.domain.evidence_building import Stamp
from server.domain.facts import Fact
from server.domain.ids import OPERATOR_ID
from server.domain.mailboxes import Mailbox
from server.domain.refusals import EtagMismatch, NotFound, Refused, ResourceNotPermitted
from server.domain.senders import CertificateBinding, Domain, Organisation, SenderAddress
from server.domain.sessions import Session

Snapshot = Mapping[str, FieldValue]
"""A thing's fields at one moment, by their names in the contract. What has no value is not there."""


@dataclass(frozen=True, slots=True)
class Administrator:
    """A person whom the operator enabled to act for an organisation (ADMIN-1).

    `person_number` is the national number; it stays when the card is renewed. `disabled_at` is None while the
    person is enabled.
    """

    organisation_id: UUID
    person_number: str
    name: str
    enabled_at: datetime
    disabled_at: datetime | None

    @property
    def enabled(self) -> bool:
        """Whether the person may act for the organisation."""
        return self.disabled_at is None


@dataclass(frozen=True, slots=True)
class ActingAdministrator:
    """A person who acts for one organisation in this call; what they are elsewhere does not count here."""

    connection: Connection
    person_number: str
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Somebody at the server's own command line. They hold the database, and so may do what the operator
    may.
    """


@dataclass(frozen=True, slots=True)
class TheServer:
    """The server by itself: what it does because time has passed."""


Actor = Operator | ActingAdministrator | CommandLine | Clerk | Holder | TheServer
"""Who asks for an administrative act, and in what capacity."""


def evidence_actor(by: Actor) -> tuple[EvidenceActor, IpAddress | None]:
    """Returns who acted, as evidence says it, and the address that the call came from."""
    match by:
        case Operator(connection):
            certificate = connection.certificate_sha256.hex()
            return EvidenceActor(ActorKind.OPERATOR, certificate), connection.address
        case ActingAdministrator(connection, person_number):
            certificate = connection.certificate_sha256.hex()
            return EvidenceActor(ActorKind.ADMINISTRATOR, certificate, person_number), connection.address
        case CommandLine():
            return EvidenceActor(ActorKind.COMMAND_LINE), None
        case Clerk(connection):
            return EvidenceActor(ActorKind.CLERK, connection.certificate_sha256.hex()), connection.address
        case Holder(connection, person_number):
            certificate = connection.certificate_sha256.hex()
            return EvidenceActor(ActorKind.HOLDER, certificate, person_number), connection.address
        case TheServer():
            return EvidenceActor(ActorKind.SERVER), None


def absent(by: Actor, kind: str, name: str) -> Refused:
    """Returns the refusal for what is not there, or is not the actor's: to administrators and holders both
    are one.
    """
    if isinstance(by, ActingAdministrator | Holder):
        return ResourceNotPermitted(kind)
    return NotFound(kind, name)


def owns(by: Actor, organisation_id: UUID | None) -> bool:
    """Tells whether the actor may act on an organisation's things; None is the operator's own."""
    return not isinstance(by, ActingAdministrator) or by.organisation_id == organisation_id


class ResourceKind(StrEnum):
    """What is acted on, as evidence spells it."""

    ORGANISATION = "ORGANISATION"
    DOMAIN = "DOMAIN"
    SENDER_ADDRESS = "SENDER_ADDRESS"
    CERTIFICATE_BINDING = "CERTIFICATE_BINDING"
    ADMINISTRATOR = "ADMINISTRATOR"
    MAILBOX = "MAILBOX"
    SESSION = "SESSION"
    LOGIN = "LOGIN"
    APPLICATION = "APPLICATION"
    USER_AGREEMENT = "USER_AGREEMENT"
    HOLDER = "HOLDER"
    MAILBOX_BLOCK = "MAILBOX_BLOCK"
    DELEGATION = "DELEGATION"
    SIGNATORY = "SIGNATORY"
    FORWARDING_TARGET = "FORWARDING_TARGET"
    PRINT_HOUSE = "PRINT_HOUSE"
    LOG_SHARD = succession.RESOURCE_KIND


def organisation_resource(organisation_id: UUID) -> Resource:
    """Names an organisation, for its own fields and its contract's."""
    return Resource(ResourceKind.ORGANISATION, str(organisation_id))


def domain_resource(name: str) -> Resource:
    """Names a domain, by its A-labels."""
    return Resource(ResourceKind.DOMAIN, name)


def sender_address_resource(sender_address_id: UUID) -> Resource:
    """Names a sender address."""
    return Resource(ResourceKind.SENDER_ADDRESS, str(sender_address_id))


def binding_resource(certificate_sha256: bytes) -> Resource:
    """Names a certificate binding."""
    return Resource(ResourceKind.CERTIFICATE_BINDING, certificate_sha256.hex())


def administrator_resource(person_number: str) -> Resource:
    """Names an administrator; of which organisation, the act itself says."""
    return Resource(ResourceKind.ADMINISTRATOR, person_number)


def mailbox_resource(address: str) -> Resource:
    """Names a mailbox, by its address."""
    return Resource(ResourceKind.MAILBOX, address)


def application_resource(application_id: UUID) -> Resource:
    """Names an application."""
    return Resource(ResourceKind.APPLICATION, str(application_id))


def agreement_resource(version: str) -> Resource:
    """Names a version of the user agreement."""
    return Resource(ResourceKind.USER_AGREEMENT, version)


def delegation_resource(delegation_id: UUID) -> Resource:
    """Names a delegation."""
    return Resource(ResourceKind.DELEGATION, str(delegation_id))


def forwarding_target_resource(target_id: UUID) -> Resource:
    """Names one of a holder's forwarding targets."""
    return Resource(ResourceKind.FORWARDING_TARGET, str(target_id))


def signatory_resource(address: str) -> Resource:
    """Names the registered signatory of the entity whose mailbox this is."""
    return Resource(ResourceKind.SIGNATORY, address)


def holder_resource(address: str) -> Resource:
    """Names what is known of a mailbox's holder, by the mailbox's address."""
    return Resource(ResourceKind.HOLDER, address)


def block_resource(block_id: UUID) -> Resource:
    """Names mailboxes that were opened together."""
    return Resource(ResourceKind.MAILBOX_BLOCK, str(block_id))


def session_resource(session_id: UUID) -> Resource:
    """Names a session; whose it is, the act does not say: evidence is for ever, and sessions are not."""
    return Resource(ResourceKind.SESSION, str(session_id))


def login_resource(login: str) -> Resource:
    """Names a login."""
    return Resource(ResourceKind.LOGIN, login)


def organisation_snapshot(organisation: Organisation) -> Snapshot:
    """Returns an organisation's fields and its contract's."""
    last_day = organisation.contract_ends_on
    return {
        "code": organisation.code,
        "display_name": organisation.name,
        "contract_state": organisation.contract_state.value,
        **({} if last_day is None else {"contract_end_date": last_day.isoformat()}),
        **(
            {"notification_policies": organisation.notification_policies}
            if organisation.notification_policies
            else {}
        ),
    }


def domain_snapshot(domain: Domain) -> Snapshot:
    """Returns a domain's fields."""
    return {
        "name": domain.name,
        "proof": domain.proof.value,
        "document_reference": domain.document_reference,
    }


def sender_address_snapshot(address: SenderAddress) -> Snapshot:
    """Returns a sender address's fields."""
    networks = tuple(str(network) for network in address.networks)
    return {
        "address": address.address,
        **({"networks": networks} if networks else {}),
        **({"host_names": address.host_names} if address.host_names else {}),
        "sms_permitted": _flag(address.sms_permitted),
        "suspended": _flag(address.suspended),
        "suspended_by_operator": _flag(address.suspended_by_operator),
    }


def binding_snapshot(binding: CertificateBinding) -> Snapshot:
    """Returns a binding's fields."""
    narrowed = {} if binding.sender_address_id is None else {"sender_address": str(binding.sender_address_id)}
    revoked = {} if binding.revoked_at is None else {"revoke_time": format_time(binding.revoked_at)}
    return {
        "role": binding.role.value,
        **({"display_name": binding.portal_name} if binding.portal_name else {}),
        **({"certificate_subject": binding.subject} if binding.subject else {}),
        **({} if binding.print_house_id is None else {"print_house": str(binding.print_house_id)}),
        **narrowed,
        "expire_time": format_time(binding.expires_at),
        **revoked,
    }


def administrator_snapshot(administrator: Administrator) -> Snapshot:
    """Returns an administrator's fields."""
    return {"display_name": administrator.name, "enabled": _flag(administrator.enabled)}


def mailbox_snapshot(mailbox: Mailbox) -> Snapshot:
    """Returns a mailbox's fields."""
    return {"address": mailbox.address, "state": mailbox.state.value}


def session_snapshot(session: Session) -> Snapshot:
    """Returns a session's fields, without its holder."""
    ended = {} if session.ended_at is None else {"end_time": format_time(session.ended_at)}
    ending = {} if session.ending is None else {"ending": session.ending.value}
    return {
        "portal": session.portal_name,
        "method": session.method.value,
        "start_time": format_time(session.started_at),
        **ended,
        **ending,
    }


def print_house_resource(print_house_id: UUID) -> Resource:
    """Names a print house."""
    return Resource(ResourceKind.PRINT_HOUSE, str(print_house_id))


def log_shard_resource(origin: str) -> Resource:
    """Names a shard of the log."""
    return Resource(ResourceKind.LOG_SHARD, origin)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def etag_of(snapshot: Snapshot) -> str:
    """Returns what tells one state of a thing from another (AIP-154): a digest of all its fields.

    A thing that was changed and changed back has the etag it had: who decided on that state decided rightly.
    """
    digest = hashlib.sha256(b"namak-etag/1\x00")
    for name, value in sorted(snapshot.items()):
        items = (value,) if isinstance(value, str) else value
        for text in (name, "value" if isinstance(value, str) else "list", str(len(items)), *items):
            data = text.encode()
            digest.update(len(data).to_bytes(8, "big"))
            digest.update(data)
    return digest.hexdigest()[:32]


def check_etag(kind: str, given: str, snapshot: Snapshot) -> None:
    """Checks the etag that came with a change; an empty one asks for no check. Raises `EtagMismatch`."""
    current = etag_of(snapshot)
    if given and given != current:
        raise EtagMismatch(kind, current)


def act_evidence(stamp: Stamp, details: ActDetails, organisation_id: UUID | None) -> Fact:
    """Makes the evidence of an administrative act on a thing of this organisation's; None where it is
    nobody's or the operator's.
    """
    document = AdministrativeAct(
        evidence_id=stamp.evidence_id,
        event_time=stamp.recorded_at,
        policy_id=stamp.profile.evidence_policy,
        issuer=Issuer(stamp.profile.operator_identifier, stamp.profile.operator_name),
        salt=stamp.salt,
        details=details,
    )
    data = document.encode()
    return Fact(
        id=document.evidence_id,
        event=document.event,
        owner_id=organisation_id or OPERATOR_ID,
        organisation_id=organisation_id or OPERATOR_ID,
        delivery_id=None,
        recorded_at=document.event_time,
        data=data,
        entry=entry_of(data),
    )
