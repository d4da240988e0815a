"""A public key infrastructure made at run time: authorities, people's cards, revocation lists."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2026, 11, 21, 20, 0, 0, tzinfo=UTC)
"""When the stories of the tests begin."""

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extension = tuple[x509.ExtensionType, bool]

_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def key_usage(*usages: str) -> Extension:
    return x509.KeyUsage(**{usage: usage in usages for usage in _USAGES}), True


def subject(common_name: str, serial_number: str | None = None) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "AM"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ]
    if serial_number is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, serial_number))
    return x509.Name(attributes)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def sign_with(key: PrivateKey, data: bytes) -> bytes:
    """What a card does: SHA-256, then ECDSA in DER or RSA PKCS#1 v1.5."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(hashes.SHA256()))
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True)
class Card:
    """A key and its certificate, with those above it but the root."""

    key: PrivateKey
    certificate: x509.Certificate
    chain: tuple[bytes, ...]

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def sign(self, data: bytes) -> bytes:
        return sign_with(self.key, data)


@dataclass(frozen=True)
class Authority:
    """A certification authority; ``above`` are the certificates over its own, without the root."""

    key: PrivateKey
    certificate: x509.Certificate
    above: tuple[bytes, ...] = ()
    is_root: bool = True
    revoked: dict[int, datetime] = field(default_factory=dict)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @classmethod
    def root(cls, name: str, *, days: int = 3650, key: PrivateKey | None = None) -> Self:
        key = key or new_key()
        extensions = [(x509.BasicConstraints(True, None), True), key_usage("key_cert_sign", "crl_sign")]
        return cls(key, _certificate(subject(name), key, subject(name), key, extensions, days=days))

    def authority(
        self,
        name: str,
        *,
        usages: Sequence[str] = ("key_cert_sign", "crl_sign"),
        constraints: x509.BasicConstraints | None = None,
        days: int = 1000,
        key: PrivateKey | None = None,
    ) -> "Authority":
        key = key or new_key()
        extensions = [(constraints or x509.BasicConstraints(True, None), True), key_usage(*usages)]
        certificate = _certificate(
            subject(name), key, self.certificate.subject, self.key, extensions, days=days
        )
        return Authority(key, certificate, self.chain, is_root=False)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """What a certificate of this authority comes with."""
        return self.above if self.is_root else (self.der, *self.above)

    def card(
        self,
        number: str = "PNOAM-5001950015",
        *,
        usages: Sequence[str] = ("content_commitment",),
        days: int = 365,
        key: PrivateKey | None = None,
        extra: Sequence[Extension] = (),
        name: x509.Name | None = None,
        is_ca: bool = False,
        digest: hashes.SHA224 | hashes.SHA256 | None = None,
    ) -> Card:
        key = key or new_key()
        extensions = [(x509.BasicConstraints(is_ca, None), True), key_usage(*usages), *extra]
        certificate = _certificate(
            name or subject("SARGSYAN,ANI", number),
            key,
            self.certificate.subject,
            self.key,
            extensions,
            days=days,
            digest=digest,
        )
        return Card(key, certificate, self.chain)

    def crl(
        self,
        *,
        issued: datetime = NOW - timedelta(hours=1),
        good_for: timedelta = timedelta(days=1),
        extra: Sequence[Extension] = (),
        key: PrivateKey | None = None,
        digest: hashes.SHA256 | hashes.SHA512 | None = None,
    ) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(issued)
            .next_update(issued + good_for)
            .add_extension(x509.CRLNumber(1), False)
        )
        for extension, critical in extra:
            builder = builder.add_extension(extension, critical)
        for serial, time in self.revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(time)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(key or self.key, digest or hashes.SHA256()).public_bytes(Encoding.DER)

    def revoke(self, card: "Card | Authority", at: datetime) -> None:
        self.revoked[card.certificate.serial_number] = at


CLIENT_AUTH: Extension = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)


def _certificate(
    name: x509.Name,
    key: PrivateKey,
    issuer: x509.Name,
    issuer_key: PrivateKey,
    extensions: Sequence[Extension],
    *,
    days: int,
    digest: hashes.SHA224 | hashes.SHA256 | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, digest or hashes.SHA256())
