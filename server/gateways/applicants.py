"""Who signed: the person, and the entity that their certificate names besides (BOX-4)."""

import asyncio
from datetime import datetime

from cryptography import x509

from namak.evidence.cms_signature import check_signature
from namak.evidence.failures import CertificateError
from namak.evidence.signature import CertificateNaming
from server.usecases.ports import Signatures
from server.usecases.registration_ports import SignedBy


class CertifiedSignatories:
    """Implements `ApplicantSignatures` on the signatures that are checked for confirmations too."""

    def __init__(self, signatures: Signatures, entity_naming: CertificateNaming) -> None:
        self._signatures = signatures
        self._entity_naming = entity_naming

    async def signatory(self, cms: bytes, text: bytes, at: datetime) -> SignedBy:
        """Checks a detached CMS over exactly the text; see `ApplicantSignatures`."""
        signer = await self._signatures.verify(cms, text, at)
        certificate = (await asyncio.to_thread(check_signature, cms, text)).certificate
        return SignedBy(signer.person_number, self._entity_in(certificate))

    def _entity_in(self, certificate: bytes) -> str | None:
        try:
            return self._entity_naming.number_of(x509.load_der_x509_certificate(certificate).subject)
        except CertificateError:
            return None
