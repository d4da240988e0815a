"""How fast `namak verify DIR` is: `python -m scripts.benchmark.verifying`.

On one processor. An archive of its own (`scripts.benchmark.archive`) is verified by the verifier alone, each
kind of receipt and all together, and by the command.
"""

import argparse
import collections
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.verify import Trust, Verdict, verify_receipts
from scripts.benchmark.archive import REVOKED, Archive

DELIVERIES = 400
_LOOK_SECONDS = 0.02


def trust_of(archive: Archive) -> Trust:
    """Returns what the archive's verifier trusts."""
    roots = x509.load_pem_x509_certificates(archive.citizen_roots.read_bytes())
    return Trust(
        TlogPolicy.parse(archive.log_policy.read_bytes()), [root.public_bytes(Encoding.DER) for root in roots]
    )


def seconds_of(files: Mapping[str, bytes], trust: Trust, *, sound: bool = True) -> float:
    """Returns the processor's seconds for verifying these together."""
    began = time.process_time()
    report = verify_receipts(files, trust)
    took = time.process_time() - began
    if sound and report.verdict is not Verdict.VALID:
        wrong = next(found for found in report.files if found.verdict is not Verdict.VALID)
        raise RuntimeError(f"{wrong.name}: {wrong.proves} {wrong.checks}")
    return took


def kinds(files: Mapping[str, bytes], trust: Trust) -> Mapping[str, float]:
    """Returns receipts a second of each kind. An effect is no effect alone: it is verified with its story,
    and what that costs without it is taken away.
    """
    by_kind: dict[str, dict[str, bytes]] = collections.defaultdict(dict)
    for name, data in files.items():
        by_kind[name.partition(".")[0].rpartition("-")[2]][name] = data
    effects = by_kind.pop("NotificationEffected")
    found = {kind: len(these) / seconds_of(these, trust) for kind, these in by_kind.items()}
    rest = {name: data for name, data in files.items() if name not in effects}
    found["NotificationEffected"] = len(effects) / max(
        1e-9, seconds_of(files, trust) - seconds_of(rest, trust)
    )
    return found


def files_of(archive: Archive) -> Mapping[str, bytes]:
    """Returns all receipts by their files' names, in their order."""
    return {path.name: path.read_bytes() for path in sorted(archive.receipts.iterdir())}


@dataclass(frozen=True)
class Command:
    """What a command took: the processor's seconds, its start included, and its largest memory in MiB."""

    processor: float
    mib: float


def by_command(archive: Archive, *options: str) -> Command:
    """Returns what `namak verify` takes for the whole directory."""
    command = [
        *(sys.executable, "-m", "namak.cli", "verify", str(archive.receipts)),
        *("--log-policy", str(archive.log_policy), "--citizen-roots", str(archive.citizen_roots), *options),
    ]
    with (archive.place / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output)
        # Not `ru_maxrss`: a child begins with what its parent had.
        mib = 0.0
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            mib = max(mib, _most_resident(process.pid))
            time.sleep(_LOOK_SECONDS)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"namak verify ended with {status}")
    return Command(used.ru_utime + used.ru_stime, mib)


def _most_resident(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return max([int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")], default=0.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m scripts.benchmark.verifying", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=DELIVERIES, help="five receipts each")
    parser.add_argument("--leaves-a-checkpoint", type=int, default=100)
    parser.add_argument("--revoked", type=int, default=REVOKED)
    parser.add_argument("--keep", type=Path, help="where the archive is made, or is already")
    asked = parser.parse_args(arguments)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="namak-archive-") as place:
        archive = Archive(asked.keep or Path(place), asked.leaves_a_checkpoint, asked.revoked)
        if not archive.receipts.exists():
            archive.fill(asked.deliveries)
        files = files_of(archive)
        trust = trust_of(archive)
        seconds_of(dict(itertools.islice(files.items(), 50)), trust)
        for kind, per_s in kinds(files, trust).items():
            print(f"{kind}: {per_s:,.0f}/s, {1e6 / per_s:,.0f} µs")
        print(f"together: {len(files) / seconds_of(files, trust):,.0f}/s")
        command = by_command(archive)
        print(
            f"namak verify DIR: {len(files) / command.processor:,.0f}/s, {command.processor:.1f} s of the "
            f"processor, {command.mib:.0f} MiB"
        )
    print(f"this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
