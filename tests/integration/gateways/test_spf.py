"""SPF checked over real questions to a DNS server that answers truly, late, wrongly or never."""

import ipaddress
from collections.abc import AsyncIterator

import dns.rcode
import pytest

from server.domain.spf import SpfResult
from server.gateways.dns import Dns
from server.gateways.policy_records import DnsPolicyRecords
from server.usecases.spf_check import SpfCheck, SpfIdentity
from tests.contracts.policy_records_contract import ZONE, PolicyRecordsContract
from tests.dns_server import DnsServer, dns_serving, reply

CLIENT = ipaddress.ip_address("192.0.2.1")
SENDER = SpfIdentity.of("notices@src.am", "mail.src.am")


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with dns_serving() as server:
        yield server


@pytest.fixture
def check(server: DnsServer) -> SpfCheck:
    return SpfCheck(DnsPolicyRecords(Dns([server.address], timeout_seconds=30.0)), seconds=60.0)


@pytest.fixture
def hasty(server: DnsServer) -> SpfCheck:
    """Gives up soon, for servers that never answer usably."""
    return SpfCheck(DnsPolicyRecords(Dns([server.address], timeout_seconds=0.3)))


class TestDnsPolicyRecords(PolicyRecordsContract):
    """The real thing keeps the contract."""

    @pytest.fixture
    def records(self, server: DnsServer) -> DnsPolicyRecords:
        for name, shown in ZONE.items():
            if shown is None:
                for kind in ("TXT", "A"):
                    server.behave(name, kind, lambda q, _: [reply(q, rcode=dns.rcode.SERVFAIL).to_wire()])
            else:
                server.show(
                    name,
                    *(
                        f"60 {kind} {'10 ' if kind == 'MX' else ''}{_written(kind, value)}"
                        for kind, values in shown.items()
                        for value in values
                    ),
                )
        loop = "loop.am. 60 CNAME loop.am."
        server.behave("loop.am", "TXT", lambda q, _: [reply(q, loop).to_wire()])
        server.behave("loop.am", "A", lambda q, _: [reply(q, loop).to_wire()])
        return DnsPolicyRecords(Dns([server.address], timeout_seconds=30.0))


def _written(kind: str, value: str) -> str:
    if kind == "TXT":
        return f'"{value}"'
    return f"{value}." if kind in ("MX", "PTR", "CNAME") else value


@pytest.mark.parametrize(
    ("policy", "result"),
    [
        ('"v=spf1 ip4:192.0.2.0/24 -all"', SpfResult.PASS),
        ('"v=spf1 ip4:192.0" ".2.1 -all"', SpfResult.PASS),
        ('"v=spf1 mx -all"', SpfResult.PASS),
        ('"v=spf1 ~all"', SpfResult.SOFTFAIL),
        ('"v=spf1 -all exp=why.src.am"', SpfResult.FAIL),
        ('"v=spf1"', SpfResult.NEUTRAL),
        ('"v=spf1 a:\\195\\169.am -all"', SpfResult.PERMERROR),
        ('"v=spf10 +all"', SpfResult.NONE),
        (
            f'"v=spf1 {" ".join(f"ip4:10.0.{n}.0/24" for n in range(14))}" " ip4:192.0.2.1 -all"',
            SpfResult.PASS,
        ),
    ],
)
async def test_a_policy_decides(server: DnsServer, check: SpfCheck, policy: str, result: SpfResult) -> None:
    server.show("src.am", f"60 TXT {policy}", r'60 TXT "caf\233"', "60 MX 10 mx.src.am.")
    server.show("mx.src.am", "60 A 192.0.2.1")
    assert await check.of(CLIENT, SENDER) is result
    assert server.asked["why.src.am", "TXT"] == 0


