"""Answers to letters on paper: refused with a reason, or consigned, printed and told of (BOX-11)."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from namak.evidence import events
from namak.evidence.copy_statement import TRUE_COPY, copy_statement
from namak.evidence.custody import CustodyAct, CustodyStep, chained
from namak.evidence.details_paper import PaperSender
from namak.evidence.document import EvidenceDocument
from server.domain.caller import Clerk
from server.domain.deliveries import Delivery
from server.domain.jobs import PRINT_ANSWER, JobFailed, RunningJob
from server.domain.letter_orders import LetterOrder, LetterState
from server.domain.paper_desk import PAPER_DESK_ID, PaperOrigin
from server.domain.paper_letters import NotPrintable, PostalAddress, Unprintable
from server.domain.reasons import Reason
from server.domain.refusals import InvalidFields, PaperAddressUnknown, PrintingNotOffered
from server.domain.scans import ScanFault
from server.domain.tracking_numbers import TrackingNumbers
from server.usecases.evidence import ListFacts
from server.usecases.letter_making import Imprint, LetterMaking
from server.usecases.letter_orders import LetterOrders
from server.usecases.letter_ports import PrintingEnded
from server.usecases.paper import PaperIntake, SubmitScannedLetter
from server.usecases.paper_answers import ANSWER, AnswerPrinting
from server.usecases.submission import Accepted, Outcome
from server.usecases.withdrawal import Withdrawal
from tests.fakes.letter_orders import FakePrinter
from tests.unit.usecases.letter_world import TWO_WAY, LetterWorld, parts
from tests.unit.usecases.world import ANI_ADDRESS, START

GOHAR = PaperSender("Գոհար Սարգսյան", ("Մաշտոցի 5, բն. 12", "3101 Գյումրի"))
LAST = PRINT_ANSWER.retries.attempts


class AnyScan:
    """Takes every file for a scan."""

    async def fault(self, content: bytes, media_type: str) -> ScanFault | None:
        return None


class PaperWorld(LetterWorld):
    """A post whose clerks scan letters, and whose answers are printed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.printer = FakePrinter()
        self.papers = PaperIntake(
            submissions=self.submissions,
            withdrawal=Withdrawal(
                uow=self.uow, clock=self.clock, entropy=self.entropy, log=self.log, profile=TWO_WAY
            ),
            scans=AnyScan(),
            clock=self.clock,
            profile=TWO_WAY,
        )
        making = LetterMaking(
            uow=self.uow,
            clock=self.clock,
            entropy=self.entropy,
            orders=LetterOrders(
                uow=self.uow,
                clock=self.clock,
                entropy=self.entropy,
                printer=self.printer,
                numbers=TrackingNumbers("RR", "AM", ((0, 9),)),
            ),
            profile=TWO_WAY,
            imprint=Imprint(("Ամիրյան փ. 1", "0002 Երևան"), "e-citizen.am"),
        )
        self.printing = AnswerPrinting(uow=self.uow, making=making)

    async def came(self, sender: PaperSender | None = GOHAR, request_id: str = "paper") -> Delivery:
        """Has a letter on paper come for Ani."""
        scans = parts(b"a page", media_type="image/png")
        acts = (CustodyAct.RECEIVED, CustodyAct.SCANNED)
        way = [CustodyStep(act, START - timedelta(hours=1), "Երևան 10", "17") for act in acts]
        custody = chained(way, [scan.info.digest for scan in scans])
        paper = PaperOrigin(custody, "Shelf 4", copy_statement(TRUE_COPY, "hy"), sender)
        command = SubmitScannedLetter(
            Clerk(self.ani.connection), request_id, ANI_ADDRESS, "Paper", scans, paper, 0
        )
        return delivery_of(await self.papers.submit(command))

    async def answer(self, answered: Delivery) -> Delivery:
        return delivery_of(await self.write(reply_to=answered.id, printed=True))

    async def run(self, attempt: int = 1) -> None:
        (job,) = (each for each in self.uow.committed.jobs.values() if each.kind == PRINT_ANSWER.name)
        await self.printing.prepare(RunningJob(job.id, job.arguments, attempt, attempt == LAST))

    def printed_letters(self) -> list[LetterOrder]:
        return list(self.uow.committed.letter_orders.values())


def delivery_of(outcome: Outcome) -> Delivery:
    assert isinstance(outcome, Accepted), outcome
    return outcome.delivery


@pytest.fixture
def world() -> PaperWorld:
    return PaperWorld()


async def test_an_answer_is_consigned_to_the_desk_and_set_for_the_address_on_the_paper(
    world: PaperWorld,
) -> None:
    paper = await world.came()
    answer = await world.answer(paper)
    assert (answer.mailbox_id, answer.recipient) == (PAPER_DESK_ID, "paper@e-citizen.am")
    assert answer.in_reply_to == paper.id
    await world.run()
    await world.run()

    (letter,) = world.printed_letters()
    assert (letter.delivery_id, letter.step, letter.by_ladder) == (answer.id, ANSWER, False)
    assert (letter.state, letter.tracking) == (LetterState.WAITING, "RR000000005AM")
    (told,) = world.printer.set
    assert told.recipient == PostalAddress("Գոհար Սարգսյան", GOHAR.address)
    assert told.sender == PostalAddress(ANI_ADDRESS, ("Ամիրյան փ. 1", "0002 Երևան"))
    assert told.is_answer
    assert [part.content for part in told.parts] == [b"Where is my refund?"]
    assert await world.letters.printed(answer) == letter


