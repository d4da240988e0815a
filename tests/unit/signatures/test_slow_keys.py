"""Keys that are made to be slow: nothing is verified with a public exponent above 2^64."""

import hashlib
from datetime import timedelta

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from namak.evidence.certificate import load_certificate, path_to_root
from namak.evidence.failures import CertificateUntrusted
from namak.signatures import chain as chains
from namak.signatures.algorithms import Algorithms, check_value
from namak.signatures.chain import Links
from namak.signatures.report import Finding, Verdict
from namak.signatures.verify import BytesDocument, verify
from tests.signing.authority import NOW
from tests.signing.world import DOCUMENT, World

KEY = rsa.generate_private_key(65537, 2048)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])


def certificate(serial: int, exponent: int) -> bytes:
    """Returns a certificate of a name that all have, with a key of this exponent."""
    key = rsa.RSAPublicNumbers(exponent, KEY.public_key().public_numbers().n).public_key()
    return (
        x509.CertificateBuilder(NAME, NAME, key, serial)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(KEY, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )


def signer(der: bytes) -> cms.SignerInfo:
    loaded = asn1_x509.Certificate.load(der)
    number = {"issuer": loaded.issuer, "serial_number": loaded.serial_number}
    digest = hashlib.sha256(DOCUMENT).digest()
    return cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier({"issuer_and_serial_number": cms.IssuerAndSerialNumber(number)}),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": cms.CMSAttributes(
                [
                    cms.CMSAttribute({"type": "content_type", "values": ["data"]}),
                    cms.CMSAttribute({"type": "message_digest", "values": [digest]}),
                ]
            ),
            "signature_algorithm": {"algorithm": "sha256_rsa"},
            "signature": bytes(255) + b"\x01",
        }
    )


def signed_by_all(exponent: int, number: int = 32) -> bytes:
    """Returns a CMS by as many signers as one may have; each certificate may have issued each other."""
    ders = [certificate(serial, exponent) for serial in range(1, number + 1)]
    content = {
        "version": "v1",
        "digest_algorithms": [{"algorithm": "sha256"}],
        "encap_content_info": {"content_type": "data"},
        "certificates": [
            cms.CertificateChoices({"certificate": asn1_x509.Certificate.load(d)}) for d in ders
        ],
        "signer_infos": [signer(der) for der in ders],
    }
    made: bytes = cms.ContentInfo({"content_type": "signed_data", "content": content}).dump()
    return made


def test_a_certificate_with_a_huge_exponent_is_none() -> None:
    assert load_certificate(certificate(1, 2**64 - 1)).serial_number == 1
    with pytest.raises(CertificateUntrusted):
        load_certificate(certificate(1, 2**64 + 1))
    with pytest.raises(CertificateUntrusted):
        path_to_root(certificate(1, 65537), [certificate(2, 2**2000 + 1)], [certificate(3, 65537)], NOW)


def test_nothing_is_verified_with_a_huge_exponent(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> bool:
        raise AssertionError("a strange key was used")

    monkeypatch.setattr(chains, "_is_issued_by", never)

    report = verify(BytesDocument(DOCUMENT), signed_by_all(2**2000 + 1), World().trust(), NOW)

    assert report.verdict is not Verdict.VALID
    key = rsa.RSAPublicNumbers(2**2000 + 1, KEY.public_key().public_numbers().n).public_key()
    assert check_value(key, Algorithms("sha256", "sha256_rsa"), b"", bytes(256)) is Finding.ALGORITHM_UNKNOWN


def test_the_links_of_a_file_have_one_budget_whatever_its_signers(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs: list[tuple[object, object]] = []

    def counted(*pair: object) -> bool:
        pairs.append((pair[0], pair[1]))
        return False

    monkeypatch.setattr(chains, "_is_issued_by", counted)

    report = verify(BytesDocument(DOCUMENT), signed_by_all(65537), World().trust(), NOW)

    assert report.verdict is Verdict.INVALID
    assert len(pairs) == len(set(pairs)) == 256


def test_a_link_that_is_known_costs_nothing() -> None:
    world = World()
    leaf = load_certificate(world.aram.der)
    links = Links(1)
    assert not links.is_issued_by(leaf, leaf)
    assert not links.is_issued_by(leaf, leaf)
    assert links._left == 0
