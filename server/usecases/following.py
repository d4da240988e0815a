"""Following the log: every fact that concerns the caller, in the order of the log (POST-2, POST-5).

One leaf after the other is shown, never beyond what is published, so a cursor is good on every replica and
for ever: leaves have no gaps that are filled later, as serial numbers of rows have. At any time a follower
holds one reply, and what comes next is read when that one was taken.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from namak.evidence.events import Audience
from server.domain import limits
from server.domain.caller import Holder, Sender
from server.domain.facts import Fact
from server.domain.refusals import InvalidCursor, ServiceUnavailable
from server.usecases.log_ports import (
    Followed,
    LaidInto,
    LogCursor,
    Place,
    PublishedFacts,
    SentBy,
    Subscription,
    Subscriptions,
)
from server.usecases.ports import Clock, Log, UnitOfWork
from server.usecases.records import LoggedReceipt
from server.usecases.standing import standing_in

BEGINNING = LogCursor("", 0)
"""Asks to begin where the log does: with the oldest shard, whatever that is called."""
FACTS = limits.PAGE_SIZE_MAX
"""How many facts a reply has at most."""
REPLY_BYTES = 1024 * 1024
"""How many bytes their documents have together at most; a larger one comes alone. With receipts, which hold
the documents once more, replies stay below gRPC's usual limit of 4 MiB.
"""
IDLE_SECONDS = 5.0
"""After so long a silence an empty reply tells how far the cursor came."""
_LEAVES_AT_ONCE = 1000
_RECEIPT_SECONDS = 5.0

_SENDERS = frozenset({Audience.SENDER, Audience.BOTH})


@dataclass(frozen=True, slots=True)
class Follow:
    """Where to begin; without a cursor, with what is published next; at `BEGINNING`, with the oldest fact.
    `mailbox` is for holders, None for their own.
    """

    caller: Sender | Holder
    cursor: LogCursor | None
    with_receipts: bool
    mailbox: str | None = None


@dataclass(frozen=True, slots=True)
class PublishedFact:
    """A fact, and where it stands in the shard of its reply's cursor."""

    fact: Fact
    leaf_index: int
    receipt: LoggedReceipt | None


@dataclass(frozen=True, slots=True)
class Followings:
    """Facts in the order of the log, perhaps none, and where to go on after them."""

    facts: Sequence[PublishedFact]
    cursor: LogCursor


class Following:
    """Shows senders the facts of their deliveries, and holders those of their messages, as they are
    published. It reads only: following is neither opening nor signing in.
    """

    def __init__(
        self,
        *,
        uow: UnitOfWork,
        clock: Clock,
        log: Log,
        facts: PublishedFacts,
        subscriptions: Subscriptions,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._uow = uow
        self._clock = clock
        self._log = log
        self._facts = facts
        self._subscriptions = subscriptions
        self._idle = idle_seconds

    async def follow(self, command: Follow) -> AsyncGenerator[Followings, None]:
        """Yields, without end, first at once the cursor and then what follows.

        Raises:
            ResourceNotPermitted: the person has no mailbox, or no right in the one they name. That it is
                there still, while they follow, is for whoever owns the stream to look.
            InvalidCursor: it is of no shard of this log, or ahead of what is published.
            Overloaded: too many follow already.
            ServiceUnavailable: the database does not answer, or the log owes receipts.
        """
        followed, audiences = await self._followed(command)
        clock = asyncio.get_running_loop()
        with self._subscriptions.subscribe(followed) as subscription:
            await subscription.ready()
            cursor = await self._beginning(command.cursor, subscription)
            yield Followings((), cursor)
            spoken, unseen = clock.time(), True
            while True:
                # Nothing is awaited between the two: what is not told of has nothing before this horizon.
                told, end = subscription.take(), subscription.horizon(cursor.origin)
                if not (told or unseen):
                    cursor = LogCursor(cursor.origin, max(cursor.index, end))
                replies = self._replies(followed, audiences, cursor, end, receipts=command.with_receipts)
                async for reply in replies:
                    cursor = reply.cursor
                    if reply.facts or clock.time() - spoken >= self._idle:
                        yield reply
                        spoken = clock.time()
                unseen = False
                successor = subscription.successor(cursor.origin)
                if successor is not None and cursor.index >= subscription.horizon(cursor.origin):
                    cursor, unseen = LogCursor(successor, 0), True
                elif (left := spoken + self._idle - clock.time()) > 0:
                    await subscription.told(left)
                else:
                    yield Followings((), cursor)
                    spoken = clock.time()

    async def _followed(self, command: Follow) -> tuple[Followed, frozenset[Audience]]:
        match command.caller:
            case Sender() as caller:
                return SentBy(caller.organisation_id, caller.sender_address_id), _SENDERS
            case Holder() as caller:
                async with self._uow.reading() as tx:
                    standing = await standing_in(tx, caller, command.mailbox, self._clock.now())
                return LaidInto(standing.mailbox.id), standing.audiences

    async def _beginning(self, asked: LogCursor | None, subscription: Subscription) -> LogCursor:
        if asked is None:
            current = self._subscriptions.current
            return LogCursor(current, subscription.horizon(current))
        if asked == BEGINNING:
            return LogCursor(await self._subscriptions.first(), 0)
        # What another replica published a moment ago this one may not have gone through yet.
        size = await self._subscriptions.size(asked.origin)
        if size is None:
            raise InvalidCursor("this log has no such shard")
        if asked.index > size:
            raise InvalidCursor("it is ahead of what the log has published")
        return asked

    async def _replies(
        self,
        followed: Followed,
        audiences: frozenset[Audience],
        cursor: LogCursor,
        end: int,
        *,
        receipts: bool,
    ) -> AsyncIterator[Followings]:
        """Yields what there is from the cursor up to `end`; the last reply's cursor is there."""
        index = cursor.index
        while index < end:
            looked = await self._facts.look(followed, cursor.origin, index, end, limit=_LEAVES_AT_ONCE)
            visible = [each for each in looked.places if each.event.audience in audiences]
            for places, index in _portions(visible, looked.end):
                facts = await self._read(places, receipts=receipts)
                yield Followings(facts, LogCursor(cursor.origin, index))

    async def _read(self, places: Sequence[Place], *, receipts: bool) -> Sequence[PublishedFact]:
        if not places:
            return ()
        facts = await self._facts.facts([place.evidence_id for place in places])
        logged: Mapping[UUID, LoggedReceipt] = {}
        if receipts:
            documents = {fact.id: fact.data for fact in facts.values()}
            logged = await self._log.receipts(documents, wait_seconds=_RECEIPT_SECONDS)
            if len(logged) < len(documents):
                raise ServiceUnavailable("log")
        return [
            PublishedFact(facts[each.evidence_id], each.leaf_index, logged.get(each.evidence_id))
            for each in places
        ]


def _portions(places: Sequence[Place], end: int) -> Iterator[tuple[Sequence[Place], int]]:
    """Cuts what was found into replies, each with the index after it; the last one reaches `end`."""
    portion: list[Place] = []
    size = 0
    for place in places:
        if portion and (len(portion) == FACTS or size + place.size > REPLY_BYTES):
            yield portion, portion[-1].leaf_index + 1
            portion, size = [], 0
        portion.append(place)
        size += place.size
    yield portion, end
