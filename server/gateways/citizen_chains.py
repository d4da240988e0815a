"""The authorities above a citizen's certificate, of those that the operator keeps in files."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence import failures
from namak.evidence.certificate import path_to_root
from server.domain import refusals
from server.gateways.citizen_trust import CitizenTrust


class CitizenChains:
    """Builds the path that a signature has to bring along: who verifies evidence has no files of ours."""

    def __init__(self, trust: CitizenTrust) -> None:
        self._trust = trust

    async def above(self, certificate: bytes, at: datetime) -> Sequence[bytes]:
        """Returns the certificates (DER) from the issuer's up, without the citizen root.

        Raises:
            SigningCertificateUntrusted, SigningCertificateExpired: there is no path to a citizen root.
        """
        trust = await self._trust.current()
        try:
            path = await asyncio.to_thread(path_to_root, certificate, trust.intermediates, trust.roots, at)
        except failures.CertificateExpired as error:
            raise refusals.SigningCertificateExpired from error
        except failures.CertificateUntrusted as error:
            raise refusals.SigningCertificateUntrusted from error
        return [each.public_bytes(Encoding.DER) for each in path[1:-1]]
