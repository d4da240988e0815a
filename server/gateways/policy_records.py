"""The records that SPF policies lead to, out of the DNS (RFC 7208, 5). What fails the result alone tells."""

import ipaddress
from collections.abc import Sequence
from typing import Any

import dns.name
import dns.rdatatype
import dns.reversename

from server.domain.caller import IpAddress
from server.domain.refusals import ServiceUnavailable
from server.gateways.dns import COMPONENT, Dns, DnsFailure


class DnsPolicyRecords:
    """Asks for them, anew every time."""

    def __init__(self, resolver: Dns) -> None:
        self._dns = resolver

    async def texts(self, name: str) -> Sequence[bytes]:
        """Returns the TXT records of a name, each joined from its strings."""
        return [b"".join(each.strings) for each in await self._records(_name(name), dns.rdatatype.TXT)]

    async def addresses(self, name: str, *, like: IpAddress) -> Sequence[IpAddress]:
        """Returns the addresses of a name, of the same version as `like`."""
        kind = dns.rdatatype.A if like.version == 4 else dns.rdatatype.AAAA
        return [ipaddress.ip_address(each.address) for each in await self._records(_name(name), kind)]

    async def exchangers(self, name: str) -> Sequence[str]:
        """Returns the hosts that take mail for a name."""
        return [_text(each.exchange) for each in await self._records(_name(name), dns.rdatatype.MX)]

    async def names(self, address: IpAddress) -> Sequence[str]:
        """Returns the names that an address shows."""
        reverse = dns.reversename.from_address(str(address))
        return [_text(each.target) for each in await self._records(reverse, dns.rdatatype.PTR)]

    async def _records(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> Sequence[Any]:
        try:
            return await self._dns.records_of(name, kind)
        except DnsFailure as failure:
            raise ServiceUnavailable(COMPONENT) from failure


def _name(text: str) -> dns.name.Name:
    # Label by label: a backslash that a policy writes into a name means nothing but itself.
    return dns.name.Name([*(label.encode("ascii") for label in text.split(".")), b""])


def _text(name: dns.name.Name) -> str:
    return b".".join(label for label in name.labels if label).decode("ascii", "replace")
