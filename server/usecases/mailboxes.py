"""Mailboxes: holders look into their own, delegates into their holder's, and others ask whether there is one
(POST-1, POST-5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from server.domain import limits
from server.domain.caller import Holder
from server.domain.deliveries import MessageFilter, MessageView
from server.domain.facts import Fact
from server.domain.fields import Malformed
from server.domain.mailboxes import Mailbox, MailboxHead, MailboxLink
from server.domain.paging import Page, Query, page_size
from server.domain.refusals import (
    FieldProblem,
    InvalidFields,
    InvalidPageToken,
    MailboxUnknown,
)
from server.usecases.paper_origins import with_paper
from server.usecases.ports import Clock, UnitOfWork
from server.usecases.standing import standing_in

_EVERYTHING = MessageFilter()


@dataclass(frozen=True, slots=True)
class ListMessages:
    """`page_size` as it was asked for: 0 means the default, more than the maximum means the maximum.
    `mailbox` is its address, None for the caller's own.
    """

    holder: Holder
    page_size: int
    page_token: str
    wanted: MessageFilter = _EVERYTHING
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class ListLinks:
    """`page_size` as it was asked for: 0 means the default, more than the maximum means the maximum."""

    holder: Holder
    page_size: int
    page_token: str
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """The opening of a link, and the evidence that carries the link: ContentConsignment."""

    link: MailboxLink
    consignment: Fact


@dataclass(frozen=True, slots=True)
class LinkPage:
    """One page of the openings of a mailbox's links, and the end of its chain at that moment."""

    page: Page[OpenedLink]
    head: MailboxHead


class Mailboxes:
    """Shows holders what lies in their own mailboxes. Listing is not opening."""

    def __init__(self, *, uow: UnitOfWork, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def get_mailbox(self, holder: Holder, address: str | None = None) -> Mailbox:
        """Returns the mailbox of this address, None for the caller's own.

        Raises:
            ResourceNotPermitted: there is none, or the caller has no right in it.
            SignatureRequired.
        """
        async with self._uow.reading() as tx:
            return (await standing_in(tx, holder, address, self._clock.now())).mailbox

    async def resolve(self, address: str) -> Mailbox:
        """Returns the mailbox that an address in canonical form means.

        Raises:
            MailboxUnknown.
        """
        async with self._uow.reading() as tx:
            mailbox = await tx.mailboxes.named(address)
        if mailbox is None:
            raise MailboxUnknown(address)
        return mailbox

    async def list_links(self, command: ListLinks) -> LinkPage:
        """Lists the openings of the links of a mailbox, oldest first (BOX-7), for those who hold it. The page
        without a token of a next one ends at the head that it tells.

        Raises:
            ResourceNotPermitted, SignatureRequired, InvalidPageToken.
            InvalidFields: a negative page size.
        """
        size = checked_page_size(command.page_size)
        async with self._uow.reading() as tx:
            standing = await standing_in(tx, command.holder, command.mailbox, self._clock.now())
            standing.check_holds()
            mailbox = standing.mailbox
            query = Query(("ListMailboxLinks", str(mailbox.id)))
            after = _sequence(query.key(command.page_token)) or 0
            # First the head: links are only added, so all up to it are there.
            head = await tx.mailboxes.head(mailbox.id)
            found = [
                link
                for link in await tx.mailboxes.links(mailbox.id, after=after, limit=size)
                if link.sequence <= head.sequence
            ]
            facts = await tx.evidence.consignments(mailbox.id, [link.delivery_id for link in found])
        openings = _fitting([OpenedLink(link, facts[link.delivery_id]) for link in found])
        last = openings[-1].link.sequence if openings else after
        return LinkPage(Page(openings, query.token(str(last)) if last < head.sequence else ""), head)

    async def list_messages(self, command: ListMessages) -> Page[MessageView]:
        """Lists those messages of a mailbox that the caller asks for, newest first.

        Raises:
            ResourceNotPermitted, SignatureRequired, InvalidPageToken.
            InvalidFields: a negative page size, or times of which the later is not after the earlier.
        """
        size, wanted = checked_page_size(command.page_size), command.wanted
        checked_times(wanted.consigned_from, wanted.consigned_before)
        async with self._uow.reading() as tx:
            mailbox = (await standing_in(tx, command.holder, command.mailbox, self._clock.now())).mailbox
            query = Query(("ListMessages", str(mailbox.id), *wanted.parts()))
            messages = await tx.deliveries.list_in_mailbox(
                mailbox.id,
                command.holder.person_number,
                wanted,
                before=_sequence(query.key(command.page_token)),
                limit=size + 1,
            )
            shown = await with_paper(tx, mailbox.id, messages[:size])
        more = len(messages) > size
        return Page(shown, query.token(str(shown[-1].delivery.sequence)) if more else "")


def _fitting(openings: Sequence[OpenedLink]) -> Sequence[OpenedLink]:
    """Returns as many as a reply holds that every gRPC library takes, and one at least."""
    size = 0
    for count, opening in enumerate(openings):
        size += len(opening.consignment.data)
        if count and size > limits.EVIDENCE_REPLY_BYTES:
            return openings[:count]
    return openings


def checked_page_size(asked: int) -> int:
    """Returns how many items a page has. Raises `InvalidFields` for a negative number."""
    try:
        return page_size(asked)
    except Malformed as problem:
        raise InvalidFields([FieldProblem("page_size", problem.reason, problem.text)]) from None


def checked_times(earliest: datetime | None, end: datetime | None) -> None:
    """Refuses a stretch of time that has no length. Raises `InvalidFields`."""
    if earliest is not None and end is not None and end <= earliest:
        raise InvalidFields([FieldProblem("end_time", "TIMES_REVERSED", "must be after start_time")])


def _sequence(key: str | None) -> int | None:
    if key is None:
        return None
    # Our own digest vouches for no key that we did not write; but it is no secret, and so anybody can make
    # one.
    if not (key.isascii() and key.isdecimal() and len(key) <= 18):
        raise InvalidPageToken
    return int(key)
