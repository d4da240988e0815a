"""Verifiers know from the evidence how certificates name people."""

from namak.evidence.certificate import CertificateNaming
from namak.evidence.namings import NAMINGS, naming_under


def test_armenian_certificates_are_read_as_ever() -> None:
    assert naming_under("namak:am:1") == CertificateNaming()


def test_each_profile_has_a_prefix_of_its_own() -> None:
    assert [(policy, naming.prefix) for policy, naming in NAMINGS.items()] == [
        ("namak:am:1", "PNOAM-"),
        ("namak:kz:1", "IIN"),
        ("namak:az:1", "PNOAZ-"),
    ]


def test_evidence_under_a_profile_that_is_not_known_is_read_as_armenian() -> None:
    """No number under another profile has this form, so that nothing is accepted by mistake."""
    assert naming_under("namak:xx:9") == CertificateNaming()
