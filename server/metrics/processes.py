"""The figures of the processes of one supervisor, as one page.

Each process tells its own, to the supervisor alone. Its samples get the label `process`, its number, and
nothing is added up: a gauge of one process is not another's, and what a process counted ends with it, which
Prometheus knows from every restart. (The library's way for several processes, files that all of them write,
keeps counters of processes that are gone, but has no gauges that are read off at a scrape, and those are most
of what is told here.)
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from server.metrics import catalogue
from server.metrics.listener import PATH
from server.metrics.page import OPENMETRICS, KeptPages, Page, written
from server.metrics.readings import Reading, families

_log = structlog.get_logger(__name__)

ANSWER_SECONDS: Final = 4.0
"""So long a process may take, which waits for the database half of that at most."""
ANSWER_BYTES: Final = 8 * 1024 * 1024
"""So long its page may be."""
LABEL: Final = "process"


class ProcessesPage:
    """Asks the processes that serve, all at once."""

    def __init__(self, serving: Mapping[int, str], count: int) -> None:
        """Takes the processes by number with the addresses of their figures, looked at anew each time, and
        how many there should be.
        """
        self._serving = serving
        self._count = count
        self._pages = KeptPages()

    async def get(self, accept: str) -> Page:
        """Returns the page for an HTTP `Accept`, without those who do not answer."""
        return await self._pages.get(accept, self._asked)

    async def _asked(self, is_openmetrics: bool) -> Page:
        asked = dict(self._serving)
        texts = await asyncio.gather(*(_text(address) for address in asked.values()))
        told = {process: text for process, text in zip(asked, texts, strict=True) if text is not None}
        return await asyncio.to_thread(self._joined, told, is_openmetrics=is_openmetrics)

    def _joined(self, told: Mapping[int, str], *, is_openmetrics: bool) -> Page:
        joined, up = dict[str, Metric](), []
        for process in range(1, self._count + 1):
            try:
                _add(joined, _read(told.get(process, "# EOF\n")), process)
            except ValueError:
                _log.exception("a process told figures that can't be read", process=process)
                up.append(Reading(catalogue.PROCESS_UP, 0, (str(process),)))
            else:
                up.append(Reading(catalogue.PROCESS_UP, process in told, (str(process),)))
        figures: Sequence[Metric] = [*families(up), *joined.values()]
        return written(CollectorRegistry(), figures, is_openmetrics=is_openmetrics)


def _read(text: str) -> Sequence[Metric]:
    found: Iterator[Metric] = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return list(found)


def _add(joined: dict[str, Metric], told: Sequence[Metric], process: int) -> None:
    for family in told:
        into = joined.setdefault(
            family.name, Metric(family.name, family.documentation, family.type, family.unit)
        )
        into.samples += [
            Sample(sample.name, {**sample.labels, LABEL: str(process)}, sample.value)
            for sample in family.samples
        ]


async def _text(address: str) -> str | None:
    """Asks one process; None where it does not answer."""
    host, _, port = address.rpartition(":")
    writer = None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.write(
                f"GET {PATH} HTTP/1.1\r\nHost: {address}\r\nAccept: {OPENMETRICS}\r\n\r\n".encode("ascii")
            )
            writer.write_eof()
            answer = await _all(reader)
    except (OSError, TimeoutError):
        return None
    finally:
        if writer is not None:
            writer.transport.abort()
    head, _, body = answer.partition(b"\r\n\r\n")
    return body.decode("utf-8", "replace") if head.startswith(b"HTTP/1.1 200 ") else None


async def _all(reader: asyncio.StreamReader) -> bytes:
    answer = bytearray()
    while read := await reader.read(64 * 1024):
        answer += read
        if len(answer) > ANSWER_BYTES:
            return b""
    return bytes(answer)
