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
from server.domain.letter_orders import LetterOrder, LetterState
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.paper_desk import PAPER_DESK_ID, desk_address
from server.domain.paper_letters import NotPrintable, PaperLetter, PostalAddress
from server.domain.profile import Profile
from server.domain.refusals import (
    FieldProblem,
    InvalidFields,
    PaperAddressUnknown,
    PrintingNotOffered,
    ServiceUnavailable,
)
from server.domain.tracking_numbers import NumbersUsedUp
from server.usecases.administration import Act, Administration, Changed
from server.usecases.letter_orders import LetterOrders, WantedLetter
from server.usecases.letter_ports import PrintingEnded
from server.usecases.letter_preparing import (
    NO_POSTAL_ADDRESS,
    NO_TRACKING_NUMBER,
    NOT_PRINTABLE,
    PRINTING_ENDED,
    Imprint,
    message_parts,
)
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork

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

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        entropy: Entropy,
        orders: LetterOrders,
        profile: Profile,
        imprint: Imprint,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._orders = orders
        self._profile = profile
        self._imprint = imprint

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
        try:
            await self._order(delivery, delivery.in_reply_to)
        except NotPrintable as problem:
            await self._fail(delivery, f"{NOT_PRINTABLE}_{problem.problem.value}")
        except NumbersUsedUp:
            raise JobFailed(NO_TRACKING_NUMBER) from None
        except PrintingEnded:
            if not job.is_last:
                raise JobFailed(PRINTING_ENDED) from None
            await self._fail(delivery, PRINTING_ENDED)

    async def _order(self, delivery: Delivery, answered: UUID) -> None:
        async with self._uow.reading() as tx:
            # A holder's letter stands under the mailbox that it was written from.
            recipient = await paper_address(tx, delivery.organisation_id, answered)
        if recipient is None:
            await self._fail(delivery, NO_POSTAL_ADDRESS)
            return
        parts = await message_parts(self._uow, delivery)

        def paper(tracking: str) -> PaperLetter:
            return PaperLetter(
                delivery_id=delivery.id,
                tracking=tracking,
                languages=self._profile.languages,
                sender=PostalAddress(delivery.organisation_name, self._imprint.return_lines),
                recipient=recipient,
                mailbox=delivery.recipient,
                subject=delivery.subject,
                accepted_at=delivery.submitted_at,
                time_zone=self._profile.time_zone,
                policy=delivery.notification_policy,
                portal="",
                parts=parts,
                is_answer=True,
            )

        await self._orders.order(
            WantedLetter(PAPER_DESK_ID, delivery.id, ANSWER, by_ladder=False, paper=paper)
        )

    async def _fail(self, delivery: Delivery, reason: str) -> None:
        """Keeps a letter that can't be made, where its writer and the operator see why."""
        failed = LetterOrder(
            id=self._entropy.new_id(),
            mailbox_id=PAPER_DESK_ID,
            delivery_id=delivery.id,
            step=ANSWER,
            by_ladder=False,
            ordered_at=self._clock.now(),
            tracking="",
            file=b"",
            file_size=0,
            pages=0,
            state=LetterState.FAILED,
            reason=reason,
        )
        async with self._uow.writing() as tx:
            now = await tx.deliveries.lock(PAPER_DESK_ID, delivery.id)
            if now is None or not failed.is_needed(now.state) or not await tx.letter_orders.add(failed, b""):
                return
            await tx.commit()
        _log.error("an answer on paper failed", delivery_id=str(delivery.id), reason=reason)
