from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from namak.evidence.failures import (
    CertificateRevoked,
    RevocationStatusUnknown,
)
from tests.unit.evidence_documents.citizens import (
    AGENCIES,
    ISSUER,
    LISTS,
    ROOT,
    check,
    new_citizens,
    signed_by,
)
from tests.unit.evidence_documents.pki import NOW


def test_a_certificate_revoked_before_is_revoked() -> None:
    root, issuer, card = new_citizens()
    issuer.revoke(card, NOW - timedelta(hours=2))

    with pytest.raises(CertificateRevoked):
        check(signed_by(card), roots=(root.der,), crls=(root.crl(), issuer.crl()))


def test_an_authority_revoked_before_takes_its_certificates_along() -> None:
    root, issuer, card = new_citizens()
    root.revoke(issuer, NOW - timedelta(days=2))

    with pytest.raises(CertificateRevoked):
        check(signed_by(card), roots=(root.der,), crls=(root.crl(), issuer.crl()))


def test_a_certificate_revoked_afterwards_was_not_revoked() -> None:
    root, issuer, card = new_citizens()
    issuer.revoke(card, NOW + timedelta(seconds=1))

    signer = check(signed_by(card), roots=(root.der,), crls=(root.crl(), issuer.crl()))

    assert signer.person.certificate == card.der


def test_of_two_lists_the_one_that_names_the_certificate_counts() -> None:
    root, issuer, card = new_citizens()
    before = issuer.crl(issued=NOW - timedelta(hours=3))
    issuer.revoke(card, NOW - timedelta(hours=2))

    for crls in ((before, issuer.crl()), (issuer.crl(), before)):
        with pytest.raises(CertificateRevoked):
            check(signed_by(card), roots=(root.der,), crls=(root.crl(), *crls))


def test_of_two_clean_lists_the_newer_is_relied_on() -> None:
    older = ISSUER.crl(issued=NOW - timedelta(hours=3))

    signer = check(crls=(older, *LISTS))

    assert signer.person.lists[0].crl == LISTS[1]


UNUSABLE: dict[str, Callable[[], bytes]] = {
    "none": lambda: b"",
    "of another authority": AGENCIES.crl,
    "run out": lambda: ISSUER.crl(issued=NOW - timedelta(days=3)),
    "from later": lambda: ISSUER.crl(issued=NOW + timedelta(seconds=1)),
    "signed by another key": lambda: ISSUER.crl(key=ROOT.key),
    "damaged": lambda: LISTS[1][:-1] + bytes([LISTS[1][-1] ^ 1]),
    "a delta": lambda: ISSUER.crl(extra=((x509.DeltaCRLIndicator(1), True),)),
    "for authorities only": lambda: ISSUER.crl(extra=(_point(only_contains_ca_certs=True),)),
    "for attribute certificates": lambda: ISSUER.crl(extra=(_point(only_contains_attribute_certs=True),)),
    "for some reasons": lambda: ISSUER.crl(
        extra=(_point(only_some_reasons=frozenset([x509.ReasonFlags.key_compromise])),)
    ),
    "indirect": lambda: ISSUER.crl(extra=(_point(indirect_crl=True),)),
    "of another point": lambda: ISSUER.crl(
        extra=(_point(full_name=[x509.UniformResourceIdentifier("http://crl.example/7")]),)
    ),
    "with an unknown critical extension": lambda: ISSUER.crl(
        extra=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00"), True),)
    ),
}


def _point(**fields: Any) -> tuple[x509.ExtensionType, bool]:
    empty: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**empty, **fields}), True


@pytest.mark.parametrize("crl", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_without_a_usable_list_the_status_is_unknown(crl: Callable[[], bytes]) -> None:
    with pytest.raises(RevocationStatusUnknown):
        check(crls=(LISTS[0], crl()))


def test_an_unusable_list_beside_a_usable_one_does_no_harm() -> None:
    for crl in UNUSABLE.values():
        assert check(crls=(crl(), *LISTS)).person.lists[0].crl == LISTS[1]


def test_without_the_authoritys_list_its_status_is_unknown() -> None:
    with pytest.raises(RevocationStatusUnknown):
        check(crls=LISTS[1:])


def test_a_list_for_the_certificates_own_point_is_usable() -> None:
    name = x509.UniformResourceIdentifier("http://crl.example/7")
    points = x509.CRLDistributionPoints([x509.DistributionPoint([name], None, None, None)])
    card = ISSUER.card(extra=((points, False),))
    crl = ISSUER.crl(extra=(_point(full_name=[name], only_contains_user_certs=True),))

    assert check(signed_by(card), crls=(LISTS[0], crl)).person.lists[0].crl == crl
