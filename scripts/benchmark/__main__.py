"""`scripts/bench`: measures everything in one run and prints a table."""

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.benchmark import aims, long_log, parts, parts_forwarding, parts_log, parts_outside
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
  scripts/bench                                a table, about two minutes
  scripts/bench --seconds 20 --json new.json   steadier figures, kept in a file
  scripts/bench --processes 2 --parts unary,unwaited,batches
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
    parts.smtp,
    parts_forwarding.forwarding,
    parts_forwarding.forwarded_submissions,
    parts.sms,
    parts_outside.letters,
    parts_outside.memory,
    parts_log.verify,
    parts_log.integration,
    parts_log.proofs,
)
_NAMES = [part.__name__ for part in _PARTS]
_CONNECTIONS_OF_EACH = 8
"""As many for each process on average: with a few, it is chance whether one gets all of them."""


async def measure(setup: "Setup", console: Console) -> tuple[Figures, Mapping[str, object]]:
    """Runs a post of its own and measures all parts over it, one after the other; returns the figures and
    which processes had the connections.
    """
    console.print("Making a world and starting a post in it …", style="dim")
    how = {"processes": setup.processes, "connections": setup.connections}
    async with running(PLACE, **how) as office:
        bench = Bench(office, setup.seconds, PLACE, setup.leaves)
        console.print("echo …", style="dim")
        async with echoing(office.world, **how) as servers:
            figures = await parts.echo(bench, servers.channels)
        for part in setup.parts:
            console.print(f"{part.__name__} …", style="dim")
            figures |= await part(bench)
        console.print("Stopping …", style="dim")
    return figures, {"connections_by_process": office.spread, "echo_connections_by_process": servers.spread}


@dataclass(frozen=True)
class Setup:
    """How it is measured: seconds for each part, processes of the server (and of the echo), connections of
    the load, which parts, and how long a log proofs are made from.
    """

    seconds: float
    processes: int
    connections: int
    parts: Sequence[Callable[[Bench], Awaitable[Figures]]]
    leaves: int


def table(figures: Figures) -> Table:
    """Returns the figures for people."""
    result = Table(box=None, header_style="bold", pad_edge=False)
    result.add_column("")
    for column in ("a second", "p50 ms", "p99 ms", "of the echo", "aim, a second"):
        result.add_column(column, justify="right", no_wrap=True)
    for name, words in {
        **parts.WORDS,
        **parts_forwarding.WORDS,
        **parts_outside.WORDS,
        **parts_log.WORDS,
    }.items():
        cells = [figures.get(f"{name}_{unit}") for unit in ("per_s", "p50_ms", "p99_ms")]
        if any(cell is not None for cell in cells):
            shown = ("" if cell is None else f"{cell:,.1f}" for cell in cells)
            result.add_row(words, *shown, aims.of_echo(figures, name), aims.aim(figures, name))
    return result


def conditions(setup: Setup) -> dict[str, object]:
    """Says under what conditions the figures came about; they mean nothing without."""
    return {
        "seconds": setup.seconds,
        "server_processes": setup.processes,
        "connections": setup.connections,
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


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return count


def _part(parser: argparse.ArgumentParser, name: str) -> Callable[[Bench], Awaitable[Figures]]:
    if name not in _NAMES:
        parser.error(f"there is no part {name!r}; there are {', '.join(_NAMES)}")
    return _PARTS[_NAMES.index(name)]


def _conditions_in_words(setup: Setup, spread: Mapping[str, object]) -> str:
    by_process = spread["connections_by_process"], spread["echo_connections_by_process"]
    mine, echo = (" and ".join(map(str, each)) for each in by_process if isinstance(each, Sequence))
    return (
        f"Processes: {setup.processes} of the server, {setup.processes} of the echo, 1 that makes the load. "
        f"Connections: {setup.connections}; the server's processes have {mine} of them, the echo's {echo}."
    )


def asked(words: Sequence[str] | None = None) -> tuple[Setup, Path | None]:
    """Returns what is to be measured, and the file for the figures."""
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=_seconds, default=5.0, help="for each part (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument(
        "--processes", type=_count, default=1, metavar="N", help="of the server, and of the echo (1)"
    )
    parser.add_argument(
        "--connections",
        type=_count,
        metavar="N",
        help="over which the load comes in turn, the echo's too (8 for each process; 1 where there is one)",
    )
    parser.add_argument(
        "--parts", default="all", metavar="NAMES", help=f"besides echo: {', '.join(_NAMES)} (all)"
    )
    parser.add_argument(
        "--leaves",
        type=_count,
        metavar="N",
        default=long_log.SIZES[-2],
        help=f"of the longest log that proofs are made from ({long_log.SIZES[-2]:,}; {long_log.SIZES[-1]:,} "
        "take a minute to make, and 400 MiB)",
    )
    arguments = parser.parse_args(words)
    processes = arguments.processes
    setup = Setup(
        arguments.seconds,
        processes,
        arguments.connections or (1 if processes == 1 else _CONNECTIONS_OF_EACH * processes),
        _PARTS if arguments.parts == "all" else [_part(parser, name) for name in arguments.parts.split(",")],
        arguments.leaves,
    )
    return setup, arguments.json


def main() -> int:
    """Measures; returns the exit code."""
    setup, file = asked()
    told = Console(stderr=True, highlight=False)
    try:
        figures, spread = asyncio.run(measure(setup, told))
    except KeyboardInterrupt:
        told.print("Interrupted; everything is stopped.")
        return 130
    shown = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    shown.print(table(figures))
    for sentence in (
        *aims.sentences(figures),
        *parts_log.sentences(figures),
        _conditions_in_words(setup, spread),
    ):
        shown.print(sentence)
    if file is not None:
        document = {**figures, "conditions": {**conditions(setup), **spread}}
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
