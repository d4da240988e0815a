"""One session with a centre: from the bind until the link ends."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from server.gateways.sms import pdu
from server.gateways.sms.pdu import HEADER, BadPacket, Command, Delivered, Packet, Status

_log = structlog.get_logger(__name__)

_REPORTS_AT_ONCE: Final = 50
"""So many reports are taken in at once; a centre that sends more waits for its answers."""

TakeDelivered = Callable[[Delivered], Awaitable[None]]
"""Takes in what a centre delivers; when it raises, the centre is asked to send it again."""


class LinkLost(Exception):
    """The link ended; the text says how, and nothing of what went over it."""


class NotLetIn(Exception):
    """The centre refused the bind.

    Attributes:
        status: why, as SMPP numbers it.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Session:
    """A session. `run` reads until the link ends; meanwhile others may ask."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, take: TakeDelivered
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._take = take
        self._sequence = 0
        self._asked: dict[int, asyncio.Future[Packet]] = {}
        self._taking: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_REPORTS_AT_ONCE)
        self._heard = asyncio.get_running_loop().time()
        self._lost: LinkLost | None = None

    async def run(self) -> None:
        """Reads until the link ends. Raises LinkLost, to whoever waits for an answer too."""
        lost = LinkLost("the link was given up")
        try:
            while True:
                await self._heed(await self._read())
        except (OSError, EOFError):
            lost = LinkLost("the link broke")
        except BadPacket as bad:
            lost = LinkLost(str(bad))
        except LinkLost as ended:
            lost = ended
        finally:
            self._end(lost)
        raise lost

    async def bind(self, body: bytes, seconds: float) -> None:
        """Asks to be let in. Raises NotLetIn, LinkLost, TimeoutError."""
        answer = await self._ask(Command.BIND_TRANSCEIVER, body, seconds)
        if answer.status != Status.OK:
            raise NotLetIn(answer.status)

    async def submit(self, body: bytes, seconds: float) -> Packet:
        """Hands a segment over; returns the answer, whatever it says. Raises LinkLost, TimeoutError."""
        return await self._ask(Command.SUBMIT_SM, body, seconds)

    async def stay_awake(self, every: float, seconds: float) -> None:
        """Asks for a sign of life whenever nothing came for so many seconds. Raises LinkLost: none came."""
        now = asyncio.get_running_loop().time
        while True:
            silent = now() - self._heard
            if silent < every:
                await asyncio.sleep(every - silent)
                continue
            try:
                await self._ask(Command.ENQUIRE_LINK, b"", seconds)
            except TimeoutError:
                raise LinkLost("the centre gives no sign of life") from None

    async def leave(self, seconds: float) -> None:
        """Takes leave, and closes; what the centre says to it does not matter."""
        with contextlib.suppress(LinkLost, TimeoutError, OSError):
            await self._ask(Command.UNBIND, b"", seconds)
        await self.close()

    async def close(self) -> None:
        """Closes the link."""
        self._end(LinkLost("the link was closed"))
        for task in self._taking:
            task.cancel()
        await asyncio.gather(*self._taking, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), 1.0)

    async def _ask(self, command: Command, body: bytes, seconds: float) -> Packet:
        if self._lost is not None:
            raise self._lost
        self._sequence = self._sequence % pdu.MOST_SEQUENCE + 1
        sequence = self._sequence
        answer: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self._asked[sequence] = answer
        try:
            async with asyncio.timeout(seconds):
                await self._write(Packet(command, Status.OK, sequence, body))
                return await answer
        finally:
            del self._asked[sequence]
            if not answer.cancel() and not answer.cancelled():
                answer.exception()  # seen, though time was up in the same moment

    async def _write(self, packet: Packet) -> None:
        try:
            self._writer.write(packet.encoded())
            await self._writer.drain()
        except OSError:
            raise LinkLost("the link broke") from None

    async def _read(self) -> Packet:
        length, command, status, sequence = HEADER.unpack(await self._reader.readexactly(HEADER.size))
        if not HEADER.size <= length <= pdu.MOST_OCTETS:
            raise BadPacket("a packet of a length that there can't be")
        body = await self._reader.readexactly(length - HEADER.size)
        self._heard = asyncio.get_running_loop().time()
        return Packet(command, status, sequence, body)

    async def _heed(self, packet: Packet) -> None:
        if packet.command & Command.GENERIC_NACK:  # an answer; a nack is one to whatever it numbers
            answer = self._asked.get(packet.sequence)
            if answer is not None and not answer.done():
                answer.set_result(packet)
            return
        match packet.command:
            case Command.DELIVER_SM:
                await self._room.acquire()
                task = asyncio.create_task(self._deliver(packet))
                self._taking.add(task)
                task.add_done_callback(self._taken)
            case Command.ENQUIRE_LINK:
                await self._answer(packet, Command.ENQUIRE_LINK_RESP)
            case Command.UNBIND:
                await self._answer(packet, Command.UNBIND_RESP)
                raise LinkLost("the centre took leave")
            case _:
                await self._answer(packet, Command.GENERIC_NACK, Status.INVALID_COMMAND)

    def _taken(self, task: asyncio.Task[None]) -> None:
        self._taking.discard(task)
        self._room.release()

    async def _deliver(self, packet: Packet) -> None:
        """Takes a report in, and only then answers: a report that was answered is not sent again."""
        status = Status.OK
        try:
            await self._take(pdu.deliver_sm(packet.body))
        except BadPacket as bad:
            # It would be no better the next time.
            _log.warning("an SMS centre sent what can't be read", problem=str(bad))
        except Exception as error:  # noqa: BLE001 - whatever it is, the centre keeps the report
            _log.warning("a delivery report was not taken in", kind=type(error).__name__)
            status = Status.TEMPORARY_TROUBLE
        with contextlib.suppress(LinkLost):
            # The identifier in the answer is unused, and there [4.6.2].
            await self._answer(packet, Command.DELIVER_SM_RESP, status, b"\x00")

    async def _answer(
        self, packet: Packet, command: Command, status: Status = Status.OK, body: bytes = b""
    ) -> None:
        await self._write(Packet(command, status, packet.sequence, body))

    def _end(self, lost: LinkLost) -> None:
        self._lost = self._lost or lost
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(self._lost)
