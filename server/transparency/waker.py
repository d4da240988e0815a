"""Wakes the leader, wherever it is, after commits: at once in this process, and elsewhere by one signal per
interval at most, however many commits.
"""

import asyncio
from collections.abc import Callable

from server.domain.refusals import ServiceUnavailable
from server.transparency.ports import Signal, SignalSender
from server.transparency.troubles import Trouble, Watchman, cause_of


def _elsewhere() -> bool:
    """Says that the leader is not in this process."""
    return False


class Waker:
    """Sends `RECORDED` signals. A lost one costs the leader's polling interval, nothing else."""

    def __init__(
        self, sender: SignalSender, *, interval: float, wake_here: Callable[[], bool] = _elsewhere
    ) -> None:
        """Takes where to send, and the least time between two signals in seconds. `wake_here` wakes the
        leader if it is in this process, and returns whether it is; nothing is sent then.
        """
        self._sender = sender
        self._wake_here = wake_here
        self._interval = interval
        self._asked = asyncio.Event()
        self.watchman = Watchman("log signals")
        """Knows whether signals get through."""

    def wake(self) -> None:
        """Wakes the leader here, or asks for a signal; returns at once."""
        if not self._wake_here():
            self._asked.set()

    async def run(self) -> None:
        """Sends what is asked for, until cancelled."""
        while True:
            await self._asked.wait()
            # Before sending: who asks while the signal is on its way gets another one.
            self._asked.clear()
            try:
                await self._sender.send(Signal.RECORDED)
                self.watchman.ends()
            except ServiceUnavailable as unavailable:
                self.watchman.begins(Trouble.DATABASE_UNAVAILABLE, cause_of(unavailable))
            await asyncio.sleep(self._interval)
