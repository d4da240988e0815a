"""Signs documents: CMS detached (CAdES baseline B) and PDFs (PAdES baseline B-B), with a timestamp B-T.

The keys are those of :mod:`namak.client.signers`.
"""

import hashlib
from datetime import UTC, datetime
from typing import Protocol

from namak.client.signers import DocumentSigner, FileSigner, KeySigner
from namak.errors import SigningCertificateMisfit
from namak.signatures.cades import SignatureMisfit, SignerCertificates, build_cms
from namak.signatures.pdf_building import PdfNotSignable, build_pdf

__all__ = [
    "DocumentSigner",
    "FileSigner",
    "KeySigner",
    "PdfNotSignable",
    "TimestampAuthority",
    "sign_cms",
    "sign_pdf",
]


class TimestampAuthority(Protocol):
    """Whoever answers for when something existed (RFC 3161)."""

    def token(self, imprint: bytes, algorithm: str) -> bytes:
        """Returns the token (DER) over a digest that was made with the algorithm."""
        ...


def sign_cms(
    document: bytes,
    signer: DocumentSigner,
    *,
    algorithm: str = "sha256",
    at: datetime | None = None,
    timestamps: TimestampAuthority | None = None,
) -> bytes:
    """Returns the detached signature (CMS, DER) of a document: save it beside the document as ``NAME.p7s``.

    ``at`` is the time that the signature claims, now by default; ``timestamps`` proves one. Raises
    :class:`~namak.errors.SigningCertificateMisfit`, what the signer and the authority raise.
    """
    digest = hashlib.new(algorithm, document).digest()
    return _cms(digest, signer, algorithm, at or datetime.now(UTC), timestamps)


def sign_pdf(
    document: bytes,
    signer: DocumentSigner,
    *,
    algorithm: str = "sha256",
    at: datetime | None = None,
    timestamps: TimestampAuthority | None = None,
    reason: str = "",
    location: str = "",
) -> bytes:
    """Returns the PDF with an invisible signature added.

    Arguments and errors as for :func:`sign_cms`; besides, raises
    :class:`~namak.signatures.pdf_building.PdfNotSignable`.
    """

    def make_cms(digest: bytes) -> bytes:
        # PAdES has the claimed time in the PDF alone (EN 319 142-1, 6.3).
        return _cms(digest, signer, algorithm, None, timestamps)

    return build_pdf(
        document,
        make_cms,
        algorithm=algorithm,
        at=at or datetime.now(UTC),
        reason=reason,
        location=location,
    )


def _cms(
    digest: bytes,
    signer: DocumentSigner,
    algorithm: str,
    at: datetime | None,
    timestamps: TimestampAuthority | None,
) -> bytes:
    try:
        return build_cms(
            digest,
            SignerCertificates(signer.certificate, tuple(signer.chain)),
            signer.sign,
            algorithm=algorithm,
            signing_time=at,
            stamp=None if timestamps is None else timestamps.token,
        )
    except SignatureMisfit as problem:
        raise SigningCertificateMisfit(str(problem)) from problem
