"""What a revocation list of a million entries costs: `python -m scripts.benchmark.revocation`.

Makes a list, reads it in a thread as the server does while an event loop runs beside it, looks certificates
up in it, and judges a person's certificate by it. One process, no network. Judging is in processor time of
the loop's thread, so that the figure holds where others use the machine too.
"""

import argparse
import asyncio
import gc
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.der import children, encode
from server.dev.pki import DevelopmentPki, Identity, Person
from server.gateways.certificate_status.checker import CertificateChecker
from server.gateways.certificate_status.revocation_list import RevocationList
from server.gateways.citizen_trust import CitizenFiles, CitizenTrust
from server.usecases.certificate_status import Purpose, Verdict

_SEQUENCE, _INTEGER, _BIT_STRING = 0x30, 0x02, 0x03
_REVOKED = bytes.fromhex("170d") + b"261001120000Z" + bytes.fromhex("300c300a0603551d1504030a0101")
_TICK_SECONDS = 0.001

_T = TypeVar("_T")


def long_list(entries: int, pki: DevelopmentPki) -> tuple[bytes, list[int]]:
    """Returns a list by the citizens' authority, DER, and the serial numbers that it names."""
    authority = pki.citizen_authority
    empty = x509.load_pem_x509_crl(authority.crl_path.read_bytes())
    tbs, algorithm, _ = children(empty.public_bytes(Encoding.DER))
    # Version, algorithm, issuer, thisUpdate, nextUpdate; then the entries; then the extensions.
    *begin, extensions = children(tbs)
    serials = [secrets.randbits(126) | 1 << 126 for _ in range(entries)]
    rows = [encode(_SEQUENCE, encode(_INTEGER, serial.to_bytes(16, "big")) + _REVOKED) for serial in serials]
    revoked = encode(_SEQUENCE, b"".join(rows))
    signed = encode(_SEQUENCE, b"".join(begin) + revoked + extensions)
    key = authority._signing_key  # noqa: SLF001 - the benchmark's own authority
    signature = key.sign(signed, ec.ECDSA(SHA256()))
    return encode(_SEQUENCE, signed + algorithm + encode(_BIT_STRING, b"\x00" + signature)), serials


def resident_mib() -> float:
    """Memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def beside(work: Callable[[], _T]) -> tuple[_T, str, list[float]]:
    """Does the work in a thread; returns its result, how long it took, and by how many seconds the loop's
    ticks were late.
    """
    late: list[float] = []
    task = asyncio.create_task(asyncio.to_thread(_timed, work))
    while not task.done():
        before = time.perf_counter()
        await asyncio.sleep(_TICK_SECONDS)
        late.append(time.perf_counter() - before - _TICK_SECONDS)
    result, wall, processor = task.result()
    return result, f"{wall:.2f} s, of them {processor:.2f} s of processor", late


def _timed(work: Callable[[], _T]) -> tuple[_T, float, float]:
    began, used = time.perf_counter(), time.thread_time()
    result = work()
    return result, time.perf_counter() - began, time.thread_time() - used


def look_ups(content: RevocationList, serials: Sequence[int], revoked: bool) -> str:
    """Looks each number up once and alone; returns median and 99th percentile in words."""
    took = []
    for serial in serials:
        began = time.perf_counter_ns()
        found = content.find(serial)
        took.append(time.perf_counter_ns() - began)
        if (found is not None) is not revoked:
            raise AssertionError("a look-up went wrong")
    return _percentiles(took, 1000, "µs")


def _percentiles(took: Sequence[float], unit: float, name: str) -> str:
    parts = statistics.quantiles(took, n=100)
    return f"p50 {parts[49] / unit:.1f} {name}, p99 {parts[98] / unit:.1f} {name}"


async def judging(pki: DevelopmentPki, card: Identity, count: int) -> str:
    """Judges one person's certificate again and again, as at the door; returns the times in words."""
    authority = pki.citizen_authority
    files = CitizenFiles(pki.citizen_roots_path, authority.path, authority.crl_path.parent)
    checker = CertificateChecker(CitizenTrust(files))
    await checker.open()
    der = card.certificate.public_bytes(Encoding.DER)
    took = []
    for _ in range(count):
        began = time.thread_time_ns()
        report = await checker.check(der, Purpose.AUTHENTICATION, datetime.now(UTC))
        took.append(time.thread_time_ns() - began)
        if report.verdict is not Verdict.GOOD:
            raise AssertionError(report.why)
    await checker.close()
    return f"first {took[0] / 1e6:.1f} ms; then {_percentiles(took[1:], 1000, 'µs')}"


async def measure(entries: int, directory: Path) -> None:
    """Prints the figures."""
    pki = DevelopmentPki.open(directory)
    card = pki.card("card", Person("5001950015", "Aram", "Petrosyan")).authentication
    der, serials = long_list(entries, pki)
    issuer = pki.citizen_authority.certificate
    print(f"list: {entries:,} entries, {len(der) / 2**20:.1f} MiB")

    before = resident_mib()
    content, took, late = await beside(lambda: RevocationList.read(der))
    print(f"read and indexed: {took}; {resident_mib() - before:.0f} MiB more than the list itself")
    print(
        f"the loop beside it: ticks late by {_percentiles(late, 0.001, 'ms')}, most {max(late) * 1000:.1f} ms"
    )
    why, took, late = await beside(lambda: content.unsigned_by(issuer))
    if why is not None:
        raise AssertionError(why)
    print(f"signature verified: {took}; ticks late by at most {max(late) * 1000:.1f} ms")

    some = [secrets.choice(serials) for _ in range(20_000)]
    print(f"look-up of what it names: {look_ups(content, some, revoked=True)}")
    others = [one ^ 1 << 125 for one in some]
    print(f"look-up of what it does not name: {look_ups(content, others, revoked=False)}")

    pki.citizen_authority.crl_path.write_bytes(der)
    del some, others, serials
    gc.freeze()  # as the server does once it has started
    print(f"a certificate judged by it, path and list: {await judging(pki, card, 2000)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(measure(parser.parse_args().entries, Path(directory)))


if __name__ == "__main__":
    main()
