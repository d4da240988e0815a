"""The page of figures, put together for each scrape."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import exposition
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector, CollectorRegistry

from server.metrics.looks import Looks
from server.metrics.readings import Reading, families
from server.usecases.ports import Clock

OPENMETRICS: Final = "application/openmetrics-text"

AGE_SECONDS: Final = 1.0
"""A page is good for so long: however many ask, it is written once a second at most."""

Gauges = Callable[[], Iterable[Reading]]
"""Reads off what the process itself knows, at once."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is answered: bytes and their media type."""

    content: bytes
    media_type: str


class KeptPages:
    """Keeps each form of the page while it is good, and has one at a time made."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._made: dict[bool, tuple[float, Page]] = {}

    async def get(self, accept: str, make: Callable[[bool], Awaitable[Page]]) -> Page:
        """Returns the page for an HTTP `Accept`; `make` is told whether OpenMetrics is wanted."""
        wanted = OPENMETRICS in accept
        async with self._turn:
            now = asyncio.get_running_loop().time()
            made = self._made.get(wanted)
            if made is None or now - made[0] >= AGE_SECONDS:
                made = self._made[wanted] = (now, await make(wanted))
            return made[1]


class MetricsPage:
    """Makes the page, in OpenMetrics' text format or in the older one of Prometheus."""

    def __init__(
        self, registry: CollectorRegistry, clock: Clock, *, looks: Looks, gauges: Sequence[Gauges] = ()
    ) -> None:
        """Takes what counts, what is looked at, and what is read off."""
        self._registry = registry
        self._clock = clock
        self._looks = looks
        self._gauges = gauges
        self._pages = KeptPages()

    async def get(self, accept: str) -> Page:
        """Returns the page for an HTTP `Accept`. Takes bounded time, whatever the database does."""
        return await self._pages.get(accept, self._written)

    async def _written(self, is_openmetrics: bool) -> Page:
        await self._looks.fresh()
        now = self._clock.now()
        # Here, where nothing else changes them meanwhile; the rest takes longer and does not hold up calls.
        read = list(families([*self._looks.shown(now), *(each for of in self._gauges for each in of())]))
        return await asyncio.to_thread(written, self._registry, read, is_openmetrics=is_openmetrics)


def written(registry: Collector, more: Sequence[Metric], *, is_openmetrics: bool) -> Page:
    """Writes figures as text."""
    all_of_them = _Collected(registry, more)
    if is_openmetrics:
        text: bytes = openmetrics.generate_latest(all_of_them)  # type: ignore[no-untyped-call]
        return Page(text, openmetrics.CONTENT_TYPE_LATEST)
    return Page(exposition.generate_latest(all_of_them), exposition.CONTENT_TYPE_PLAIN_0_0_4)


class _Collected(Collector):
    """Counters and readings as one."""

    def __init__(self, registry: Collector, more: Sequence[Metric]) -> None:
        self._registry = registry
        self._more = more

    def collect(self) -> Iterator[Metric]:
        yield from self._registry.collect()
        yield from self._more
