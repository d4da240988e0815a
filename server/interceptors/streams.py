"""The innermost interceptor: owns every stream of replies, watches over who reads it, and closes it."""

import asyncio
import zlib
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from server.domain.caller import IpAddress
from server.domain.refusals import ReaderTooSlow, ServiceUnavailable
from server.interceptors.access import AccessRules
from server.interceptors.interceptor import Interceptor, Method, is_stream, write
from server.interceptors.peer_identity import (
    CallerIdentity,
    address_of,
    certificate_of,
    session_token_of,
)
from server.services.call import Context, current_call

_TURNS = 4


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Times of streams, in seconds.

    Attributes:
        recheck: how long after one look at the caller the next is taken; what it sees is not remembered from
            earlier ones. It keeps the promise that a revocation ends open streams within a second.
        recheck_most: how long a look may take; after that who calls can't be told, and the stream ends with
            UNAVAILABLE.
        send: how long one reply may wait for its reader; after that the stream ends with READER_TOO_SLOW,
            so that a reader who stops holds nothing.
    """

    recheck: float = 0.5
    recheck_most: float = 2.0
    send: float = 30.0


class Streams(Interceptor):
    """Ends a stream with the reason as soon as its caller would be refused now; when the server stops, ends
    those that have no end of their own.
    """

    def __init__(self, identity: CallerIdentity, rules: AccessRules, limits: StreamLimits) -> None:
        self._identity = identity
        self._rules = rules
        self._limits = limits
        self._stopping = False

    def stopping(self) -> None:
        """Ends, at their next look, the streams that have no end of their own."""
        self._stopping = True

    async def intercept(
        self, method: Method, request_or_iterator: Any, context: Context, method_name: str
    ) -> Any:
        response = method(request_or_iterator, context)
        if not is_stream(response):
            return await response
        who = _Who(certificate_of(context), address_of(context.peer()), session_token_of(context))
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._watch(who, method_name))
                await self._send(response, context)
                watch.cancel()
        except BaseExceptionGroup as ended:
            # What ended first is what is told; the groups hold nothing else of interest.
            first: BaseException = ended
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first from None
        return None

    async def _send(self, response: Any, context: Context) -> None:
        # Closed here, in the call's own task: an abandoned generator would be finalised in another task and
        # context.
        async with aclosing(response) as replies:
            async for reply in replies:
                scope = asyncio.timeout(self._limits.send)
                try:
                    async with scope:
                        await write(reply, context)
                except TimeoutError:
                    if scope.expired():
                        raise ReaderTooSlow from None
                    raise

    async def _watch(self, who: "_Who", method_name: str) -> None:
        call = current_call()
        place: asyncio.Task[None] | None = None
        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(_until_turn(who.certificate, self._limits.recheck))
                if self._stopping and call.endless:
                    raise ServiceUnavailable("server")
                try:
                    async with asyncio.timeout(self._limits.recheck_most):
                        caller = await self._identity.identify(
                            who.certificate,
                            who.address,
                            session_token=who.session_token,
                            remembered_seconds=self._limits.recheck / _TURNS,
                        )
                        self._rules.check_kind(caller, method_name)
                        await call.recheck()
                except TimeoutError:
                    raise ServiceUnavailable("register of certificates") from None
                if place is None or place.done():
                    # Beside, for a sender's own name server must not put off that its revocation is seen.
                    place = group.create_task(self._rules.check_place(caller, method_name))


@dataclass(frozen=True, slots=True)
class _Who:
    """What a stream's caller is told by, each time anew."""

    certificate: bytes
    address: IpAddress
    session_token: str | None


def _until_turn(certificate: bytes, every: float) -> float:
    """Returns how long until the certificate's next turn, in seconds.

    Many streams have theirs at the same moment and share one look into the register; not all of them, which
    would hold up everything else.
    """
    phase = every * (zlib.crc32(certificate) % _TURNS) / _TURNS
    return every - (asyncio.get_running_loop().time() - phase) % every
