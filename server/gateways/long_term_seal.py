"""Keeps a seal for the long term: PAdES baseline B-LT (ETSI EN 319 142-1, 6), or B-T where that can't be."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.evidence.failures import CertificateError
from namak.signatures.chain import Links, find_chain
from namak.signatures.cms_reading import NotCms, read_cms
from namak.signatures.prepared import LongTermPdf
from namak.signatures.trust import RevocationMaterial
from server.gateways.long_term_status import StatusRevoked, StatusUnknown
from server.usecases.certificate_ports import CertificateNotSet, SealUnavailable

_log = structlog.get_logger(__name__)

Way = Sequence[x509.Certificate]


class Statuses(Protocol):
    """Tells of paths of certificates."""

    async def about(self, path: Way) -> RevocationMaterial:
        """Returns what shows that none is revoked. Raises StatusRevoked, StatusUnknown."""
        ...


Extend = Callable[[LongTermPdf], Awaitable[bytes]]
"""Returns the file with what is to be kept in it. Raises `CertificateNotSet`."""


class WayNotFound(ValueError):
    """A certificate does not lead to the roots; the text says whose."""


def way(leaf: bytes, others: Sequence[bytes], roots: Sequence[bytes], whose: str) -> Way:
    """Returns the certificate with those above it up to one of the roots (all DER). Raises WayNotFound."""
    try:
        chain = find_chain(leaf, others, roots, Links())
    except CertificateError as problem:
        raise WayNotFound(f"{whose}: {problem}") from None
    if chain.finding is not None:
        raise WayNotFound(f"{whose} does not lead to the roots that are named for it")
    return chain.certificates


class LongTermSeal:
    """Finds what is to be kept with a seal, and has it put into the file."""

    def __init__(
        self, statuses: Statuses, extend: Extend, seal: Way, timestamp_roots: Sequence[bytes]
    ) -> None:
        """Takes who tells of revocation, who changes files, the seal's certificates up to their root, and the
        roots of those who stamp (DER).
        """
        self._statuses = statuses
        self._extend = extend
        self._seal = seal
        self._roots = tuple(timestamp_roots)
        self._trouble = ""

    async def about_seal(self) -> RevocationMaterial | StatusUnknown:
        """Returns what shows that the seal's certificates are not revoked, or why that can't be shown.

        Raises:
            SealUnavailable: one is revoked. Nothing is to be sealed then, since every verifier would find a
                seal that does not hold.
        """
        try:
            return await self._statuses.about(self._seal)
        except StatusRevoked as revoked:
            raise SealUnavailable(f"the certificate {revoked} is revoked") from revoked
        except StatusUnknown as unknown:
            return unknown

    async def kept(
        self, pdf: bytes, token: bytes | None, about_seal: RevocationMaterial | StatusUnknown
    ) -> bytes:
        """Returns the sealed file with what verifies the seal in decades, or as it is, which the log tells
        when it begins and when it ends.
        """
        if token is None:
            self._begins("there is no timestamp")
            return pdf
        try:
            if isinstance(about_seal, StatusUnknown):
                raise about_seal
            stamp = self._way_of(token)
            material = about_seal + await self._statuses.about(stamp)
            ders = dict.fromkeys(each.public_bytes(Encoding.DER) for each in (*self._seal, *stamp))
            extended = await self._extend(LongTermPdf(pdf, tuple(ders), material))
        except StatusRevoked as revoked:
            self._begins(f"the certificate {revoked} is revoked")
        except (StatusUnknown, WayNotFound, CertificateNotSet) as why:
            self._begins(str(why))
        else:
            if self._trouble:
                _log.info("seals are kept for the long term again")
            self._trouble = ""
            return extended
        return pdf

    def _begins(self, why: str) -> None:
        if why != self._trouble:
            _log.warning("seals are not kept for the long term", why=why)
        self._trouble = why

    def _way_of(self, token: bytes) -> Way:
        try:
            cms = read_cms(token)
        except NotCms:
            raise WayNotFound("the timestamp can't be read") from None
        signer = cms.signers[0].certificate if cms.signers else None
        if signer is None:
            raise WayNotFound("the timestamp does not hold its authority's certificate")
        return way(signer, cms.certificates, self._roots, "the timestamp's certificate")
