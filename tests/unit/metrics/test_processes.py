"""Several processes told as one: nothing is added up, and who is away is named."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from prometheus_client import parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from server.metrics import processes as module
from server.metrics.listener import MetricsListener
from server.metrics.looks import Looks
from server.metrics.meters import Meters
from server.metrics.page import MetricsPage, Page
from server.metrics.processes import ProcessesPage
from tests.fakes.clock import HeldClock

SUBMIT = "/namak.v1.DeliveryService/Submit"


@pytest_asyncio.fixture
async def serving() -> AsyncIterator[dict[int, str]]:
    """Two processes that counted one call, and three."""
    listening = []
    for times in (1, 3):
        meters = Meters("1", "am")
        for _ in range(times):
            meters.call_ended(SUBMIT, "OK", "", 0.01)
        page = MetricsPage(meters.registry, HeldClock(), looks=Looks({}))
        listening.append(MetricsListener(page.get, "127.0.0.1:0"))
        await listening[-1].open()
    yield {number: each.address for number, each in enumerate(listening, 1)}
    for each in listening:
        await each.close()


def values(page: Page, name: str, *, plain: bool = False) -> dict[str, float]:
    """Returns a sample's values by process."""
    read = parser.text_string_to_metric_families if plain else text_string_to_metric_families
    return {
        sample.labels["process"]: sample.value
        for family in read(page.content.decode())
        for sample in family.samples
        if sample.name == name
    }


@pytest.mark.parametrize("accept", ["application/openmetrics-text", "text/plain"])
async def test_each_process_has_its_own_series(serving: dict[int, str], accept: str) -> None:
    page, plain = await ProcessesPage(serving, 2).get(accept), accept == "text/plain"

    assert values(page, "namak_rpc_calls_total", plain=plain) == {"1": 1, "2": 3}
    assert values(page, "namak_rpc_duration_seconds_count", plain=plain) == {"1": 1, "2": 3}
    assert values(page, "namak_process_up", plain=plain) == {"1": 1, "2": 1}
    assert set(values(page, "process_open_fds", plain=plain)) == {"1", "2"}


async def test_who_is_away_hangs_or_talks_nonsense_is_missing_and_named(
    serving: dict[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nonsense(_accept: str) -> Page:
        return Page(b"namak_rpc_calls_total{ 1\n", "text/x")

    async def hanging(_accept: str) -> Page:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nothing ends it")

    async def endless(_accept: str) -> Page:
        return Page(b"# HELP x x\n" * 200_000, "text/x")

    monkeypatch.setattr(module, "ANSWER_SECONDS", 2.0)
    monkeypatch.setattr(module, "ANSWER_BYTES", 1_000_000)
    others = [MetricsListener(get, "127.0.0.1:0") for get in (nonsense, hanging, endless)]
    for each in others:
        await each.open()
    told = {**serving, 4: others[0].address, 5: others[1].address, 6: others[2].address, 7: "127.0.0.1:1"}

    page = await ProcessesPage(told, 7).get("application/openmetrics-text")
    for each in others:
        await each.close()

    assert values(page, "namak_process_up") == {"1": 1, "2": 1, "3": 0, "4": 0, "5": 0, "6": 0, "7": 0}
    assert values(page, "namak_rpc_calls_total") == {"1": 1, "2": 3}
