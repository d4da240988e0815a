"""What SPF said a moment ago: a sender sends many mails from one place, and its policy changes seldom."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.domain.caller import IpAddress
from server.domain.spf import SpfResult
from server.usecases.mail_checks import SenderPolicies
from server.usecases.spf_check import SpfIdentity

REMEMBERED_SECONDS: Final = 60.0
"""How long a result is told again."""
FAILED_SECONDS: Final = 5.0
"""How long one that a failure of the DNS made is."""
_AT_ONCE: Final = 8
"""Checks at once; each asks the DNS one question at a time, which so has room for what rights hang on."""
_MOST: Final = 10_000

_Key = tuple[IpAddress, SpfIdentity]


@dataclass(slots=True)
class _Look:
    """A check under way or done; `until` is when its result is old, on the monotonic clock."""

    found: "asyncio.Task[SpfResult]"
    until: float | None = None


class RecentSpf:
    """Shares checks of the same, and remembers them."""

    def __init__(self, check: SenderPolicies, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._check = check
        self._monotonic = monotonic
        self._looks: OrderedDict[_Key, _Look] = OrderedDict()
        self._under_way: set[asyncio.Task[SpfResult]] = set()
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def of(self, client: IpAddress, identity: SpfIdentity) -> SpfResult:
        """Returns what the check says, or said a moment ago."""
        key = client, identity
        look = self._looks.get(key)
        if look is None or (look.until is not None and self._monotonic() >= look.until):
            look = self._looks[key] = self._begun(key)
        self._looks.move_to_end(key)
        while len(self._looks) > _MOST:
            self._looks.popitem(last=False)
        # Shielded, for one mail that is let be must not fail the others that wait for the same.
        return await asyncio.shield(look.found)

    async def close(self) -> None:
        """Leaves what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begun(self, key: _Key) -> _Look:
        look = _Look(asyncio.create_task(self._checked(key)))
        self._under_way.add(look.found)

        def done(task: "asyncio.Task[SpfResult]") -> None:
            self._under_way.discard(task)
            failed = task.cancelled() or task.exception() or task.result() is SpfResult.TEMPERROR
            look.until = self._monotonic() + (FAILED_SECONDS if failed else REMEMBERED_SECONDS)

        look.found.add_done_callback(done)
        return look

    async def _checked(self, key: _Key) -> SpfResult:
        async with self._at_once:
            return await self._check.of(*key)
