"""`python -m scripts.benchmark.mail_sink`: takes mail and throws it away, as fast as Python can.

It prints its port; at the end of its input it prints what it took, as JSON, and ends. Its times are of the
clock that all processes of the machine share.
"""

import asyncio
import json
import sys
import time
from typing import Final, cast

import uvloop

_ANSWERS: Final = {b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 SIZE 104857600\r\n", b"QUIT": b"221 bye\r\n"}
_END: Final = b"\r\n.\r\n"


class Taken:
    """What was taken: mails, connections, and when the first and the last mail was."""

    def __init__(self) -> None:
        self.mails = self.connections = 0
        self.first = self.last = 0.0

    def count(self) -> None:
        """Counts a mail."""
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.mails += 1


class Sink(asyncio.Protocol):
    """One connection: every command is answered with yes."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._buffer = b""
        self._in_data = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none of asyncio's own
        self._taken.connections += 1
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answers whatever is whole."""
        self._buffer += data
        while self._one():
            pass

    def _one(self) -> bool:
        assert self._transport is not None
        if self._in_data:
            _, found, rest = self._buffer.partition(_END)
            if not found:
                return False
            self._buffer, self._in_data = rest, False
            self._taken.count()
            self._transport.write(b"250 taken\r\n")
            return True
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return False
        self._buffer = rest
        command = line[:4].upper()
        if command == b"DATA":
            self._in_data = True
            self._transport.write(b"354 go on\r\n")
            return True
        self._transport.write(_ANSWERS.get(command, b"250 ok\r\n"))
        if command == b"QUIT":
            self._transport.close()
            return False
        return True


async def serve() -> None:
    """Takes mail until the end of the input."""
    taken = Taken()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(taken), "127.0.0.1", 0)
    _say(str(server.sockets[0].getsockname()[1]))
    await asyncio.to_thread(sys.stdin.read)
    _say(json.dumps(vars(taken)))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
