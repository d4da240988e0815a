"""Certificates are made of what their caller may see, whole or not at all."""

import asyncio
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.delivery_certificate.account import Account
from namak.delivery_certificate.page import Page
from namak.delivery_certificate.statement import Audience, Statement
from namak.evidence import events
from namak.evidence.details_outside import NudgeFailureDetails
from namak.evidence.document import EvidenceDocument, entry_of
from namak.evidence.timestamp_file import timestamp_file
from namak.signatures.prepared import PreparedPdf
from server.domain.caller import Holder, Sender
from server.domain.deliveries import Delivery
from server.domain.refusals import (
    CertificatesNotOffered,
    CertificateTooLarge,
    EvidenceCorrupt,
    Overloaded,
    ResourceNotPermitted,
    ServiceUnavailable,
)
from server.usecases import delivery_certificates
from server.usecases.certificate_ports import Certificate, CertificateNotSet, SealUnavailable
from server.usecases.delivery_certificates import (
    DeliveryCertificates,
    GetDeliveryCertificate,
    MadeCertificate,
    Office,
)
from server.usecases.reading import ConfirmReading
from server.usecases.records import LoggedReceipt
from tests.unit.evidence_documents.world import ORIGIN, Log
from tests.unit.usecases.world import MemoryLog, World


