"""Sender addresses may be used from public, narrow networks only; in development from loopback too."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain.fields import Malformed
from server.domain.networks import client_address, network


def reason_of(text: str, *, development: bool = False) -> str:
    with pytest.raises(Malformed) as refused:
        network(text, development=development)
    return refused.value.reason


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("8.8.8.8", "8.8.8.8/32"),
        ("8.8.8.8/32", "8.8.8.8/32"),
        ("8.8.8.0/24", "8.8.8.0/24"),
        ("2a00:1450::1", "2a00:1450::1/128"),
        ("2A00:1450:0001::/48", "2a00:1450:1::/48"),
    ],
)
def test_accepts_public_networks(text: str, found: str) -> None:
    assert network(text) == ipaddress.ip_network(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "8.8.8",
        "8.8.8.8/33",
        "8.8.8.8/",
        "8.8.8.8/032",
        "8.8.8.8/-1",
        "8.8.8.0/255.255.255.0",
        "08.8.8.8",
        "::1%lo",
        " 8.8.8.8",
        "8.8.8.8 ",
        "8.8.8.8\n",
        "٨.8.8.8",
        "example.am",
        "2a00::1::2",
        "2a00::/129",
        "/24",
        "134744072",
    ],
)
def test_refuses_what_is_no_network(text: str) -> None:
    assert reason_of(text) == "NETWORK_MALFORMED"
    assert reason_of(text, development=True) == "NETWORK_MALFORMED"


def test_refuses_host_bits() -> None:
    assert reason_of("8.8.8.8/24") == "HOST_BITS_SET"
    assert reason_of("2a00:1450::1/48") == "HOST_BITS_SET"


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "8.8.8.0/23", "8.0.0.0/8", "2a00::/47", "2000::/3"])
def test_refuses_what_is_too_wide(text: str) -> None:
    assert reason_of(text) == "NETWORK_TOO_WIDE"
    assert reason_of(text, development=True) == "NETWORK_TOO_WIDE"


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "172.16.0.0/24",
        "172.31.255.255",
        "192.0.0.9",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.0/24",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:808:808::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::/48",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "4000::1",
    ],
)
def test_refuses_private_and_special_ranges(text: str) -> None:
    assert reason_of(text) == "NETWORK_NOT_PUBLIC"


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.2/32", "127.1.2.0/24", "::1"])
def test_development_permits_loopback(text: str) -> None:
    assert network(text, development=True) == ipaddress.ip_network(text)


@pytest.mark.parametrize(
    "text",
    ["10.1.2.3", "192.168.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1", "::2", "::", "128.0.0.0/1"],
)
def test_development_permits_nothing_else(text: str) -> None:
    assert reason_of(text, development=True) in {"NETWORK_NOT_PUBLIC", "NETWORK_TOO_WIDE"}


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@given(addresses, st.integers(min_value=0, max_value=128))
def test_what_is_accepted_is_narrow_public_and_spells_itself(
    address: ipaddress.IPv4Address, prefix: int
) -> None:
    text = str(ipaddress.ip_network((address, min(prefix, address.max_prefixlen)), strict=False))
    try:
        found = network(text)
    except Malformed:
        return
    assert network(str(found)) == found
    assert found.num_addresses <= 2 ** (8 if found.version == 4 else 80)
    for edge in (found.network_address, found.broadcast_address):
        assert edge.is_global
        assert not edge.is_multicast
        assert not edge.is_reserved


@given(addresses)
def test_a_private_address_is_never_accepted(address: ipaddress.IPv4Address) -> None:
    if not address.is_global or address.is_multicast:
        with pytest.raises(Malformed):
            network(str(address))


def test_a_dual_stack_sockets_peer_is_the_ipv4_address_it_is() -> None:
    assert client_address("::ffff:127.0.0.2") == ipaddress.ip_address("127.0.0.2")
    assert client_address("127.0.0.2") == ipaddress.ip_address("127.0.0.2")
    assert client_address("::1") == ipaddress.ip_address("::1")
