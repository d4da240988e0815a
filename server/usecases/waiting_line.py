"""A line of calls that wait to be written: bounded, shared fairly, and taken from in groups.

Pure: it waits for nothing and knows nothing of what is written.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

from server.domain.refusals import Overloaded

_BYTES_PER_ITEM = 16 * 1024
"""So many bytes weigh as much as one item more when the turns of organisations are reckoned."""


@dataclass(frozen=True, slots=True)
class LineLimits:
    """How much may be held, waiting and being written, and how much goes into one group.

    A single call may be larger than a group; it then makes a group of its own.
    """

    items: int = 10_000
    size: int = 128 * 1024 * 1024
    group_items: int = 256
    group_size: int = 16 * 1024 * 1024


@dataclass(eq=False, slots=True, kw_only=True)
class Waiter:
    """One call: whose it is, the request ids in it, and its size in bytes."""

    owner_id: UUID
    request_ids: frozenset[str]
    size: int
    waits: bool = False
    """Whether it stands in the line, and no writer has taken it."""

    @property
    def weight(self) -> float:
        """How much of its owner's share it uses up."""
        return len(self.request_ids) + self.size / _BYTES_PER_ITEM


W = TypeVar("W", bound=Waiter)


@dataclass(slots=True)
class _Lane(Generic[W]):
    """An organisation's part of the line. `tag` grows with what it was given: the smallest is next."""

    waiting: deque[W] = field(default_factory=deque)
    items: int = 0
    size: int = 0
    tag: float = 0.0
    in_turn: bool = False


