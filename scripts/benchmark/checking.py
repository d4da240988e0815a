"""How fast `namak-server log fsck` checks a stored post: `python -m scripts.benchmark.checking`.

Fills a database of its own with a post (`stored_post`), and checks it as the command does, beside
PostgreSQL: each part alone, all parts together in one process, and side by side in several. It prints speeds
as leaves of the whole log, the processor that the checking and PostgreSQL took, and the memory.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

import uvloop

from namak.evidence.note import Verifier
from scripts.benchmark.stored_post import ORIGIN, fill
from server.bootstrap_fsck import opened
from server.cli.fsck_checking import FsckChecking
from server.fsck.check import Asked, LogCheck
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Part, Report
from server.fsck.kinds import COUNTED
from server.jurisdictions.am import AM
from server.storage import migrate
from server.storage.embedded import EmbeddedPostgres

AIM: Final = 50_000
"""Leaves a second."""


async def check(url: str, key: Verifier, parts: frozenset[Part]) -> Report:
    """Checks parts of it."""
    report = Report()
    async with opened(url, AM) as stored:
        await LogCheck(stored, {}, Trusted({ORIGIN: key}), report).run(Asked(parts, ORIGIN))
    return report


def resident_mib() -> float:
    """Returns the memory that this process holds now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def processor_of(place: Path) -> float:
    """Returns the seconds of processor that the server there took, its children that ended included."""
    postgres = int(next(place.rglob("postmaster.pid")).read_text().splitlines()[0])
    ticks = 0
    for line in Path("/proc").glob("[0-9]*/stat"):
        try:
            before, _, after = line.read_text().rpartition(")")
        except OSError:
            continue
        fields = after.split()
        if int(before.split()[0]) == postgres:
            # utime, stime, cutime, cstime.
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postgres:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


async def check_side_by_side(url: str, key: Verifier, parts: frozenset[Part], processes: int) -> Report:
    """Checks parts in processes, as the command does."""
    report = Report()
    async with opened(url, AM) as stored:
        checking = FsckChecking(stored, {}, Trusted({ORIGIN: key}), report, url=url, profile=AM.code)
        await checking.run(Asked(parts, ORIGIN), processes)
    return report


def speed(leaves: int, seconds: float) -> str:
    """Returns leaves a second, and whether that is as many as are aimed at."""
    a_second = leaves / seconds
    return f"{a_second:,.0f} leaves/s ({'reached' if a_second >= AIM else 'missed'})"


def sound(report: Report) -> Report:
    """Returns a report in which nothing was found."""
    if not report.sound:
        raise SystemExit(f"not sound: {report.findings[:3]}")
    return report


def measure(
    place: Path,
    url: str,
    leaves: int,
    key: Verifier,
    parts: frozenset[Part],
    processes: Sequence[int],
) -> None:
    """Checks part by part, then all together, then side by side, and prints the figures."""
    print(f"{leaves:,} leaves; load average before: {os.getloadavg()[0]:.1f}; {resident_mib():.0f} MiB")
    for part in Part:
        if part not in parts:
            continue
        report, _, taken = timed(place, leaves, partial(check, url, key, frozenset({part})))
        seconds, what = report.seconds[part], COUNTED[part][0]
        print(f"{part}: {seconds:.2f} s, {report.checked[what]:,} {what}, {speed(leaves, seconds)}, {taken}")
    report, seconds, taken = timed(place, leaves, partial(check, url, key, parts))
    told = ", ".join(f"{part} {took:.2f}" for part, took in report.seconds.items())
    print(f"together in one process: {seconds:.2f} s ({told}), {speed(leaves, seconds)}, {taken}")
    for count in processes:
        _, seconds, taken = timed(place, leaves, partial(check_side_by_side, url, key, parts, count))
        told = f"side by side in {count}, their start included"
        print(f"{told}: {seconds:.2f} s, {speed(leaves, seconds)}, {taken}")


def timed(
    place: Path, leaves: int, checking: Callable[[], Coroutine[None, None, Report]]
) -> tuple[Report, float, str]:
    """Checks; returns the report, the seconds, and in words what it took of processor and memory."""
    began, processor, beside = time.perf_counter(), processor_here(), processor_of(place)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = sound(runner.run(checking()))
    seconds = time.perf_counter() - began
    processor, beside = processor_here() - processor, processor_of(place) - beside
    words = (
        f"{processor / leaves * 1e6:.1f} µs of processor a leaf, PostgreSQL"
        f" {beside / leaves * 1e6:.1f}; {resident_mib():.0f} MiB"
    )
    return report, seconds, words


def processor_here() -> float:
    """Returns the seconds of processor that this process took, and those that it started and that ended."""
    return sum(os.times()[:4])


def run(
    leaves: int,
    parts: frozenset[Part],
    turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    *,
    processes: Sequence[int] = (),
) -> None:
    """Fills a database, and checks it within a `turn` at the machine."""
    with tempfile.TemporaryDirectory(prefix="namak-fsck-") as place:
        Path(place).chmod(0o711)
        postgres = EmbeddedPostgres.start(Path(place) / "postgres", durable=False)
        try:
            asyncio.run(migrate.upgrade(postgres.url))
            size, key = asyncio.run(fill(postgres.url, leaves))
            with turn():
                measure(Path(place), postgres.url, size, key, parts, processes)
        finally:
            postgres.stop()


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leaves", type=int, default=200_000)
    parser.add_argument("--only", action="append", choices=list(Part), help="a part; may be repeated")
    parser.add_argument(
        "--processes",
        action="append",
        type=int,
        help="side by side in so many; may be repeated; 2 by default",
    )
    asked = parser.parse_args()
    parts = frozenset(Part(each) for each in asked.only or Part)
    run(asked.leaves, parts, processes=asked.processes or [2])


if __name__ == "__main__":
    main()