async def test_the_desk_is_opened_once_by_an_act_of_the_server(world: PaperWorld) -> None:
    for number in ("1", "2"):
        paper = await world.came(request_id=f"paper-{number}")
        delivery_of(await world.write(number, reply_to=paper.id, printed=True))
    acts = [fact for fact in world.uow.committed.evidence.values() if fact.event == events.ADMINISTRATIVE_ACT]
    assert len(acts) == 1
    assert b'"OpenPaperDesk"' in acts[0].data
    assert [each.id for each in world.uow.committed.mailboxes.values() if each.holder_number == "paper"] == [
        PAPER_DESK_ID
    ]


async def test_a_reply_to_paper_is_refused_where_it_is_not_to_be_printed(world: PaperWorld) -> None:
    paper = await world.came()
    before = world.uow.committed.copy()
    with pytest.raises(InvalidFields) as refused:
        await world.write(reply_to=paper.id)
    assert [(each.field, each.reason) for each in refused.value.problems] == [("print_and_post", "REQUIRED")]
    assert world.uow.committed == before


async def test_nothing_else_is_printed(world: PaperWorld) -> None:
    notice = await world.delivered()
    for call in (world.write(reply_to=notice.id, printed=True), world.write(printed=True)):
        with pytest.raises(InvalidFields) as refused:
            await call
        assert [each.reason for each in refused.value.problems] == ["NOT_ON_PAPER"]


@pytest.mark.parametrize(
    "sender", [None, PaperSender("Գոհար"), PaperSender(None, ("Մաշտոցի 5", "3101 Գյումրի"))]
)
async def test_without_a_name_and_an_address_on_the_paper_nothing_is_posted(
    world: PaperWorld, sender: PaperSender | None
) -> None:
    paper = await world.came(sender)
    with pytest.raises(PaperAddressUnknown) as refused:
        await world.write(reply_to=paper.id, printed=True)
    assert refused.value.reason is Reason.PAPER_ADDRESS_UNKNOWN


async def test_where_nothing_is_printed_an_answer_is_refused(world: PaperWorld) -> None:
    paper = await world.came()
    world.letters = world.new_letters(TWO_WAY, prints=False)
    with pytest.raises(PrintingNotOffered):
        await world.write(reply_to=paper.id, printed=True)


async def test_what_can_not_be_printed_is_told_before_it_is_sent(world: PaperWorld) -> None:
    paper = await world.came()
    with pytest.raises(InvalidFields) as refused:
        await world.write(reply_to=paper.id, printed=True, media_type="image/png")
    assert [(each.field, each.reason) for each in refused.value.problems] == [
        ("parts[0].media_type", "NOT_PRINTABLE")
    ]


async def test_somebody_elses_paper_can_not_be_answered(world: PaperWorld) -> None:
    paper = await world.came()
    bob = replace(world.ani, person_number=world.bob_box.holder_number)
    with pytest.raises(Exception, match="delivery"):
        await world.write(reply_to=paper.id, by=bob, printed=True)


async def test_a_letter_that_can_not_be_set_fails_in_sight_of_its_writer(world: PaperWorld) -> None:
    answer = await world.answer(await world.came())
    world.printer.problems = [NotPrintable(Unprintable.LENGTH, "too long")]
    await world.run()
    letter = await world.letters.printed(answer)
    assert letter is not None
    assert (letter.state, letter.reason) == (LetterState.FAILED, "NOT_PRINTABLE_LENGTH")


async def test_a_printer_that_dies_is_tried_again_until_the_last_time(world: PaperWorld) -> None:
    answer = await world.answer(await world.came())
    world.printer.problems = [PrintingEnded("died"), PrintingEnded("died")]
    with pytest.raises(JobFailed, match="PRINTING_ENDED"):
        await world.run()
    assert not world.printed_letters()
    await world.run(LAST)
    letter = await world.letters.printed(answer)
    assert letter is not None
    assert letter.reason == "PRINTING_ENDED"


async def test_a_job_without_its_answer_is_given_up(world: PaperWorld) -> None:
    with pytest.raises(JobFailed, match="NO_DELIVERY"):
        await world.printing.prepare(RunningJob(1, {"delivery": UUID(int=7)}, 1, False))


async def test_the_writer_sees_the_facts_of_the_paper(world: PaperWorld) -> None:
    answer = await world.answer(await world.came())
    page = await world.evidence.list_facts(ListFacts(world.ani, answer.id, 0, ""))
    assert [fact.event for fact in page.items] == [events.SUBMISSION_ACCEPTANCE, events.CONTENT_CONSIGNMENT]
    assert events.LETTER_POSTED.audience is events.Audience.BOTH
    assert EvidenceDocument.parse(page.items[0].data).recipient.identifier == "paper@e-citizen.am"