async def test_the_null_sender_is_checked_by_the_name_of_ehlo(server: DnsServer, check: SpfCheck) -> None:
    server.show("mail.src.am", '60 TXT "v=spf1 exists:%{l}.%{h} -all"')
    server.show("postmaster.mail.src.am", "60 A 127.0.0.2")
    assert await check.of(CLIENT, SpfIdentity.of("", "mail.src.am")) is SpfResult.PASS
    for helo in ("", "localhost", "[192.0.2.1]", "մայլ.am"):
        assert await check.of(CLIENT, SpfIdentity.of("", helo)) is SpfResult.NONE


async def test_a_domain_that_is_not_there_says_nothing(server: DnsServer, check: SpfCheck) -> None:
    assert await check.of(CLIENT, SENDER) is SpfResult.NONE
    server.show("src.am", "60 A 192.0.2.1")
    assert await check.of(CLIENT, SENDER) is SpfResult.NONE


async def test_a_server_that_fails_or_never_answers_makes_a_temperror(
    server: DnsServer, hasty: SpfCheck
) -> None:
    server.behave("src.am", "TXT", lambda q, _: [reply(q, rcode=dns.rcode.SERVFAIL).to_wire()])
    assert await hasty.of(CLIENT, SENDER) is SpfResult.TEMPERROR
    server.behave("src.am", "TXT", lambda q, _: [])
    assert await hasty.of(CLIENT, SENDER) is SpfResult.TEMPERROR
    server.behave("src.am", "TXT", lambda q, _: [b"\x00" * 20])
    assert await hasty.of(CLIENT, SENDER) is SpfResult.TEMPERROR
    server.show("e-citizen.am", '60 TXT "v=spf1 include:src.am +all"')
    assert await hasty.of(CLIENT, SpfIdentity.of("a@e-citizen.am", "")) is SpfResult.TEMPERROR


async def test_a_check_takes_no_longer_than_its_time(server: DnsServer) -> None:
    patient = DnsPolicyRecords(Dns([server.address], timeout_seconds=100.0))
    server.release.clear()
    assert await SpfCheck(patient, seconds=0.2).of(CLIENT, SENDER) is SpfResult.TEMPERROR


async def test_policies_that_lead_round_are_left_after_ten_terms(server: DnsServer, check: SpfCheck) -> None:
    server.show("src.am", '60 TXT "v=spf1 include:e-citizen.am -all"')
    server.show("e-citizen.am", '60 TXT "v=spf1 redirect=src.am"')
    assert await check.of(CLIENT, SENDER) is SpfResult.PERMERROR
    assert server.asked["src.am", "TXT"] + server.asked["e-citizen.am", "TXT"] == 11


async def test_a_name_that_leads_to_itself_is_a_temperror(server: DnsServer, hasty: SpfCheck) -> None:
    loop = "src.am. 60 CNAME src.am."
    server.behave("src.am", "TXT", lambda q, _: [reply(q, loop).to_wire()])
    assert await hasty.of(CLIENT, SENDER) is SpfResult.TEMPERROR


async def test_what_is_longer_than_a_datagram_is_asked_again_and_what_is_far_longer_is_not_read(
    server: DnsServer, check: SpfCheck, hasty: SpfCheck
) -> None:
    own = '60 TXT "v=spf1 ip4:192.0.2.1 -all"'
    server.show("src.am", own, *(f'60 TXT "{n:0200}"' for n in range(30)))
    assert await check.of(CLIENT, SENDER) is SpfResult.PASS
    server.show("src.am", own, *(f'60 TXT "{n:0200}"' for n in range(60)))
    assert await hasty.of(CLIENT, SENDER) is SpfResult.TEMPERROR


async def test_marks_that_a_macro_writes_into_a_name_mean_nothing_else(
    server: DnsServer, check: SpfCheck
) -> None:
    server.show("src.am", '60 TXT "v=spf1 exists:%{h}.e-citizen.am -all"')
    server.show(r"\\\@.e-citizen.am", "60 A 127.0.0.2")
    assert await check.of(CLIENT, SpfIdentity.of("notices@src.am", r"\@")) is SpfResult.PASS
    assert await check.of(CLIENT, SpfIdentity.of("notices@src.am", r"\064")) is SpfResult.FAIL
