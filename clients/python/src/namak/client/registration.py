"""Registration for whoever runs the post: mailboxes opened in bulk (RegistrationService)."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from typing import Final

import grpc.aio

from namak.client.link import Link
from namak.client.statuses import error_from_call
from namak.errors import Unavailable
from namak.v1 import registration_pb2, registration_pb2_grpc

BLOCK_LINES: Final = 5000
"""How many lines go into one block, and so into one transaction of the post."""

LINE_BYTES: Final = 200
"""The longest line that can hold a number; of longer ones one byte more is sent, so that they are refused."""

_STREAM_SECONDS: Final = 120.0
# One stream's share: well within the time that the post gives a call.


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a register's file, without their ends; ``first_line`` is the number of the first, from 1."""

    first_line: int
    lines: list[bytes]


class Registration:
    """The calls of RegistrationService that the operator's programs need."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def import_mailboxes(
        self, blocks_after: Callable[[int], Iterable[Block]], *, after: int = 0
    ) -> AsyncIterator[registration_pb2.ImportMailboxesResponse]:
        """Opens a mailbox for each number, and yields what became of each block once it is committed.

        ``blocks_after`` gives the blocks that come after a line. Where the stream breaks off, what comes
        after the last line that was dealt with is sent again, for as long as the connection's patience; what
        was opened already is told as being there. Raises :mod:`namak.errors`.
        """
        patience = self._link.patience
        through, heard, pause = after, time.monotonic(), patience.first_pause
        finished = False
        while not finished:
            await self._link.connect()
            source = _Source(blocks_after(through))
            call = registration_pb2_grpc.RegistrationServiceStub(self._link.channel()).ImportMailboxes(
                source.requests(), timeout=2 * _STREAM_SECONDS
            )
            try:
                async for reply in call:
                    through, heard, pause = (
                        reply.through_line,
                        time.monotonic(),
                        self._link.patience.first_pause,
                    )
                    yield reply
                finished = source.exhausted
            except grpc.aio.AioRpcError as failure:
                problem = error_from_call(failure)
                waited = time.monotonic() - heard
                if not isinstance(problem, Unavailable) or waited > patience.total:
                    raise problem from failure
                await asyncio.sleep(max(pause, problem.retry_delay or 0.0))
                pause = min(2 * pause, patience.longest_pause)
            finally:
                call.cancel()


class _Source:
    """The blocks of one stream: as many as there are, or as there is time for."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = iter(blocks)
        self.exhausted = False

    async def requests(self) -> AsyncIterator[registration_pb2.ImportMailboxesRequest]:
        ends = time.monotonic() + _STREAM_SECONDS
        while time.monotonic() < ends:
            # A file is read beside: the replies are to be taken meanwhile.
            block = await asyncio.to_thread(next, self._blocks, None)
            if block is None:
                self.exhausted = True
                return
            yield registration_pb2.ImportMailboxesRequest(first_line=block.first_line, lines=block.lines)
