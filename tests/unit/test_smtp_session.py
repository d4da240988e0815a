"""Clients that are slow, silent or never stop: the time and the commands that a connection has."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from aiosmtpd.smtp import Envelope

from server.smtp.desk import MailDesk
from server.smtp.session import Doors, MailSession
from server.smtp.settings import SmtpSettings

WITHIN = 60.0
SETTINGS = SmtpSettings(
    "127.0.0.1:0",
    None,
    "localhost",
    Path("c"),
    Path("k"),
    Path("r"),
    idle_seconds=WITHIN,
    data_seconds=WITHIN,
)


class Desk:
    """Takes whatever comes."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_MAIL(  # noqa: N802 - the library's names, here and below
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def take(self, _envelope: Envelope, content: bytes) -> str:
        self.taken.append(content)
        return "250 2.6.0 OK"


class Watched(Doors):
    """Doors that say when somebody has left."""

    def __init__(self, settings: SmtpSettings) -> None:
        super().__init__(settings)
        self.left = asyncio.Event()

    def leave(self, client: str) -> None:
        super().leave(client)
        self.left.set()


@asynccontextmanager
async def connected(
    settings: SmtpSettings, desk: Desk | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    doors, loop = Watched(settings), asyncio.get_running_loop()
    session: Callable[[], MailSession] = lambda: MailSession(  # noqa: E731 - asyncio calls it for each
        cast(MailDesk, desk or Desk()), doors, settings, None
    )
    server = await loop.create_server(session, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    try:
        async with asyncio.timeout(WITHIN):
            assert (await reader.readline()).startswith(b"220 ")
            writer.write(b"EHLO x\r\n")
            while not (line := await reader.readline()).startswith(b"250 "):
                assert line.startswith(b"250-")
            yield reader, writer
            writer.close()
            await doors.left.wait()
    finally:
        server.close()


async def begun(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"MAIL FROM:<a@src.am>\r\nRCPT TO:<1@e-citizen.am>\r\nDATA\r\n")
    assert [(await reader.readline())[:3] for _ in range(3)] == [b"250", b"250", b"354"]


async def test_who_says_nothing_is_sent_away() -> None:
    async with connected(replace(SETTINGS, idle_seconds=1.0)) as (reader, _):
        assert await reader.read() == b""


async def test_a_mail_that_comes_by_single_octets_has_its_time_as_a_whole() -> None:
    desk = Desk()
    async with connected(replace(SETTINGS, data_seconds=0.2), desk) as (reader, writer):
        await begun(reader, writer)
        told = asyncio.create_task(reader.read())
        while not told.done():
            writer.write(b"x")
            await asyncio.sleep(0)
        # What was on its way is not read any more.
        assert told.exception() or told.result() == b""
    assert not desk.taken


async def test_what_is_pipelined_behind_the_end_of_a_mail_is_answered() -> None:
    desk = Desk()
    async with connected(SETTINGS, desk) as (reader, writer):
        await begun(reader, writer)
        writer.write(b"Subject: s\r\n\r\n..\r\n.\r\nQUIT\r\n")
        assert [(await reader.readline())[:3] for _ in range(2)] == [b"250", b"221"]
    assert desk.taken == [b"Subject: s\r\n\r\n.\r\n"]


@pytest.mark.parametrize(("command", "most"), [(b"NOOP", 50), (b"VRFY x", 50), (b"XYZ", 5)])
async def test_a_connection_has_so_many_commands(command: bytes, most: int) -> None:
    async with connected(SETTINGS) as (reader, writer):
        writer.write((command + b"\r\n") * (most + 50))
        answers = (await reader.read()).splitlines()
        assert len(answers) <= most + 1
        assert answers[-1][:3] in (b"421", b"502")


async def test_a_command_without_end_is_not_kept() -> None:
    async with connected(SETTINGS) as (reader, writer):
        writer.write(b"NOOP " + b"x" * 200_000)
        writer.write(b"\r\nNOOP\r\n")
        assert (await reader.readline()).startswith(b"500 5.5.2 ")
        assert (await reader.readline()).startswith(b"250 ")


@pytest.mark.parametrize(
    "command",
    [
        b"MAIL FROM:<a\x00b@src.am> X\x00=1",
        b"RCPT TO:<1@e-citizen.am\x00>",
        b"\x00\x00\x00\x00",
        b"MAIL FROM:<a@src.am> BODY=\xff",
    ],
)
async def test_octets_that_no_command_has_are_refused_and_the_next_one_is_heard(command: bytes) -> None:
    desk = Desk()
    async with connected(SETTINGS, desk) as (reader, writer):
        writer.write(command + b"\r\nNOOP\r\n")
        assert (await reader.readline())[:1] == b"5"
        assert (await reader.readline())[:3] == b"250"
    assert not desk.taken
