"""Verifying signatures without processes, and authorities that say what the test has them say."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from namak.signatures.report import Report
from namak.signatures.trust import RevocationMaterial, Trust
from namak.signatures.verify import BytesDocument, verify


@dataclass
class InProcessVerifier:
    """Implements `SignatureVerifier` by the library itself; `too_much` are documents that it gives up on."""

    too_much: set[bytes] = field(default_factory=set)

    async def verify(
        self, document: bytes, signature: bytes | None, trust: Trust, at: datetime, *, owner: object
    ) -> Report | None:
        if hashlib.sha256(document).digest() in self.too_much:
            return None
        return verify(BytesDocument(document), signature, trust, at)


@dataclass
class FakeSignatureTrust:
    """Implements `SignatureTrust`; `asked` are the chains' leaves and the times that were asked about."""

    trust: Trust = field(default_factory=lambda: Trust(()))
    material: RevocationMaterial = field(default_factory=RevocationMaterial)
    asked: list[tuple[bytes, datetime]] = field(default_factory=list)

    async def current(self) -> Trust:
        return self.trust

    async def answers(self, chain: Sequence[bytes], at: datetime) -> RevocationMaterial:
        self.asked.append((chain[0], at))
        return self.material
