"""The link to an SMS centre that another project wrote: what goes over it, and whatever becomes of the
link.
"""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import smpp34
import structlog
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.domain.sms import Alphabet, DeliveryReport, Segment, segments
from server.gateways.sms.link import SmppLink
from server.gateways.sms.pdu import Address, source_address
from server.usecases.sms_ports import SmsNotSent
from tests.integration.gateways.sms_centre import DEADLINE, Centre, Wire, centre_running, link_to

PHONE = "+37491123456"
WORLD = Segment(1, 1, Alphabet.GSM, b"hello")


class Reports:
    """What was reported; refuses as often as a test says."""

    def __init__(self) -> None:
        self.taken: list[DeliveryReport] = []
        self.refusals = 0

    async def take(self, report: DeliveryReport) -> None:
        if self.refusals:
            self.refusals -= 1
            raise OSError("the database is away")
        self.taken.append(report)


@pytest.fixture
async def running() -> AsyncIterator[tuple[Centre, Wire]]:
    async with centre_running() as found:
        yield found


async def refused(link: SmppLink, segment: Segment = WORLD) -> tuple[str, bool]:
    with pytest.raises(SmsNotSent) as told:
        await link.submit(PHONE, segment, reports=True)
    return told.value.reason, told.value.for_good


def waits_for(link: SmppLink, seconds: float) -> None:
    """Has a link wait so long for answers from now on."""
    link._settings = replace(link._settings, timeout=seconds)


async def test_segments_go_out_as_smpp_means_them(running: tuple[Centre, Wire]) -> None:
    centre, wire = running
    async with link_to(wire.port, Reports().take) as link:
        first, second = segments("Ծանուցում 📨 " * 8, 7)
        assert await link.submit(PHONE, WORLD, reports=False) == "1"
        assert await link.submit(PHONE, first, reports=True) == "2"
        assert await link.submit(PHONE, second, reports=True) == "3"

    plain, one, two = centre.taken
    assert (plain.source_addr, plain.source_addr_ton, plain.source_addr_npi) == ("NAMAK", 5, 0)
    assert (plain.destination_addr, plain.dest_addr_ton, plain.dest_addr_npi) == ("37491123456", 1, 1)
    assert (plain.short_message, plain.data_coding, plain.esm_class, plain.registered_delivery) == (
        b"hello", 0, 0, 0,
    )  # fmt: skip
    assert (one.data_coding, one.esm_class, one.registered_delivery) == (8, 0x40, 1)
    assert one.short_message[:6] == bytes([5, 0, 3, 7, 2, 1])
    assert two.short_message[:6] == bytes([5, 0, 3, 7, 2, 2])
    await centre.until(lambda each: each.links == 0)  # it took leave


@pytest.mark.parametrize(
    ("status", "reason", "for_good"),
    [
        (0x58, "BUSY", False),
        (0x14, "BUSY", False),
        (0x08, "BUSY", False),
        (0xFF, "BUSY", False),
        (0x0B, "INVALID_PHONE", True),
        (0x0A, "INVALID_SOURCE", True),
        (0x01, "REFUSED", True),
    ],
)
async def test_a_refusal_says_whether_to_try_again(
    running: tuple[Centre, Wire], status: int, reason: str, for_good: bool
) -> None:
    centre, wire = running
    centre.rule = lambda number: status if number == 1 else str(number)
    async with link_to(wire.port, Reports().take) as link:
        assert await refused(link) == (reason, for_good)
        assert await link.submit(PHONE, WORLD, reports=True) == "2"


@settings(max_examples=4, deadline=None)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=700), max_size=10))
@example(
    ["a" * 66 + "📨" + "b" * 80, "x" * 152 + "€" + "y" * 80, "{[^|~]}\\\f€"]
)  # pairs across a segment's end
def test_what_a_phone_puts_together_is_the_text(texts: list[str]) -> None:
    async def shown() -> list[str]:
        async with centre_running() as (centre, wire), link_to(wire.port, Reports().take) as link:
            found = []
            for reference, text in enumerate(texts):
                centre.taken.clear()
                cut = segments(text, reference)
                await asyncio.gather(*(link.submit(PHONE, each, reports=True) for each in cut))
                found.append(put_together(centre.taken))
            return found

    assert asyncio.run(shown()) == texts


def put_together(pieces: list[smpp34.SubmitSmEvent]) -> str:
    """Does what a phone does, by the standards' tables and not by ours."""
    read = []
    for piece in pieces:
        octets, number = piece.short_message, 1
        if piece.esm_class & 0x40:
            length = octets[0]
            assert octets[1:3] == bytes([0, 3])
            assert octets[4] == len(pieces)
            number, octets = octets[5], octets[1 + length :]
        assert len(piece.short_message) <= (140 if piece.data_coding == 8 else 160)
        # Each by itself: half a character would not be readable.
        read.append((number, octets.decode("utf-16-be") if piece.data_coding == 8 else _of_gsm(octets)))
    assert sorted(number for number, _ in read) == list(range(1, len(read) + 1))
    return "".join(said for _, said in sorted(read))


