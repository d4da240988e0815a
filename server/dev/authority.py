"""A certification authority for development, whose key and revocations lie in a directory."""

import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

# Older than anything it certifies, so that certificates which expired in the past can be made too.
_AUTHORITY_DAYS = (730, 3650)
_CERTIFICATE_DAYS = 90
# Not days, as in life: a world's clock can be put forward, and nobody renews its lists.
_CRL_DAYS = _CERTIFICATE_DAYS
# Clocks of two machines differ a little; a certificate made now must be valid on both.
_BEFORE = timedelta(hours=1)


@dataclass(frozen=True)
class Validity:
    """From when until when (both inclusive, UTC) a certificate is valid."""

    begin: datetime
    end: datetime

    @classmethod
    def days(cls, days: int, *, since: int = 0) -> Self:
        """From `since` days ago for so many days from now; a negative number: it ended that many days ago."""
        now = datetime.now(UTC).replace(microsecond=0)
        end = now + timedelta(days=days)
        return cls(min(now - timedelta(days=since), end) - _BEFORE, end)


@dataclass(frozen=True)
class Purpose:
    """What the key of a certificate may be used for."""

    digital_signature: bool = False
    content_commitment: bool = False
    certificates: bool = False
    """To sign certificates and CRLs."""

    extended: tuple[x509.ObjectIdentifier, ...] = ()

    def key_usage(self) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=self.digital_signature,
            content_commitment=self.content_commitment,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=self.certificates,
            crl_sign=self.certificates,
            encipher_only=False,
            decipher_only=False,
        )


class Authority:
    """Issues certificates over P-256 keys and revokes them. Its key is a file: never for production."""

    def __init__(
        self,
        directory: Path,
        name: str,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        issuer: "Authority | None",
    ) -> None:
        """For `open`."""
        self.directory = directory
        self.name = name
        self.certificate = certificate
        self.issuer = issuer
        self._signing_key = key

    @classmethod
    def open(cls, directory: Path, name: str, subject: x509.Name, issuer: "Authority | None" = None) -> Self:
        """Opens the authority kept in the directory under this name, or makes one there.

        Without an issuer it is a root. The subject matters only when one is made.
        """
        directory.mkdir(parents=True, exist_ok=True)
        certificate_file, key_file = directory / f"{name}.pem", directory / f"{name}.key.pem"
        if certificate_file.exists():
            kept = load_pem_private_key(key_file.read_bytes(), password=None)
            if not isinstance(kept, ec.EllipticCurvePrivateKey):
                raise TypeError(f"{key_file} holds no elliptic curve key")
            certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
            return cls(directory, name, certificate, kept, issuer)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(
            _request(
                subject,
                issuer.certificate.subject if issuer else subject,
                key.public_key(),
                Purpose(certificates=True),
                Validity.days(_AUTHORITY_DAYS[1], since=_AUTHORITY_DAYS[0]),
            ).add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else None), critical=True),
            issuer._signing_key if issuer else key,  # noqa: SLF001 - of its own kind
            issuer.certificate if issuer else None,
        )
        write_private(key_file, private_pem(key))
        write_whole(certificate_file, certificate.public_bytes(Encoding.PEM))
        return cls(directory, name, certificate, key, issuer)

    @property
    def path(self) -> Path:
        """The authority's own certificate, PEM."""
        return self.directory / f"{self.name}.pem"

    @property
    def crl_path(self) -> Path:
        """Where `write_crl` writes, PEM."""
        return self.directory / f"{self.name}.crl.pem"

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """What a holder of a certificate by this authority sends along: itself and those above, root
        excluded.
        """
        return () if self.issuer is None else (self.certificate, *self.issuer.chain)

    def issue(
        self,
        subject: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        purpose: Purpose,
        *,
        validity: Validity | None = None,
        names: tuple[x509.GeneralName, ...] = (),
    ) -> x509.Certificate:
        """Issues an end-entity certificate; valid for 90 days unless told otherwise."""
        request = _request(
            subject,
            self.certificate.subject,
            public_key,
            purpose,
            validity or Validity.days(_CERTIFICATE_DAYS),
        ).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        if names:
            request = request.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return _signed(request, self._signing_key, self.certificate)

    def revoke(
        self,
        certificate: x509.Certificate,
        *,
        at: datetime | None = None,
        reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
    ) -> None:
        """Revokes a certificate that this authority issued and writes a new CRL. Revoking again is harmless.

        Raises ValueError for another authority's certificate.
        """
        certificate.verify_directly_issued_by(self.certificate)
        entries = self._revoked()
        if all(entry.serial_number != certificate.serial_number for entry in entries):
            entries.append(
                x509.RevokedCertificateBuilder()
                .serial_number(certificate.serial_number)
                .revocation_date(at or datetime.now(UTC))
                .add_extension(x509.CRLReason(reason), critical=False)
                .build()
            )
        self._write_crl(entries, None, None)

    def write_crl(self, *, this_update: datetime | None = None, next_update: datetime | None = None) -> Path:
        """Writes the CRL anew: of now and good as long as a certificate, unless told otherwise (a stale one,
        for tests).
        """
        self._write_crl(self._revoked(), this_update, next_update)
        return self.crl_path

    def _write_crl(
        self,
        entries: list[x509.RevokedCertificate],
        this_update: datetime | None,
        next_update: datetime | None,
    ) -> None:
        this_update = this_update or datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(this_update)
            .next_update(next_update or this_update + timedelta(days=_CRL_DAYS))
            .add_extension(_authority_key(self.certificate), critical=False)
            .add_extension(x509.CRLNumber(self._crl_number() + 1), critical=False)
        )
        for entry in entries:
            builder = builder.add_revoked_certificate(entry)
        write_whole(self.crl_path, builder.sign(self._signing_key, SHA256()).public_bytes(Encoding.PEM))

    def _revoked(self) -> list[x509.RevokedCertificate]:
        crl = self._crl()
        return list(crl) if crl else []

    def _crl_number(self) -> int:
        crl = self._crl()
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number if crl else 0

    def _crl(self) -> x509.CertificateRevocationList | None:
        return x509.load_pem_x509_crl(self.crl_path.read_bytes()) if self.crl_path.exists() else None


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as PKCS#8 PEM, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner can read, from its first byte on. Replaces it whole."""
    # The temporary file is made with mode 0600.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that all may read so that a reader sees the old one or the new one, never half of one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), 0o644)
    Path(temporary).replace(path)


def _request(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    purpose: Purpose,
    validity: Validity,
) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.begin)
        .not_valid_after(validity.end)
        .add_extension(purpose.key_usage(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if purpose.extended:
        # RFC 3161, 2.3: critical where it is for timestamps.
        stamping = ExtendedKeyUsageOID.TIME_STAMPING in purpose.extended
        builder = builder.add_extension(x509.ExtendedKeyUsage(purpose.extended), critical=stamping)
    return builder


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, issuer: x509.Certificate | None
) -> x509.Certificate:
    if issuer:
        builder = builder.add_extension(_authority_key(issuer), critical=False)
    return builder.sign(key, SHA256())


def _authority_key(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
        issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    )
