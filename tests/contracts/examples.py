"""Values that fit each other, each one new: tests may share a database."""

import hashlib
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

from namak.evidence.events import SUBMISSION_ACCEPTANCE, Event
from server.domain.deliveries import Delivery, Part, PartInfo
from server.domain.facts import Fact
from server.domain.ids import first_id
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.reasons import Reason
from server.domain.senders import (
    BindingRole,
    CertificateBinding,
    ContractState,
    Domain,
    Organisation,
    SenderAddress,
)
from server.usecases.records import RecordedRefusal

NOON = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
_numbers = itertools.count(1)


def number() -> int:
    """Returns a number that was never returned before."""
    return next(_numbers)


def new_id() -> UUID:
    """Returns a new identifier, greater than all before."""
    return UUID(int=number())


def id_at(time: datetime) -> UUID:
    """Returns a new identifier as it is made at a time."""
    return UUID(int=first_id(time).int + number())


def id_before(identifier: UUID) -> UUID:
    """Returns the identifier before another one."""
    return UUID(int=identifier.int - 1)


def at(seconds: float) -> datetime:
    """Returns a time so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def organisation() -> Organisation:
    return Organisation(new_id(), f"{number():08}", "Կոմիտե", ContractState.IN_FORCE, NOON)


def domain(owner: Organisation) -> Domain:
    return Domain(owner.id, f"d{number()}.am", "letter 1", NOON)


def address(owner: Organisation) -> SenderAddress:
    networks = (ip_network("198.51.100.0/24"), ip_network("2001:db8::/48"), ip_network("203.0.113.7/32"))
    return SenderAddress(new_id(), owner.id, f"a{number()}@src.am", networks, False, False, NOON)


def binding(
    owner: Organisation | None, only: SenderAddress | None = None
) -> tuple[CertificateBinding, bytes]:
    """Returns a sender's binding, or the operator's without an organisation, with its certificate."""
    certificate = f"certificate {number()}".encode()
    role = BindingRole.OPERATOR if owner is None else BindingRole.SENDER
    return (
        CertificateBinding(
            certificate_sha256=hashlib.sha256(certificate).digest(),
            role=role,
            organisation_id=None if owner is None else owner.id,
            sender_address_id=None if only is None else only.id,
            expires_at=at(86400),
            bound_at=NOON,
            revoked_at=None,
            subject=f"CN=machine {number()}",
        ),
        certificate,
    )


def mailbox(kind: HolderKind = HolderKind.PERSON) -> Mailbox:
    holder = f"{number():010}"
    return Mailbox(new_id(), f"{holder}@e-citizen.am", kind, holder, MailboxState.OPEN, NOON)


def part(content: bytes = b"%PDF-1.7") -> Part:
    digest = hashlib.sha256(content).digest()
    return Part(PartInfo(f"նամակ {number()}.pdf", "application/pdf", len(content), digest), content)


def delivery(to: Mailbox, by: SenderAddress, sequence: int, parts: Sequence[Part]) -> Delivery:
    return Delivery(
        id=new_id(),
        mailbox_id=to.id,
        organisation_id=by.organisation_id,
        sender_address_id=by.id,
        organisation_code="00000001",
        organisation_name="Կոմիտե",
        sender=by.address,
        recipient=to.address,
        subject="Ծանուցում",
        parts=tuple(each.info for each in parts),
        notification_policy="am-2015@1",
        sequence=sequence,
        submitted_at=NOON,
    )


def fact(of: Delivery, event: Event = SUBMISSION_ACCEPTANCE) -> Fact:
    data = f"evidence {number()}".encode()
    return Fact(
        id=new_id(),
        event=event,
        owner_id=of.mailbox_id,
        organisation_id=of.organisation_id,
        delivery_id=of.id,
        recorded_at=NOON,
        data=data,
        entry=hashlib.sha256(data).digest(),
    )


def refusal(of: Organisation, seconds: float) -> RecordedRefusal:
    return RecordedRefusal(
        organisation_id=of.id,
        request_id=f"refused-{number()}",
        reason=Reason.MAILBOX_UNKNOWN,
        text="no mailbox has the address 0@e-citizen.am",
        metadata={"recipient": "0@e-citizen.am", "ключ": "արժեք \"'{}"},
        evidence_id=new_id(),
        recorded_at=at(seconds),
    )
