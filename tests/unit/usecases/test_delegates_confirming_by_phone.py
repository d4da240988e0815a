"""A delegate confirms with a phone of their own: right, statement and evidence are those of any delegate."""

import pytest

from namak.evidence.delegation import Right
from namak.evidence.details import ConfirmationDetails
from namak.evidence.document import RecordedFact
from namak.evidence.statement import Statement
from server.domain.deliveries import Delivery
from server.domain.refusals import ResourceNotPermitted, StatementNotIssued
from server.usecases.phone_confirmation import (
    CompleteConfirmationByPhone,
    StartConfirmationByPhone,
    StartedConfirmation,
)
from server.usecases.reading import ConfirmedReading, OpenMessage
from server.usecases.sign_in_proofs import Pending
from tests.fakes.sim import Sim, new_sim
from tests.unit.usecases.delegation_world import Scene
from tests.unit.usecases.phone_world import ISSUER, WAIT, PhoneWorld
from tests.unit.usecases.world import ANI_ADDRESS, BOB, ENTITY_ADDRESS


class DelegatesPhone:
    """Ani's mailbox with a letter, and Bob with a phone of his own."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.post = PhoneWorld(world=self.scene)
        self.sim: Sim = self.post.mobile.know(new_sim(ISSUER, phone="+37499000077", person_number=BOB))

    async def opened(self) -> Delivery:
        delivery = await self.scene.delivered()
        await self.scene.reading.open_message(OpenMessage(self.scene.bob, delivery.id, ANI_ADDRESS))
        return delivery

    async def start(self, delivery: Delivery, mailbox: str | None = ANI_ADDRESS) -> StartedConfirmation:
        bob = self.scene.bob
        return await self.post.desk.start(
            StartConfirmationByPhone(bob, delivery.id, self.sim.phone, "hy", mailbox)
        )

    async def complete(
        self, started: StartedConfirmation, mailbox: str | None = ANI_ADDRESS
    ) -> ConfirmedReading | Pending:
        bob = self.scene.bob
        return await self.post.desk.complete(
            CompleteConfirmationByPhone(bob, started.id, None, WAIT, mailbox)
        )


@pytest.fixture
def phone() -> DelegatesPhone:
    return DelegatesPhone()


async def test_a_delegate_confirms_by_phone_under_the_act_that_gave_the_right(phone: DelegatesPhone) -> None:
    granted = await phone.scene.grant(phone.scene.ani)
    delivery = await phone.opened()
    started = await phone.start(delivery)
    assert Statement.parse(started.statement.text).right == granted.grant_digest.hex()
    await phone.sim.enter_right()

    confirmed = await phone.complete(started)

    assert isinstance(confirmed, ConfirmedReading)
    details = RecordedFact.parse(confirmed.evidence[0].data).document.details
    assert isinstance(details, ConfirmationDetails)
    assert details.right == granted.grant_digest.hex()

    assert await phone.complete(started) == confirmed


@pytest.mark.parametrize("right", [Right.READ, None])
async def test_no_phone_rings_for_who_may_not_confirm(phone: DelegatesPhone, right: Right | None) -> None:
    reader = await phone.scene.grant(phone.scene.ani, right=Right.READ)
    delivery = await phone.opened()
    if right is None:
        await phone.scene.revoke(phone.scene.ani, reader)

    with pytest.raises(ResourceNotPermitted):
        await phone.start(delivery)

    assert phone.post.uow.committed.phone_confirmations == {}
    assert phone.post.uow.committed.tries == {}


async def test_what_is_signed_after_the_right_was_revoked_confirms_nothing(phone: DelegatesPhone) -> None:
    granted = await phone.scene.grant(phone.scene.ani)
    delivery = await phone.opened()
    started = await phone.start(delivery)
    await phone.scene.revoke(phone.scene.ani, granted)
    await phone.sim.enter_right()

    with pytest.raises(ResourceNotPermitted):
        await phone.complete(started)
    # Nor does a right that is given anew make it one: the statement names the act that was taken back.
    await phone.scene.grant(phone.scene.ani)
    with pytest.raises(StatementNotIssued):
        await phone.complete(started)
    assert phone.scene.uow.committed.confirmations == {}


@pytest.mark.parametrize("mailbox", [None, ENTITY_ADDRESS])
async def test_it_is_completed_in_the_mailbox_that_it_was_started_for(
    phone: DelegatesPhone, mailbox: str | None
) -> None:
    await phone.scene.grant(phone.scene.ani)
    started = await phone.start(await phone.opened())
    await phone.sim.enter_right()

    with pytest.raises(ResourceNotPermitted):
        await phone.complete(started, mailbox)

    assert phone.scene.uow.committed.confirmations == {}
    assert isinstance(await phone.complete(started), ConfirmedReading)
