"""What is kept of authorities changes nothing about which certificates are taken, and which are refused."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID, ObjectIdentifier

from namak.evidence import certificate
from namak.evidence.certificate import path_to_root
from namak.evidence.failures import CertificateError
from namak.evidence.known_chains import KnownChains
from tests.unit.evidence_documents.pki import NOW, Authority, Card, new_key, subject

ROOT = Authority.root("Citizen root")
ISSUER = ROOT.authority("Citizen authority")
SHORT_LIVED = ROOT.authority("Citizen authority", days=10)
OTHER_ROOT = Authority.root("Citizen root")
OTHERS_ISSUER = OTHER_ROOT.authority("Citizen authority")
ARC = ObjectIdentifier("1.3.6.1.4.1.99999.1")


def outcome(card: Card, *, at: datetime = NOW, roots: tuple[Authority, ...] = (ROOT,)) -> object:
    """Returns the path's certificates, or how it was refused."""
    try:
        return path_to_root(card.der, card.chain, [root.der for root in roots], at)
    except CertificateError as refused:
        return type(refused), refused.detail


def of_issuer(**others: object) -> Callable[[], Card]:
    return lambda: ISSUER.card(**others)  # type: ignore[arg-type]


def forged() -> Card:
    """A card that names the issuer, and its key, but is signed by another key."""
    forger = Authority(new_key(), ISSUER.certificate, ISSUER.above, is_root=False)
    card = forger.card()
    identifier = ISSUER.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateBuilder()
        .subject_name(card.certificate.subject)
        .issuer_name(ISSUER.certificate.subject)
        .public_key(card.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False)
    )
    return Card(card.key, builder.sign(forger.key, hashes.SHA256()), ISSUER.chain)


def named_by_no_text() -> x509.Name:
    """A subject whose common name is not of a type of text: parsers pass over it, the validator does not."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "261121200000Z", _ASN1Type.UTCTime)])


CARDS = {
    "usual": of_issuer(),
    "with policies": of_issuer(
        extra=[(x509.CertificatePolicies([x509.PolicyInformation(ARC, None)]), False)]
    ),
    "with a critical extension that nobody knows": of_issuer(
        extra=[(x509.UnrecognizedExtension(ARC, b"\x05\x00"), True)]
    ),
    "with an extension that nobody knows": of_issuer(
        extra=[(x509.UnrecognizedExtension(ARC, b"\x05\x00"), False)]
    ),
    "an authority's": of_issuer(is_ca=True),
    "expired": of_issuer(days=-1),
    "signed with a weak digest": of_issuer(digest=hashes.SHA224()),
    "named like its issuer": of_issuer(name=subject("Citizen authority")),
    "named by what is no text": of_issuer(name=named_by_no_text()),
    "of an authority of the same name": OTHERS_ISSUER.card,
    "forged": forged,
    "of the root itself": ROOT.card,
}


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> KnownChains:
    chains = KnownChains()
    monkeypatch.setattr(certificate, "_chains", chains)
    return chains


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_decides_as_if_nothing_were_kept(card: Callable[[], Card], monkeypatch: pytest.MonkeyPatch) -> None:
    one = card()
    decided = outcome(one)
    monkeypatch.setattr(certificate, "_chains", KnownChains())
    outcome(ISSUER.card())
    outcome(ROOT.card())
    assert outcome(one) == decided
    assert outcome(one) == decided


def test_what_is_kept_spares_the_validator(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome(ISSUER.card())
    other = ISSUER.card("PNOAM-5001950023")
    monkeypatch.setattr(certificate, "_validated", lambda *_given: pytest.fail("asked the validator"))
    assert outcome(other) == (other.certificate, ISSUER.certificate, ROOT.certificate)


@pytest.mark.parametrize("days", [-31, -30, 0, 9, 10, 11, 364, 366], ids="{:+} days".format)
def test_the_time_is_looked_at_each_time(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    card, at = SHORT_LIVED.card(), NOW + timedelta(days=days)
    decided = outcome(card, at=at)
    monkeypatch.setattr(certificate, "_chains", KnownChains())
    outcome(SHORT_LIVED.card())
    assert outcome(card, at=at) == decided


def test_a_chain_counts_for_the_roots_that_it_was_found_under() -> None:
    outcome(ISSUER.card())
    assert outcome(ISSUER.card(), roots=(OTHER_ROOT,)) == outcome(OTHERS_ISSUER.card())


def test_constraints_of_names_are_left_to_the_validator(kept: KnownChains) -> None:
    permitted = x509.NameConstraints([x509.DirectoryName(subject("SARGSYAN,ANI"))], None)
    key = new_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject("Narrow authority"))
        .issuer_name(ROOT.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=100))
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(permitted, True)
    )
    narrow = Authority(key, builder.sign(ROOT.key, hashes.SHA256()), (), is_root=False)
    inside, outside = narrow.card(name=subject("SARGSYAN,ANI")), narrow.card(name=subject("OTHER,ANI"))
    assert outcome(inside) == (inside.certificate, narrow.certificate, ROOT.certificate)
    assert outcome(outside) != (outside.certificate, narrow.certificate, ROOT.certificate)
    above, roots = (narrow.der,), (ROOT.der,)
    assert kept.path(inside.certificate, above, roots, NOW) is None


def test_nothing_is_kept_where_two_authorities_have_one_name(kept: KnownChains) -> None:
    card = ISSUER.card()
    above, roots = (ISSUER.der, SHORT_LIVED.der), [ROOT.der]
    assert path_to_root(card.der, above, roots, NOW)[1] == ISSUER.certificate
    assert kept.path(card.certificate, above, tuple(roots), NOW) is None


def test_so_many_chains_are_kept_and_no_more(kept: KnownChains, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("namak.evidence.known_chains.MOST", 2)
    issuers = [ROOT.authority(f"Authority {number}") for number in range(3)]
    cards = [issuer.card() for issuer in issuers]
    for card in cards:
        outcome(card)
    found = [kept.path(card.certificate, card.chain, (ROOT.der,), NOW) is not None for card in cards]
    assert found == [False, True, True]