class ProvingLog(MemoryLog):
    """A log whose receipts are proofs."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = Log()

    async def receipts(
        self,
        evidence: Mapping[UUID, bytes],
        *,
        wait_seconds: float,
        reply_by: float = math.inf,
        since: int | None = None,
    ) -> Mapping[UUID, LoggedReceipt]:
        found = await super().receipts(evidence, wait_seconds=wait_seconds, reply_by=reply_by, since=since)
        return {one: replace(each, tlog_proof=self.proof(each.tlog_proof)) for one, each in found.items()}

    def proof(self, data: bytes) -> bytes:
        self.tree.entries.append(entry_of(data))
        return self.tree.proof(data, len(self.tree.entries) - 1).encode()


class Setter:
    """Keeps what it was to set; waits, or fails, when told to."""

    def __init__(self) -> None:
        self.certificates: list[Certificate] = []
        self.failing = False
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def render(self, certificate: Certificate) -> PreparedPdf:
        await self.go_on.wait()
        if self.failing:
            raise CertificateNotSet("its process died")
        self.certificates.append(certificate)
        return PreparedPdf(b"%PDF-", b"digest", 0, 2)

    @property
    def last(self) -> tuple[Statement, Account, Page]:
        certificate = self.certificates[-1]
        account = certificate.account()
        statement, _, page = certificate.written(account)
        return statement, account, page


class Stamp:
    """A seal that can be away."""

    def __init__(self) -> None:
        self.away = False

    async def seal(self, prepared: PreparedPdf) -> bytes:
        if self.away:
            raise SealUnavailable("no token")
        return prepared.data + b"sealed"


class Scene:
    """A post with an office for certificates."""

    def __init__(self) -> None:
        self.log = ProvingLog()
        self.world = World(log=self.log)
        self.setter, self.stamp = Setter(), Stamp()
        self.office: Office | None = Office(self.setter, self.stamp, "e-citizen.am/verify")

    @property
    def certificates(self) -> DeliveryCertificates:
        world = self.world
        return DeliveryCertificates(
            uow=world.uow,
            log=world.log,
            witnessed=world.witnessed,
            timestamped=world.timestamped,
            clock=world.clock,
            office=self.office,
        )

    async def confirmed(self) -> Delivery:
        delivery = await self.world.opened()
        statement_id, cms = await self.world.signed(delivery)
        await self.world.reading.confirm_reading(
            ConfirmReading(self.world.ani, delivery.id, statement_id, cms)
        )
        return delivery

    async def made(self, caller: Sender | Holder, delivery_id: UUID, language: str = "hy") -> MadeCertificate:
        return await self.certificates.make(
            GetDeliveryCertificate(caller, delivery_id, language, wait_seconds=1.0)
        )


@pytest.fixture
def scene() -> Scene:
    return Scene()


def told(account: Account) -> list[str]:
    return [each.document.event.name for each in account.facts]


async def test_a_sender_gets_its_own_audiences_facts_with_the_subject_and_the_effect(scene: Scene) -> None:
    delivery = await scene.confirmed()
    made = await scene.made(scene.world.agency, delivery.id)

    statement, account, _ = scene.setter.last
    assert told(account) == [
        "SubmissionAcceptance",
        "ContentConsignment",
        "ContentAccessTracking",
        "ReadingConfirmed",
        "NotificationEffected",
    ]
    assert (statement.audience, statement.subject) == (Audience.SENDER, delivery.subject)
    assert statement.site == "e-citizen.am/verify"
    assert statement.effect is not None
    assert made.pdf == b"%PDF-sealed"
    assert (made.receipts, made.origin, made.tree_size) == (5, ORIGIN, 5)
    assert made.made_at == scene.world.clock.now() == statement.made_time


async def test_a_holders_own_facts_are_in_the_holders_certificate_and_not_in_the_senders(
    scene: Scene,
) -> None:
    world = scene.world
    delivery = await scene.confirmed()
    consigned = next(
        fact for fact in world.uow.committed.evidence.values() if fact.event == events.CONTENT_CONSIGNMENT
    )
    said = replace(
        EvidenceDocument.parse(consigned.data),
        evidence_id=world.entropy.new_id(),
        event=events.RELAY_TO_NON_ERDS_FAILURE,
        details=NudgeFailureDetails("ab" * 32, channel="EMAIL", cause="BOUNCED"),
    ).encode()
    failure = replace(
        consigned,
        id=EvidenceDocument.parse(said).evidence_id,
        event=events.RELAY_TO_NON_ERDS_FAILURE,
        data=said,
        entry=entry_of(said),
    )
    world.uow.committed.evidence[failure.owner_id, failure.id] = failure

    await scene.made(world.agency, delivery.id)
    assert "RelayToNonERDSFailure" not in told(scene.setter.last[1])
    await scene.made(world.ani, delivery.id)
    statement, account, page = scene.setter.last
    assert statement.audience is Audience.HOLDER
    assert "RelayToNonERDSFailure" in told(account)
    assert "SubmissionAcceptance" not in told(account)
    assert any("BOUNCED" in line for moment in page.moments for line in moment.lines)


async def test_whose_it_is_not_gets_the_same_answer_as_for_what_there_is_not(scene: Scene) -> None:
    delivery = await scene.confirmed()

    for caller, delivery_id in (
        (scene.world.bob, delivery.id),
        (scene.world.sender(scene.world.other), delivery.id),
        (scene.world.agency, UUID(int=1)),
    ):
        with pytest.raises(ResourceNotPermitted):
            await scene.made(caller, delivery_id)


async def test_a_fact_that_has_no_receipt_yet_makes_no_certificate(scene: Scene) -> None:
    delivery = await scene.confirmed()
    scene.world.log.withheld = {
        fact.id
        for fact in scene.world.uow.committed.evidence.values()
        if fact.event == events.NOTIFICATION_EFFECTED
    }

    with pytest.raises(ServiceUnavailable):
        await scene.made(scene.world.agency, delivery.id)
    assert scene.setter.certificates == []


async def test_witnessed_receipts_are_taken_where_there_are_some(scene: Scene) -> None:
    delivery = await scene.confirmed()
    world = scene.world
    asked_before = len(world.log.asked)
    world.witnessed.active = True

    await scene.made(world.agency, delivery.id)
    assert world.witnessed.waited == [0.0] * 5
    # None was witnessed yet.
    assert len(world.log.asked[asked_before][0]) == 5


async def test_timestamped_receipts_are_taken_before_all_others(scene: Scene) -> None:
    delivery = await scene.confirmed()
    world = scene.world
    world.timestamped.active = world.witnessed.active = True

    await scene.made(world.agency, delivery.id)
    assert world.timestamped.waited == world.witnessed.waited == [0.0] * 5
    world.timestamped.stamped = {evidence_id for _, evidence_id in world.uow.committed.evidence}
    world.timestamped.gen_time = max(fact.recorded_at for fact in world.uow.committed.evidence.values())
    world.timestamped.prove = scene.log.proof
    await scene.made(world.agency, delivery.id)
    assert len(world.witnessed.waited) == 5
    (certificate,) = scene.setter.certificates[1:]
    assert [name.rpartition("-")[2] for name in certificate.timestamps] == [
        *("SubmissionAcceptance.tsa.tsr", "ContentConsignment.tsa.tsr", "ContentAccessTracking.tsa.tsr"),
        *("ReadingConfirmed.tsa.tsr", "NotificationEffected.tsa.tsr"),
    ]
    assert set(certificate.timestamps.values()) == {timestamp_file(b"token")}


@pytest.mark.parametrize(("after", "is_taken"), [(600, True), (601, False)])
async def test_a_timestamp_that_came_late_is_taken_only_where_nobody_witnessed(
    scene: Scene, after: int, is_taken: bool
) -> None:
    delivery = await scene.confirmed()
    world, evidence = scene.world, {evidence_id for _, evidence_id in scene.world.uow.committed.evidence}
    world.timestamped.active = world.witnessed.active = True
    world.timestamped.stamped, world.timestamped.prove = evidence, scene.log.proof
    recorded = [fact.recorded_at for fact in world.uow.committed.evidence.values()]
    world.timestamped.gen_time = (min if is_taken else max)(recorded) + timedelta(seconds=after)

    await scene.made(world.agency, delivery.id)
    assert len(world.witnessed.waited) == (0 if is_taken else 5)
    (certificate,) = scene.setter.certificates
    # Nobody witnessed it: late is better than never.
    assert len(certificate.timestamps) == 5


async def test_without_a_seal_none_are_made(scene: Scene) -> None:
    delivery = await scene.confirmed()
    scene.office = None

    with pytest.raises(CertificatesNotOffered):
        await scene.made(scene.world.agency, delivery.id)


async def test_more_evidence_than_fits_is_refused_and_not_cut(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = await scene.confirmed()
    monkeypatch.setattr(delivery_certificates, "MOST_PROOFS", 4)

    with pytest.raises(CertificateTooLarge) as refused:
        await scene.made(scene.world.agency, delivery.id)
    assert refused.value.metadata == {"limit": "4"}


async def test_stored_evidence_that_is_not_what_was_logged_is_not_certified(scene: Scene) -> None:
    delivery = await scene.confirmed()
    evidence = scene.world.uow.committed.evidence
    key, fact = next(
        (key, fact) for key, fact in evidence.items() if fact.event == events.CONTENT_CONSIGNMENT
    )
    evidence[key] = replace(fact, data=fact.data + b" ")

    with pytest.raises(EvidenceCorrupt):
        await scene.made(scene.world.agency, delivery.id)


async def test_a_seal_and_a_setter_that_are_away_are_unavailable_and_come_back(scene: Scene) -> None:
    delivery = await scene.confirmed()

    scene.stamp.away = True
    with pytest.raises(ServiceUnavailable):
        await scene.made(scene.world.agency, delivery.id)
    scene.stamp.away, scene.setter.failing = False, True
    with pytest.raises(ServiceUnavailable):
        await scene.made(scene.world.agency, delivery.id)
    scene.setter.failing = False
    assert (await scene.made(scene.world.agency, delivery.id)).pdf


async def test_more_at_once_than_can_wait_are_refused_and_the_others_are_made(scene: Scene) -> None:
    delivery = await scene.confirmed()
    scene.setter.go_on.clear()
    office = scene.certificates
    command = GetDeliveryCertificate(scene.world.agency, delivery.id, "en", wait_seconds=1.0)

    waiting = [asyncio.create_task(office.make(command)) for _ in range(delivery_certificates.MOST_WAITING)]
    await asyncio.sleep(0)  # each begins
    assert office.making == delivery_certificates.MOST_WAITING
    with pytest.raises(Overloaded):
        await office.make(command)
    scene.setter.go_on.set()
    assert len(await asyncio.gather(*waiting)) == delivery_certificates.MOST_WAITING
    assert (await office.make(command)).pdf
