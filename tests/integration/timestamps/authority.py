"""A real time-stamping authority: `openssl ts -reply`, its keys made at run time."""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from server.dev.timestamp_server import reply

OPENSSL = shutil.which("openssl")
POLICY, OTHER_POLICY = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"
_CONFIGURATION = f"""
[tsa]
serial = serial
signer_digest = sha256
default_policy = {POLICY}
other_policies = {OTHER_POLICY}
digests = sha256, sha512, sha512-256, sha3-256
ess_cert_id_alg = DIGEST
ess_cert_id_chain = no
accuracy = secs:1
"""


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass(frozen=True)
class OpensslAuthority:
    """An authority under a root of its own."""

    directory: Path

    @classmethod
    def made(
        cls,
        directory: Path,
        *,
        usages: tuple[ObjectIdentifier, ...] = (ExtendedKeyUsageOID.TIME_STAMPING,),
        valid: timedelta = timedelta(days=1),
        ess: str = "sha256",
        chain: tuple[str, ...] = (),
    ) -> "OpensslAuthority":
        """Makes the root, and a certificate that ends after `valid` and serves `usages`.

        With a `chain`, of "between" and "root", the certificate is of an authority between, and tokens hold
        the chain in this order besides the signer's certificate.
        """
        directory.mkdir()
        now = datetime.now(UTC)
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        begins = now - timedelta(days=30)

        def certificate(
            name: str, public: ec.EllipticCurvePublicKey, until: datetime, issuer: str = "Root"
        ) -> x509.CertificateBuilder:
            builder = x509.CertificateBuilder().subject_name(_named(name)).issuer_name(_named(issuer))
            builder = builder.public_key(public).serial_number(x509.random_serial_number())
            return builder.not_valid_before(begins).not_valid_after(until)

        root = (
            certificate("Root", root_key.public_key(), now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        between_key = ec.generate_private_key(ec.SECP256R1())
        between = (
            certificate("Between", between_key.public_key(), now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(root_key, hashes.SHA256())
        )
        issuer, issuer_key = ("Between", between_key) if chain else ("Root", root_key)
        own = (
            certificate("Authority", key.public_key(), now + valid, issuer)
            .add_extension(x509.ExtendedKeyUsage(list(usages)), critical=True)
            .sign(issuer_key, hashes.SHA256())
        )
        links = {"between": between, "root": root}
        (directory / "chain.pem").write_bytes(
            b"".join(links[name].public_bytes(serialization.Encoding.PEM) for name in chain)
        )
        (directory / "roots.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
        (directory / "own.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
        (directory / "key.pem").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (directory / "serial").write_text("01\n")
        sent = "certs = chain.pem\n" if chain else ""
        (directory / "openssl.cnf").write_text(_CONFIGURATION.replace("DIGEST", ess) + sent)
        return cls(directory)

    @property
    def roots(self) -> Path:
        """The roots that its tokens lead to."""
        return self.directory / "roots.pem"

    def reply(self, query: bytes) -> bytes:
        """Answers a request (RFC 3161, 2.4.2); takes some milliseconds."""
        return reply(self.directory, query)

    def verifies(self, token: bytes, data: bytes) -> bool:
        """Tells whether `openssl ts -verify` takes a token over data."""
        (self.directory / "token").write_bytes(token)
        (self.directory / "data").write_bytes(data)
        assert OPENSSL is not None
        words = ("-verify", "-data", "data", "-in", "token", "-token_in", "-CAfile", "roots.pem")
        verified = subprocess.run(
            [OPENSSL, "ts", *words],
            cwd=self.directory,
            check=False,
            capture_output=True,
        )
        return verified.returncode == 0


def resigned(
    token: bytes, usages: tuple[ObjectIdentifier, ...], *, named: bool = True
) -> tuple[bytes, x509.Certificate]:
    """Returns what a token says, signed by another authority, and its root; `openssl` would not sign so.

    Without `named`, the certificate that the signed attributes name is another one than that which signed.
    """
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(_named("Other")).issuer_name(_named("Other"))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    der = certificate.public_bytes(serialization.Encoding.DER)
    info = cms.ContentInfo.load(token)
    signed = info["content"]
    signed["certificates"] = [cms.CertificateChoices("certificate", asn1_x509.Certificate.load(der))]
    signer = signed["signer_infos"][0]
    loaded = asn1_x509.Certificate.load(der)
    signer["sid"] = cms.SignerIdentifier(
        "issuer_and_serial_number",
        cms.IssuerAndSerialNumber({"issuer": loaded.issuer, "serial_number": loaded.serial_number}),
    )
    for attribute in signer["signed_attrs"]:
        if attribute["type"].native == "signing_certificate_v2" and named:
            digest = hashlib.sha256(der).digest()
            attribute["values"] = [tsp.SigningCertificateV2({"certs": [{"cert_hash": digest}]})]
    attributes = b"\x31" + signer["signed_attrs"].dump(force=True)[1:]
    signer["signature"] = key.sign(attributes, ec.ECDSA(hashes.SHA256()))
    signer["signature_algorithm"] = {"algorithm": "sha256_ecdsa"}
    return info.dump(force=True), certificate
