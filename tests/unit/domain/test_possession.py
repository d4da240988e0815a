"""Whoever has a certificate bound shows that they hold its key."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from namak.client import possession_text, sign_possession
from server.domain import possession
from server.domain.fields import Malformed
from server.domain.possession import check_possession

MINE, OTHERS = UUID("0192F0C3-4d5e-7a6b-8c9d-0e1f2a3b4c5d"), UUID("0192f0c3-4d5e-7a6b-8c9d-0e1f2a3b4c5e")

Sign = Callable[[bytes], bytes]

ED = ed25519.Ed25519PrivateKey.generate()
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
MGF = padding.MGF1(SHA256())


def certificate_of(key: CertificateIssuerPrivateKeyTypes, serial: int = 1) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "agency")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
        .sign(key, None if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)) else SHA256())
        .public_bytes(Encoding.DER)
    )


def documented(organisation_id: UUID, der: bytes) -> bytes:
    """The bytes that the contract tells, put together once more."""
    return (
        b"namak-bind-certificate/1" + bytes(1) + str(organisation_id).encode() + hashlib.sha256(der).digest()
    )


def reason_of(signature: bytes, organisation_id: UUID, der: bytes) -> str:
    with pytest.raises(Malformed) as refused:
        check_possession(signature, organisation_id, der)
    return refused.value.reason


KINDS: dict[str, tuple[CertificateIssuerPrivateKeyTypes, Sign]] = {
    "Ed25519": (ED, ED.sign),
    "ECDSA P-256": (P256, lambda text: P256.sign(text, ec.ECDSA(SHA256()))),
    "ECDSA P-384": (P384, lambda text: P384.sign(text, ec.ECDSA(SHA256()))),
    "RSA PKCS #1 v1.5": (RSA, lambda text: RSA.sign(text, padding.PKCS1v15(), SHA256())),
    "RSA PSS, salt 32": (RSA, lambda text: RSA.sign(text, padding.PSS(MGF, 32), SHA256())),
    "RSA PSS, no salt": (RSA, lambda text: RSA.sign(text, padding.PSS(MGF, 0), SHA256())),
    "RSA PSS, longest salt": (
        RSA,
        lambda text: RSA.sign(text, padding.PSS(MGF, padding.PSS.MAX_LENGTH), SHA256()),
    ),
}


@pytest.mark.parametrize(("key", "sign"), KINDS.values(), ids=KINDS)
def test_only_the_key_s_signature_over_this_organisation_and_certificate_counts(
    key: CertificateIssuerPrivateKeyTypes, sign: Sign
) -> None:
    der, renewed = certificate_of(key), certificate_of(key, serial=2)
    good = sign(documented(MINE, der))
    check_possession(good, MINE, der)
    for wrong in (
        sign(documented(OTHERS, der)),
        sign(documented(MINE, renewed)),
        sign(documented(MINE, der)[:-1]),
        sign(documented(MINE, der).replace(b"/1", b"/2")),
        sign(documented(MINE, der).replace(bytes(1), b"", 1)),
        sign(str(MINE).encode().upper()),
        good[:-1],
        good + bytes(1),
        good[:-1] + bytes([good[-1] ^ 1]),
        b"\x00",
        bytes(len(good)),
    ):
        assert reason_of(wrong, MINE, der) == "POSSESSION_NOT_PROVED"
    assert reason_of(good, OTHERS, der) == "POSSESSION_NOT_PROVED"
    assert reason_of(good, MINE, renewed) == "POSSESSION_NOT_PROVED"


def test_another_key_s_signature_or_hash_does_not_count() -> None:
    another = ec.generate_private_key(ec.SECP256R1())
    der = certificate_of(P256)
    text = documented(MINE, der)
    assert reason_of(another.sign(text, ec.ECDSA(SHA256())), MINE, der) == "POSSESSION_NOT_PROVED"
    assert reason_of(P256.sign(text, ec.ECDSA(SHA512())), MINE, der) == "POSSESSION_NOT_PROVED"
    assert reason_of(ED.sign(text), MINE, der) == "POSSESSION_NOT_PROVED"
    rsa_der = certificate_of(RSA)
    other_hash = RSA.sign(documented(MINE, rsa_der), padding.PKCS1v15(), SHA512())
    assert reason_of(other_hash, MINE, rsa_der) == "POSSESSION_NOT_PROVED"


def test_a_kind_of_key_that_the_contract_does_not_name_is_told() -> None:
    key = ed448.Ed448PrivateKey.generate()
    der = certificate_of(key)
    assert reason_of(key.sign(documented(MINE, der)), MINE, der) == "KEY_NOT_SUPPORTED"
    with pytest.raises(ValueError, match="Ed25519"):
        sign_possession(key, str(MINE), der)


def test_a_signature_longer_than_any_key_s_is_not_looked_at() -> None:
    der = certificate_of(RSA)
    assert reason_of(bytes(2048), MINE, der) == "POSSESSION_NOT_PROVED"
    assert reason_of(bytes(2049), MINE, der) == "TOO_LARGE"


@pytest.mark.parametrize("key", [ED, P256, P384, RSA], ids=["Ed25519", "P-256", "P-384", "RSA"])
def test_what_the_client_library_signs_the_server_takes(
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
) -> None:
    der = certificate_of(key)
    for spelling in (str(MINE), str(MINE).upper()):
        check_possession(sign_possession(key, spelling, der), MINE, der)
        assert possession_text(spelling, der) == documented(MINE, der)
    assert possession.possession_text(MINE, der) == documented(MINE, der)
    assert len(documented(MINE, der)) == 93


def test_the_client_library_signs_for_no_certificate_of_another_key() -> None:
    with pytest.raises(ValueError, match="does not belong"):
        sign_possession(ED, str(MINE), certificate_of(P256))
    with pytest.raises(ValueError, match="UUID"):
        sign_possession(P256, "11223344", certificate_of(P256))
