"""A check of SPF over any policies: it ends, with a result, and asks the DNS no more than it may."""

import asyncio
import ipaddress
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain.spf import SpfResult
from server.usecases.spf_check import PolicyRecords, SpfCheck, SpfIdentity
from tests.contracts.policy_records_contract import ZONE, PolicyRecordsContract
from tests.fakes.policy_records import FakePolicyRecords
from tests.spf_zones import CLIENTS, NAMES, Zone, zones

SENDER = SpfIdentity.of(f"notices@{NAMES[0]}", "mail.example.com")


class TestFakePolicyRecords(PolicyRecordsContract):
    """The fake keeps the contract of the real thing."""

    @pytest.fixture
    def records(self) -> PolicyRecords:
        return FakePolicyRecords(ZONE)


async def checked(zone: Zone, client: str = CLIENTS[0], identity: SpfIdentity = SENDER) -> SpfResult:
    return await SpfCheck(FakePolicyRecords(zone)).of(ipaddress.ip_address(client), identity)


@settings(max_examples=150, deadline=None)
@given(zones, st.sampled_from(CLIENTS))
def test_any_policies_are_judged_with_few_questions(zone: Zone, client: str) -> None:
    records = FakePolicyRecords(zone)
    result = asyncio.run(SpfCheck(records).of(ipaddress.ip_address(client), SENDER))
    assert isinstance(result, SpfResult)
    # The first policy and ten terms, each with ten hosts; and the client's names, looked at once.
    assert sum(count for (_, kind), count in records.asked.items() if kind == "TXT") <= 11
    assert sum(records.asked.values()) <= 11 + 10 * 11 + 11
    assert sum(count for (_, kind), count in records.asked.items() if kind == "PTR") <= 1


async def test_the_eleventh_term_that_asks_is_too_many_whether_or_not_it_would_match() -> None:
    found = {"a.example.com": {"TXT": ["v=spf1" + " a:host.example.com" * 9 + " a -all"], "A": [CLIENTS[0]]}}
    host = {"host.example.com": {"A": ["192.0.2.9"]}}
    assert await checked(found | host) is SpfResult.PASS
    found["a.example.com"]["TXT"] = ["v=spf1" + " a:host.example.com" * 10 + " a -all"]
    assert await checked(found | host) is SpfResult.PERMERROR


async def test_the_third_look_up_that_finds_nothing_is_too_many() -> None:
    for many, result in ((2, SpfResult.FAIL), (3, SpfResult.PERMERROR)):
        policy = " ".join(f"a:gone{n}.example.com" for n in range(many))
        assert await checked({"a.example.com": {"TXT": [f"v=spf1 {policy} -all"]}}) is result


async def test_hosts_that_take_mail_are_ten_at_most_and_further_names_of_a_client_do_not_count() -> None:
    hosts = {f"h{n}.example.com": {"A": [CLIENTS[0] if n == 10 else "192.0.2.9"]} for n in range(11)}
    for many, result in ((10, SpfResult.FAIL), (11, SpfResult.PERMERROR)):
        zone = {"a.example.com": {"TXT": ["v=spf1 mx -all"], "MX": list(hosts)[:many]}}
        assert await checked(hosts | zone) is result
    reverse = {"1.2.0.192.in-addr.arpa": {"PTR": list(hosts)}}
    policy = {"a.example.com": {"TXT": ["v=spf1 ptr:example.com -all"]}}
    assert await checked(hosts | reverse | policy) is SpfResult.FAIL


async def test_a_failure_behind_a_client_s_names_finds_nothing_and_elsewhere_is_told() -> None:
    zone: dict[str, Mapping[str, Sequence[str]] | None] = {
        "1.2.0.192.in-addr.arpa": None,
        "b.example.com": None,
    }
    assert await checked({**zone, "a.example.com": {"TXT": ["v=spf1 ptr -all"]}}) is SpfResult.FAIL
    for term in ("a", "mx", "exists", "include"):
        policy = {"a.example.com": {"TXT": [f"v=spf1 {term}:b.example.com -all"]}}
        assert await checked({**zone, **policy}) is SpfResult.TEMPERROR


async def test_a_local_part_that_is_not_ascii_matches_nothing() -> None:
    zone = {"a.example.com": {"TXT": ["v=spf1 exists:%{L}.a.example.com ~all"]}}
    anything = zone | {"%D5%A1.a.example.com": {"A": ["127.0.0.2"]}}
    assert await checked(anything, identity=SpfIdentity.of("ա@a.example.com", "")) is SpfResult.SOFTFAIL


async def test_an_ipv4_client_that_comes_over_ipv6_is_one_of_ipv4() -> None:
    zone = {"a.example.com": {"TXT": ["v=spf1 ip4:192.0.2.1 -all"]}}
    assert await checked(zone, "::ffff:192.0.2.1") is SpfResult.PASS