def _of_gsm(octets: bytes) -> str:
    read, codes = "", iter(octets)
    for code in codes:
        read += EXTENDED[next(codes)] if code == 0x1B else chr(OTHER_THAN_ASCII.get(code, code))
    return read


OTHER_THAN_ASCII = dict(
    enumerate([0x40, 0xA3, 0x24, 0xA5, 0xE8, 0xE9, 0xF9, 0xEC, 0xF2, 0xC7, 0x0A, 0xD8,
               0xF8, 0x0D, 0xC5, 0xE5])
) | {
    0x10: 0x394, 0x11: 0x5F, 0x12: 0x3A6, 0x13: 0x393, 0x14: 0x39B, 0x15: 0x3A9, 0x16: 0x3A0, 0x17: 0x3A8,
    0x18: 0x3A3, 0x19: 0x398, 0x1A: 0x39E, 0x1C: 0xC6, 0x1D: 0xE6, 0x1E: 0xDF, 0x1F: 0xC9, 0x24: 0xA4,
    0x40: 0xA1, 0x5B: 0xC4, 0x5C: 0xD6, 0x5D: 0xD1, 0x5E: 0xDC, 0x5F: 0xA7, 0x60: 0xBF, 0x7B: 0xE4,
    0x7C: 0xF6, 0x7D: 0xF1, 0x7E: 0xFC, 0x7F: 0xE0,
}  # fmt: skip
EXTENDED = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|",
    0x65: "€",
}  # fmt: skip


async def test_no_more_than_the_window_is_without_an_answer(running: tuple[Centre, Wire]) -> None:
    centre, wire = running
    centre.rule = lambda _: None
    async with link_to(wire.port, Reports().take, window=3) as link:
        sending = [asyncio.create_task(link.submit(PHONE, WORLD, reports=True)) for _ in range(7)]
        for count in (3, 4, 5, 6, 7):
            await centre.until(lambda each, count=count: len(each.asked) >= count)  # type: ignore[misc]
            for _ in range(10):  # what else were on its way would come before the answer to a report
                assert await centre.report("37491123456", "id:1 stat:ACCEPTD")
            assert len(centre.asked) == count
            centre.answer_open(1)
        centre.answer_open()
        await asyncio.wait_for(asyncio.gather(*sending), DEADLINE)
    assert centre.most == 3


async def test_a_link_that_is_dropped_in_mid_window_fails_what_had_no_answer_and_comes_back(
    running: tuple[Centre, Wire],
) -> None:
    centre, wire = running
    centre.rule = lambda number: "taken" if number == 1 else None
    async with link_to(wire.port, Reports().take, window=4) as link:
        sending = [asyncio.create_task(link.submit(PHONE, WORLD, reports=True)) for _ in range(4)]
        await centre.until(lambda each: len(each.asked) == 4)
        await asyncio.wait(sending, timeout=DEADLINE, return_when=asyncio.FIRST_COMPLETED)
        await wire.cut()
        outcomes = await asyncio.wait_for(asyncio.gather(*sending, return_exceptions=True), DEADLINE)
        # It looks at what came in no order.
        assert sorted(str(each) for each in outcomes) == ["LINK_LOST"] * 3 + ["taken"]
        centre.open.clear()
        centre.rule = str
        await wire.lay()
        assert await link.submit(PHONE, WORLD, reports=True) == "5"  # waits for the link, and has the window


async def test_a_centre_that_is_away_is_waited_for_a_while(running: tuple[Centre, Wire]) -> None:
    centre, wire = running
    await wire.cut()
    async with link_to(wire.port, Reports().take, timeout=0.05) as link:
        assert await refused(link) == ("UNREACHABLE", False)
        waits_for(link, DEADLINE)
        await wire.lay()
        await centre.until(lambda each: each.links == 1)
        assert await link.submit(PHONE, WORLD, reports=True) == "1"


async def test_a_centre_that_does_not_answer_in_time_frees_its_window(running: tuple[Centre, Wire]) -> None:
    centre, wire = running
    centre.rule = lambda number: None if number == 1 else str(number)
    async with link_to(wire.port, Reports().take, window=1) as link:
        await centre.until(lambda each: each.links == 1)
        waits_for(link, 0.05)
        # It never comes, so a moment is enough.
        assert await refused(link) == ("NO_ANSWER", False)
        waits_for(link, DEADLINE)
        await centre.until(lambda each: len(each.open) == 1)
        centre.answer_open()  # too late: nobody waits for it
        assert await link.submit(PHONE, WORLD, reports=True) == "2"


async def test_a_link_over_which_nothing_comes_any_more_is_given_up(running: tuple[Centre, Wire]) -> None:
    centre, wire = running
    links, came_back = 0, asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Lets us in, and says nothing more.
        nonlocal links
        links += 1
        if links == 2:
            came_back.set()
        head = struct.unpack(">IIII", await reader.readexactly(16))
        await reader.readexactly(head[0] - 16)
        writer.write(struct.pack(">IIII", 17, head[1] | 0x80000000, 0, head[3]) + b"\0")
        await reader.read()
        writer.close()

    mute = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = mute.sockets[0].getsockname()[1]
    async with link_to(port, Reports().take, timeout=0.1, silence=0.05):
        await asyncio.wait_for(came_back.wait(), DEADLINE)
    mute.close()
    async with link_to(wire.port, Reports().take, silence=0.01) as link:
        await centre.until(lambda each: each.links == 1)
        # Signs of life that are answered keep the link, and what is sent comes between them.
        assert [await link.submit(PHONE, WORLD, reports=True) for _ in range(3)] == ["1", "2", "3"]
        assert centre.links == 1


