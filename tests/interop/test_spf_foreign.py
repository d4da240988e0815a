"""Another's evaluation of SPF, which nobody of this project wrote, comes to the same over any policies."""

import asyncio
import importlib.util
import ipaddress
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.usecases import spf_check
from server.usecases.spf_check import SpfCheck, SpfIdentity
from tests.contract.imports import ROOT
from tests.fakes.policy_records import FakePolicyRecords
from tests.spf_zones import CLIENTS, NAMES, Zone, zones

FOREIGN = Path(ROOT) / ".venv/spf/spf.py"

pytestmark = pytest.mark.skipif(
    not FOREIGN.exists(),
    reason="another's evaluation of SPF not tried: it is not there (scripts/setup --with-others)",
)

_MANY = 1000
"""Instead of the two look-ups that may find nothing: the other looks all hosts up before it looks at one, and
so finds nothing more often. test_spf_cases.py is for that limit.
"""

Foreign = Callable[[Zone, str], str]


@pytest.fixture(scope="module")
def foreign() -> Iterator[Foreign]:
    """Yields it, asking a zone in memory."""
    spec = importlib.util.spec_from_file_location("foreign_spf", FOREIGN)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it was written for other Pythons too
        spec.loader.exec_module(module)
    module.MAX_VOID_LOOKUPS = _MANY

    def evaluate(zone: Zone, client: str) -> str:
        def look_up(name: str, kind: str, *_: object, **__: object) -> Iterator[Any]:
            shown = zone.get(name.lower().rstrip("."), {})
            if shown is None:
                raise module.TempError("the DNS does not answer")
            for value in shown.get(kind, ()):
                yield (name, kind), _as_read(kind, value)

        module.DNSLookup = look_up
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked = module.query(i=client, s=f"notices@{NAMES[0]}", h="mail.example.com", querytime=0)
            return str(asked.check()[0])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spf_check, "_VOID", _MANY)
        yield evaluate


def _includes_itself(zone: Zone) -> bool:
    """Tells whether a policy does so, or may, in as many words: the other calls that a fault before it looks
    further. The standard does not.
    """
    policies = [(name, shown["TXT"][0]) for name, shown in zone.items() if shown and "TXT" in shown]
    own = ("include:%{d}", "include:%{p}")
    return any(each in policy for name, policy in policies for each in (f"include:{name}", *own))


def _as_read(kind: str, value: str) -> Any:
    match kind:
        case "TXT":
            return (value.encode(),)
        case "MX":
            return 10, value
        case "AAAA":
            return ipaddress.ip_address(value).packed
        case _:
            return value


# The same policies every time: whoever tries others may meet more of what the other does in its own way.
@settings(max_examples=250, deadline=None, derandomize=True)
@given(zones, st.sampled_from(CLIENTS))
def test_both_come_to_the_same(foreign: Foreign, zone: Zone, client: str) -> None:
    assume(not _includes_itself(zone))
    check = SpfCheck(FakePolicyRecords(zone))
    identity = SpfIdentity.of(f"notices@{NAMES[0]}", "mail.example.com")
    ours = asyncio.run(check.of(ipaddress.ip_address(client), identity))
    assert ours.value == foreign(zone, client)
