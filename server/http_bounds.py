"""What strangers may take of a listener that speaks HTTP: so many connections, and so long for each."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

import structlog

_log = structlog.get_logger(__name__)

_NONE_LEFT: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one listener.

    Attributes:
        connections: how many may be open at a time; further ones get status 503 and are closed.
        head_seconds: how long the head of a request may take, from the beginning of its connection or from
            the end of the answer before it, however it comes; so long an idle connection is kept, too.
        sending_seconds: how long a client may leave an answer lying that is more than buffers hold.
    """

    connections: int = 500
    head_seconds: float = 20.0
    sending_seconds: float = 30.0


class Door:
    """Lets connections in, to the protocol that answers each."""

    def __init__(self, protocols: Callable[[], asyncio.Protocol], bounds: Bounds) -> None:
        self._protocols = protocols
        self._bounds = bounds
        self._open = 0
        self._told = False

    def __call__(self) -> asyncio.Protocol:
        """Returns the protocol of a connection that has just come."""
        return _Bounded(self)

    def enter(self) -> asyncio.Protocol | None:
        """Returns what answers a connection, which leaves at its end; None where there are too many."""
        if self._open >= self._bounds.connections:
            if not self._told:
                self._told = True
                _log.warning("turns connections away: there are as many as may be", most=self._open)
            return None
        entered = self._protocols()
        self._open += 1
        return entered

    def leave(self) -> None:
        """Says that a connection is over that entered."""
        self._open -= 1
        if self._open <= self._bounds.connections // 2:
            self._told = False

    @property
    def sending_seconds(self) -> float:
        """How long an answer may lie."""
        return self._bounds.sending_seconds


class _Bounded(asyncio.Protocol):
    """One connection. What it gets it hands on."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._lying: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._inner = self._door.enter()
        if self._inner is None:
            self._transport.write(_NONE_LEFT)
            self._transport.close()
        else:
            self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._inner is None else self._inner.eof_received()

    def pause_writing(self) -> None:
        if self._inner is None or self._transport is None:
            return
        loop = asyncio.get_running_loop()
        self._lying = loop.call_later(self._door.sending_seconds, self._transport.abort)
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._taken()
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._taken()
        if self._inner is not None:
            self._door.leave()
            self._inner.connection_lost(exc)

    def _taken(self) -> None:
        if self._lying is not None:
            self._lying.cancel()
            self._lying = None
