"""Which networks a sender address may send from: real static addresses, and never more of them than one site
has (POST-8).
"""

import ipaddress
import re

from server.domain.caller import IpAddress, IpNetwork
from server.domain.fields import Malformed

_NARROWEST_REFUSED = {4: 23, 6: 47}
"""Prefix lengths up to these are too wide: /24 and /48 are the most that one address gets (POST-8)."""

_SPELLING = re.compile(r"[0-9A-Fa-f.:]+(/(0|[1-9][0-9]{0,2}))?", re.ASCII)

_LOOPBACK: tuple[IpNetwork, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))

_GLOBAL_UNICAST_6 = ipaddress.IPv6Network("2000::/3")
"""All that is assigned for global unicast in IPv6 (RFC 4291, 2.4 and IANA's registry): everything outside is
special.
"""

_MAPPED_6 = ipaddress.IPv6Network("::ffff:0:0/96")

# IANA's registries of special-purpose addresses (RFC 6890), multicast and reserved space. Stated here and not
# taken from the standard library, whose answers differ between versions of Python.
_SPECIAL: tuple[IpNetwork, ...] = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private use
        "100.64.0.0/10",  # shared by a carrier's customers
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link local
        "172.16.0.0/12",  # private use
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnelling
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private use
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: stands for an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def network(text: str, *, development: bool = False) -> IpNetwork:
    """Returns the network that `text` names: an address (a network of one) or a network in CIDR form.

    Args:
        text: for example `8.8.8.8` or `8.8.8.0/24`.
        development: permits loopback addresses too, and nothing else.

    Raises:
        Malformed: `NETWORK_MALFORMED`, `HOST_BITS_SET`, `NETWORK_TOO_WIDE` or `NETWORK_NOT_PUBLIC`.
    """
    if not _SPELLING.fullmatch(text):
        raise Malformed("NETWORK_MALFORMED", "must be an IP address or a network like 8.8.8.0/24")
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Malformed("NETWORK_MALFORMED", "must be an IP address or a network like 8.8.8.0/24") from None
    address = ipaddress.ip_address(text.partition("/")[0])
    if address != found.network_address:
        raise Malformed("HOST_BITS_SET", f"has bits beyond its prefix; the network would be {found}")
    if found.prefixlen <= _NARROWEST_REFUSED[found.version]:
        raise Malformed("NETWORK_TOO_WIDE", "must be at most as wide as /24 (IPv4) or /48 (IPv6)")
    if not _is_public(found) and not (development and _is_loopback(found)):
        raise Malformed(
            "NETWORK_NOT_PUBLIC", "must be public: private and special-purpose ranges are refused"
        )
    return found


def is_usable(address: IpAddress, *, development: bool = False) -> bool:
    """Tells whether a single address may be sent from, as `network` does for a network of one."""
    single = ipaddress.ip_network(address)
    return _is_public(single) or (development and _is_loopback(single))


def client_address(text: str) -> IpAddress:
    """Returns a peer's address; one that is IPv4 inside IPv6, as dual-stack sockets show it, becomes IPv4.

    Raises `ValueError` for anything else than an address.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address in _MAPPED_6 and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _is_public(found: IpNetwork) -> bool:
    if isinstance(found, ipaddress.IPv6Network) and not found.subnet_of(_GLOBAL_UNICAST_6):
        return False
    return not any(found.version == special.version and found.overlaps(special) for special in _SPECIAL)


def _is_loopback(found: IpNetwork) -> bool:
    return any(
        found.network_address in loopback and found.broadcast_address in loopback for loopback in _LOOPBACK
    )
