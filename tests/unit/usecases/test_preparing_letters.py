"""Letters that ladders order: to which address, made once, or visibly failed (LADDER-1, BOX-11)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from namak.evidence.notification_steps import Action
from server.domain.deliveries import Delivery, DeliveryState
from server.domain.holders import HolderData, HolderProfile
from server.domain.jobs import PREPARE_LETTER, Arguments, JobFailed, RunningJob
from server.domain.ladder import StepState
from server.domain.letter_orders import LetterOrder, LetterState
from server.domain.mailboxes import Mailbox
from server.domain.paper_letters import NotPrintable, PostalAddress, Unprintable
from server.domain.state_records import EntityRecord, EntityState, Fault, PersonRecord, PersonState
from server.domain.tracking_numbers import TrackingNumbers
from server.jurisdictions.am import AM
from server.usecases.ladder_desk import LadderDesk
from server.usecases.ladder_jobs import JobActions
from server.usecases.letter_making import Imprint, LetterMaking
from server.usecases.letter_orders import LetterOrders
from server.usecases.letter_ports import PrintingEnded
from server.usecases.letter_preparing import LetterPreparation
from tests.fakes.letter_orders import FakePrinter
from tests.fakes.state_registers import FakeStateRegisters
from tests.unit.usecases.test_ladder import LETTER_DUE, NOTICE_DUE, Scene
from tests.unit.usecases.world import ANI, ENTITY_ADDRESS

REGISTERED = "Աբովյան փ. 12, բն. 5, 0001 Երևան"
OWN_WORD = "Նալբանդյան փ. 4, 0010 Երևան"
LAST = PREPARE_LETTER.retries.attempts


class Office(Scene):
    """A post whose ladders order letters."""

    def __init__(self, last_number: int = 99) -> None:
        super().__init__(JobActions({Action.LETTER: PREPARE_LETTER}))
        self.printer = FakePrinter()
        self.registers = FakeStateRegisters()
        self.orders = LetterOrders(
            uow=self.world.uow,
            clock=self.clock,
            entropy=self.world.entropy,
            printer=self.printer,
            numbers=TrackingNumbers("RR", "AM", ((0, last_number),)),
        )
        making = LetterMaking(
            uow=self.world.uow,
            clock=self.clock,
            entropy=self.world.entropy,
            orders=self.orders,
            profile=AM,
            imprint=Imprint(("Ամիրյան փ. 1", "0002 Երևան"), "e-citizen.am"),
        )
        self.work = LetterPreparation(uow=self.world.uow, making=making, registers=self.registers)

    def registered(self, address: str = REGISTERED) -> None:
        self.registers.show_person(PersonRecord(ANI, "Անի Հակոբյան", PersonState.ALIVE, None, address))

    def said(self, box: Mailbox, **data: str) -> None:
        holder = replace(HolderData(box.holder_kind, box.holder_number, "Ani"), **data)  # type: ignore[arg-type]
        self.world.uow.committed.holders[box.id] = HolderProfile(box.id, box.address, holder, ANI, "", b"")

    async def due_letter(self, **to: str) -> Delivery:
        delivery = await self.world.delivered(**to)
        await self.at(LETTER_DUE)
        return delivery

    async def run(self, attempt: int = 1) -> None:
        (job,) = self.world.uow.committed.jobs.values()
        assert job.kind == PREPARE_LETTER.name
        await self.work.prepare(RunningJob(job.id, job.arguments, attempt, attempt == LAST))

    def letters(self) -> list[LetterOrder]:
        return list(self.world.uow.committed.letter_orders.values())

    def step(self) -> tuple[StepState, str | None]:
        (step,) = self.world.uow.committed.ladder_steps.values()
        return step.state, step.reason

    def failed(self) -> tuple[str, str | None]:
        (letter,) = self.letters()
        assert letter.state is LetterState.FAILED
        state, reason = self.step()
        assert state is StepState.FAILED
        return letter.reason, reason


async def test_a_step_has_its_letter_made_for_the_address_that_the_register_has() -> None:
    office = Office()
    office.registered()
    office.said(office.world.ani_box, residence=OWN_WORD)
    delivery = await office.due_letter()
    await office.run()

    (letter,) = office.letters()
    assert (letter.delivery_id, letter.step, letter.state) == (delivery.id, "LETTER", LetterState.WAITING)
    assert letter.tracking == "RR000000005AM"
    assert letter.by_ladder
    assert office.world.uow.committed.letter_files[letter.id] == "%PDF RR000000005AM Անի Հակոբյան".encode()
    (paper,) = office.printer.set
    assert paper.recipient == PostalAddress("Անի Հակոբյան", (REGISTERED,))
    assert paper.sender.name == "State Revenue Committee"
    assert [part.content for part in paper.parts] == [b"first part", b"second part"]
    assert office.step() == (StepState.ORDERED, None)


async def test_an_entity_gets_it_at_its_legal_address() -> None:
    office = Office()
    box = office.world.entity_box
    office.registers.show_entity(
        EntityRecord(box.holder_number, "«Արարատ» ՓԲԸ", EntityState.REGISTERED, None, "Կոմիտաս 3", ())
    )
    await office.due_letter(recipient=ENTITY_ADDRESS)
    await office.run()

    assert office.printer.set[0].recipient == PostalAddress("«Արարատ» ՓԲԸ", ("Կոմիտաս 3",))


@pytest.mark.parametrize("registered", ["", None])
async def test_where_the_register_has_none_the_holders_own_word_counts(registered: str | None) -> None:
    office = Office()
    if registered is not None:
        office.registered(registered)
    office.said(office.world.ani_box, residence=OWN_WORD)
    await office.due_letter()
    await office.run()

    assert office.printer.set[0].recipient == PostalAddress("Ani", (OWN_WORD,))


@pytest.mark.parametrize(
    ("data", "lines"),
    [({"legal_address": "A", "actual_address": "B"}, ("A",)), ({"actual_address": "B"}, ("B",))],
)
async def test_an_entity_said_its_legal_address_or_else_where_it_is(
    data: dict[str, str], lines: tuple[str, ...]
) -> None:
    office = Office()
    office.said(office.world.entity_box, **data)
    await office.due_letter(recipient=ENTITY_ADDRESS)
    await office.run()

    assert office.printer.set[0].recipient.lines == lines


async def test_without_any_address_the_step_fails_visibly_and_the_ladder_goes_on() -> None:
    office = Office()
    await office.due_letter()
    await office.run()

    assert office.failed() == ("NO_POSTAL_ADDRESS", "NO_POSTAL_ADDRESS")
    assert office.printer.set == []
    await office.at(NOTICE_DUE)
    assert [step.step for step in office.world.uow.committed.ladder_steps.values()] == ["LETTER", "NOTICE"]


async def test_a_letter_that_failed_is_made_once_the_operator_has_its_step_carried_out_again() -> None:
    office = Office()
    delivery = await office.due_letter()
    await office.run()
    office.registered()
    await office.run()
    assert office.failed() == ("NO_POSTAL_ADDRESS", "NO_POSTAL_ADDRESS"), "nobody asked for another one"

    desk = LadderDesk(uow=office.world.uow, clock=office.clock, actions=office.actions)
    await desk.retry(delivery.id, "LETTER")
    first, second = office.world.uow.committed.jobs.values()
    assert (first.kind, first.arguments) == (second.kind, second.arguments)
    for job in (first, second):
        await office.work.prepare(RunningJob(job.id, job.arguments, 1, False))

    assert [each.state for each in office.letters()] == [LetterState.WAITING]
    assert office.step() == (StepState.ORDERED, None)


async def test_a_register_that_is_away_is_asked_again_until_the_last_try() -> None:
    office = Office()
    office.registers.fall_silent(Fault.TIMED_OUT)
    office.said(office.world.ani_box, residence=OWN_WORD)
    await office.due_letter()

    with pytest.raises(JobFailed, match="REGISTER_TIMED_OUT") as failed:
        await office.run()
    assert failed.value.wait == office.registers.retry_after
    assert not failed.value.for_good
    assert office.letters() == []

    await office.run(LAST)
    assert office.printer.set[0].recipient.lines == (OWN_WORD,)


async def test_a_register_that_comes_back_is_believed() -> None:
    office = Office()
    office.registers.fall_silent()
    office.registered()
    await office.due_letter()
    with pytest.raises(JobFailed):
        await office.run()
    office.registers.come_back()
    await office.run(2)

    assert office.printer.set[0].recipient.lines == (REGISTERED,)


async def test_where_no_register_is_configured_nobody_waits_for_one() -> None:
    office = Office()
    office.registers.fall_silent(Fault.NOT_CONFIGURED)
    office.said(office.world.ani_box, residence=OWN_WORD)
    await office.due_letter()
    await office.run()

    assert len(office.letters()) == 1


async def test_running_twice_makes_one_letter() -> None:
    office = Office()
    office.registered()
    await office.due_letter()
    await office.run()
    first = office.letters()
    office.registered("elsewhere")
    await office.run(2)

    assert office.letters() == first
    assert len(office.printer.set) == 1


async def test_two_workers_at_once_make_one_letter() -> None:
    office = Office()
    office.registered()
    await office.due_letter()
    office.printer.meanwhile = [office.run(2)]
    await office.run()

    (letter,) = office.letters()
    assert len(office.printer.set) == 2
    assert office.world.uow.committed.letter_files.keys() == {letter.id}


@pytest.mark.parametrize("ended", [DeliveryState.NOTIFIED, DeliveryState.WITHDRAWN])
@pytest.mark.parametrize("while_it_is_set", [False, True])
async def test_who_is_notified_or_whose_message_is_withdrawn_meanwhile_gets_none(
    ended: DeliveryState, while_it_is_set: bool
) -> None:
    office = Office()
    office.registered()
    delivery = await office.due_letter()

    async def end() -> None:
        key = (delivery.mailbox_id, delivery.id)
        office.world.uow.committed.deliveries[key] = replace(delivery, state=ended)

    if while_it_is_set:
        office.printer.meanwhile = [end()]
    else:
        await end()
    await office.run()

    assert office.letters() == []
    assert len(office.printer.set) == while_it_is_set
    assert office.step() == (StepState.ORDERED, None)


async def test_what_can_not_be_printed_whole_fails_with_its_reason() -> None:
    office = Office()
    office.registered()
    office.printer.problems = [NotPrintable(Unprintable.LOCKED_PDF, "the PDF asks for a password", "a.pdf")]
    await office.due_letter()
    await office.run()

    assert office.failed() == ("NOT_PRINTABLE_LOCKED_PDF", "NOT_PRINTABLE_LOCKED_PDF")
    await office.run(2)
    assert len(office.printer.set) == 1, "it failed once and for ever"


async def test_an_address_that_fits_no_window_fails_with_its_reason() -> None:
    office = Office()
    office.registered("Ա" * 200)
    await office.due_letter()
    await office.run()

    assert office.failed()[0] == "NOT_PRINTABLE_LENGTH"


async def test_whoever_is_notified_before_a_letter_fails_has_no_failed_step() -> None:
    office = Office()
    office.registered()
    delivery = await office.due_letter()
    office.printer.problems = [NotPrintable(Unprintable.KIND, "")]

    async def notify() -> None:
        key = (delivery.mailbox_id, delivery.id)
        office.world.uow.committed.deliveries[key] = replace(delivery, state=DeliveryState.NOTIFIED)

    render = office.printer.render

    async def slow(letter: object) -> object:
        await notify()
        return await render(letter)  # type: ignore[arg-type]

    office.printer.render = slow  # type: ignore[method-assign, assignment]
    await office.run()

    assert office.letters() == []
    assert office.step() == (StepState.ORDERED, None)


async def test_a_process_that_dies_of_a_letter_is_tried_again_and_at_last_the_letter_fails() -> None:
    office = Office()
    office.registered()
    office.printer.problems = [PrintingEnded(), PrintingEnded()]
    await office.due_letter()
    with pytest.raises(JobFailed, match="PRINTING_ENDED"):
        await office.run()
    assert office.letters() == []
    await office.run(LAST)

    assert office.failed()[0] == "PRINTING_ENDED"


async def test_without_numbers_letters_wait_for_the_operator() -> None:
    office = Office(last_number=0)
    office.registered()
    await office.world.delivered("1")
    await office.due_letter(request_id="2")
    first, second = office.world.uow.committed.jobs.values()
    await office.work.prepare(RunningJob(first.id, first.arguments, 1, False))
    with pytest.raises(JobFailed, match="NO_TRACKING_NUMBER") as failed:
        await office.work.prepare(RunningJob(second.id, second.arguments, LAST, True))

    assert not failed.value.for_good
    assert len(office.letters()) == 1


async def test_a_job_about_nothing_ends_at_once() -> None:
    office = Office()
    entropy = office.world.entropy
    arguments: Arguments = {"mailbox": entropy.new_id(), "delivery": entropy.new_id(), "step": 0}
    with pytest.raises(JobFailed) as failed:
        await office.work.prepare(RunningJob(1, arguments, 1, False))
    assert failed.value.for_good


def test_the_last_try_is_hours_after_the_first() -> None:
    waits = [PREPARE_LETTER.retries.wait(failed, 0.5) for failed in range(1, LAST)]
    assert sum((wait for wait in waits if wait), timedelta()) > timedelta(hours=3)
