"""Answers to letters that came on paper: written electronically, printed and posted (BOX-11).

Who wrote on paper has no mailbox here that anybody knows of. The answer is consigned to the operator's desk
for paper, where a job has it set for a print house; what becomes of the paper are facts of that delivery, and
the writer's to see.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog

from namak.evidence.details_paper import PaperDetails
from namak.evidence.document import EvidenceDocument
from server.domain.administration import TheServer, mailbox_resource, mailbox_snapshot
from server.domain.deliveries import Delivery, Part
from server.domain.jobs import JobFailed, RunningJob
from server.domain.letter_orders import LetterOrder
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.paper_desk import PAPER_DESK_ID, desk_address
from server.domain.paper_letters import PostalAddress
from server.domain.profile import Profile
from server.domain.refusals import (
    FieldProblem,
    InvalidFields,
    PaperAddressUnknown,
    PrintingNotOffered,
    ServiceUnavailable,
)
from server.usecases.administration import Act, Administration, Changed
from server.usecases.letter_making import LetterMaking, Purpose
from server.usecases.ports import Clock, Transaction, UnitOfWork

_log = structlog.get_logger(__name__)

ANSWER: Final = "ANSWER"
"""What the letter of an answer is ordered for, where a ladder's is ordered for one of its steps."""

_PRINTABLE: Final = ("text/plain", "application/pdf")


class PaperAnswers:
    """Says whether an answer can go out on paper, and where it is consigned."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        administration: Administration,
        clock: Clock,
        profile: Profile,
        prints: bool,
    ) -> None:
        """`prints` is whether this post has letters printed at all."""
        self._uow = uow
        self._administration = administration
        self._clock = clock
        self._address = desk_address(profile)
        self._prints = prints

    async def check(
        self, tx: Transaction, own: Mailbox, answered: UUID, parts: Sequence[Part], *, print_and_post: bool
    ) -> str:
        """Returns the address to which the answer to a message of `own` goes that came on paper.

        Raises:
            InvalidFields: printing was not asked for, or a part can't be printed.
            PrintingNotOffered, PaperAddressUnknown.
        """
        if not print_and_post:
            words = "must be set: who wrote on paper is answered on paper"
            raise InvalidFields([FieldProblem("print_and_post", "REQUIRED", words)])
        if not self._prints:
            raise PrintingNotOffered
        if await paper_address(tx, own.id, answered) is None:
            raise PaperAddressUnknown(answered)
        words = f"must be {' or '.join(_PRINTABLE)}"
        problems = [
            FieldProblem(f"parts[{index}].media_type", "NOT_PRINTABLE", words)
            for index, part in enumerate(parts)
            if part.info.media_type.partition(";")[0].strip().lower() not in _PRINTABLE
        ]
        if problems:
            raise InvalidFields(problems)
        return self._address

    async def open_desk(self) -> None:
        """Opens the desk's mailbox where there is none yet; that is an act of the server's own."""
        async with self._uow.reading() as tx:
            if await tx.mailboxes.get(PAPER_DESK_ID) is not None:
                return
        now = self._clock.now()
        desk = Mailbox(
            PAPER_DESK_ID, self._address, HolderKind.ENTITY, "paper", MailboxState.OPEN, now, confirmed_at=now
        )

        async def change(tx: Transaction) -> Changed[None]:
            is_new = await tx.mailboxes.add(desk)
            if is_new:
                await tx.mailboxes.confirm(desk.id, now)
            after = mailbox_snapshot(desk)
            return Changed(None, mailbox_resource(desk.address), None, None if is_new else after, after)

        async def again(_tx: Transaction, _: UUID) -> None:
            raise ServiceUnavailable("paper desk")

        act = Act("OpenPaperDesk", TheServer(), None, (), PAPER_DESK_ID)
        await self._administration.carry_out(act, change, again)

    async def printed(self, tx: Transaction, letter: Delivery) -> LetterOrder | None:
        """Returns the paper of an answer; None for other letters, and before it is made."""
        if letter.mailbox_id != PAPER_DESK_ID:
            return None
        return await tx.letter_orders.of_step(PAPER_DESK_ID, letter.id, ANSWER)


async def paper_address(tx: Transaction, mailbox_id: UUID, delivery_id: UUID) -> PostalAddress | None:
    """Returns the postal address on the paper that a message of this mailbox is the copy of; None where it
    has no name or no address.
    """
    facts = await tx.evidence.received_on_paper(mailbox_id, [delivery_id])
    fact = facts.get(delivery_id)
    details = None if fact is None else EvidenceDocument.parse(fact.data).details
    named = details.paper_sender if isinstance(details, PaperDetails) else None
    if named is None or not named.name or not named.address:
        return None
    return PostalAddress(named.name, named.address)


class AnswerPrinting:
    """Has answers set for print houses: the work of jobs."""

    def __init__(self, *, uow: UnitOfWork, making: LetterMaking) -> None:
        self._uow = uow
        self._making = making

    async def prepare(self, job: RunningJob) -> None:
        """Has the letter of an answer made, or keeps why it can't be. Run again it makes no other letter.

        Raises:
            JobFailed: another try may do.
        """
        delivery_id = job.arguments["delivery"]
        assert isinstance(delivery_id, UUID)
        async with self._uow.writing() as tx:  # to look at it under its lock; nothing is written
            delivery = await tx.deliveries.lock(PAPER_DESK_ID, delivery_id)
        if delivery is None or delivery.in_reply_to is None:
            raise JobFailed("NO_DELIVERY", for_good=True)
        writer, answered = delivery.organisation_id, delivery.in_reply_to

        async def recipient() -> PostalAddress | None:
            async with self._uow.reading() as tx:
                # A holder's letter stands under the mailbox that it was written from.
                return await paper_address(tx, writer, answered)

        await self._making.make(job, delivery, Purpose(ANSWER, by_ladder=False, is_answer=True), recipient)
