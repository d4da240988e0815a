"""Look-ups against a real DNS server that is true, slow, broken or lying."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import pytest

from server.gateways import dns as gateway
from server.gateways.dns import Dns
from tests.dns_server import DnsServer, Message, dns_serving, reply, with_soa

NAME = "mail.src.am"
V4, V6 = ip_address("8.8.8.8"), ip_address("2a00:1450::1")


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with dns_serving() as server:
        yield server


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def dns_(server: DnsServer, hand: Hand) -> Dns:
    return Dns([server.address], timeout_seconds=60.0, monotonic=hand)


@pytest.fixture
def hasty(server: DnsServer, hand: Hand) -> Dns:
    """Gives up soon, for servers that never answer usably."""
    return Dns([server.address], timeout_seconds=0.3, monotonic=hand)


async def v4(dns_: Dns, name: str = NAME) -> set[str] | None:
    found = (await dns_.addresses_of([name], like=V4)).get(name)
    return None if found is None else {str(address) for address in found}


async def test_a_name_has_the_addresses_that_the_dns_shows_of_the_version_that_is_asked(
    server: DnsServer, dns_: Dns
) -> None:
    server.show(NAME, "60 A 8.8.8.8", "60 A 9.9.9.9", "60 AAAA 2a00:1450::1")
    assert await dns_.addresses_of([NAME], like=V4) == {NAME: {V4, ip_address("9.9.9.9")}}
    assert await dns_.addresses_of([NAME], like=V6) == {NAME: {V6}}
    assert server.asked == {(NAME, "A"): 1, (NAME, "AAAA"): 1}


async def test_no_names_ask_nothing(server: DnsServer, dns_: Dns) -> None:
    assert await dns_.addresses_of([], like=V4) == {}
    assert not server.asked


async def test_an_answer_is_believed_as_long_as_its_time_to_live_says(
    server: DnsServer, dns_: Dns, hand: Hand
) -> None:
    server.show(NAME, "60 A 8.8.8.8")
    await v4(dns_)
    server.show(NAME, "60 A 9.9.9.9")
    hand.seconds += 59.9
    assert await v4(dns_) == {"8.8.8.8"}
    hand.seconds += 0.1
    assert await v4(dns_) == {"9.9.9.9"}
    assert server.asked[NAME, "A"] == 2


async def test_the_shortest_time_to_live_of_a_chain_of_names_counts(
    server: DnsServer, dns_: Dns, hand: Hand
) -> None:
    server.show(NAME, "600 CNAME a.cloud.am.")
    server.show("a.cloud.am", "5 CNAME b.cloud.am.")
    server.show("b.cloud.am", "600 A 8.8.8.8")
    assert await v4(dns_) == {"8.8.8.8"}
    hand.seconds += 4.9
    await v4(dns_)
    assert server.asked[NAME, "A"] == 1
    hand.seconds += 0.1
    await v4(dns_)
    assert server.asked[NAME, "A"] == 2


async def test_a_time_to_live_of_nothing_is_asked_every_time(server: DnsServer, dns_: Dns) -> None:
    server.show(NAME, "0 A 8.8.8.8")
    assert await v4(dns_) == {"8.8.8.8"}
    server.show(NAME, "0 A 9.9.9.9")
    assert await v4(dns_) == {"9.9.9.9"}


async def test_what_was_looked_up_is_known_at_once_as_long_as_it_holds(
    server: DnsServer, dns_: Dns, hand: Hand
) -> None:
    server.show(NAME, "60 A 8.8.8.8")
    assert dns_.known([NAME], like=V4) == {}
    await v4(dns_)
    hand.seconds += 59.9
    assert dns_.known([NAME, "other.am"], like=V4) == {NAME: {V4}}
    assert dns_.known([NAME], like=V6) == {}
    hand.seconds += 0.1
    assert dns_.known([NAME], like=V4) == {}


async def test_whoever_looked_up_comes_to_know_even_what_has_no_time_to_live(
    server: DnsServer, dns_: Dns, hand: Hand
) -> None:
    server.show(NAME, "0 A 8.8.8.8")
    await v4(dns_)
    assert dns_.known([NAME], like=V4) == {NAME: {V4}}
    hand.seconds += gateway.KNOWN_SECONDS
    assert dns_.known([NAME], like=V4) == {}


async def test_what_could_not_be_looked_up_is_not_known(server: DnsServer, dns_: Dns) -> None:
    server.behave(NAME, "A", lambda q, _: [reply(q, rcode=dns.rcode.SERVFAIL).to_wire()])
    await v4(dns_)
    assert dns_.known([NAME], like=V4) == {}


async def test_no_answer_is_believed_for_longer_than_an_hour(
    server: DnsServer, dns_: Dns, hand: Hand
) -> None:
    server.show(NAME, "604800 A 8.8.8.8")
    await v4(dns_)
    hand.seconds += gateway.MOST_SECONDS
    await v4(dns_)
    assert server.asked[NAME, "A"] == 2


@pytest.mark.parametrize(
    ("minimum", "seconds"), [(30, 30.0), (86400, gateway.MOST_SECONDS_NOTHING)], ids=["soa", "capped"]
)
@pytest.mark.parametrize("rcode", [dns.rcode.NXDOMAIN, dns.rcode.NOERROR])
async def test_that_there_is_nothing_is_believed_as_the_zone_says_but_not_for_long(
    server: DnsServer, dns_: Dns, hand: Hand, rcode: dns.rcode.Rcode, minimum: int, seconds: float
) -> None:
    server.behave(NAME, "A", lambda q, _: [with_soa(reply(q, rcode=rcode), 86400, minimum).to_wire()])
    assert await v4(dns_) == set()
    hand.seconds += seconds - 0.1
    assert await v4(dns_) == set()
    assert server.asked[NAME, "A"] == 1
    hand.seconds += 0.1
    assert await v4(dns_) == set()
    assert server.asked[NAME, "A"] == 2


@pytest.mark.parametrize("rcode", [dns.rcode.NXDOMAIN, dns.rcode.NOERROR])
async def test_that_there_is_nothing_is_not_remembered_without_the_zone_s_word(
    server: DnsServer, dns_: Dns, rcode: dns.rcode.Rcode
) -> None:
    server.behave(NAME, "A", lambda q, _: [reply(q, rcode=rcode).to_wire()])
    assert await v4(dns_) == set()
    assert await v4(dns_) == set()
    assert server.asked[NAME, "A"] == 2


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTIMP])
async def test_what_a_broken_server_says_tells_nothing_of_the_name(
    server: DnsServer, dns_: Dns, hand: Hand, rcode: dns.rcode.Rcode
) -> None:
    server.behave(NAME, "A", lambda q, _: [reply(q, rcode=rcode).to_wire()])
    assert await v4(dns_) is None
    asked = server.asked[NAME, "A"]
    hand.seconds += gateway.FAILED_SECONDS - 0.1
    assert await v4(dns_) is None
    assert server.asked[NAME, "A"] == asked
    del server.behaviours[NAME, "A"]
    server.show(NAME, "60 A 8.8.8.8")
    hand.seconds += 0.2
    assert await v4(dns_) == {"8.8.8.8"}


async def test_a_server_that_never_answers_tells_nothing_of_the_name(server: DnsServer, hand: Hand) -> None:
    server.behave(NAME, "A", lambda q, _: [])
    server.show("other.am", "60 A 8.8.8.8")
    # Within that time the other one is answered.
    dns_ = Dns([server.address], timeout_seconds=2.0, monotonic=hand)
    found = await dns_.addresses_of([NAME, "other.am"], like=V4)
    assert found == {"other.am": {V4}}


async def test_nobody_listening_tells_nothing_of_the_name(hand: Hand) -> None:
    async with dns_serving() as gone:
        pass
    assert await v4(Dns([gone.address], timeout_seconds=0.3, monotonic=hand)) is None


async def test_a_second_server_is_asked_when_the_first_does_not_answer(server: DnsServer, hand: Hand) -> None:
    server.show(NAME, "60 A 8.8.8.8")
    async with dns_serving() as silent:
        silent.behave(NAME, "A", lambda q, _: [])
        both = Dns([silent.address, server.address], timeout_seconds=3.0, monotonic=hand)
        assert await v4(both) == {"8.8.8.8"}
        assert silent.asked[NAME, "A"] == 1


def _other_id(question: Message) -> bytes:
    lie = reply(question, f"{NAME}. 60 A 9.9.9.9")
    lie.id = question.id ^ 1
    return lie.to_wire()


def _other_question(question: Message) -> bytes:
    other = dns.message.make_query("other.am", "A", id=question.id)
    return reply(other, f"{NAME}. 60 A 9.9.9.9", "other.am. 60 A 9.9.9.9").to_wire()


def _no_reply(question: Message) -> bytes:
    lie = reply(question, f"{NAME}. 60 A 9.9.9.9")
    lie.flags &= ~dns.flags.QR
    return lie.to_wire()


def _cut_short(question: Message) -> bytes:
    return reply(question, f"{NAME}. 60 A 9.9.9.9").to_wire()[:-3]


Lie = Callable[[Message], bytes]
LIES: list[Lie] = [_other_id, _other_question, _no_reply, _cut_short, lambda _: b"", lambda _: b"\xff" * 600]


@pytest.mark.parametrize("lie", LIES)
async def test_a_lie_is_dropped_and_the_truth_after_it_is_heard(
    server: DnsServer, dns_: Dns, lie: Lie
) -> None:
    server.behave(NAME, "A", lambda q, _: [lie(q), reply(q, f"{NAME}. 60 A 8.8.8.8").to_wire()])
    assert await v4(dns_) == {"8.8.8.8"}


@pytest.mark.parametrize("lie", LIES)
async def test_lies_alone_tell_nothing_of_the_name(server: DnsServer, hasty: Dns, lie: Lie) -> None:
    server.behave(NAME, "A", lambda q, _: [lie(q)])
    assert await v4(hasty) is None


async def test_what_an_answer_says_of_other_names_does_not_count(server: DnsServer, dns_: Dns) -> None:
    server.behave(
        NAME,
        "A",
        lambda q, _: [reply(q, f"{NAME}. 60 A 8.8.8.8", "bank.am. 60 A 9.9.9.9").to_wire()],
    )
    server.show("bank.am", "60 A 1.1.1.1")
    assert await v4(dns_) == {"8.8.8.8"}
    assert await v4(dns_, "bank.am") == {"1.1.1.1"}


async def test_no_such_name_with_an_answer_is_no_answer(server: DnsServer, dns_: Dns) -> None:
    record = f"{NAME}. 60 A 9.9.9.9"
    server.behave(NAME, "A", lambda q, _: [reply(q, record, rcode=dns.rcode.NXDOMAIN).to_wire()])
    assert await v4(dns_) is None


async def test_names_that_lead_in_a_circle_lead_nowhere(server: DnsServer, dns_: Dns) -> None:
    circle = (f"{NAME}. 60 CNAME b.am.", f"b.am. 60 CNAME {NAME}.")
    server.behave(NAME, "A", lambda q, _: [reply(q, *circle).to_wire()])
    assert await v4(dns_) is None


async def test_a_name_whose_end_nobody_tells_is_not_known(server: DnsServer, dns_: Dns) -> None:
    server.behave(NAME, "A", lambda q, _: [reply(q, f"{NAME}. 60 CNAME b.am.").to_wire()])
    assert await v4(dns_) is None


async def test_a_name_that_leads_to_nothing_has_no_addresses(server: DnsServer, dns_: Dns) -> None:
    server.show(NAME, "60 CNAME b.am.")
    server.show("b.am", "60 TXT x")
    assert await v4(dns_) == set()


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1"],
)
async def test_addresses_that_are_not_public_do_not_count(server: DnsServer, dns_: Dns, address: str) -> None:
    server.show(NAME, f"60 A {address}", "60 A 8.8.8.8")
    assert await v4(dns_) == {"8.8.8.8"}


async def test_ipv4_inside_ipv6_does_not_count(server: DnsServer, dns_: Dns) -> None:
    server.show(NAME, "60 AAAA ::ffff:8.8.8.8", "60 AAAA ::1", "60 AAAA fe80::1", "60 AAAA 2a00:1450::1")
    assert await dns_.addresses_of([NAME], like=V6) == {NAME: {V6}}


async def test_in_development_loopback_counts_too_and_nothing_else(server: DnsServer) -> None:
    server.show(NAME, "60 A 127.0.0.1", "60 A 10.0.0.1")
    assert await v4(Dns([server.address], development=True)) == {"127.0.0.1"}


async def test_what_does_not_fit_comes_over_tcp(server: DnsServer, dns_: Dns) -> None:
    shown = [f"8.8.{number}.8" for number in range(200)]
    server.show(NAME, *(f"60 A {address}" for address in shown))
    assert await v4(dns_) == set(shown)
    assert server.asked[NAME, "A"] == 2


async def test_a_cut_answer_without_a_whole_one_tells_nothing(server: DnsServer, hasty: Dns) -> None:
    def cut(question: Message, tcp: bool) -> list[bytes]:
        answer = reply(question, f"{NAME}. 60 A 8.8.8.8")
        answer.flags |= dns.flags.TC
        return [] if tcp else [answer.to_wire()]

    server.behave(NAME, "A", cut)
    assert await v4(hasty) is None


@pytest.mark.parametrize(("count", "expected"), [(256, 256), (257, 0)])
async def test_a_name_with_more_addresses_than_a_network_may_have_has_none(
    server: DnsServer, dns_: Dns, count: int, expected: int
) -> None:
    server.show(NAME, *(f"60 A 8.8.{number >> 8}.{number & 255}" for number in range(count)))
    found = await v4(dns_)
    assert found is not None
    assert len(found) == expected


async def test_an_answer_that_is_far_too_long_is_not_read(server: DnsServer, dns_: Dns) -> None:
    server.show(NAME, *(f"60 A 8.8.{number >> 8}.{number & 255}" for number in range(600)))
    assert await v4(dns_) is None


async def test_a_lie_over_tcp_tells_nothing(server: DnsServer, dns_: Dns) -> None:
    def lie(question: Message, tcp: bool) -> list[bytes]:
        short = reply(question)
        short.flags |= dns.flags.TC
        return [_other_id(question) if tcp else short.to_wire()]

    server.behave(NAME, "A", lie)
    assert await v4(dns_) is None


async def test_equal_questions_at_the_same_time_are_asked_once(server: DnsServer, dns_: Dns) -> None:
    server.show(NAME, "0 A 8.8.8.8")
    server.release.clear()
    first = [asyncio.create_task(v4(dns_)) for _ in range(20)]
    await server.wait_for(NAME, "A")
    first[0].cancel()
    server.release.set()
    results = await asyncio.gather(*first, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1:] == [{"8.8.8.8"}] * 19
    assert server.asked[NAME, "A"] == 1


async def test_no_more_answers_are_kept_than_there_is_room_for(server: DnsServer, hand: Hand) -> None:
    small = Dns([server.address], monotonic=hand, remembered_answers=2)
    for name in ("a.am", "b.am", "c.am"):
        server.show(name, "60 A 8.8.8.8")
    await v4(small, "a.am")
    await v4(small, "b.am")
    await v4(small, "a.am")
    await v4(small, "c.am")
    await v4(small, "a.am")
    assert server.asked == {("a.am", "A"): 1, ("b.am", "A"): 1, ("c.am", "A"): 1}
    await v4(small, "b.am")
    assert server.asked["b.am", "A"] == 2


async def test_a_tcp_answer_that_breaks_off_tells_nothing(server: DnsServer, hasty: Dns) -> None:
    def broken(question: Message, tcp: bool) -> list[bytes]:
        short = reply(question)
        short.flags |= dns.flags.TC
        return [struct.pack("!H", 9)] if tcp else [short.to_wire()]

    server.behave(NAME, "A", broken)
    assert await v4(hasty) is None
