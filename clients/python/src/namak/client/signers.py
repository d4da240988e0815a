"""Keys that sign: a card's or a token's behind a small protocol, or one in a file.

Apart from :mod:`namak.client.signing`, which builds what is signed, and takes a library for PDFs with it: who
signs in or confirms needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from namak.signatures.algorithms import HASHES


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
