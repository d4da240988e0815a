"""openspf.org's cases for RFC 7208, all of them, against a DNS server that shows their zones.

Where the cases permit several results, ours is one of them. What a policy explains is never fetched, so that
is not looked at.
"""

import ipaddress
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.gateways.dns import Dns
from server.gateways.policy_records import DnsPolicyRecords
from server.usecases.spf_check import SpfCheck, SpfIdentity
from tests.contract.imports import ROOT
from tests.dns_server import dns_serving
from tests.interop.spf_zone import ZoneServer, zone_of

CASES = Path(ROOT) / ".venv/spf/test/rfc7208-tests.yml"

pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason="SPF's own cases not tried: they are not there (scripts/setup --with-others)"
)


def scenarios() -> list[Any]:
    if not CASES.exists():
        return []
    return list(yaml.safe_load_all(CASES.read_bytes()))


def test_all_cases_are_there() -> None:
    assert sum(len(each["tests"]) for each in scenarios()) == 203


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda each: str(each["description"]))
async def test_a_check_ends_as_the_cases_say(scenario: Any) -> None:
    wrong = []
    async with dns_serving(ZoneServer(zone_of(scenario["zonedata"]))) as server:
        check = SpfCheck(DnsPolicyRecords(Dns([server.address], timeout_seconds=30.0)), seconds=60.0)
        for name, case in scenario["tests"].items():
            permitted = case["result"] if isinstance(case["result"], list) else [case["result"]]
            identity = SpfIdentity.of(case["mailfrom"], case["helo"])
            found = await check.of(ipaddress.ip_address(case["host"]), identity)
            if found not in permitted:
                wrong.append((name, found.value, permitted))
    assert wrong == []
