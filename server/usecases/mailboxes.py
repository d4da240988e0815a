"""Mailboxes: the operator opens them, holders look into their own (POST-1, POST-5)."""

from dataclasses import dataclass

from server.domain import addresses
from server.domain.caller import Holder
from server.domain.deliveries import MessageView
from server.domain.fields import Malformed
from server.domain.mailboxes import Mailbox, MailboxState
from server.domain.paging import Page, Query, page_size
from server.domain.profile import Profile
from server.domain.refusals import (
    AlreadyRegistered,
    FieldProblem,
    InvalidFields,
    InvalidPageToken,
    ResourceNotPermitted,
)
from server.usecases.operator_claims import claim_request
from server.usecases.ports import Clock, Entropy, Transaction, UnitOfWork


@dataclass(frozen=True, slots=True)
class OpenMailbox:
    """`address` is in canonical form (`server.domain.addresses.recipient_address`)."""

    request_id: str
    address: str


@dataclass(frozen=True, slots=True)
class ListMessages:
    """`page_size` as it was asked for: 0 means the default, more than the maximum means the maximum."""

    holder: Holder
    page_size: int
    page_token: str


class Mailboxes:
    """Opens mailboxes and shows holders what lies in their own. Listing is not opening."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock, entropy: Entropy, profile: Profile) -> None:
        self._uow = uow
        self._clock = clock
        self._entropy = entropy
        self._profile = profile

    async def open_mailbox(self, command: OpenMailbox) -> Mailbox:
        """Opens a mailbox for a person or an entity; its address is never given again (BOX-2).

        Raises:
            RequestIdReused, AlreadyRegistered.
        """
        kind, number = addresses.holder_of(command.address, self._profile)
        mailbox = Mailbox(
            self._entropy.new_id(), command.address, kind, number, MailboxState.OPEN, self._clock.now()
        )
        async with self._uow.writing() as tx:
            if earlier := await claim_request(
                tx, command.request_id, mailbox.id, "OpenMailbox", command.address
            ):
                existing = await tx.mailboxes.get(earlier)
                if existing is None:
                    raise LookupError("a claimed mailbox is not there")
                return existing
            if not await tx.mailboxes.add(mailbox):
                raise AlreadyRegistered("mailbox", command.address)
            await tx.commit()
        return mailbox

    async def get_mailbox(self, holder: Holder) -> Mailbox:
        """Returns the caller's own mailbox.

        Raises:
            ResourceNotPermitted: the person has none.
        """
        async with self._uow.reading() as tx:
            return await own_mailbox(tx, holder)

    async def list_messages(self, command: ListMessages) -> Page[MessageView]:
        """Lists the caller's messages, newest first.

        Raises:
            ResourceNotPermitted, InvalidPageToken, InvalidFields: the last for a negative page size.
        """
        size = checked_page_size(command.page_size)
        async with self._uow.reading() as tx:
            mailbox = await own_mailbox(tx, command.holder)
            query = Query(("ListMessages", str(mailbox.id)))
            messages = await tx.deliveries.list_in_mailbox(
                mailbox.id,
                command.holder.person_number,
                before=_sequence(query.key(command.page_token)),
                limit=size + 1,
            )
        shown = messages[:size]
        more = len(messages) > size
        return Page(shown, query.token(str(shown[-1].delivery.sequence)) if more else "")


async def own_mailbox(tx: Transaction, holder: Holder) -> Mailbox:
    """Returns the mailbox of a person. (An entity's is opened by nobody until it has signatories:
    identity.md.)

    Raises:
        ResourceNotPermitted: the person has none.
    """
    mailbox = await tx.mailboxes.of_person(holder.person_number)
    if mailbox is None:
        raise ResourceNotPermitted("mailbox")
    return mailbox


def checked_page_size(asked: int) -> int:
    """Returns how many items a page has. Raises `InvalidFields` for a negative number."""
    try:
        return page_size(asked)
    except Malformed as problem:
        raise InvalidFields([FieldProblem("page_size", problem.reason, problem.text)]) from None


def _sequence(key: str | None) -> int | None:
    if key is None:
        return None
    # Our own digest vouches for no key that we did not write; but it is no secret, and so anybody can make
    # one.
    if not (key.isascii() and key.isdecimal() and len(key) <= 18):
        raise InvalidPageToken
    return int(key)
