"""What the use cases of `tests.rpc.desks` give back: one of each kind."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID, uuid4

from namak.evidence.delegation import DelegationTerms, Right
from namak.evidence.events import Event
from namak.evidence.sign_in import Purpose
from server.domain.caller import Assurance, Holder, Portal
from server.domain.delegations import Delegation
from server.domain.deliveries import Delivery, Part, PartInfo, Submission
from server.domain.facts import Fact
from server.domain.sessions import Method, Session, SignIn

NOW = datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC)
SUSPENDED = "suspended@src.am"
NOBODYS_NUMBER, CLOSED_NUMBER = "9999999999", "8888888888"
KNOWN_DELIVERY = UUID("0192f0c3-0000-7000-8000-000000000001")
REVOCATION_LIST = bytes(range(256)) * 600


def fact_of(event: Event, delivery_id: UUID) -> Fact:
    data = f'{{"event":"{event.name}","delivery":"{delivery_id}"}}'.encode()
    return Fact(uuid4(), event, uuid4(), uuid4(), delivery_id, NOW, data, hashlib.sha256(data).digest())


def delivery_of(submission: Submission, organisation_id: UUID) -> Delivery:
    return Delivery(
        id=uuid4(),
        mailbox_id=uuid4(),
        organisation_id=organisation_id,
        sender_address_id=uuid4(),
        organisation_code="00000001",
        organisation_name="State Revenue Committee",
        sender=submission.sender,
        recipient=submission.recipient,
        subject=submission.subject,
        parts=tuple(part.info for part in submission.parts),
        notification_policy="am-2015@1",
        sequence=1,
        submitted_at=NOW,
    )


def part_of(content: bytes, name: str = "letter.pdf") -> Part:
    return Part(PartInfo(name, "application/pdf", len(content), hashlib.sha256(content).digest()), content)


def sign_in_by(by: Portal | Holder) -> SignIn:
    return SignIn(
        id=uuid4(),
        purpose=Purpose.SIGN_IN,
        method=Method.CERTIFICATE,
        text=b"a challenge",
        portal_sha256=by.connection.certificate_sha256,
        portal_name="e-citizen.am",
        ends_others=False,
        issued_at=NOW,
        expires_at=NOW,
    )


def session_of(person_number: str) -> Session:
    return Session(
        id=uuid4(),
        sign_in_id=uuid4(),
        person_number=person_number,
        portal_sha256=bytes(32),
        portal_name="e-citizen.am",
        method=Method.CERTIFICATE,
        assurance=Assurance.SIGNATURE,
        started_at=NOW,
        expires_at=NOW,
    )


def delegation_of(delegation_id: UUID) -> Delegation:
    terms = DelegationTerms("5001950015@e-citizen.am", "5001950016", Right.READ, NOW, NOW)
    return Delegation(delegation_id, uuid4(), terms, "5001950015", NOW, KNOWN_DELIVERY, bytes(32))