async def test_reports_are_thanked_for_once_they_are_kept(running: tuple[Centre, Wire]) -> None:
    centre, wire = running
    reports = Reports()
    async with link_to(wire.port, reports.take):
        await centre.until(lambda each: each.links == 1)
        text = "id:1A sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:000"
        reports.refusals = 1
        assert not await centre.report("37491123456", text)
        assert await centre.report("37491123456", text)
        assert await centre.report("37491123456", text)  # a duplicate: whoever looks at it sees that
        assert await centre.report("37491123456", "id:2 stat:UNDELIV err:0F3")
        assert await centre.report(
            "37491123456",
            "",
            tlvs=[
                smpp34.Tlv(0x001E, b"3\0"),
                smpp34.Tlv(0x0427, bytes([3])),
            ],
        )
        assert await centre.report("37491123456", "id:4 stat:ACCEPTD")  # under way, and no news
        assert await centre.report("37491123456", "no report at all")
    assert [(each.segment_id, each.failure) for each in reports.taken] == [
        ("1A", ""), ("1A", ""), ("2", "UNDELIVERABLE"), ("3", "EXPIRED"),
    ]  # fmt: skip
    assert {each.phone for each in reports.taken} == {"37491123456"}


async def test_what_is_no_packet_ends_the_link_and_another_is_made(running: tuple[Centre, Wire]) -> None:
    centre, wire = running
    links: list[bytes] = []
    came = asyncio.Event()

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        links.append(await reader.readexactly(16))
        writer.write(struct.pack(">IIII", 2**31, 1, 2, 3))
        await reader.read()
        writer.close()
        if len(links) == 2:
            came.set()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with link_to(server.sockets[0].getsockname()[1], Reports().take, timeout=0.5):
        await asyncio.wait_for(came.wait(), DEADLINE)
    server.close()
    assert centre.links == 0
    assert wire.port


async def refusing_bind(status: int) -> asyncio.Server:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = struct.unpack(">IIII", await reader.readexactly(16))
        await reader.readexactly(head[0] - 16)
        writer.write(struct.pack(">IIII", 16, head[1] | 0x80000000, status, head[3]))
        await reader.read()
        writer.close()

    return await asyncio.start_server(refuse, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("status", "problem"), [(0x0E, "the password is wrong"), (0x0F, "the system_id is not known there")]
)
async def test_a_centre_that_does_not_let_us_in_is_told_as_that(status: int, problem: str) -> None:
    server = await refusing_bind(status)
    with structlog.testing.capture_logs() as lines:
        async with link_to(server.sockets[0].getsockname()[1], Reports().take) as link:
            assert await refused(link) == ("NOT_LET_IN", False)
    server.close()
    assert lines[0] == {
        "event": "an SMS centre does not let us in",
        "log_level": "error",
        "status": status,
        "problem": problem,
    }
    assert "secret" not in repr(link.__dict__["_settings"])


async def test_over_tls_only_a_centre_that_is_trusted_gets_the_password(
    certificate: tuple[Path, ssl.SSLContext],
) -> None:
    path, context = certificate
    async with centre_running(context) as (centre, wire):
        trusting = ssl.create_default_context(cafile=str(path))
        async with link_to(wire.port, Reports().take, context=trusting) as link:
            assert await link.submit(PHONE, WORLD, reports=True) == "1"
        await centre.until(lambda each: each.links == 0)
        async with link_to(
            wire.port, Reports().take, context=ssl.create_default_context(), timeout=0.2
        ) as link:
            assert await refused(link) == ("UNREACHABLE", False)
        assert centre.links == 0


@pytest.mark.parametrize(
    ("text", "kind", "plan", "digits"),
    [
        ("NAMAK", 5, 0, "NAMAK"),
        ("+37410123456", 1, 1, "37410123456"),
        ("1020", 3, 0, "1020"),
        ("e-Post", 5, 0, "e-Post"),
    ],
)
def test_a_sender_is_a_name_a_short_code_or_a_number(text: str, kind: int, plan: int, digits: str) -> None:
    assert source_address(text) == Address(kind, plan, digits)


@pytest.mark.parametrize("text", ["", "Twelve chars", "Փոստ", "+12", "+374a", "a\nb"])
def test_what_can_be_no_sender_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        source_address(text)


@pytest.mark.parametrize(
    ("name", "value"), [("password", "ninechars"), ("system_id", "x" * 16), ("password", "é")]
)
def test_what_smpp_has_no_room_for_is_refused_before_anything_is_sent(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"SMPP|ascii"):
        link_to(1, Reports().take, **{name: value})
