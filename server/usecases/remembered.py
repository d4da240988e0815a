"""What was read a moment ago: looks into the register that calls share, and that soon no longer count."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")

_AHEAD = 0.5
"""From this part of its time on, what is asked for again is looked at anew while the old still counts."""
_LOOKS_AT_ONCE = 4
_KEYS_OF_ONE_LOOK = 250


@dataclass(slots=True, eq=False)
class _Look(Generic[_K, _V]):
    """One look for many things: to begin, under way or done; `began` is on the monotonic clock."""

    keys: set[_K] = field(default_factory=set)
    began: float | None = None
    found: "asyncio.Task[Mapping[_K, _V]] | None" = None


class Remembered(Generic[_K, _V]):
    """Looks things up, and remembers what it found for a short time.

    Calls that come while a look is under way share it, if it began recently enough: its snapshot is no older
    than it. Calls for many things at once share one look for all of them. A look that failed is not
    remembered.

    What is asked for all the time is looked at again before it is too old, so that nobody waits for it.
    """

    def __init__(
        self,
        look: Callable[[Collection[_K]], Coroutine[Any, Any, Mapping[_K, _V]]],
        monotonic: Callable[[], float],
        seconds: float,
        most: int,
    ) -> None:
        """What `look` found, of every key that it was given, counts for so many seconds since it began; at
        most so many things are kept.
        """
        self._look = look
        self._monotonic = monotonic
        self._seconds = seconds
        self._most = most
        self._looks: OrderedDict[_K, _Look[_K, _V]] = OrderedDict()
        # Looks that take the place of those of the same keys above, which still count.
        self._ahead: dict[_K, _Look[_K, _V]] = {}
        self._gathering: _Look[_K, _V] | None = None
        self._turns = asyncio.Semaphore(_LOOKS_AT_ONCE)

    async def get(self, key: _K, *, seconds: float | None = None) -> _V:
        """Returns what a look finds that began recently, by another measure if one is given; raises what it
        raised.
        """
        look = self._newest(key)
        if look is None or self._is_old(look, self._seconds if seconds is None else seconds):
            look = self._looks[key] = self._look_for(key)
            self._ahead.pop(key, None)
        elif key not in self._ahead and self._is_aging(look):
            self._ahead[key] = self._look_for(key)
        self._looks.move_to_end(key)
        while len(self._looks) > self._most:
            forgotten, _ = self._looks.popitem(last=False)
            self._ahead.pop(forgotten, None)
        assert look.found is not None
        if look.found.done():
            return look.found.result()[key]
        # Shielded, for one caller who hangs up must not fail the others who wait for the same look.
        return (await asyncio.shield(look.found))[key]

    def _newest(self, key: _K) -> _Look[_K, _V] | None:
        """Returns the newest look for a key that is done, or else one under way."""
        look, ahead = self._looks.get(key), self._ahead.get(key)
        if ahead is None or look is None:
            return look
        assert ahead.found is not None
        if not ahead.found.done() and not self._is_old(look, self._seconds):
            return look
        del self._ahead[key]
        if not _failed(ahead.found):
            self._looks[key] = look = ahead
        return look

    def _look_for(self, key: _K) -> _Look[_K, _V]:
        look = self._to_begin()
        look.keys.add(key)
        return look

    def _is_old(self, look: _Look[_K, _V], seconds: float) -> bool:
        if look.found is None or _failed(look.found):
            return True
        return look.began is not None and self._monotonic() - look.began > seconds

    def _is_aging(self, look: _Look[_K, _V]) -> bool:
        return look.found is not None and look.found.done() and self._is_old(look, self._seconds * _AHEAD)

    def _to_begin(self) -> _Look[_K, _V]:
        """Returns the look that begins next, for more keys to be added."""
        if self._gathering is None or len(self._gathering.keys) >= _KEYS_OF_ONE_LOOK:
            self._gathering = _Look()
            self._gathering.found = asyncio.create_task(self._begin(self._gathering))
            # Looked at even when all who waited have hung up, or asyncio would log a failure that nobody
            # retrieved.
            self._gathering.found.add_done_callback(_failed)
        return self._gathering

    async def _begin(self, look: _Look[_K, _V]) -> Mapping[_K, _V]:
        async with self._turns:
            if self._gathering is look:
                self._gathering = None
            look.began = self._monotonic()
            return await self._look(frozenset(look.keys))


def _failed(look: "asyncio.Task[Any]") -> bool:
    return look.done() and (look.cancelled() or look.exception() is not None)
