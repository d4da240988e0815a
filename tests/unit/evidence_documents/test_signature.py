import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko_certvalidator import ValidationContext

from namak.evidence.certificate import CertificateNaming
from namak.evidence.errors import EvidenceError
from namak.evidence.failures import (
    CertificateExpired,
    CertificatePurpose,
    CertificateUntrusted,
    SignatureInvalid,
)
from namak.evidence.signature import (
    build_confirmation_signature,
)
from tests.unit.evidence_documents.citizens import (
    AGENCIES,
    CARD,
    ISSUER,
    LISTS,
    ROOT,
    RSA_1024,
    RSA_2048,
    SIGNATURE,
    STATEMENT,
    check,
    signed_by,
)
from tests.unit.evidence_documents.pki import CLIENT_AUTH, NOW, Authority, PrivateKey, subject


def test_a_citizens_signature_says_who_signed() -> None:
    signer = check()

    assert signer.person.number == "5001950015"
    assert signer.person.common_name == "SARGSYAN,ANI"
    assert signer.person.path == (CARD.der, ISSUER.der, ROOT.der)
    assert [checked.crl for checked in signer.person.lists] == [LISTS[1], LISTS[0]]
    assert signer.person.status_time == NOW - timedelta(hours=1)
    assert signer.digest_algorithm == "sha256"


def test_rsa_keys_from_2048_bits_are_accepted() -> None:
    card = ISSUER.card(key=RSA_2048)

    assert check(signed_by(card)).person.certificate == card.der


@pytest.mark.parametrize("digest", ["sha256", "sha384"])
def test_p384_is_accepted_with_either_digest(digest: str) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    card = ISSUER.card(key=key)
    algorithm = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}[digest]

    cms = build_confirmation_signature(
        STATEMENT, card.der, card.chain, lambda data: key.sign(data, ec.ECDSA(algorithm)), digest
    )

    assert check(cms).digest_algorithm == digest


def test_the_chain_may_come_from_elsewhere_than_the_signature() -> None:
    bare = build_confirmation_signature(STATEMENT, CARD.der, (), CARD.sign)

    with pytest.raises(CertificateUntrusted):
        check(bare)
    assert check(bare, intermediates=(ISSUER.der,)).person.path == (CARD.der, ISSUER.der, ROOT.der)


