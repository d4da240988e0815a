"""Wakes the leader, wherever it is, after commits: at most one signal per interval, however many commits."""

import asyncio

from server.domain.refusals import ServiceUnavailable
from server.transparency.ports import Signal, SignalSender
from server.transparency.troubles import Trouble, Watchman, cause_of


class Waker:
    """Sends `RECORDED` signals. A lost one costs the leader's polling interval, nothing else."""

    def __init__(self, sender: SignalSender, *, interval: float) -> None:
        """Takes where to send, and the least time between two signals in seconds."""
        self._sender = sender
        self._interval = interval
        self._asked = asyncio.Event()
        self.watchman = Watchman("log signals")
        """Knows whether signals get through."""

    def wake(self) -> None:
        """Asks for a signal; returns at once."""
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
