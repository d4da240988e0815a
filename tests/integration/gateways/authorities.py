"""Authorities for tests of certificate status: root, policy authority, e-government authority, persons."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def subject_of(label: str, number: str | None = None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, label)]
    if number is not None:
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, f"PNOAM-{number}"))
    return x509.Name(attributes)


def usage(**permitted: bool) -> x509.KeyUsage:
    names = (
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
    return x509.KeyUsage(**{name: permitted.get(name, False) for name in names})


CA_USAGE = usage(key_cert_sign=True, crl_sign=True)
AUTHENTICATION = usage(digital_signature=True)
COMMITMENT = usage(content_commitment=True)
CLIENT_AUTH = (ExtendedKeyUsageOID.CLIENT_AUTH,)
OCSP_SIGNING = (ExtendedKeyUsageOID.OCSP_SIGNING,)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def serial(self) -> int:
        return self.certificate.serial_number

    def write(self, directory: Path, name: str) -> tuple[Path, Path]:
        """Writes both as PEM; returns the paths of certificate and key."""
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key.pem"
        certificate.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key


@dataclass(frozen=True)
class Wish:
    """How a certificate shall be; the defaults make a person's for signing in."""

    label: str = "Citizen"
    number: str | None = "5001950015"
    key: Key = field(default_factory=new_key)
    begin: datetime = NOW - DAY
    end: datetime = NOW + 30 * DAY
    ca: bool = False
    usage: x509.KeyUsage | None = AUTHENTICATION
    extended: tuple[x509.ObjectIdentifier, ...] = CLIENT_AUTH
    digest: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    pss: bool = False
    lists: tuple[str, ...] = ()
    responder: str | None = None
    no_check: bool = False
    extra: tuple[x509.ExtensionType, ...] = ()


def authority_wish(label: str, **changes: object) -> Wish:
    values: dict[str, object] = {
        "label": label,
        "number": None,
        "ca": True,
        "usage": CA_USAGE,
        "extended": (),
        "begin": NOW - 400 * DAY,
        "end": NOW + 400 * DAY,
    }
    return Wish(**{**values, **changes})  # type: ignore[arg-type]


def issue(wish: Wish, issuer: Issued | None = None) -> Issued:
    """Issues what is wished; without an issuer it signs itself."""
    name = subject_of(wish.label, wish.number)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(wish.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(wish.begin)
        .not_valid_after(wish.end)
        .add_extension(x509.BasicConstraints(ca=wish.ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(wish.key.public_key()), critical=False)
    )
    signer = issuer.key if issuer else wish.key
    for value, critical in _extensions(wish):
        builder = builder.add_extension(value, critical=critical)
    return Issued(_signed(builder, signer, wish), wish.key)


def _signed(builder: x509.CertificateBuilder, signer: Key, wish: Wish) -> x509.Certificate:
    digest = wish.digest
    if wish.pss:
        pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
        return builder.sign(signer, digest, rsa_padding=pss)  # type: ignore[arg-type]
    return builder.sign(signer, digest)  # type: ignore[arg-type]


def _extensions(wish: Wish) -> list[tuple[x509.ExtensionType, bool]]:
    wished: list[tuple[x509.ExtensionType, bool]] = []
    if wish.usage is not None:
        wished.append((wish.usage, True))
    if wish.extended:
        wished.append((x509.ExtendedKeyUsage(wish.extended), False))
    if wish.lists:
        names = [x509.UniformResourceIdentifier(url) for url in wish.lists]
        point = x509.DistributionPoint(full_name=names, relative_name=None, reasons=None, crl_issuer=None)
        wished.append((x509.CRLDistributionPoints([point]), False))
    if wish.responder is not None:
        place = x509.UniformResourceIdentifier(wish.responder)
        described = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)
        wished.append((x509.AuthorityInformationAccess([described]), False))
    if wish.no_check:
        wished.append((x509.OCSPNoCheck(), False))
    return [*wished, *((value, False) for value in wish.extra)]


def with_sha1(issued: Issued, issuer: Issued) -> Issued:
    """Returns the certificate signed anew with SHA-1, as the builders would not."""
    whole = asn1_x509.Certificate.load(issued.der)
    algorithm = "sha1_rsa" if isinstance(issuer.key, rsa.RSAPrivateKey) else "sha1_ecdsa"
    signed = whole["tbs_certificate"]
    signed["signature"] = {"algorithm": algorithm}
    tbs = signed.dump(force=True)
    digest = hashes.SHA1()
    if isinstance(issuer.key, rsa.RSAPrivateKey):
        signature = issuer.key.sign(tbs, padding.PKCS1v15(), digest)
    else:
        signature = issuer.key.sign(tbs, ec.ECDSA(digest))
    remade = asn1_x509.Certificate(
        {
            "tbs_certificate": signed,
            "signature_algorithm": {"algorithm": algorithm},
            "signature_value": signature,
        }
    )
    return Issued(x509.load_der_x509_certificate(remade.dump(force=True)), issued.key)


@dataclass(frozen=True)
class Entry:
    """A revoked certificate in a list."""

    serial: int
    since: datetime = NOW - HOUR
    reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise
    others: tuple[tuple[x509.ExtensionType, bool], ...] = ()


def make_list(
    issuer: Issued,
    entries: tuple[Entry, ...] = (),
    *,
    issued: datetime = NOW - HOUR,
    ends: datetime = NOW + 7 * DAY,
    digest: hashes.HashAlgorithm | None = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    name: x509.Name | None = None,
    pss: bool = False,
) -> bytes:
    """Returns a revocation list, DER."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name or issuer.certificate.subject)
        .last_update(issued)
        .next_update(ends)
        .add_extension(x509.CRLNumber(int(issued.timestamp())), critical=False)
    )
    for value, critical in extensions:
        builder = builder.add_extension(value, critical=critical)
    for entry in entries:
        revoked = x509.RevokedCertificateBuilder().serial_number(entry.serial).revocation_date(entry.since)
        if entry.reason is not None:
            revoked = revoked.add_extension(x509.CRLReason(entry.reason), critical=False)
        for value, critical in entry.others:
            revoked = revoked.add_extension(value, critical=critical)
        builder = builder.add_revoked_certificate(revoked.build())
    chosen = digest or hashes.SHA256()
    if pss:
        padded = padding.PSS(padding.MGF1(chosen), padding.PSS.DIGEST_LENGTH)
        signed = builder.sign(issuer.key, chosen, rsa_padding=padded)  # type: ignore[arg-type]
    else:
        signed = builder.sign(issuer.key, chosen)  # type: ignore[arg-type]
    return signed.public_bytes(Encoding.DER)


class Country:
    """Root, policy authority, e-government authority."""

    def __init__(self) -> None:
        self.root = issue(authority_wish("Root"))
        self.policy = issue(authority_wish("Policy Authority"), self.root)
        self.government = issue(authority_wish("E-Government Authority"), self.policy)

    def person(self, **changes: object) -> Issued:
        return issue(Wish(**changes), self.government)  # type: ignore[arg-type]

    @property
    def authorities(self) -> tuple[Issued, Issued, Issued]:
        return self.root, self.policy, self.government
