"""`scripts/bench`: measures everything in one run and prints a table."""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.benchmark import parts
from scripts.benchmark.echo import echoing
from scripts.benchmark.office import running
from scripts.benchmark.parts import Bench, Figures

PLACE = Path(__file__).resolve().parents[2] / "var" / "bench"
LEAST_SECONDS, MOST_SECONDS = 0.5, 300.0

_DESCRIPTION = """\
Measures the post on this machine, beside what gRPC and PostgreSQL alone do here.

It runs a server of its own, with an embedded, durable PostgreSQL, and loads it from one client process;
everything is on loopback, and shares the machine's processors.
"""
_EXAMPLES = """examples:
  scripts/bench                                a table, about a minute
  scripts/bench --seconds 20 --json new.json   steadier figures, kept in a file
"""
_PARTS: tuple[Callable[[Bench], Awaitable[Figures]], ...] = (
    parts.database,
    parts.unary,
    parts.unwaited,
    parts.crowded,
    parts.batches,
    parts.lag,
    parts.listing,
    parts.confirming,
    parts.signing_in,
)


async def measure(seconds: float, console: Console) -> Figures:
    """Runs a post of its own and measures all parts over it, one after the other."""
    console.print("Making a world and starting a post in it …", style="dim")
    async with running(PLACE) as office:
        bench = Bench(office, seconds)
        console.print("echo …", style="dim")
        async with echoing(office.world) as channel:
            figures = await parts.echo(bench, channel)
        for part in _PARTS:
            console.print(f"{part.__name__} …", style="dim")
            figures |= await part(bench)
        console.print("Stopping …", style="dim")
    return figures


def table(figures: Figures) -> Table:
    """Returns the figures for people."""
    result = Table(box=None, header_style="bold", pad_edge=False)
    result.add_column("")
    for column in ("a second", "p50 ms", "p99 ms"):
        result.add_column(column, justify="right", no_wrap=True)
    for name, words in parts.WORDS.items():
        cells = (figures.get(f"{name}_{unit}") for unit in ("per_s", "p50_ms", "p99_ms"))
        result.add_row(words, *("" if cell is None else f"{cell:,.1f}" for cell in cells))
    return result


def conditions(seconds: float) -> dict[str, object]:
    """Says under what conditions the figures came about; they mean nothing without."""
    return {
        "seconds": seconds,
        "message_bytes": parts.MESSAGE_BYTES,
        "in_flight": parts.IN_FLIGHT,
        "batch": parts.BATCH,
        "cpus": os.cpu_count(),
        "load_average_at_end": os.getloadavg()[0],
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def _seconds(text: str) -> float:
    seconds = float(text)
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"from {LEAST_SECONDS:g} to {MOST_SECONDS:g}")
    return seconds


def main() -> int:
    """Measures; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=_seconds, default=5.0, help="for each part (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    told = Console(stderr=True, highlight=False)
    try:
        figures = asyncio.run(measure(arguments.seconds, told))
    except KeyboardInterrupt:
        told.print("Interrupted; everything is stopped.")
        return 130
    Console(highlight=False, width=None if sys.stdout.isatty() else 120).print(table(figures))
    if arguments.json is not None:
        document = {**figures, "conditions": conditions(arguments.seconds)}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