class WaitingLine(Generic[W]):
    """Calls in the order of coming for each organisation, and between organisations in turns by weight.

    One request id is in at most one group at a time: a call that names an id which is being written stands
    aside until that is done, and lets others pass.
    """

    def __init__(self, limits: LineLimits) -> None:
        self._limits = limits
        self._lanes: dict[UUID, _Lane[W]] = {}
        self._turns: list[tuple[float, int, UUID]] = []
        self._order = itertools.count()
        self._tag = 0.0
        self._items = 0
        self._waiting = 0
        self._size = 0
        self._written: set[tuple[UUID, str]] = set()
        self._aside: dict[tuple[UUID, str], list[W]] = {}
        self._apart: dict[UUID, float] = {}

    @property
    def limits(self) -> LineLimits:
        """How much it holds at most."""
        return self._limits

    @property
    def items(self) -> int:
        """How many submissions are held, waiting or being written."""
        return self._items

    @property
    def waiting(self) -> int:
        """How many submissions wait; those that stand aside too."""
        return self._waiting

    @property
    def size(self) -> int:
        """How many bytes are held."""
        return self._size

    def put(self, waiter: W) -> None:
        """Puts a call at the end of its organisation's part.

        An organisation gets at most as much as is left free afterwards: alone it fills half of the line, and
        whoever comes next always finds room.

        Raises:
            Overloaded: there is no room; nothing was changed.
        """
        lane = self._lanes.get(waiter.owner_id) or _Lane[W]()
        count = len(waiter.request_ids)
        if (
            lane.items + count > self._limits.items - self._items
            or lane.size + waiter.size > self._limits.size - self._size
        ):
            raise Overloaded("post")
        self._lanes[waiter.owner_id] = lane
        self._account(lane, count, waiter.size)
        self._waits(waiter, True)
        lane.waiting.append(waiter)
        self._give_turn(waiter.owner_id, lane)

    def leave(self, waiter: W) -> bool:
        """Takes a call out of the line; returns False, changing nothing, when it does not wait any more."""
        if not waiter.waits:
            return False
        self._waits(waiter, False)
        lane = self._lanes[waiter.owner_id]
        if waiter in lane.waiting:
            lane.waiting.remove(waiter)
        else:
            self._leave_aside(waiter)
        self._release(waiter, lane)
        return True

    def take(self, now: float) -> list[W]:
        """Takes a group, within its limits; empty when nothing can be written now. `done` gives each back."""
        group: list[W] = []
        passed: list[tuple[float, int, UUID]] = []
        items = size = 0
        while self._turns:
            turn = heapq.heappop(self._turns)
            owner_id, lane = turn[2], self._lanes[turn[2]]
            waiter = self._next(lane)
            if waiter is None:
                lane.in_turn = False
                self._forget(owner_id, lane)
                continue
            alone = self._stands_apart(owner_id, now)
            if group and alone:
                passed.append(turn)
                continue
            items, size = items + len(waiter.request_ids), size + waiter.size
            if group and (items > self._limits.group_items or size > self._limits.group_size):
                passed.append(turn)
                break
            self._start(lane, waiter, turn)
            group.append(waiter)
            if alone:
                group += self._rest(lane, items, size)
                break
        for turn in passed:
            heapq.heappush(self._turns, turn)
        return group

    def done(self, waiter: W) -> None:
        """Says that a taken call has its outcome; those that stood aside for it may be taken again."""
        lane = self._lanes[waiter.owner_id]
        for key in _keys(waiter):
            self._written.discard(key)
            for other in reversed(self._aside.pop(key, ())):
                lane.waiting.appendleft(other)
        if lane.waiting:
            self._give_turn(waiter.owner_id, lane)
        self._release(waiter, lane)

    def keep_apart(self, owner_id: UUID, until: float) -> None:
        """Has an organisation's calls taken in groups of their own until then, on the clock of `take`."""
        self._apart[owner_id] = until

    def _next(self, lane: _Lane[W]) -> W | None:
        """Returns the lane's first call that names no request id which is being written, left in place."""
        while lane.waiting:
            waiter = lane.waiting[0]
            taken = next((key for key in _keys(waiter) if key in self._written), None)
            if taken is None:
                return waiter
            self._aside.setdefault(taken, []).append(lane.waiting.popleft())
        return None

    def _start(self, lane: _Lane[W], waiter: W, turn: tuple[float, int, UUID]) -> None:
        tag, place, owner_id = turn
        lane.waiting.popleft()
        self._waits(waiter, False)
        self._written.update(_keys(waiter))
        self._tag = tag
        lane.tag = tag + waiter.weight
        if lane.waiting:
            heapq.heappush(self._turns, (lane.tag, place, owner_id))
        else:
            lane.in_turn = False

    def _rest(self, lane: _Lane[W], items: int, size: int) -> list[W]:
        """Takes what more of one lane goes into a group of its own."""
        taken: list[W] = []
        while (waiter := self._next(lane)) is not None:
            items, size = items + len(waiter.request_ids), size + waiter.size
            if items > self._limits.group_items or size > self._limits.group_size:
                break
            lane.waiting.popleft()
            self._waits(waiter, False)
            self._written.update(_keys(waiter))
            lane.tag += waiter.weight
            taken.append(waiter)
        return taken

    def _stands_apart(self, owner_id: UUID, now: float) -> bool:
        until = self._apart.get(owner_id)
        if until is not None and until <= now:
            del self._apart[owner_id]
            until = None
        return until is not None

    def _give_turn(self, owner_id: UUID, lane: _Lane[W]) -> None:
        if not lane.in_turn:
            # Whoever was away has not saved up turns.
            lane.tag = max(lane.tag, self._tag)
            heapq.heappush(self._turns, (lane.tag, next(self._order), owner_id))
            lane.in_turn = True

    def _leave_aside(self, waiter: W) -> None:
        for key in _keys(waiter):
            others = self._aside.get(key, [])
            if waiter in others:
                others.remove(waiter)

    def _waits(self, waiter: W, waits: bool) -> None:
        waiter.waits = waits
        self._waiting += len(waiter.request_ids) if waits else -len(waiter.request_ids)

    def _account(self, lane: _Lane[W], items: int, size: int) -> None:
        lane.items += items
        lane.size += size
        self._items += items
        self._size += size

    def _release(self, waiter: W, lane: _Lane[W]) -> None:
        self._account(lane, -len(waiter.request_ids), -waiter.size)
        self._forget(waiter.owner_id, lane)

    def _forget(self, owner_id: UUID, lane: _Lane[W]) -> None:
        if lane.items == 0 and not lane.in_turn:
            self._lanes.pop(owner_id, None)


def _keys(waiter: Waiter) -> Iterator[tuple[UUID, str]]:
    return ((waiter.owner_id, request_id) for request_id in waiter.request_ids)
