"""Texts that the DNS shows: proofs of a domain's possession."""

from collections.abc import AsyncIterator

import pytest

from server.domain.refusals import ServiceUnavailable
from server.gateways.dns import Dns
from tests.dns_server import DnsServer, dns_serving


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with dns_serving() as server:
        yield server


@pytest.fixture
def dns_(server: DnsServer) -> Dns:
    return Dns([server.address], timeout_seconds=60.0)


@pytest.fixture
def hasty(server: DnsServer) -> Dns:
    """Gives up soon, for servers that never answer usably."""
    return Dns([server.address], timeout_seconds=0.3)


async def test_texts_are_joined_from_their_strings_and_asked_anew_every_time(
    server: DnsServer, dns_: Dns
) -> None:
    server.show("_namak.src.am", '3600 TXT "namak-" "domain" "=1"', '3600 TXT "v=spf1 -all"')
    assert set(await dns_.texts_of("_namak.src.am")) == {"namak-domain=1", "v=spf1 -all"}
    server.show("_namak.src.am", "3600 TXT namak-domain=2")
    assert await dns_.texts_of("_namak.src.am") == ["namak-domain=2"]


async def test_a_name_without_texts_has_none(server: DnsServer, dns_: Dns) -> None:
    server.show("src.am", "60 A 8.8.8.8")
    assert await dns_.texts_of("src.am") == []
    assert await dns_.texts_of("nothing.am") == []


async def test_a_text_that_is_no_utf_8_is_no_fault(server: DnsServer, dns_: Dns) -> None:
    server.show("src.am", r'60 TXT "\255\254"')
    assert await dns_.texts_of("src.am") == ["��"]


async def test_texts_that_cannot_be_looked_up_are_told_as_unavailable(server: DnsServer, hasty: Dns) -> None:
    server.behave("src.am", "TXT", lambda q, _: [])
    with pytest.raises(ServiceUnavailable) as raised:
        await hasty.texts_of("src.am")
    assert raised.value.metadata == {"component": "DNS"}
