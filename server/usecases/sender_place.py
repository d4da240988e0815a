"""Where a sender calls from that is in none of its organisation's networks (POST-8)."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

from server.domain.caller import Sender
from server.domain.refusals import NetworkNotPermitted, ServiceUnavailable
from server.usecases.ports import HostNames

NAMES_AT_ONCE: Final = 16
"""So many host names of one organisation are looked up at the same time. It may register any number, for slow
name servers, and the look-ups are everybody's.
"""


class SenderPlace:
    """Looks the host names of a sender's organisation up, for calls that are about no single sender address.

    Submissions are not asked here: each is judged by its own address's entry, and what is refused is kept.
    """

    def __init__(self, host_names: HostNames) -> None:
        self._host_names = host_names
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def check(self, caller: Sender) -> None:
        """Raises unless the caller is at one of its organisation's host names.

        Raises:
            NetworkNotPermitted: it is at none of them.
            ServiceUnavailable: one of them can't be looked up, so that this is not known.
        """
        if self._is_known(caller):
            return
        async with self._turns.setdefault(caller.organisation_id, asyncio.Lock()):
            # Whoever had the turn before may have looked it up.
            if not self._is_known(caller):
                await self._look_up(caller)

    def _is_known(self, caller: Sender) -> bool:
        address = caller.connection.address
        known = self._host_names.known(caller.host_names, like=address)
        return any(address in addresses for addresses in known.values())

    async def _look_up(self, caller: Sender) -> None:
        address, certain = caller.connection.address, True
        for names in _portions(caller.host_names):
            found = await self._host_names.addresses_of(names, like=address)
            if any(address in addresses for addresses in found.values()):
                return
            certain = certain and all(name in found for name in names)
        if not certain:
            raise ServiceUnavailable("DNS")
        raise NetworkNotPermitted(str(address))


def _portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[begin : begin + NAMES_AT_ONCE] for begin in range(0, len(names), NAMES_AT_ONCE))
