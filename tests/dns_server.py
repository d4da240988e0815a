"""A DNS server on loopback, over UDP and TCP, that answers as a test wants: truly, late, wrongly or never."""

import asyncio
import contextlib
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.ports import free_port

Message = dns.message.Message
Behaviour = Callable[[Message, bool], Sequence[bytes]]
"""From a question, and whether it came over TCP, to what is sent back: any number of messages."""

ZONE = "am."


def reply(question: Message, *records: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Message:
    """Returns a reply with these records, each written `NAME TTL TYPE VALUE`."""
    made = dns.message.make_response(question, recursion_available=True)
    made.set_rcode(rcode)
    grouped: dict[tuple[str, str], tuple[int, list[str]]] = {}
    for record in records:
        name, ttl, kind, value = record.split(" ", 3)
        grouped.setdefault((name, kind), (int(ttl), []))[1].append(value)
    for (name, kind), (seconds, values) in grouped.items():
        made.answer.append(dns.rrset.from_text_list(name, seconds, "IN", kind, values))
    return made


def with_soa(made: Message, ttl: int, minimum: int) -> Message:
    """Adds the zone's SOA, which says how long nothing may be remembered."""
    soa = f"ns.{ZONE} admin.{ZONE} 1 3600 600 86400 {minimum}"
    made.authority.append(dns.rrset.from_text(ZONE, ttl, "IN", "SOA", soa))
    return made


class DnsServer:
    """What stands in the zone, and what was asked.

    Attributes:
        asked: how often each name was asked for each type.
        behaviours: how to answer for a name and type, instead of by the records.
        release: questions wait for it; it is set, unless a test clears it.
    """

    def __init__(self) -> None:
        self.port = 0
        self.asked: Counter[tuple[str, str]] = Counter()
        self.behaviours: dict[tuple[str, str], Behaviour] = {}
        self.records: dict[str, list[str]] = {}
        self.release = asyncio.Event()
        self.release.set()
        self.came = asyncio.Condition()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return "127.0.0.1", self.port

    def show(self, name: str, *records: str) -> None:
        """Puts records under a name: `TTL TYPE VALUE`."""
        self.records[name] = [f"{name}. {record}" for record in records]

    def behave(self, name: str, kind: str, behaviour: Behaviour) -> None:
        """Answers questions for a name in this way."""
        self.behaviours[name, kind] = behaviour

    async def wait_for(self, name: str, kind: str, times: int = 1) -> None:
        """Waits until a question has come so often."""
        async with asyncio.timeout(60), self.came:
            await self.came.wait_for(lambda: self.asked[name, kind] >= times)

    async def answers(self, wire: bytes, *, tcp: bool) -> Sequence[bytes]:
        """Returns what to send back to a question."""
        question = dns.message.from_wire(wire)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.question[0].rdtype)
        async with self.came:
            self.asked[name, kind] += 1
            self.came.notify_all()
        await self.release.wait()
        if behaviour := self.behaviours.get((name, kind)):
            return behaviour(question, tcp)
        return [fitting(self._truly(question, name, kind), tcp)]

    def _truly(self, question: Message, name: str, kind: str) -> Message:
        found, current = [], name
        while True:
            here = self.records.get(current, [])
            found += [record for record in here if record.split(" ")[2] == kind]
            names = [record for record in here if record.split(" ")[2] == "CNAME"]
            if not names or kind == "CNAME":
                break
            found += names
            current = names[0].split(" ")[3].rstrip(".")
        if any(record.split(" ")[2] == kind for record in found):
            return reply(question, *found)
        rcode = dns.rcode.NOERROR if current in self.records else dns.rcode.NXDOMAIN
        return with_soa(reply(question, *found, rcode=rcode), 30, 30)


def fitting(made: Message, tcp: bool) -> bytes:
    """Returns a reply's octets; what does not fit into a datagram is left for TCP."""
    if tcp:
        return made.to_wire(max_size=65535)
    try:
        return made.to_wire(max_size=1232)
    except dns.exception.TooBig:
        made.answer, made.authority = [], []
        made.flags |= dns.flags.TC
        return made.to_wire()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer, tasks: set[asyncio.Task[None]]) -> None:
        self._server, self._tasks = server, tasks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.create_task(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        for answer in await self._server.answers(data, tcp=False):
            self._transport.sendto(answer, addr)


@contextlib.asynccontextmanager
async def dns_serving(server: DnsServer | None = None) -> AsyncIterator[DnsServer]:
    """Yields a server, a new one or this, that answers on a free port of 127.0.0.1."""
    server = server or DnsServer()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                for answer in await server.answers(await reader.readexactly(length), tcp=True):
                    writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        writer.close()

    # One port for both, which the system would not choose for either.
    server.port = free_port()
    tcp = await asyncio.start_server(serve, *server.address)
    udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Udp(server, tasks), local_addr=server.address
    )
    try:
        yield server
    finally:
        server.release.set()
        udp.close()
        tcp.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
