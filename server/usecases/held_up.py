"""Calls that were held up by a lock or for want of a look-up: each goes on by itself, organisations in turns.

Pure: it waits for nothing and knows nothing of what is written.
"""

from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar
from uuid import UUID

from server.usecases.waiting_line import Waiter

W = TypeVar("W", bound=Waiter)


class HeldUp(Generic[W]):
    """So many calls go on at once, and fewer of one organisation: who makes its own wait, by slow names or by
    large batches to one mailbox, leaves room for others.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._waiting: OrderedDict[UUID, deque[W]] = OrderedDict()
        self._begun: Counter[UUID] = Counter()

    def put(self, call: W) -> None:
        """Puts a call behind those of its organisation."""
        self._waiting.setdefault(call.owner_id, deque()).append(call)

    def take(self) -> W | None:
        """Takes the call that may go on next, None when none may now. `done` gives it back."""
        if self._begun.total() >= self._most:
            return None
        owner_id = next((each for each in self._waiting if self._begun[each] < self._most_of_one), None)
        if owner_id is None:
            return None
        call = self._waiting[owner_id].popleft()
        self._waiting.move_to_end(owner_id)
        self._forget(owner_id)
        self._begun[owner_id] += 1
        return call

    def done(self, call: W) -> None:
        """Says that a taken call has its outcome."""
        self._begun[call.owner_id] -= 1
        if not self._begun[call.owner_id]:
            del self._begun[call.owner_id]

    def leave(self, call: W) -> bool:
        """Takes a call out; returns False, changing nothing, when it does not wait here."""
        waiting = self._waiting.get(call.owner_id)
        if waiting is None or call not in waiting:
            return False
        waiting.remove(call)
        self._forget(call.owner_id)
        return True

    def _forget(self, owner_id: UUID) -> None:
        if not self._waiting[owner_id]:
            del self._waiting[owner_id]
