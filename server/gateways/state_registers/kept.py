"""Answers that are kept for a while, each with when its question was sent."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar

from server.domain.state_records import Found

R = TypeVar("R")


class KeptAnswers(Generic[R]):
    """At most `most` records, each for `seconds` from when the register said it; the longest unused go first.

    Only records are kept. That somebody is not registered is asked anew every time, for registering takes a
    moment and is waited for; and what failed is asked anew as soon as the register may be asked at all.
    """

    def __init__(self, *, seconds: float, most: int, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._monotonic = monotonic
        self._said: OrderedDict[str, tuple[R, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._said)

    def keep(self, number: str, record: R, said_at: float) -> Found[R]:
        """Keeps what was said then, on the monotonic clock, and returns it as an answer with its age."""
        self._said[number] = (record, said_at)
        self._said.move_to_end(number)
        while len(self._said) > self._most:
            self._said.popitem(last=False)
        return self._answer(record, said_at)

    def forget(self, number: str) -> None:
        """Drops what was kept, if anything: the register says otherwise now."""
        self._said.pop(number, None)

    def get(self, number: str, *, no_older_than: timedelta) -> Found[R] | None:
        """Returns the answer if it is kept and no older than that."""
        kept = self._said.get(number)
        if kept is None:
            return None
        answer = self._answer(*kept)
        if answer.age.total_seconds() >= self._seconds:
            self.forget(number)
            return None
        if answer.age > no_older_than or not no_older_than:
            return None
        self._said.move_to_end(number)
        return answer

    def _answer(self, record: R, said_at: float) -> Found[R]:
        return Found(record, timedelta(seconds=max(0.0, self._monotonic() - said_at)))
