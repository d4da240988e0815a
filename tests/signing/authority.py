"""Certificate authorities of every shape, good and bad, with their revocation lists, OCSP and timestamps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from namak.client.signers import FileSigner

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# The machine's time, since openssl takes it; the tests count from it and never look at it again.
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
POLICY = "1.3.6.1.4.1.99999.1.1"


def person(number: str = "5001950015", name: str = "Արամ Պետրոսյան") -> x509.Name:
    given, _, surname = name.partition(" ")
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "AM"),
            x509.NameAttribute(NameOID.SURNAME, surname),
            x509.NameAttribute(NameOID.GIVEN_NAME, given),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"PNOAM-{number}"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Kind:
    """What a certificate is like."""

    begin: datetime = NOW - 300 * DAY
    end: datetime = NOW + 300 * DAY
    commitment: bool = True
    signature: bool = False
    is_ca: bool = False
    extended: tuple[ObjectIdentifier, ...] = ()
    policies: tuple[str, ...] = (POLICY,)
    no_check: bool = False


SIGNING = Kind()
AUTHENTICATION = Kind(commitment=False, signature=True, extended=(ExtendedKeyUsageOID.CLIENT_AUTH,))
AUTHORITY = Kind(begin=NOW - 3000 * DAY, end=NOW + 3000 * DAY, commitment=False, is_ca=True, policies=())
# Tokens are also of times that tests name by their day, which lies ever longer ago.
STAMPING = Kind(
    begin=NOW - 2900 * DAY,
    commitment=False,
    signature=True,
    extended=(ExtendedKeyUsageOID.TIME_STAMPING,),
    policies=(),
)
RESPONDING = replace(
    STAMPING, begin=NOW - 300 * DAY, extended=(ExtendedKeyUsageOID.OCSP_SIGNING,), no_check=True
)


@dataclass(frozen=True)
class Holder:
    """A certificate with its key and those above it, without the root."""

    certificate: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def signer(self) -> FileSigner:
        return FileSigner(self.key, self.der, tuple(one.public_bytes(Encoding.DER) for one in self.chain))

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def chain_pem(self) -> bytes:
        return b"".join(one.public_bytes(Encoding.PEM) for one in (self.certificate, *self.chain))


class Authority:
    """A certificate authority; without an issuer a root."""

    def __init__(
        self,
        name: str,
        issuer: "Authority | None" = None,
        kind: Kind = AUTHORITY,
        key: PrivateKey | None = None,
    ) -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.issuer = issuer
        self.subject = named(name)
        by = issuer or self
        self.certificate = certify(self.subject, self.key, by.subject, by.key, kind)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return () if self.issuer is None else (self.certificate, *self.issuer.chain)

    def issue(
        self, subject: x509.Name | None = None, kind: Kind = SIGNING, key: PrivateKey | None = None
    ) -> Holder:
        own = key or ec.generate_private_key(ec.SECP256R1())
        certificate = certify(subject or person(), own, self.subject, self.key, kind)
        return Holder(certificate, own, self.chain)

    def crl(
        self,
        revoked: Sequence[tuple[Holder, datetime]] = (),
        *,
        at: datetime = NOW - timedelta(hours=1),
        days: int = 7,
        reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
    ) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.subject)
            .last_update(at)
            .next_update(at + days * DAY)
        )
        for holder, since in revoked:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(holder.certificate.serial_number)
                .revocation_date(since)
                .add_extension(x509.CRLReason(reason), critical=False)
            )
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def response(
        self,
        about: Holder,
        *,
        by: Holder | None = None,
        revoked: datetime | None = None,
        at: datetime = NOW - timedelta(minutes=5),
    ) -> bytes:
        status = ocsp.OCSPCertStatus.GOOD if revoked is None else ocsp.OCSPCertStatus.REVOKED
        signer = self.certificate if by is None else by.certificate
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                about.certificate,
                self.certificate,
                hashes.SHA256(),
                status,
                at,
                at + DAY,
                revoked,
                None if revoked is None else x509.ReasonFlags.key_compromise,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
        )
        if by is not None:
            builder = builder.certificates([by.certificate])
        key = self.key if by is None else by.key
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def certify(
    subject: x509.Name, key: PrivateKey, issuer: x509.Name, issuer_key: PrivateKey, kind: Kind
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(kind.begin)
        .not_valid_after(kind.end)
        .add_extension(x509.BasicConstraints(kind.is_ca, None), critical=True)
        .add_extension(_usage(kind), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if kind.extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(kind.extended), critical=True)
    if kind.no_check:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    if kind.policies:
        stated = [x509.PolicyInformation(ObjectIdentifier(oid), None) for oid in kind.policies]
        builder = builder.add_extension(x509.CertificatePolicies(stated), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(kind: Kind) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=kind.signature,
        content_commitment=kind.commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=kind.is_ca,
        crl_sign=kind.is_ca,
        encipher_only=False,
        decipher_only=False,
    )
