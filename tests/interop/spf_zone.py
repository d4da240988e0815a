"""The zones of openspf.org's cases, shown by a DNS server on loopback."""

from collections.abc import Mapping, Sequence
from typing import Any

import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.TXT import TXT

from tests.dns_server import DnsServer, Message, fitting, with_soa

Records = Mapping[str, Sequence[tuple[str, Any]] | None]
"""From a name, in lower case, to its records by type; None where nothing is answered for it usably."""

_SECONDS = 60


def zone_of(data: Mapping[str, Sequence[Any]]) -> dict[str, list[tuple[str, Any]]]:
    """Returns a zone as its cases write it: policies under SPF stand in TXT too, unless TXT says otherwise.
    Where the word TIMEOUT stands, no other type is answered.
    """
    zone = {}
    for name, written in data.items():
        records: list[tuple[str, Any]] = []
        for each in written:
            records += [("*", each)] if isinstance(each, str) else each.items()
        own = [value for kind, value in records if kind == "TXT"]
        texts = own or [value for kind, value in records if kind == "SPF"]
        records = [(kind, value) for kind, value in records if kind not in ("TXT", "SPF")]
        records += [("TXT", value) for value in texts if value != "NONE"]
        zone[name.lower().rstrip(".")] = records
    return zone


class ZoneServer(DnsServer):
    """Answers from such a zone."""

    def __init__(self, zone: Mapping[str, Sequence[tuple[str, Any]]]) -> None:
        super().__init__()
        self._zone = zone

    async def answers(self, wire: bytes, *, tcp: bool) -> Sequence[bytes]:
        """Returns what to send back to a question."""
        question = dns.message.from_wire(wire)
        asked = question.question[0]
        reply = dns.message.make_response(question, recursion_available=True)
        name, seen = asked.name, set[dns.name.Name]()
        while True:
            records = self._zone.get(_key(name), None)
            kind = dns.rdatatype.to_text(asked.rdtype)
            if records is None:
                reply.set_rcode(dns.rcode.NXDOMAIN)
                break
            found = [value for each, value in records if each == kind]
            if found and "TIMEOUT" not in found:
                _add(reply, name, asked.rdtype, found)
                return [fitting(reply, tcp)]
            if found or any(each == "*" for each, _ in records):
                reply.set_rcode(dns.rcode.SERVFAIL)
                return [fitting(reply, tcp)]
            names = [value for each, value in records if each == "CNAME"]
            if not names or name in seen:
                break
            _add(reply, name, dns.rdatatype.CNAME, names)
            seen.add(name)
            name = dns.name.from_text(names[0])
        return [fitting(with_soa(reply, 30, 30), tcp)]


def _key(name: dns.name.Name) -> str:
    return b".".join(label for label in name.labels if label).decode("latin-1").lower()


def _add(reply: Message, name: dns.name.Name, kind: dns.rdatatype.RdataType, values: Sequence[Any]) -> None:
    made = [_record(kind, value) for value in values]
    reply.answer.append(dns.rrset.from_rdata_list(name, _SECONDS, made))


def _record(kind: dns.rdatatype.RdataType, value: Any) -> dns.rdata.Rdata:
    if kind == dns.rdatatype.TXT:
        strings = [value] if isinstance(value, str) else value or [""]
        # A string has at most 255 octets; the cases write longer ones as one.
        octets = [text.encode() for text in strings]
        cut = [part[at : at + 255] for part in octets for at in range(0, max(1, len(part)), 255)]
        return TXT(dns.rdataclass.IN, kind, cut)
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    if kind == dns.rdatatype.MX and not text.split()[1:]:
        text += "."
    return dns.rdata.from_text(dns.rdataclass.IN, kind, text, origin=dns.name.root, relativize=False)
