"""What was read a moment ago: looks into the register that calls share, and that soon no longer count."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class _Look(Generic[_V]):
    """One look, under way or done; `began` is on the monotonic clock."""

    began: float
    found: "asyncio.Task[_V]"


class Remembered(Generic[_K, _V]):
    """Looks things up, and remembers what it found for a short time.

    Calls that come while a look is under way share it, if it began recently enough: its snapshot is no older
    than it. A look that failed is not remembered.
    """

    def __init__(
        self,
        look: Callable[[_K], Coroutine[Any, Any, _V]],
        monotonic: Callable[[], float],
        seconds: float,
        most: int,
    ) -> None:
        """What `look` found counts for so many seconds since it began; at most so many things are kept."""
        self._look = look
        self._monotonic = monotonic
        self._seconds = seconds
        self._most = most
        self._looks: OrderedDict[_K, _Look[_V]] = OrderedDict()

    async def get(self, key: _K) -> _V:
        """Returns what a look finds that began recently; raises what it raised."""
        now = self._monotonic()
        look = self._looks.get(key)
        if look is None or now - look.began > self._seconds or _failed(look.found):
            look = _Look(now, asyncio.create_task(self._look(key)))
            # Looked at even when all who waited have hung up, or asyncio would log a failure that nobody
            # retrieved.
            look.found.add_done_callback(_failed)
            self._looks[key] = look
        self._looks.move_to_end(key)
        while len(self._looks) > self._most:
            self._looks.popitem(last=False)
        # Shielded, for one caller who hangs up must not fail the others who wait for the same look.
        return await asyncio.shield(look.found)


def _failed(look: "asyncio.Task[Any]") -> bool:
    return look.done() and (look.cancelled() or look.exception() is not None)
