"""What the operator keeps in files of the citizens' authorities: roots, intermediates, revocation lists."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.certificate import UNREADABLE
from server.gateways.certificate_status.list_layout import lay_out, list_der

_log = structlog.get_logger(__name__)

_Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class CitizenFiles:
    """Where the files are.

    Attributes:
        roots: PEM, the citizen roots.
        intermediates: PEM, the authorities below them, if any.
        revocation_lists: a directory of `*.crl` and `*.crl.pem`, each DER or PEM.
    """

    roots: Path
    intermediates: Path | None
    revocation_lists: Path


@dataclass(frozen=True, slots=True)
class Trust:
    """The files' content, DER; `generation` grows with every change."""

    generation: int
    roots: tuple[bytes, ...]
    intermediates: tuple[bytes, ...]
    lists: Mapping[Path, bytes]


class CitizenTrust:
    """The files as they are now: looked at again when they are asked for, at most twice a second."""

    def __init__(
        self,
        files: CitizenFiles,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        poll_seconds: float = 0.5,
    ) -> None:
        """Reads the files.

        Raises:
            OSError, ValueError: they can't be read, or hold no root.
        """
        self._files = files
        self._monotonic = monotonic
        self._poll_seconds = poll_seconds
        self._lock = asyncio.Lock()
        self._looked_at = monotonic()
        self._stamp = _stamp(files)
        self._trust = _read(files, None)
        self._ends: tuple[int, datetime | None] | None = None

    async def current(self) -> Trust:
        """Returns the files' content, at most `poll_seconds` old."""
        if self._monotonic() - self._looked_at >= self._poll_seconds:
            # Whoever comes while somebody looks waits for it: what it gets is as fresh as was promised.
            async with self._lock:
                if self._monotonic() - self._looked_at >= self._poll_seconds:
                    began = self._monotonic()
                    await asyncio.to_thread(self._look)
                    self._looked_at = began
        return self._trust

    async def lists_end(self) -> datetime | None:
        """Returns when the first of the operator's revocation lists goes stale; None where there is none."""
        trust = await self.current()
        if self._ends is None or self._ends[0] != trust.generation:
            ends = await asyncio.to_thread(_earliest_end, list(trust.lists.values()))
            self._ends = (trust.generation, ends)
        return self._ends[1]

    def _look(self) -> None:
        try:
            stamp = _stamp(self._files)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._trust = _read(self._files, self._trust)
            _log.info("citizen trust read again", generation=self._trust.generation)
        except (OSError, ValueError):
            # The former content stays; its revocation lists grow stale by themselves, and then nothing
            # passes.
            _log.exception("citizen trust can't be read")


def _stamp(files: CitizenFiles) -> _Stamp:
    paths = [files.roots, *([files.intermediates] if files.intermediates else []), *_lists_in(files)]
    found = ((str(path), path.stat()) for path in paths)
    return tuple((path, stat.st_mtime_ns, stat.st_size, stat.st_ino) for path, stat in found)


def _lists_in(files: CitizenFiles) -> list[Path]:
    directory = files.revocation_lists
    return sorted([*directory.glob("*.crl"), *directory.glob("*.crl.pem")])


def _read(files: CitizenFiles, former: Trust | None) -> Trust:
    roots = _certificates(files.roots)
    if not roots:
        raise ValueError(f"{files.roots} holds no certificate")
    intermediates = _certificates(files.intermediates) if files.intermediates else ()
    lists: dict[Path, bytes] = {}
    for path in _lists_in(files):
        try:
            lists[path] = _revocation_list(path.read_bytes())
        except (OSError, ValueError):
            # Perhaps it is being written just now: the former one serves as long as it is in force.
            _log.exception("revocation list can't be read", file=path.name)
            if former is not None and path in former.lists:
                lists[path] = former.lists[path]
    return Trust(former.generation + 1 if former else 0, roots, intermediates, lists)


def _earliest_end(lists: Sequence[bytes]) -> datetime | None:
    return min((end for end in map(_end, lists) if end is not None), default=None)


def _end(der: bytes) -> datetime | None:
    try:
        return x509.load_der_x509_crl(lay_out(der).frame).next_update_utc
    except UNREADABLE:
        # Nothing goes by it, and whoever tries says so.
        return None


def _certificates(path: Path) -> tuple[bytes, ...]:
    loaded = x509.load_pem_x509_certificates(path.read_bytes())
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in loaded)


def _revocation_list(content: bytes) -> bytes:
    der = list_der(content)
    # Reading all entries of a large one is left to those who look certificates up in it.
    lay_out(der)
    return der
