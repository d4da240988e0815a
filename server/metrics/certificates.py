"""When certificates of this server end."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cryptography import x509

from server.metrics import catalogue
from server.metrics.readings import Reading

_AGAIN_SECONDS: Final = 60.0


class CertificateEnds:
    """Reads them from their files, once a minute: they may be replaced."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Takes PEM files by what they are for; the first certificate of each counts."""
        self._files = files
        self._read: dict[str, float] = {}
        self._again = 0.0

    def __call__(self) -> Iterator[Reading]:
        """See `Gauges`."""
        if time.monotonic() >= self._again:
            self._again = time.monotonic() + _AGAIN_SECONDS
            ends = {name: _end(path) for name, path in self._files.items()}
            self._read = {name: end for name, end in ends.items() if end is not None}
        for name, end in self._read.items():
            yield Reading(catalogue.CERTIFICATE_ENDS, end, (name,))


def _end(path: Path) -> float | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        # Whoever serves with it says so.
        return None
