"""Measures how fast letters on paper are set: `python -m scripts.benchmark.printing --help` says more."""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from server.domain.deliveries import Part
from server.domain.paper_letters import PaperLetter
from server.gateways.printing.samples import part, sample
from server.gateways.printing.workers import PrintingWorkers
from server.jurisdictions import PROFILES

_AHEAD = 4
# Letters under way for each process, so that none waits for its next one.


def _letters(parts: tuple[Part, ...] | None) -> Iterator[PaperLetter]:
    # As the profiles have them: the covering page in the state's language, with two others below.
    profiles = itertools.cycle(profile.languages for profile in PROFILES.values())
    for serial in itertools.count():
        yield sample(*next(profiles), parts=parts, serial=serial)


async def _set(printing: PrintingWorkers, letters: Iterator[PaperLetter], until: float) -> tuple[int, int]:
    made = pages = 0
    while time.monotonic() < until:
        pages += (await printing.render(next(letters))).pages
        made += 1
    return made, pages


def _spent() -> float:
    # This process and those that it started; children that live still are in no getrusage.
    own = sum(os.times()[:2])
    ticks = os.sysconf("SC_CLK_TCK")
    living = (Path(f"/proc/{each.pid}/stat") for each in multiprocessing.active_children())
    fields = (stat.read_text().rpartition(")")[2].split() for stat in living)
    return own + sum((int(each[11]) + int(each[12])) / ticks for each in fields)


async def measure(processes: int, seconds: float, parts: tuple[Part, ...] | None) -> dict[str, float]:
    """Returns letters and pages a minute over at least so many seconds, processes that are warm."""
    letters = _letters(parts)
    async with PrintingWorkers(processes) as printing:
        await asyncio.gather(
            *(_set(printing, letters, time.monotonic() + 1) for _ in range(processes * _AHEAD))
        )
        began, before = time.monotonic(), _spent()
        each = [_set(printing, letters, began + seconds) for _ in range(processes * _AHEAD)]
        counted = await asyncio.gather(*each)
        took, spent = time.monotonic() - began, _spent() - before
    made, pages = (sum(column) for column in zip(*counted, strict=True))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "letters_a_minute": round(made / took * 60),
        "pages_a_minute": round(pages / took * 60),
        "processors_used": round(spent / took, 2),
        "processor_ms_a_letter": round(spent / made * 1000, 1),
        "largest_process_mib": round(used.ru_maxrss / 1024),
        "seconds": round(took, 1),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures as JSON: of letters with a covering page and a text, or with PDFs as parts."""
    parser = argparse.ArgumentParser(prog="python -m scripts.benchmark.printing", description=main.__doc__)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--pdf", type=Path, action="append", help="a PDF as a part, instead of the text")
    asked = parser.parse_args(arguments)
    parts = tuple(part(each.name, "application/pdf", each.read_bytes()) for each in asked.pdf or ())
    print(json.dumps(asyncio.run(measure(asked.processes, asked.seconds, parts or None))))


if __name__ == "__main__":
    main()
