import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from namak.evidence.failures import (
    CertificateExpired,
    CertificatePurpose,
    CertificateRevoked,
    CertificateUntrusted,
    NoPath,
    RevocationStatusUnknown,
    SignatureInvalid,
)
from namak.evidence.signature import (
    check_personal_certificate,
)
from tests.unit.evidence_documents.citizens import (
    AGENCIES,
    CARD,
    ISSUER,
    LISTS,
    ROOT,
    STATEMENT,
    new_citizens,
    personal,
)
from tests.unit.evidence_documents.pki import CLIENT_AUTH, NOW

AUTHENTICATION = ISSUER.card(usages=("digital_signature",), extra=(CLIENT_AUTH,))


def test_an_authentication_certificate_says_who_calls() -> None:
    assert personal(AUTHENTICATION) == "5001950015"


def test_an_agencys_certificate_is_nonew_citizens() -> None:
    with pytest.raises(NoPath):
        personal(AGENCIES.card(usages=("digital_signature",)), (*LISTS, AGENCIES.crl()))


def test_a_citizen_roots_certificate_without_a_person_is_nonew_citizens() -> None:
    with pytest.raises(NoPath):
        personal(ISSUER.card("NTRAM-22335588", usages=("digital_signature",)))


def test_a_signing_certificate_does_not_authenticate() -> None:
    with pytest.raises(CertificatePurpose):
        personal(CARD)


def test_an_authentication_certificate_for_something_else_does_not_authenticate() -> None:
    mail = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)

    with pytest.raises(CertificatePurpose):
        personal(ISSUER.card(usages=("digital_signature",), extra=(mail,)))


def test_a_revoked_or_unknown_or_expired_authentication_certificate_is_refused() -> None:
    root, issuer, _ = new_citizens()
    card = issuer.card(usages=("digital_signature",))
    expired = issuer.card(usages=("digital_signature",), days=-1)
    clean = (root.crl(), issuer.crl())
    issuer.revoke(card, NOW)

    assert personal(card, clean, (root.der,)) == "5001950015"
    with pytest.raises(CertificateRevoked):
        personal(card, (root.crl(), issuer.crl()), (root.der,))
    with pytest.raises(RevocationStatusUnknown):
        personal(card, (), (root.der,))
    with pytest.raises(CertificateExpired):
        personal(expired, clean, (root.der,))


@pytest.mark.parametrize("leaf", [b"", b"\x30\x00", CARD.der[:-1], STATEMENT])
def test_bytes_that_are_no_certificate_are_nobodys(leaf: bytes) -> None:
    with pytest.raises(CertificateUntrusted):
        check_personal_certificate(leaf, (), (ROOT.der,), LISTS, NOW)


def test_reasons_are_those_of_the_contract() -> None:
    assert {
        error.reason
        for error in (
            SignatureInvalid,
            CertificateUntrusted,
            NoPath,
            CertificateExpired,
            CertificateRevoked,
            CertificatePurpose,
            RevocationStatusUnknown,
        )
    } == {
        "SIGNATURE_INVALID",
        "SIGNING_CERTIFICATE_UNTRUSTED",
        "SIGNING_CERTIFICATE_EXPIRED",
        "SIGNING_CERTIFICATE_REVOKED",
        "SIGNING_CERTIFICATE_PURPOSE",
        "REVOCATION_STATUS_UNKNOWN",
    }
