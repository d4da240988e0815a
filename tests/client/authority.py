"""A certificate authority for one test run, and the files that a caller has from it."""

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from namak.client import Connection


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Identity:
    """A certificate with its key, in PEM."""

    certificate: bytes
    key: bytes


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Authority:
    """A root that issues TLS certificates."""

    label: str = "Test root"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def certificate(self) -> bytes:
        return self._sign(self.label, self.key.public_key(), ca=True).public_bytes(Encoding.PEM)

    def issue(
        self, subject: str, *, start: timedelta = timedelta(hours=-1), end: timedelta = timedelta(hours=1)
    ) -> Identity:
        """Returns a certificate good from ``start`` to ``end``, both counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._sign(subject, key.public_key(), start=start, end=end)
        return Identity(signed.public_bytes(Encoding.PEM), pem_of(key))

    def certify(self, subject: str, public_key: ec.EllipticCurvePublicKey) -> bytes:
        """Returns a certificate for a key that lies elsewhere, in PEM."""
        return self._sign(subject, public_key).public_bytes(Encoding.PEM)

    def issue_intermediate(self, label: str) -> tuple["Authority", bytes]:
        """Returns an authority under this one, and its certificate."""
        below = Authority(label)
        return below, self._sign(label, below.key.public_key(), ca=True).public_bytes(Encoding.PEM)

    def _sign(
        self,
        subject: str,
        public_key: ec.EllipticCurvePublicKey,
        *,
        ca: bool = False,
        start: timedelta = timedelta(hours=-1),
        end: timedelta = timedelta(hours=2),
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(self.label))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + start)
            .not_valid_after(now + end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
        )
        return builder.sign(self.key, hashes.SHA256())


def connection_for(
    identity: Identity, authority: Authority, address: str, directory: Path, *, timeout: float = 20.0
) -> Connection:
    """Writes the identity's files into the directory and returns a connection that uses them."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / file for file in ("ca.crt", "own.crt", "own.private")]
    contents = (authority.certificate, identity.certificate, identity.key)
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return Connection(address=address, ca=paths[0], certificate=paths[1], key=paths[2], timeout=timeout)
