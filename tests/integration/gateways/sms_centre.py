"""An SMS centre that another project wrote, on loopback, with a wire to it that a test can cut."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Final

import smpp34

from server.gateways.sms.link import LinkSettings, SmppLink
from server.gateways.sms.pdu import source_address
from server.usecases.sms_ports import TakeReport
from tests.ports import free_port

DEADLINE: Final = 60.0


class Wire:
    """Carries octets to a port, until it is cut; over TLS, where it is given a server's side of it."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self._to = port
        self._context = context
        self._server: asyncio.Server | None = None
        self._ends: list[asyncio.StreamWriter] = []
        self._carrying: set[asyncio.Task[None]] = set()
        self.port = 0

    async def lay(self) -> None:
        """Takes connections, on the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Ends all connections without a word, and takes none."""
        if self._server is not None:
            self._server.close()
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)
        onward_reader, onward = await asyncio.open_connection("127.0.0.1", self._to)
        self._ends += [writer, onward]
        with contextlib.suppress(OSError):
            await asyncio.gather(_carry(reader, onward), _carry(onward_reader, writer))


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(65536):
        writer.write(octets)
        await writer.drain()
    writer.close()


class Centre:
    """What the centre does: takes each segment, unless a test says otherwise.

    Attributes:
        taken: what was taken, in order; the place in it, from 1, is the identifier.
        asked: all that was handed over.
        rule: what becomes of the next segments: an SMPP status, an identifier, or None to say nothing at all.
        most: how many were without an answer at once at most.
    """

    def __init__(self) -> None:
        self.taken: list[smpp34.SubmitSmEvent] = []
        self.asked: list[smpp34.SubmitSmEvent] = []
        self.rule: Callable[[int], int | str | None] = str
        self.open: list[smpp34.SubmitSmEvent] = []
        self.most = 0
        self._esmes: dict[str, smpp34.Esme] = {}
        self._changed = asyncio.Condition()

    async def serve(self, server: smpp34.Server) -> None:
        """Does so until cancelled."""
        while True:
            event = await server.next()
            async with self._changed:
                match event:
                    case smpp34.Esme():
                        self._esmes[event.session_id] = event
                    case smpp34.Unbound():
                        self._esmes.pop(event.session_id, None)
                    case smpp34.SubmitSmEvent():
                        self._take(event)
                self._changed.notify_all()

    def _take(self, event: smpp34.SubmitSmEvent) -> None:
        self.asked.append(event)
        answer = self.rule(len(self.asked))
        if answer is None:
            self.open.append(event)
            self.most = max(self.most, len(self.open))
        elif isinstance(answer, int):
            event.reject(answer)
        else:
            self.taken.append(event)
            event.accept(answer)

    def answer_open(self, count: int | None = None) -> None:
        """Takes segments that were left without an answer, the first ones first."""
        for event in self.open[:count]:
            self.taken.append(event)
            event.accept(str(len(self.taken)))
        del self.open[:count]

    async def until(self, said: Callable[["Centre"], bool]) -> None:
        """Waits until something holds."""
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: said(self))

    @property
    def links(self) -> int:
        """How many links are bound."""
        return len(self._esmes)

    def another_link(self) -> None:
        """Has the next reports go over another link, if there is one."""
        if self._esmes:
            first = next(iter(self._esmes))
            self._esmes[first] = self._esmes.pop(first)

    async def report(self, phone: str, text: str, *, tlvs: list[smpp34.Tlv] | None = None) -> bool:
        """Delivers a report over a link; returns whether it was thanked for."""
        esme = next(iter(self._esmes.values()))
        answer = await esme.deliver_sm(
            source_addr=phone,
            destination_addr="NAMAK",
            esm_class=0x04,
            short_message=text.encode("latin-1"),
            tlvs=tlvs or [],
        )
        return answer.is_success


@contextlib.asynccontextmanager
async def centre_running(context: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Centre, Wire]]:
    """Runs a centre and a wire to it."""
    port = free_port()
    server, centre, wire = smpp34.Server("127.0.0.1", port), Centre(), Wire(port, context)
    await server.start()
    serving = asyncio.create_task(centre.serve(server))
    await wire.lay()
    try:
        yield centre, wire
    finally:
        await wire.cut()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await server.stop()


def link_to(port: int, take: TakeReport, **changes: object) -> SmppLink:
    """Returns a link that comes back at once, and is in no hurry otherwise."""
    chosen: dict[str, object] = {
        "host": "127.0.0.1",
        "port": port,
        "system_id": "namak",
        "password": "secret",
        "source": source_address("NAMAK"),
        "rate": 10_000.0,
        "timeout": DEADLINE,
        "first_wait": 0.01,
        "longest_wait": 0.05,
        "pause": 0.01,
    }
    return SmppLink(LinkSettings(**{**chosen, **changes}), take)  # type: ignore[arg-type]
