"""Who may sign for an entity, asked of the register anew: directors come, stay and go."""

from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.administrative_act import ActorKind, RecordedAct
from namak.evidence.delegation import SIGNATORY, SignatoryEntry, is_ended_by
from server.domain.caller import Clerk, Holder, Operator
from server.domain.delegations import KnownSignatories
from server.domain.refusals import (
    InvalidFields,
    MailboxUnknown,
    RequestIdReused,
    ResourceNotPermitted,
    ServiceUnavailable,
)
from server.domain.state_records import EntityRecord, EntityState
from server.domain.state_records import Signatory as RegisteredSignatory
from server.jurisdictions.am import AM
from server.usecases.administration import Administration
from server.usecases.holder_rights import held
from server.usecases.reading import ConfirmReading, IssueStatement, OpenMessage
from server.usecases.signatories import RefreshSignatories, SignatoryRegister
from server.usecases.signatory_rounds import SignatoryRounds
from tests.fakes.state_registers import FakeStateRegisters
from tests.unit.usecases.delegation_world import DIRECTOR, Scene
from tests.unit.usecases.world import ANI_ADDRESS, BOB

SECOND = "5001950088"


class Entity(Scene):
    """An entity with one director, whom the release before entered, and the register of entities."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.registers = FakeStateRegisters()
        self.register = SignatoryRegister(
            administration=Administration(
                uow=self.uow, clock=self.clock, entropy=self.entropy, wake_log=self.log.wake, profile=AM
            ),
            clock=self.clock,
            entropy=self.entropy,
            registers=self.registers,
        )
        self.address = self.entity_box.address
        self.operator = Operator(self.ani.connection)
        self.second = self.holder(SECOND)

    async def refresh(
        self, *directors: str, request_id: str | None = None, by: Operator | Clerk | None = None
    ) -> KnownSignatories:
        """Has the register name these directors, and asks it, a minute later than before."""
        code = self.entity_box.holder_number
        signatories = tuple(RegisteredSignatory(each, "Արամ") for each in directors)
        self.registers.show_entity(EntityRecord(code, "ՍՊԸ", EntityState.REGISTERED, None, "", signatories))
        self.clock.move(timedelta(minutes=1))
        self.requests += 1
        command = RefreshSignatories(
            by or self.operator, request_id or f"refresh-{self.requests}", self.address
        )
        return await self.register.refresh(command)

    def entries(self) -> list[RecordedAct]:
        return [act for act in self.acts() if act.document.details.resource.kind == SIGNATORY]


@pytest.fixture
def entity() -> Entity:
    return Entity()


async def test_two_directors_act_beside_each_other(entity: Entity) -> None:
    known = await entity.refresh(DIRECTOR, SECOND)

    assert {each.person_number for each in known.entries} == {DIRECTOR, SECOND}
    # Who stays keeps the entry of the release before, and with it what was signed under it.
    assert known.of(DIRECTOR) == entity.entry
    assert known.register_time == entity.clock.now()
    for person in (entity.director, entity.second):
        await entity.standings.check(person, entity.address)
    (act,) = entity.entries()
    assert SignatoryEntry.made_by(act) == SignatoryEntry(entity.address, SECOND, known.register_time)
    assert act.digest == (known.of(SECOND) or entity.entry).digest.hex()
    assert (act.document.details.actor.kind, act.document.details.request_id) == (ActorKind.SERVER, None)


async def test_whom_the_register_names_no_longer_is_out_and_the_act_says_whose_entry_ended(
    entity: Entity,
) -> None:
    await entity.refresh(DIRECTOR, SECOND)
    (entered,) = entity.entries()
    known = await entity.refresh(DIRECTOR)

    assert [each.person_number for each in known.entries] == [DIRECTOR]
    with pytest.raises(ResourceNotPermitted):
        await entity.standings.check(entity.second, entity.address)
    await entity.standings.check(entity.director, entity.address)
    _, ending = entity.entries()
    assert ending.document.details.after is None
    assert is_ended_by(entered, ending)


async def test_the_director_whom_the_release_before_entered_goes_for_it_too(entity: Entity) -> None:
    known = await entity.refresh(SECOND)

    assert [each.person_number for each in known.entries] == [SECOND]
    with pytest.raises(ResourceNotPermitted):
        await entity.standings.check(entity.director, entity.address)
    async with entity.uow.reading() as tx:
        for person, may in ((entity.director, False), (entity.second, True)):
            assert await _holds(tx, person, entity.address) is may
    assert entity.uow.committed.signatories[entity.entity_box.id].person_number == SECOND


async def test_a_director_who_comes_back_is_entered_anew(entity: Entity) -> None:
    await entity.refresh(SECOND)
    known = await entity.refresh(DIRECTOR, SECOND)

    entry = known.of(DIRECTOR)
    assert entry is not None
    assert entry.evidence_id != entity.entry.evidence_id
    await entity.standings.check(entity.director, entity.address)


async def test_a_statement_of_a_director_who_has_gone_is_accepted_no_more(entity: Entity) -> None:
    delivery = await entity.delivered(recipient=entity.address)
    command = OpenMessage(entity.director, delivery.id, entity.address)
    await entity.reading.open_message(command)
    issued = await entity.reading.issue_statement(
        IssueStatement(entity.director, delivery.id, entity.address)
    )
    await entity.refresh(SECOND)

    cms = entity.cards.sign(DIRECTOR, issued.text)
    with pytest.raises(ResourceNotPermitted):
        await entity.reading.confirm_reading(
            ConfirmReading(entity.director, delivery.id, issued.id, cms, entity.address)
        )


async def test_what_was_granted_by_one_who_has_gone_goes_on(entity: Entity) -> None:
    await entity.grant(entity.director, BOB, mailbox=entity.address)
    await entity.refresh(SECOND)

    await entity.standings.check(entity.bob, entity.address)


async def test_nothing_new_leaves_no_act_but_the_time(entity: Entity) -> None:
    first = await entity.refresh(DIRECTOR)
    second = await entity.refresh(DIRECTOR)

    assert entity.entries() == []
    assert second.entries == first.entries
    assert second.register_time > first.register_time


async def test_a_repetition_asks_nobody_and_tells_who_they_are_by_then(entity: Entity) -> None:
    first = await entity.refresh(DIRECTOR, SECOND, request_id="once")
    entity.registers.fall_silent()

    assert await entity.refresh(DIRECTOR, request_id="once") == first
    with pytest.raises(RequestIdReused):
        await entity.register.refresh(RefreshSignatories(entity.operator, "once", ANI_ADDRESS))


async def test_while_the_register_is_down_nothing_changes_and_the_request_is_free(entity: Entity) -> None:
    entity.registers.fall_silent()
    with pytest.raises(ServiceUnavailable):
        await entity.refresh(SECOND, request_id="later")
    await entity.standings.check(entity.director, entity.address)
    assert entity.entries() == []

    entity.registers.come_back()
    known = await entity.refresh(SECOND, request_id="later")
    assert [each.person_number for each in known.entries] == [SECOND]


async def test_an_earlier_answer_never_replaces_a_later_one(entity: Entity) -> None:
    later = await entity.refresh(SECOND)
    entity.clock.move(timedelta(minutes=-30))

    assert await entity.refresh(DIRECTOR) == later
    with pytest.raises(ResourceNotPermitted):
        await entity.standings.check(entity.director, entity.address)


async def test_the_register_is_asked_with_no_transaction_open(entity: Entity) -> None:
    asked, ask = [], entity.registers.entity

    async def watched(code: str, *, no_older_than: timedelta = timedelta.max) -> object:
        asked.append((no_older_than, entity.uow.open_here))
        return await ask(code, no_older_than=no_older_than)

    entity.registers.entity = watched  # type: ignore[method-assign, assignment]
    await entity.refresh(SECOND)

    assert asked == [(timedelta(0), 0)]


async def test_an_entity_that_the_register_does_not_have_has_no_signatories(entity: Entity) -> None:
    entity.clock.move(timedelta(minutes=1))
    known = await entity.register.refresh(RefreshSignatories(entity.operator, "gone", entity.address))

    assert known.entries == ()
    with pytest.raises(ResourceNotPermitted):
        await entity.standings.check(entity.director, entity.address)


async def test_a_persons_mailbox_and_one_that_is_not_there_are_refused(entity: Entity) -> None:
    command = RefreshSignatories(entity.operator, "wrong", ANI_ADDRESS)
    with pytest.raises(InvalidFields):
        await entity.register.refresh(command)
    with pytest.raises(MailboxUnknown):
        await entity.register.refresh(replace(command, address="99999999@e-citizen.am"))


async def test_a_clerk_may_ask(entity: Entity) -> None:
    known = await entity.refresh(SECOND, by=Clerk(entity.ani.connection))

    assert [each.person_number for each in known.entries] == [SECOND]


async def _holds(tx: object, person: Holder, address: str) -> bool:
    try:
        await held(tx, person, address)  # type: ignore[arg-type]
    except ResourceNotPermitted:
        return False
    return True


def rounds(entity: Entity) -> SignatoryRounds:
    period = AM.registration.signatories_every
    return SignatoryRounds(uow=entity.uow, clock=entity.clock, register=entity.register, period=period)


async def test_a_dismissed_director_loses_the_right_within_the_period_without_anybodys_request(
    entity: Entity,
) -> None:
    await entity.refresh(DIRECTOR, SECOND)
    code = entity.entity_box.holder_number
    entity.registers.show_entity(
        EntityRecord(code, "ՍՊԸ", EntityState.REGISTERED, None, "", (RegisteredSignatory(SECOND, "Արամ"),))
    )
    entity.clock.move(AM.registration.signatories_every)
    assert await rounds(entity).work_off() == 0, "what was said is relied on for the whole period"
    entity.clock.move(timedelta(microseconds=1))

    assert await rounds(entity).work_off() == 1

    async with entity.uow.reading() as tx:
        known = await tx.signatories.known(entity.entity_box.id)
    assert known is not None
    assert [each.person_number for each in known.entries] == [SECOND]
    assert known.register_time == entity.clock.now()
    assert entity.entries()[-1].document.details.actor.kind is ActorKind.SERVER
    assert await rounds(entity).work_off() == 0


async def test_a_register_that_is_away_takes_nobodys_right_and_is_asked_again(entity: Entity) -> None:
    await entity.refresh(DIRECTOR)
    entity.clock.move(2 * AM.registration.signatories_every)
    entity.registers.fall_silent()

    assert await rounds(entity).work_off() == 0
    async with entity.uow.reading() as tx:
        known = await tx.signatories.known(entity.entity_box.id)
    assert known is not None
    assert [each.person_number for each in known.entries] == [DIRECTOR]
    entity.registers.come_back()
    assert await rounds(entity).work_off() == 1
