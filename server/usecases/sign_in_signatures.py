"""Whose key signed a challenge, and whose certificate somebody signs in with (SIGN-4)."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from namak.evidence import failures
from namak.evidence.certificate import CertificateNaming, load_certificate
from namak.evidence.cms_signature import check_signature
from server.domain.refusals import SignatureInvalid, SigningCertificateUntrusted
from server.usecases.certificate_status import CertificateStatus, Purpose, refuse_unless_accepted


class CheckedSignatures:
    """Implements `SignInSignatures`: the key is for authentication, and its certificate counts now."""

    def __init__(self, status: CertificateStatus, naming: CertificateNaming) -> None:
        self._status = status
        self._naming = naming

    async def person_of(self, certificate: bytes, at: datetime) -> str:
        """Returns whose authentication certificate (DER) it is."""
        return await self._person_of(certificate, (), at)

    async def signer(self, cms: bytes, challenge: bytes, at: datetime) -> tuple[str, bytes]:
        """Returns who signed exactly the challenge, and the SHA-256 of their certificate."""
        with _as_refusals():
            # In a thread: reading a strange signature takes its time.
            signature = await asyncio.to_thread(check_signature, cms, challenge)
        person_number = await self._person_of(signature.certificate, signature.others, at)
        return person_number, hashlib.sha256(signature.certificate).digest()

    async def _person_of(self, certificate: bytes, others: Sequence[bytes], at: datetime) -> str:
        report = await self._status.check(certificate, Purpose.AUTHENTICATION, at, others=others)
        refuse_unless_accepted(report)
        # Only what a citizen root vouches for is believed about its person.
        with _as_refusals():
            return self._naming.number_of(load_certificate(certificate).subject)


@contextmanager
def _as_refusals() -> Iterator[None]:
    try:
        yield
    except failures.SignatureInvalid as error:
        raise SignatureInvalid(error.detail) from error
    except failures.CertificateError as error:
        raise SigningCertificateUntrusted from error
