"""How fast `namak-server log fsck` checks a stored post: `python -m scripts.benchmark.checking`.

Fills a database of its own with a post (`stored_post`), and checks it as the command does, beside
PostgreSQL. It prints each part's speed, also as leaves of the whole log, and the memory that was taken.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import uvloop

from namak.evidence.note import Verifier
from scripts.benchmark.stored_post import ORIGIN, fill
from server.bootstrap_fsck import opened
from server.fsck.check import Asked, LogCheck
from server.fsck.checkpoints import Trusted
from server.fsck.findings import Part, Report
from server.fsck.kinds import COUNTED
from server.jurisdictions.am import AM
from server.storage import migrate
from server.storage.embedded import EmbeddedPostgres


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


def measure(url: str, leaves: int, key: Verifier, parts: frozenset[Part]) -> None:
    """Checks part by part, and prints the figures."""
    whole, loads = 0.0, os.getloadavg()[0]
    print(f"{leaves:,} leaves; load average before: {loads:.1f}; {resident_mib():.0f} MiB")
    for part in Part:
        if part not in parts:
            continue
        began, processor = time.perf_counter(), time.process_time()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(check(url, key, frozenset({part})))
        seconds = report.seconds[part]
        processor = time.process_time() - processor
        if not report.sound:
            raise SystemExit(f"not sound: {report.findings[:3]}")
        whole += time.perf_counter() - began
        what = COUNTED[part][0]
        print(
            f"{part}: {seconds:.2f} s, {report.checked[what]:,} {what}, {leaves / seconds:,.0f} leaves/s,"
            f" {processor / leaves * 1e6:.1f} µs of processor a leaf; {resident_mib():.0f} MiB"
        )
    print(f"all of these: {whole:.2f} s, {leaves / whole:,.0f} leaves/s")


def run(
    leaves: int, parts: frozenset[Part], turn: Callable[[], AbstractContextManager[object]] = nullcontext
) -> None:
    """Fills a database, and checks it within a `turn` at the machine."""
    with tempfile.TemporaryDirectory(prefix="namak-fsck-") as place:
        Path(place).chmod(0o711)
        postgres = EmbeddedPostgres.start(Path(place) / "postgres", durable=False)
        try:
            asyncio.run(migrate.upgrade(postgres.url))
            size, key = asyncio.run(fill(postgres.url, leaves))
            with turn():
                measure(postgres.url, size, key, parts)
        finally:
            postgres.stop()


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leaves", type=int, default=200_000)
    parser.add_argument("--only", action="append", choices=list(Part), help="a part; may be repeated")
    asked = parser.parse_args()
    run(asked.leaves, frozenset(Part(each) for each in asked.only or Part))


if __name__ == "__main__":
    main()
