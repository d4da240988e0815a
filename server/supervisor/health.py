"""What the supervisor answers for its processes."""

import asyncio
from collections.abc import Mapping

import grpc.aio

from server.health_listener import says_serving

_ANSWER_SECONDS = 0.8
"""How long a process may take to answer: less than a whole look may take (`HealthListener`)."""

# A proxy that the environment names for the way out of the machine leads to no process of this one.
_OPTIONS = (("grpc.enable_http_proxy", 0),)


class ProcessesHealth:
    """Asks the health listeners of the processes that take connections.

    A service is well when there is such a process and all of them say so: connections are dealt out among
    them unasked, so one that is not well fails its share of the calls. One that is being started again takes
    none, and does not count.
    """

    def __init__(self, serving: Mapping[int, str]) -> None:
        """Takes the processes, by number, with their health addresses; looked at anew each time."""
        self._serving = serving
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._under_way = 0

    async def is_well(self, service: str) -> bool:
        """Tells whether a service, `""` or `log`, is well wherever connections go now."""
        asked = dict(self._serving)
        self._under_way += 1
        try:
            answers = await asyncio.gather(*(self._ask(address, service) for address in asked.values()))
        finally:
            self._under_way -= 1
        # One that died while it was asked takes no connections any more.
        counted = [
            answer
            for (number, address), answer in zip(asked.items(), answers, strict=True)
            if self._serving.get(number) == address
        ]
        if not self._under_way:
            # Closing a connection on which somebody else still asks would cancel who asks.
            await self._forget(set(self._serving.values()))
        return bool(counted) and all(counted)

    async def _ask(self, address: str, service: str) -> bool:
        if address not in self._channels:
            self._channels[address] = grpc.aio.insecure_channel(address, options=_OPTIONS)
        return await says_serving(self._channels[address], service, within=_ANSWER_SECONDS)

    async def _forget(self, current: set[str]) -> None:
        gone = [address for address in self._channels if address not in current]
        for channel in [self._channels.pop(address) for address in gone]:
            await channel.close()

    async def close(self) -> None:
        """Ends its connections."""
        await self._forget(set())
