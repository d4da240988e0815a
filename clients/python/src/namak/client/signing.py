"""Signs documents: CMS detached (CAdES baseline B) and PDFs (PAdES baseline B-B), with a timestamp B-T.

The key is behind a small protocol: a card's or token's, or one in a file.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from namak.errors import SigningCertificateMisfit
from namak.signatures.algorithms import HASHES
from namak.signatures.cms_building import SignatureMisfit, SignerCertificates, build_cms
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


class Key(Protocol):
    """A private key that signs where it lies: a card (:class:`namak.client.card.Card`) is one."""

    def sign(self, data: bytes, algorithm: str = "sha256") -> bytes:
        """Returns the signature of data hashed with the algorithm: ECDSA as DER, RSA by PKCS #1 v1.5."""
        ...


class DocumentSigner(Key, Protocol):
    """A key with its certificates, DER."""

    @property
    def certificate(self) -> bytes:
        """The certificate of the key."""
        ...

    @property
    def chain(self) -> Sequence[bytes]:
        """The certificates above it, nearest first, without the root."""
        ...


class TimestampAuthority(Protocol):
    """Whoever answers for when something existed (RFC 3161)."""

    def token(self, imprint: bytes, algorithm: str) -> bytes:
        """Returns the token (DER) over a digest that was made with the algorithm."""
        ...


@dataclass(frozen=True, slots=True)
class KeySigner:
    """A key that lies elsewhere, together with the certificates that were kept for it."""

    key: Key
    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def with_pem(cls, key: Key, pem: bytes) -> Self:
        """Takes the key's certificate and those above it from PEM, in this order. Raises ValueError."""
        own, *above = (each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(pem))
        return cls(key, own, tuple(above))

    def sign(self, data: bytes, algorithm: str = "sha256") -> bytes:
        """Returns what the key returns."""
        return self.key.sign(data, algorithm)


@dataclass(frozen=True, slots=True)
class FileSigner:
    """A private key in memory, for machines' seals and for tests."""

    key: PrivateKeyTypes = field(repr=False)
    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def of_pem(cls, key: bytes, certificates: bytes, password: bytes | None = None) -> Self:
        """Reads PEM: the key, and its certificate before those above it. Raises ValueError, TypeError."""
        own, *above = (
            each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(certificates)
        )
        return cls(load_pem_private_key(key, password), own, tuple(above))

    def sign(self, data: bytes, algorithm: str = "sha256") -> bytes:
        """Returns the signature. Raises TypeError for keys of other kinds than RSA and EC."""
        chosen = HASHES[algorithm]()
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(chosen))
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, padding.PKCS1v15(), chosen)
        raise TypeError("the key is neither an EC nor an RSA key")


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