def test_openssl_accepts_what_we_build(tmp_path: Path) -> None:
    (tmp_path / "cms").write_bytes(SIGNATURE)
    (tmp_path / "content").write_bytes(STATEMENT)
    (tmp_path / "root.pem").write_bytes(ROOT.certificate.public_bytes(Encoding.PEM))
    command = [
        "openssl",
        "cms",
        "-verify",
        "-cades",
        "-binary",
        "-inform",
        "DER",
        "-in",
        "cms",
        "-content",
        "content",
    ]
    command += ["-CAfile", "root.pem", "-purpose", "any", "-attime", str(int(NOW.timestamp())), "-out", "out"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out").read_bytes() == STATEMENT


def test_we_accept_what_openssl_builds(tmp_path: Path) -> None:
    key_file, card_file = tmp_path / "key.pem", tmp_path / "card.pem"
    key_file.write_bytes(CARD.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    card_file.write_bytes(CARD.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "chain.pem").write_bytes(ISSUER.certificate.public_bytes(Encoding.PEM))
    (tmp_path / "content").write_bytes(STATEMENT)
    command = [
        "openssl",
        "cms",
        "-sign",
        "-cades",
        "-binary",
        "-md",
        "sha256",
        "-outform",
        "DER",
        "-in",
        "content",
    ]
    command += ["-signer", "card.pem", "-inkey", "key.pem", "-certfile", "chain.pem", "-out", "cms"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert check((tmp_path / "cms").read_bytes()).person.number == "5001950015"


async def test_pyhanko_accepts_what_we_build() -> None:
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(ROOT.der)],
        allow_fetching=False,
        moment=NOW,
        crls=list(LISTS),
        revocation_mode="require",
    )
    signed = asn1_cms.ContentInfo.load(SIGNATURE)["content"]

    status = await async_validate_detached_cms(STATEMENT, signed, signer_validation_context=context)

    assert status.bottom_line


def test_another_content_is_refused() -> None:
    with pytest.raises(SignatureInvalid, match="not over these bytes"):
        check(content=STATEMENT + b"\n")


@pytest.mark.parametrize(
    "cms", [b"", b"\x30\x00", b"garbage", SIGNATURE[:-1], SIGNATURE + b"\x00", STATEMENT]
)
def test_nobodys_signature_is_refused(cms: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        check(cms)


def test_a_signature_by_another_key_is_refused() -> None:
    other = ISSUER.card()

    with pytest.raises(SignatureInvalid, match="does not verify"):
        build_confirmation_signature(STATEMENT, CARD.der, CARD.chain, other.sign)


# Some changes make a serial number negative, of which the library warns before we refuse it.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SIGNATURE) - 1), st.integers(1, 255))
@example(513, 128)
def test_every_changed_byte_is_refused_with_an_error_of_ours(position: int, change: int) -> None:
    changed = bytearray(SIGNATURE)
    changed[position] ^= change

    try:
        signer = check(bytes(changed))
    except EvidenceError:
        return
    # ECDSA-Sig-Value and the like are covered; only a certificate above the signer's may change to one that
    # is ignored.
    pytest.fail(f"byte {position} changed and {signer.person.number} is still taken for the signer")


def test_an_agencys_certificate_with_a_citizens_number_is_untrusted() -> None:
    card = AGENCIES.card()

    with pytest.raises(CertificateUntrusted):
        check(signed_by(card), crls=(*LISTS, AGENCIES.crl()))


def test_an_authority_of_the_same_name_is_untrusted() -> None:
    impostor = Authority.root("Citizen root").authority("Citizen authority")
    card = impostor.card()

    for crls in (LISTS, (impostor.crl(), *LISTS)):
        with pytest.raises(CertificateUntrusted):
            check(signed_by(card), crls=crls)


def test_without_roots_nobody_is_trusted() -> None:
    with pytest.raises(CertificateUntrusted):
        check(roots=())


def test_a_root_that_is_its_own_citizen_is_untrusted() -> None:
    with pytest.raises(CertificateUntrusted):
        check(roots=(CARD.der,))


@pytest.mark.parametrize("days", [400, -31])
def test_a_certificate_at_a_time_outside_its_validity_is_expired(days: int) -> None:
    with pytest.raises(CertificateExpired):
        check(at=NOW + timedelta(days=days))


def test_an_authority_that_expired_before_is_expired() -> None:
    card = ROOT.authority("Short-lived authority", days=-1).card()

    with pytest.raises(CertificateExpired):
        check(signed_by(card))


def test_a_root_that_expired_before_is_expired() -> None:
    old = Authority.root("Old root", days=-1)
    card = old.card()

    with pytest.raises(CertificateExpired):
        check(signed_by(card), roots=(old.der,), crls=(old.crl(),))


def test_an_authentication_certificate_has_the_wrong_purpose() -> None:
    card = ISSUER.card(usages=("digital_signature",), extra=(CLIENT_AUTH,))

    with pytest.raises(CertificatePurpose):
        check(signed_by(card))


def test_an_authority_under_a_persons_name_has_the_wrong_purpose() -> None:
    card = ISSUER.card(usages=("content_commitment", "key_cert_sign"), is_ca=True)

    with pytest.raises(CertificatePurpose, match="authority"):
        check(signed_by(card))


@pytest.mark.parametrize(
    "name",
    [
        subject("NOBODY"),
        subject("ENTITY", "NTRAM-22335588"),
        subject("SHORT", "PNOAM-500195001"),
        subject("FOREIGN", "PNOGE-5001950015"),
        subject("SPACE", "PNOAM-5001950015 "),
        x509.Name([*subject("TWO", "PNOAM-5001950015"), *subject("TWO", "PNOAM-5001950016")]),
    ],
)
def test_a_certificate_that_names_no_person_is_untrusted(name: x509.Name) -> None:
    with pytest.raises(CertificateUntrusted):
        check(signed_by(ISSUER.card(name=name)))


def test_how_certificates_name_people_is_data() -> None:
    naming = CertificateNaming(prefix="IIN", number="[0-9]{12}")
    card = ISSUER.card("IIN950101300123")

    assert check(signed_by(card), naming=naming).person.number == "950101300123"
    with pytest.raises(CertificateUntrusted):
        check(naming=naming)
    with pytest.raises(ValueError, match="attribute"):
        CertificateNaming(attribute="favourite_colour")


@pytest.mark.parametrize(
    "authority",
    [
        ROOT.authority("No authority", constraints=x509.BasicConstraints(False, None)),
        ROOT.authority("May not sign certificates", usages=("crl_sign",)),
        ROOT.authority("Ends here", constraints=x509.BasicConstraints(True, 0)).authority("One too deep"),
        AGENCIES.authority("Citizen authority"),
    ],
)
def test_an_authority_that_may_not_be_one_leads_nowhere(authority: Authority) -> None:
    card = authority.card()

    with pytest.raises(CertificateUntrusted):
        check(signed_by(card), crls=(*LISTS, authority.crl()))


def test_a_critical_extension_that_nobody_knows_is_untrusted() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")

    with pytest.raises(CertificateUntrusted):
        check(signed_by(ISSUER.card(extra=((unknown, True),))))
    assert check(signed_by(ISSUER.card(extra=((unknown, False),)))).person.number == "5001950015"


@pytest.mark.parametrize("key", [RSA_1024, ec.generate_private_key(ec.SECP256K1())])
def test_an_authority_with_an_unaccepted_key_is_untrusted(key: PrivateKey) -> None:
    weak = ROOT.authority("Weak authority", key=key)
    card = weak.card()

    with pytest.raises(CertificateUntrusted):
        check(signed_by(card), crls=(*LISTS, weak.crl()))


def test_a_certificate_signed_with_an_unaccepted_digest_is_untrusted() -> None:
    card = ISSUER.card(digest=hashes.SHA224())

    with pytest.raises(CertificateUntrusted, match="digest"):
        check(signed_by(card))
