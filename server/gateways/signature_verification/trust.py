"""Whom the jurisdiction trusts to vouch for signers, and what their authorities say of revocation."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.certificate import UNREADABLE
from namak.signatures.trust import PartyNaming, RevocationMaterial, Trust, TrustPolicy
from server.domain.profile import Profile
from server.gateways.certificate_status.checker import CertificateChecker
from server.gateways.citizen_trust import CitizenTrust
from server.usecases.certificate_status import CheckKind, Purpose

_ANSWERS_BYTES = 96 * 1024 * 1024
# Lists of some million entries each fit in; more would not go through the verifying process's memory.


class CitizenSignatureTrust:
    """Implements `SignatureTrust` over the operator's files and the one source of revocation of all checks.

    Timestamping authorities are trusted by roots of their own where the operator names them, else by the
    citizens'.
    """

    def __init__(
        self,
        files: CitizenTrust,
        status: CertificateChecker,
        profile: Profile,
        *,
        timestamp_roots: Path | None = None,
    ) -> None:
        """Raises OSError, ValueError: the file of timestamping roots can't be used."""
        self._files = files
        self._status = status
        self._profile = profile
        self._timestamp_roots = None if timestamp_roots is None else _certificates(timestamp_roots)

    async def current(self) -> Trust:
        """Returns whom the jurisdiction trusts now."""
        known = await self._files.current()
        policy = TrustPolicy(
            name=f"{self._profile.code} citizens",
            roots=known.roots,
            namings=(
                PartyNaming(self._profile.naming),
                PartyNaming(self._profile.entity_naming, is_entity=True),
            ),
        )
        return Trust((policy,), self._timestamp_roots, known.intermediates)

    async def answers(self, chain: Sequence[bytes], at: datetime) -> RevocationMaterial:
        """Returns the lists and OCSP answers about a chain, as of `at`."""
        try:
            path = [x509.load_der_x509_certificate(der) for der in chain]
        except UNREADABLE:
            return RevocationMaterial()
        lists, report = await asyncio.gather(
            self._status.lists_about(path),
            self._status.check(chain[0], Purpose.SIGNATURE, at, others=chain[1:-1]),
        )
        issuers = {certificate.subject for certificate in path[1:]}
        crls = [held.content.der for held in lists if held.content.issuer in issuers]
        ocsps = [proof.der for proof in report.proofs if proof.kind is CheckKind.OCSP]
        return RevocationMaterial(_within(crls), tuple(ocsps))


def _within(crls: Sequence[bytes]) -> tuple[bytes, ...]:
    taken, left = [], _ANSWERS_BYTES
    for crl in dict.fromkeys(crls):
        left -= len(crl)
        if left >= 0:
            taken.append(crl)
    return tuple(taken)


def _certificates(path: Path) -> tuple[bytes, ...]:
    found = x509.load_pem_x509_certificates(path.read_bytes())
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in found)
