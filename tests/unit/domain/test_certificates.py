"""A machine certificate is known by the SHA-256 of its DER."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.domain.certificates import machine_certificate
from server.domain.fields import Malformed

ENDS = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def der() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "agency")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ENDS - timedelta(days=365))
        .not_valid_after(ENDS)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def test_reads_a_certificate(der: bytes) -> None:
    certificate = machine_certificate(der)
    assert certificate.sha256 == hashlib.sha256(der).digest()
    assert certificate.expires_at == ENDS
    certificate.check_not_expired(ENDS - timedelta(seconds=1))


def test_refuses_an_expired_certificate(der: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        machine_certificate(der).check_not_expired(ENDS)
    assert refused.value.reason == "CERTIFICATE_EXPIRED"


def test_refuses_what_is_not_one_certificate(der: bytes) -> None:
    for data in (b"", b"x", der[:-1], der + b"\x00", der + der):
        with pytest.raises(Malformed) as refused:
            machine_certificate(data)
        assert refused.value.reason == "CERTIFICATE_MALFORMED"


def test_refuses_an_oversized_certificate() -> None:
    with pytest.raises(Malformed) as refused:
        machine_certificate(bytes(16 * 1024 + 1))
    assert refused.value.reason == "TOO_LARGE"
