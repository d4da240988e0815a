"""Letters that holders write to state bodies, by the same way in as senders' messages (BOX-9)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from server.domain.caller import Holder
from server.domain.deliveries import Delivery, DeliveryFilter, Part, Submission
from server.domain.letter_orders import LetterOrder
from server.domain.letters import Correspondent, check_offered, reply_address
from server.domain.mailboxes import Mailbox
from server.domain.paging import Page
from server.domain.paper_desk import PAPER_DESK_ID
from server.domain.profile import Profile
from server.domain.refusals import FieldProblem, InvalidFields, ResourceNotPermitted
from server.usecases.assurance import check_signed
from server.usecases.delivery import DeliveryDesk, ListDeliveries
from server.usecases.paper_answers import PaperAnswers
from server.usecases.ports import Transaction, UnitOfWork
from server.usecases.standing import own_mailbox
from server.usecases.submission import Outcome, SubmissionDesk, SubmitMany
from server.usecases.withdrawal import Withdrawal, WithdrawDelivery, Withdrawn

_EVERYTHING = DeliveryFilter()


@dataclass(frozen=True, slots=True)
class SendLetter:
    """A letter with its fields checked: to `recipient`, in canonical form, or to whoever sent the message
    `in_reply_to`; exactly one of the two is given.

    `receipt_wait_seconds` and `reply_by` are those of `SubmitMany`; `print_and_post` has a reply to a letter
    on paper printed.
    """

    holder: Holder
    request_id: str
    recipient: str | None
    in_reply_to: UUID | None
    subject: str
    parts: Sequence[Part]
    receipt_wait_seconds: float
    reply_by: float = math.inf
    print_and_post: bool = False


@dataclass(frozen=True, slots=True)
class ListLetters:
    """`page_size` as it was asked for: 0 means the default, more than the maximum means the maximum."""

    holder: Holder
    page_size: int
    page_token: str
    wanted: DeliveryFilter = _EVERYTHING


@dataclass(frozen=True, slots=True)
class WithdrawLetter:
    """`receipt_wait_seconds` and `reply_by` are those of `WithdrawDelivery`."""

    holder: Holder
    request_id: str
    delivery_id: UUID
    receipt_wait_seconds: float
    reply_by: float = math.inf


class CorrespondenceDesk:
    """Takes holders' letters in, and shows and withdraws them."""

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        submissions: SubmissionDesk,
        deliveries: DeliveryDesk,
        withdrawal: Withdrawal,
        profile: Profile,
        answers: PaperAnswers,
    ) -> None:
        self._uow = uow
        self._submissions = submissions
        self._deliveries = deliveries
        self._withdrawal = withdrawal
        self._profile = profile
        self._answers = answers

    async def send(self, command: SendLetter) -> Outcome:
        """Submits a letter. When it returns Accepted, that is durable; its receipts may be missing.

        Raises:
            LettersNotOffered, SignatureRequired.
            ResourceNotPermitted: the person has no mailbox, or what they reply to does not lie in it.
            InvalidFields, PrintingNotOffered, PaperAddressUnknown: of a reply to a letter on paper.
            Overloaded: too much waits already; nothing was recorded.
            ServiceUnavailable: the outcome is unknown; repeat with the same request id.
        """
        check_offered(self._profile.correspondence)
        async with self._uow.reading() as tx:
            own = await own_mailbox(tx, command.holder)
            await check_signed(tx, command.holder)
            if command.recipient and command.print_and_post:
                raise _not_on_paper()
            to = command.recipient or await self._reply_address(tx, own, command)
            profile = await tx.holders.get(own.id)
        if command.print_and_post:
            await self._answers.open_desk()
        submission = Submission(
            request_id=command.request_id,
            sender=own.address,
            recipient=to,
            subject=command.subject,
            parts=tuple(command.parts),
            in_reply_to=command.in_reply_to,
        )
        name = own.address if profile is None else profile.data.name
        (outcome,) = await self._submissions.submit_many(
            SubmitMany(
                correspondent(command.holder, own, name),
                [submission],
                command.receipt_wait_seconds,
                command.reply_by,
            )
        )
        return outcome

    async def get(self, holder: Holder, delivery_id: UUID) -> Delivery:
        """Returns one letter of the caller's.

        Raises:
            ResourceNotPermitted.
        """
        return await self._deliveries.get_delivery(await self._writer(holder), delivery_id)

    async def list_letters(self, command: ListLetters) -> Page[Delivery]:
        """Lists those of the caller's letters that they ask for, newest first.

        Raises:
            ResourceNotPermitted, InvalidPageToken.
            InvalidFields: a negative page size, or times of which the later is not after the earlier.
        """
        writer = await self._writer(command.holder)
        return await self._deliveries.list_deliveries(
            ListDeliveries(writer, command.page_size, command.page_token, command.wanted)
        )

    async def withdraw(self, command: WithdrawLetter) -> Withdrawn:
        """Withdraws a letter that nobody has opened.

        Raises:
            SignatureRequired, and what `Withdrawal.withdraw` raises.
        """
        async with self._uow.reading() as tx:
            own = await own_mailbox(tx, command.holder)
            await check_signed(tx, command.holder)
        return await self._withdrawal.withdraw(
            WithdrawDelivery(
                correspondent(command.holder, own, own.address),
                command.request_id,
                command.delivery_id,
                command.receipt_wait_seconds,
                command.reply_by,
            )
        )

    async def printed(self, letter: Delivery) -> LetterOrder | None:
        """Returns the paper of one of the caller's letters, where it was to be printed, and is made."""
        async with self._uow.reading() as tx:
            return await self._answers.printed(tx, letter)

    async def _writer(self, holder: Holder) -> Correspondent:
        async with self._uow.reading() as tx:
            own = await own_mailbox(tx, holder)
        return correspondent(holder, own, own.address)

    async def _reply_address(self, tx: Transaction, own: Mailbox, command: SendLetter) -> str:
        if command.in_reply_to is None:
            raise ValueError("a letter goes to an address, or answers a message")
        print_and_post = command.print_and_post
        number = command.holder.person_number
        answered = await tx.deliveries.in_mailbox(own.id, command.in_reply_to, number)
        if answered is None:
            raise ResourceNotPermitted("delivery")
        if answered.delivery.organisation_id == PAPER_DESK_ID:
            return await self._answers.check(
                tx, own, command.in_reply_to, command.parts, print_and_post=print_and_post
            )
        if print_and_post:
            raise _not_on_paper()
        return reply_address(answered.delivery.organisation_code, self._profile.mailbox_domain)


def correspondent(holder: Holder, own: Mailbox, name: str) -> Correspondent:
    """Returns a holder as the sender of letters from their own mailbox, named so in evidence."""
    return Correspondent(
        connection=holder.connection,
        mailbox_id=own.id,
        address=own.address,
        number=own.holder_number,
        name=name,
        at_portal=holder.via is not None,
    )


def _not_on_paper() -> InvalidFields:
    words = "must not be set: only a reply to a letter that came on paper is printed"
    return InvalidFields([FieldProblem("print_and_post", "NOT_ON_PAPER", words)])
